// SPDX-License-Identifier: GPL-2.0
/*
 * vdisk_nl COMMAND [WORD]...: sends one message to the driver, exactly as told,
 * and prints "ok", with the attributes of the reply, or "ERRNO-NAME: REASON".
 * Exit 0, 1 when the driver refused, 2 for wrong usage, 3 when it did not answer.
 *
 * Words, in the order in which the attributes come:
 *   NAME=VALUE        a number, a string, hexadecimal digits for binaries
 *   NAME              a flag
 *   NAME{ ... }       a nest; the braces are words' ends: server{ port=1 }
 *   NAME:HEX          whatever the payload should be
 *   NAME:{ ... }      a nest without the flag NLA_F_NESTED
 *   #TYPE:HEX         an attribute that has no name
 *   --dump --version=N --reserved=N --command=N --trailing=HEX
 */
#include "netlink_raw.h"

enum { DEPTH_MAX = 8, PATIENCE = 10 };

struct builder {
	struct nl_message message;
	const struct spec_set *set[DEPTH_MAX];
	struct nlattr *nest[DEPTH_MAX];
	int depth;
	uint8_t trailing[64];
	int nr_trailing;
};

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "vdisk_nl: %s: '%s'\n", what, word);
	exit(2);
}

static const struct spec_attr *find(const struct spec_set *set, const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < set->count; i++)
		if (strlen(set->attrs[i].name) == len && !strncmp(set->attrs[i].name, name, len))
			return &set->attrs[i];
	return NULL;
}

static int from_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t n = 0;
	int used;

	for (; *text; text += 2) {
		if (n == size || sscanf(text, "%2hhx%n", &bytes[n++], &used) != 1 || used != 2)
			wrong("not hexadecimal, or too long", text);
	}
	return n;
}

static void put(struct builder *b, uint16_t type, const void *data, size_t len)
{
	if (!nl_put(&b->message, type, data, len))
		wrong("the message is full", "");
}

static void put_raw(struct builder *b, uint16_t type, const char *hex)
{
	uint8_t bytes[8192];

	put(b, type, bytes, from_hex(hex, bytes, sizeof(bytes)));
}

static void put_value(struct builder *b, const struct spec_attr *attr, const char *text)
{
	uint64_t number = strtoull(text, NULL, 0);
	uint32_t u32 = number;
	uint16_t u16 = number;

	switch (attr->kind) {
	case KIND_U16:
		put(b, attr->type, &u16, sizeof(u16));
		break;
	case KIND_U32:
		put(b, attr->type, &u32, sizeof(u32));
		break;
	case KIND_U64:
		put(b, attr->type, &number, sizeof(number));
		break;
	case KIND_STRING:
		put(b, attr->type, text, strlen(text) + 1);
		break;
	case KIND_BINARY:
		put_raw(b, attr->type, text);
		break;
	default:
		wrong("takes no value", attr->name);
	}
}

static void open_nest(struct builder *b, const struct spec_attr *attr, uint16_t flag)
{
	if (attr->kind != KIND_NEST || b->depth + 1 == DEPTH_MAX)
		wrong("not a nest, or too deep", attr->name);
	put(b, attr->type | flag, NULL, 0);
	b->depth++;
	b->set[b->depth] = attr->nested;
	b->nest[b->depth] = (void *)(b->message.bytes + b->message.head.nlmsg_len - NLA_HDRLEN);
}

static void close_nest(struct builder *b)
{
	if (!b->depth)
		wrong("one too many", "}");
	nl_nest_end(&b->message, b->nest[b->depth--]);
}

static void take_attribute(struct builder *b, const char *word)
{
	size_t len = strcspn(word, "=:{");
	const struct spec_attr *attr;
	const char *rest = word + len;

	if (*word == '#') {
		if (*rest != ':')
			wrong("#TYPE:HEX", word);
		put_raw(b, strtoul(word + 1, NULL, 0), rest + 1);
		return;
	}
	attr = find(b->set[b->depth], word, len);
	if (!attr)
		wrong("no such attribute here", word);
	if (!strcmp(rest, "{"))
		open_nest(b, attr, NLA_F_NESTED);
	else if (!strcmp(rest, ":{"))
		open_nest(b, attr, 0);
	else if (*rest == ':')
		put_raw(b, attr->type, rest + 1);
	else if (*rest == '=')
		put_value(b, attr, rest + 1);
	else
		put(b, attr->type, NULL, 0);
}

