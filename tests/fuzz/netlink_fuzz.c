// SPDX-License-Identifier: GPL-2.0
/*
 * netlink_fuzz [--seed N] [--messages N] [--processes N]: messages to the
 * driver that its specification says are valid, ones with a single thing
 * wrong, and ones with nothing right.
 *
 * It runs in a test machine: it attaches and takes away every vdisk there is.
 * What it holds the driver to:
 *   - every message is answered;
 *   - one thing wrong is refused, and each refusal (EINVAL, ERANGE) has a reason;
 *   - what GET shows is as the specification says, and numbers ascend;
 *   - afterwards all devices can be taken away.
 * Memory errors, leaks and lock trouble are for the kernel it runs on to tell.
 */
#include <getopt.h>
#include <sys/wait.h>
#include <time.h>
#include "netlink_raw.h"

enum { PATIENCE = 30, DEVICES_MAX = 24, GONE_SECONDS = 60, LOOK_EVERY = 64 };

static uint64_t seed = 1;
static uint64_t random_state;
static unsigned long failures;

/* How the messages ended, by kind and errno: a run that only meets refusals tests little. */
enum kind { VALID, WRONG, RANDOM, KINDS };
static unsigned long ends[KINDS][256];
static struct nl_socket sock;
static struct nl_message message;

/* The same numbers from the same seed: a finding can be had again. */
static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static uint32_t below(uint32_t n)
{
	return n ? (random64() >> 32) % n : 0;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static void report(const char *what, const char *detail)
{
	size_t i, len = message.head.nlmsg_len;

	failures++;
	printf("# finding: %s: %s; seed %llu, errno %d '%s'\n# message:", what, detail,
	       (unsigned long long)seed, -sock.error, sock.reason);
	for (i = NLMSG_HDRLEN; i < len && i < 600; i++)
		printf("%s%02x", i % 4 ? "" : " ", (uint8_t)message.bytes[i]);
	putchar('\n');
	fflush(stdout);
}

/* --- valid messages --- */

static void put(uint16_t type, const void *data, size_t len)
{
	nl_put(&message, type, data, len);
}

static void put_u32(uint16_t type, uint32_t value)
{
	put(type, &value, sizeof(value));
}

static void put_u16(uint16_t type, uint16_t value)
{
	put(type, &value, sizeof(value));
}

static void put_u64(uint16_t type, uint64_t value)
{
	put(type, &value, sizeof(value));
}

static struct nlattr *nest(uint16_t type)
{
	return nl_put(&message, type | NLA_F_NESTED, NULL, 0);
}

static void put_text(uint16_t type, size_t max)
{
	static const char *const pieces[] = { "a", "debian", "~", "\xc3\xa4", "\xe2\x82\xac", "/", " ",
					      "@", "%" };
	char text[VDISK_EXPORT_MAX + 1] = "";
	const char *piece;
	size_t used = 0;
	int n = one_in(20) ? 1000 : 1 + below(6);

	while (n--) {
		piece = pieces[below(sizeof(pieces) / sizeof(*pieces))];
		if (used + strlen(piece) > max)
			break;
		strcpy(text + used, piece);
		used += strlen(piece);
	}
	put(type, text, used + 1);
}

/* Loopback, where nobody listens, and addresses without a route. */
static void valid_address(void)
{
	static const uint8_t local[16] = { 0xfe, 0x80, [15] = 1 }, global[16] = { 0x20, 1, 0xd, 0xb8 };
	static const uint8_t v4[2][4] = { { 127, 0, 0, 1 }, { 192, 0, 2, 1 } };
	struct nlattr *n = nest(VDISK_SERVER_A_ADDRESS);

	switch (below(3)) {
	case 0:
		put(VDISK_ADDRESS_A_IPV4, v4[below(2)], 4);
		break;
	case 1:
		put(VDISK_ADDRESS_A_IPV6, global, 16);
		break;
	default:
		put(VDISK_ADDRESS_A_IPV6, local, 16);
		put_u32(VDISK_ADDRESS_A_SCOPE, 1 + below(3));
	}
	nl_nest_end(&message, n);
}

static void valid_server(void)
{
	struct nlattr *n = nest(VDISK_A_SERVER);
	int count = 1 + (one_in(4) ? below(VDISK_ADDRESSES_MAX) : 0);

	put_text(VDISK_SERVER_A_HOST, VDISK_HOST_MAX);
	put_u16(VDISK_SERVER_A_PORT, 1 + below(9));
	put_text(VDISK_SERVER_A_EXPORT, VDISK_EXPORT_MAX);
	while (count--)
		valid_address();
	nl_nest_end(&message, n);
}

static void valid_full(void)
{
	uint32_t full = below(2);

	if (one_in(2))
		return;
	put_u32(VDISK_OVERLAY_A_FULL, full);
	if (full == VDISK_FULL_WAIT && one_in(2))
		put_u32(VDISK_OVERLAY_A_FULL_SECONDS, below(VDISK_SECONDS_MAX));
}

static void valid_overlay(bool living)
{
	struct nlattr *n = nest(VDISK_A_OVERLAY);

	if (!living)
		put_u32(VDISK_OVERLAY_A_KIND, VDISK_OVERLAY_RAM);
	put_u64(VDISK_OVERLAY_A_LIMIT, 4096ULL * (1 + below(1024)));
	if (one_in(3))
		put(VDISK_OVERLAY_A_OVERCOMMIT, NULL, 0);
	valid_full();
	nl_nest_end(&message, n);
}

/* Never REBOOT with a patience that this run could see the end of. */
static void valid_lost(void)
{
	uint32_t lost = below(3);

	put_u32(VDISK_A_LOST, lost);
	if (lost == VDISK_LOST_FAIL)
		put_u32(VDISK_A_LOST_SECONDS, below(3));
	if (lost == VDISK_LOST_REBOOT)
		put_u32(VDISK_A_LOST_SECONDS, VDISK_SECONDS_MAX - below(1000));
}

static void valid_attach(void)
{
	bool overlay = one_in(2);
	int servers = 1;

	if (one_in(3))
		put_u32(VDISK_A_NUMBER, below(DEVICES_MAX));
	if (one_in(3))
		put_u32(VDISK_A_CONNECTIONS, 1 + below(VDISK_CONNECTIONS_MAX));
	if (overlay)
		valid_overlay(false);
	else if (one_in(2))
		put_u32(VDISK_A_FLAGS, one_in(2) ? VDISK_F_READ_ONLY : VDISK_F_WRITE_THROUGH);
	else if (one_in(2))
		servers += below(VDISK_SERVERS_MAX);
	if (one_in(2))
		valid_lost();
	if (one_in(2))
		put_u32(VDISK_A_PATIENCE, below(3));
	if (one_in(2))
		put_u32(VDISK_A_READAHEAD_KB, below(VDISK_READAHEAD_KB_MAX + 1));
	while (servers--)
		valid_server();
}

static void valid_set(void)
{
	put_u32(VDISK_A_NUMBER, below(DEVICES_MAX));
	put_u32(VDISK_A_READAHEAD_KB, below(VDISK_READAHEAD_KB_MAX + 1));
	if (one_in(3))
		valid_lost();
	if (one_in(3))
		valid_overlay(true);
	if (one_in(4))
		put(VDISK_A_FAIL_NOW, NULL, 0);
}

static void valid_message(uint8_t command)
{
	nl_begin(&message, sock.family, command, NLM_F_ACK);
	switch (command) {
	case VDISK_CMD_ATTACH:
		valid_attach();
		break;
	case VDISK_CMD_SET:
		valid_set();
		break;
	default:
		put_u32(VDISK_A_NUMBER, below(DEVICES_MAX));
		if (command == VDISK_CMD_DETACH && one_in(2))
			put(VDISK_A_FORCE, NULL, 0);
	}
}

static uint8_t any_command(void)
{
	static const uint8_t often[] = {
		VDISK_CMD_ATTACH, VDISK_CMD_ATTACH, VDISK_CMD_ATTACH, VDISK_CMD_DETACH,
		VDISK_CMD_DETACH, VDISK_CMD_GET, VDISK_CMD_SET, VDISK_CMD_SET,
	};

	return often[below(sizeof(often))];
}

/* --- one thing wrong --- */

/* An attribute of the message, and where it stands. */
struct place {
	struct nlattr *attr;
	const struct spec_attr *spec;
	struct nlattr *parents[4];
	int depth;
};

/* Walks to a random attribute: each is chosen with the same chance. */
static void choose(const struct spec_set *set, char *data, size_t len, struct place *now,
		   struct place *chosen, unsigned int *seen)
{
	const struct nlattr *next = NULL;
	struct nlattr *attr;
	uint16_t type;

	while ((next = nl_next(data, len, next))) {
		attr = (struct nlattr *)next;
		type = attr->nla_type & NLA_TYPE_MASK;
		now->attr = attr;
		now->spec = &set->attrs[type - 1];
		if (one_in(++*seen))
			*chosen = *now;
		if (now->spec->kind != KIND_NEST)
			continue;
		now->parents[now->depth++] = attr;
		choose(set->attrs[type - 1].nested, (char *)nl_data(attr), nl_len(attr), now, chosen,
		       seen);
		now->depth--;
	}
}

static bool choose_any(struct place *chosen)
{
	size_t header = NLMSG_LENGTH(GENL_HDRLEN);
	struct place now = { 0 };
	unsigned int seen = 0;

	choose(&spec_set_vdisk, message.bytes + header, message.head.nlmsg_len - header, &now, chosen,
	       &seen);
	return seen;
}

/* Makes the payload @len bytes long; the lengths around it follow. */
static void resize(struct place *place, size_t len)
{
	char *payload = (char *)place->attr + NLA_HDRLEN;
	size_t had = NLA_ALIGN(nl_len(place->attr)), wanted = NLA_ALIGN(len);
	char *end = message.bytes + message.head.nlmsg_len;
	int i;

	memmove(payload + wanted, payload + had, end - (payload + had));
	if (wanted > had)
		memset(payload + had, 0x41, wanted - had);
	place->attr->nla_len = NLA_HDRLEN + len;
	for (i = 0; i < place->depth; i++)
		place->parents[i]->nla_len += wanted - had;
	message.head.nlmsg_len += wanted - had;
}

/* Returns what is wrong now, or NULL when this can't be done to the attribute. */
static const char *wrong_number(struct place *place)
{
	const struct spec_attr *spec = place->spec;
	uint64_t value;

	if (spec->kind != KIND_U16 && spec->kind != KIND_U32 && spec->kind != KIND_U64)
		return NULL;
	if (nl_len(place->attr) < 8 && spec->max < (1ULL << (8 * nl_len(place->attr))) - 1)
		value = one_in(2) ? spec->max + 1 : (1ULL << (8 * nl_len(place->attr))) - 1;
	else if (spec->min)
		value = one_in(2) ? spec->min - 1 : 0;
	else
		return NULL;
	memcpy((char *)place->attr + NLA_HDRLEN, &value, nl_len(place->attr));
	return "a number out of range";
}

static const char *wrong_length(struct place *place)
{
	size_t len = nl_len(place->attr);

	switch (place->spec->kind) {
	case KIND_NEST:
		return NULL;
	case KIND_STRING:
		resize(place, place->spec->len + 2 + below(64));
		return "a string too long";
	case KIND_FLAG:
		resize(place, 1 + below(8));
		return "a flag with a payload";
	default:
		resize(place, one_in(2) ? below(len) : len + 1 + below(16));
		return "a wrong length";
	}
}

static const char *wrong_text(struct place *place)
{
	static const char *const bad[] = {
		"\n", "\x1b[2J", "\x7f", "\x80", "\xff", "\xc0\xaf", "\xc2\x85", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82",
	};
	const char *text = bad[below(sizeof(bad) / sizeof(*bad))];
	size_t len = strlen(text);

	if (place->spec->kind != KIND_STRING)
		return NULL;
	if (one_in(4)) {
		resize(place, one_in(2) ? 0 : 4);
		memset((char *)place->attr + NLA_HDRLEN, 'x', nl_len(place->attr));
		return "a string without an end";
	}
	if (one_in(4)) {
		resize(place, 4);
		memcpy((char *)place->attr + NLA_HDRLEN, "a\0b", 4);
		return "a zero byte in a string";
	}
	resize(place, len + 1);
	memcpy((char *)place->attr + NLA_HDRLEN, text, len + 1);
	return "not a text";
}

static const char *wrong_type(struct place *place)
{
	if (place->spec->kind == KIND_NEST && one_in(2)) {
		place->attr->nla_type &= ~NLA_F_NESTED;
		return "a nest without its flag";
	}
	place->attr->nla_type = (place->attr->nla_type & NLA_F_NESTED) | (64 + below(1000));
	return "an unknown attribute";
}

/* An attribute behind the others that this command does not take. */
static const char *foreign_attribute(uint8_t command)
{
	const struct spec_op *op = &spec_ops[command - 1];
	const struct spec_attr *attr = &spec_set_vdisk.attrs[below(spec_set_vdisk.count)];
	uint64_t zero[32] = { 0 };

	if (op->request & (1ULL << attr->type))
		return NULL;
	switch (attr->kind) {
	case KIND_U32:
		put(attr->type, zero, 4);
		break;
	case KIND_U64:
		put(attr->type, zero, 8);
		break;
	case KIND_STRING:
		put(attr->type, "x", 2);
		break;
	case KIND_NEST:
		put(attr->type | NLA_F_NESTED, NULL, 0);
		break;
	default:
		put(attr->type, NULL, 0);
	}
	return "an attribute of others";
}

static const char *wrong_header(void)
{
	struct genlmsghdr *genl = NLMSG_DATA(&message.head);

	switch (below(4)) {
	case 0:
		genl->reserved = 1 + below(1000);
		return "reserved bits in the header";
	case 1:
		message.head.nlmsg_flags |= 0x800 << below(5);
		return "unknown flags in the header";
	case 2:
		genl->cmd = VDISK_CMD_EVENT + below(200);
		return "an unknown command";
	default:
		memset(message.bytes + message.head.nlmsg_len, 0xff, 4);
		message.head.nlmsg_len += 1 + below(3);
		return "bytes behind the attributes";
	}
}

static const char *too_many(uint8_t command)
{
	int i;

	if (command != VDISK_CMD_ATTACH)
		return NULL;
	for (i = 0; i <= VDISK_SERVERS_MAX; i++)
		valid_server();
	return "too many servers";
}

/* Returns what is wrong now; the message is a valid one before. */
static const char *spoil(uint8_t command)
{
	struct place place = { 0 };
	const char *what = NULL;

	while (!what) {
		if (!choose_any(&place))
			return "no attribute at all";
		switch (below(8)) {
		case 0:
		case 1:
			what = wrong_number(&place);
			break;
		case 2:
			what = wrong_length(&place);
			break;
		case 3:
			what = wrong_text(&place);
			break;
		case 4:
			what = wrong_type(&place);
			break;
		case 5:
			what = foreign_attribute(command);
			break;
		case 6:
			what = wrong_header();
			break;
		default:
			what = too_many(command);
		}
	}
	return what;
}

/* --- nothing right --- */

static void random_attributes(int count, int depth)
{
	uint8_t bytes[256];
	struct nlattr *n;
	size_t i, len;

	while (count--) {
		if (depth < 4 && one_in(4)) {
			n = nl_put(&message, below(32) | (one_in(4) ? 0 : NLA_F_NESTED), NULL, 0);
			random_attributes(below(5), depth + 1);
			nl_nest_end(&message, n);
			continue;
		}
		len = one_in(3) ? below(sizeof(bytes)) : 4;
		for (i = 0; i < len; i++)
			bytes[i] = one_in(3) ? random64() : 0;
		put(one_in(8) ? random64() : below(24), bytes, len);
	}
}

/*
 * Random bytes could tell the machine to restart: attributes that might be read
 * as LOST keep to other policies.
 */
static void tame(void)
{
	size_t header = NLMSG_LENGTH(GENL_HDRLEN), i;
	struct nlattr *attr;

	for (i = header; i + NLA_HDRLEN + 4 <= message.head.nlmsg_len; i += NLA_ALIGNTO) {
		attr = (void *)(message.bytes + i);
		if ((attr->nla_type & NLA_TYPE_MASK) == VDISK_A_LOST &&
		    *(uint32_t *)nl_data(attr) == VDISK_LOST_REBOOT)
			*(uint32_t *)nl_data(attr) = VDISK_LOST_FAIL;
	}
}

static void random_message(void)
{
	size_t header = NLMSG_LENGTH(GENL_HDRLEN), i;
	unsigned int flips;

	nl_begin(&message, sock.family, one_in(8) ? random64() : any_command(), NLM_F_ACK);
	if (one_in(8))
		message.head.nlmsg_flags |= NLM_F_DUMP;
	if (one_in(2)) {
		random_attributes(below(12), 0);
	} else {
		valid_message(any_command());
		for (flips = 1 + below(8); flips; flips--) {
			i = header + below(message.head.nlmsg_len - header);
			message.bytes[i] ^= 1 << below(8);
		}
		if (one_in(8) && message.head.nlmsg_len > header + 4)
			message.head.nlmsg_len -= below(message.head.nlmsg_len - header);
	}
	tame();
}

/* --- what the driver says --- */

static void check_set(const struct spec_set *set, const char *data, size_t len)
{
	static const size_t sizes[] = { [KIND_U16] = 2, [KIND_U32] = 4, [KIND_U64] = 8 };
	const struct nlattr *attr = NULL;
	const struct spec_attr *spec;
	uint16_t type;
	size_t have;

	while ((attr = nl_next(data, len, attr))) {
		type = attr->nla_type & NLA_TYPE_MASK;
		have = nl_len(attr);
		if (!type || type > set->count) {
			report("the driver sends what is not specified", "an attribute");
			continue;
		}
		spec = &set->attrs[type - 1];
		switch (spec->kind) {
		case KIND_NEST:
			check_set(spec->nested, nl_data(attr), have);
			break;
		case KIND_STRING:
			if (!have || ((const char *)nl_data(attr))[have - 1])
				report("a string without an end", spec->name);
			break;
		case KIND_BINARY:
			if (have != spec->len)
				report("a wrong length from the driver", spec->name);
			break;
		case KIND_FLAG:
		case KIND_PAD:
			if (have)
				report("a payload from the driver", spec->name);
			break;
		default:
			if (have != sizes[spec->kind])
				report("a wrong length from the driver", spec->name);
		}
	}
}

struct view {
	int count;
	int64_t last;
	uint32_t numbers[VDISK_NUMBER_MAX + 1];
};

static void see_device(struct nl_socket *s, const struct nlmsghdr *head, void *data)
{
	size_t header = NLMSG_LENGTH(GENL_HDRLEN), len = head->nlmsg_len - header;
	const char *attrs = (const char *)head + header;
	const struct nlattr *number = nl_find(attrs, len, VDISK_A_NUMBER);
	struct view *view = data;
	uint32_t n;

	(void)s;
	check_set(&spec_set_vdisk, attrs, len);
	if (!number) {
		report("a device without a number", "");
		return;
	}
	n = *(const uint32_t *)nl_data(number);
	if (n <= view->last || n > VDISK_NUMBER_MAX)
		report("numbers do not ascend", "");
	view->last = n;
	view->numbers[view->count++] = n;
}

static bool look(struct view *view)
{
	view->count = 0;
	view->last = -1;
	nl_begin(&message, sock.family, VDISK_CMD_GET, NLM_F_DUMP);
	if (nl_exchange(&sock, &message, see_device, view) && !sock.error)
		return true;
	report("a dump failed", strerror(sock.error ? -sock.error : errno));
	return false;
}

static void force_away(uint32_t number)
{
	nl_begin(&message, sock.family, VDISK_CMD_DETACH, NLM_F_ACK);
	put_u32(VDISK_A_NUMBER, number);
	put(VDISK_A_FORCE, NULL, 0);
	if (!nl_exchange(&sock, &message, NULL, NULL) || (sock.error && sock.error != -ENODEV))
		report("a forced detach failed", strerror(-sock.error));
}

static void thin_out(int keep)
{
	static struct view view;
	int i;

	if (!look(&view))
		return;
	for (i = keep; i < view.count; i++)
		force_away(view.numbers[i]);
}

static bool all_gone(void)
{
	static struct view view;
	const struct timespec pause = { .tv_nsec = 50000000 };
	time_t end = time(NULL) + GONE_SECONDS;

	for (;;) {
		if (!look(&view))
			return false;
		if (!view.count)
			return true;
		if (time(NULL) > end)
			return false;
		thin_out(0);
		nanosleep(&pause, NULL);
	}
}

/* --- the run --- */

static void send_one(enum kind kind, const char *wrong)
{
	size_t len = message.head.nlmsg_len;

	if (!nl_exchange(&sock, &message, NULL, NULL)) {
		/* What netlink itself can't take apart gets no answer. */
		if (len >= NLMSG_LENGTH(GENL_HDRLEN))
			report("no answer", wrong);
		return;
	}
	ends[kind][-sock.error & 255]++;
	if (kind == WRONG && !sock.error)
		report("accepted", wrong);
	if ((sock.error == -EINVAL || sock.error == -ERANGE) && !sock.reason[0])
		report("refused without a reason", wrong);
	if (kind == VALID && (sock.error == -ERANGE || sock.error == -EOPNOTSUPP ||
			      sock.error == -EMSGSIZE || sock.error == -EPERM))
		report("refused", wrong);
}

static void one_message(void)
{
	uint8_t command = any_command();
	const char *wrong;

	switch (below(4)) {
	case 0:
		random_message();
		send_one(RANDOM, "a random message");
		break;
	case 1:
		valid_message(command);
		send_one(VALID, "a valid message");
		break;
	default:
		valid_message(command);
		wrong = spoil(command);
		tame();
		send_one(WRONG, wrong);
	}
}

static void print_ends(void)
{
	static const char *const names[] = { "valid", "wrong", "random" };
	const char *error;
	int kind, i;

	for (kind = 0; kind < KINDS; kind++) {
		printf("# %s:", names[kind]);
		for (i = 0; i < 256; i++) {
			error = i ? strerrorname_np(i) : "accepted";
			if (ends[kind][i])
				printf(" %lu %s", ends[kind][i], error ? error : "?");
		}
		putchar('\n');
	}
	if (!ends[VALID][0])
		report("no valid message was accepted", "");
}

static int run(unsigned long messages, unsigned int process)
{
	unsigned long i;

	if (!nl_open(&sock, PATIENCE)) {
		printf("# no family vdisk: %s\n", strerror(errno));
		return 1;
	}
	random_state = (seed + process) * 0x9e3779b97f4a7c15ULL | 1;
	for (i = 0; i < messages && failures < 20; i++) {
		one_message();
		if (i % LOOK_EVERY == 0)
			thin_out(DEVICES_MAX / 2);
	}
	print_ends();
	return failures ? 1 : 0;
}

static int run_all(unsigned long messages, unsigned int processes)
{
	unsigned int i;
	int status, ret = 0;

	for (i = 0; i < processes; i++)
		if (!fork())
			_exit(run(messages, i));
	while (wait(&status) > 0)
		ret |= !WIFEXITED(status) || WEXITSTATUS(status);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "messages", required_argument, NULL, 'm' },
		{ "processes", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long messages = 5000;
	unsigned int processes = 3;
	bool found, gone;
	int option;

	seed = time(NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'm':
			messages = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			processes = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	printf("# seed %llu, %u processes, %lu messages each\n", (unsigned long long)seed, processes,
	       messages);
	found = run_all(messages, processes);
	printf("%sok 1 - messages are answered as they should be\n", found ? "not " : "");
	gone = nl_open(&sock, PATIENCE) && all_gone();
	printf("%sok 2 - all devices can be taken away\n1..2\n", gone ? "" : "not ");
	return found || !gone;
}