static void take_option(struct builder *b, const char *word)
{
	struct genlmsghdr *genl = NLMSG_DATA(&b->message.head);
	unsigned int number;

	if (!strcmp(word, "--dump"))
		b->message.head.nlmsg_flags |= NLM_F_DUMP;
	else if (sscanf(word, "--version=%u", &number) == 1)
		genl->version = number;
	else if (sscanf(word, "--reserved=%u", &number) == 1)
		genl->reserved = number;
	else if (sscanf(word, "--command=%u", &number) == 1)
		genl->cmd = number;
	else if (!strncmp(word, "--trailing=", 11))
		b->nr_trailing = from_hex(word + 11, b->trailing, sizeof(b->trailing));
	else
		wrong("unknown option", word);
}

static void print_attributes(const struct spec_set *set, const void *data, size_t len, int indent)
{
	const struct nlattr *attr = NULL;
	const struct spec_attr *spec;
	uint16_t type;
	size_t i;

	while ((attr = nl_next(data, len, attr))) {
		type = attr->nla_type & NLA_TYPE_MASK;
		spec = type && type <= set->count ? &set->attrs[type - 1] : NULL;
		printf("%*s%s", indent, "", spec ? spec->name : "?");
		if (spec && spec->kind == KIND_NEST) {
			putchar('\n');
			print_attributes(spec->nested, nl_data(attr), nl_len(attr), indent + 2);
			continue;
		}
		if (spec && spec->kind == KIND_STRING) {
			printf("=%.*s\n", (int)nl_len(attr), (const char *)nl_data(attr));
			continue;
		}
		putchar('=');
		for (i = nl_len(attr); i; i--)
			printf("%02x", ((const uint8_t *)nl_data(attr))[i - 1]);
		putchar('\n');
	}
}

static void print_reply(struct nl_socket *s, const struct nlmsghdr *head, void *data)
{
	size_t hdr = NLMSG_LENGTH(GENL_HDRLEN);

	(void)s;
	(void)data;
	puts("reply");
	print_attributes(&spec_set_vdisk, (const char *)head + hdr, head->nlmsg_len - hdr, 2);
}

static int run(struct builder *b)
{
	static struct nl_socket s;

	if (!nl_open(&s, PATIENCE)) {
		fprintf(stderr, "vdisk_nl: no family: %s\n", strerror(errno));
		return 3;
	}
	b->message.head.nlmsg_type = s.family;
	if (!nl_exchange(&s, &b->message, print_reply, NULL)) {
		fprintf(stderr, "vdisk_nl: no answer\n");
		return 3;
	}
	if (!s.error) {
		puts("ok");
		return 0;
	}
	printf("%s: %s\n", strerrorname_np(-s.error), s.reason);
	return 1;
}

static uint8_t command_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(spec_ops) / sizeof(*spec_ops); i++)
		if (!strcmp(spec_ops[i].name, name))
			return spec_ops[i].command;
	return wrong("no such command", name);
}

int main(int argc, char **argv)
{
	static struct builder b;
	int i;

	if (argc < 2)
		wrong("a command is missing", "");
	b.set[0] = &spec_set_vdisk;
	nl_begin(&b.message, 0, command_of(argv[1]), NLM_F_ACK);
	for (i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "}"))
			close_nest(&b);
		else if (!strncmp(argv[i], "--", 2))
			take_option(&b, argv[i]);
		else
			take_attribute(&b, argv[i]);
	}
	if (b.depth)
		wrong("a nest is open", "");
	memcpy(b.message.bytes + b.message.head.nlmsg_len, b.trailing, b.nr_trailing);
	b.message.head.nlmsg_len += b.nr_trailing;
	return run(&b);
}
