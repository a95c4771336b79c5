// SPDX-License-Identifier: GPL-2.0
/*
 * The client's side of the NBD handshake.
 *
 *	greeting, client flags
 *	STRUCTURED_REPLY	any error but "no TLS, no word": go on without
 *	LIST_META_CONTEXT	the stamp; any error: none
 *	GO, with NAME and BLOCK_SIZE asked for
 *	EXPORT_NAME		only if the server does not know GO
 *
 * All that the server says is checked before it is used: lengths before bytes
 * are read, numbers before they are stored, words before they are shown.  An
 * option reply longer than the buffer is read to its end and cut, so that both
 * sides stay in step.
 */
#include "wire_env.h"
#include "handshake.h"

#define OLDSTYLE_MAGIC	0x00420281861253ULL

enum handshake_limits {
	HS_BUFFER	= NBD_STRING_MAX + 64,	/* of an option's payload */
	HS_SCRATCH	= 1024,
	HS_ZEROES	= 124,			/* after EXPORT_NAME's answer */
};

struct handshake {
	void *ctx;
	const char *name;
	u32 name_len;
	struct vdisk_export *ex;
	char *text;
	bool no_zeroes;
	bool has_export;
	/* the option reply read last */
	u32 type;
	u32 len;			/* bytes of it in @in */
	u32 told;			/* its length on the wire */
	u8 in[HS_BUFFER];
	u8 out[HS_BUFFER];
	u8 scratch[HS_SCRATCH];
};

struct greeting {
	__be64 magic;
	__be64 option_magic;
	__be16 flags;
} __packed;

struct export_name_reply {
	__be64 size;
	__be16 flags;
} __packed;

struct info_export {
	__be16 info;
	__be64 size;
	__be16 flags;
} __packed;

struct info_block_size {
	__be16 info;
	__be32 minimum;
	__be32 preferred;
	__be32 maximum;
} __packed;

/*
 * Decodes one character; returns its bytes, or 0 if it isn't UTF-8 or nothing
 * for a line of text: controls, marks that turn the direction of writing.
 */
static u32 printable(const u8 *s, u32 len)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 n, i, c;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
		return 0;
	c = s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0xa0 || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff))
		return 0;
	return n;
}

/* Copies what can be shown, '?' for each other byte.  Returns how many those were. */
static u32 show(char *to, u32 size, const u8 *from, u32 len)
{
	u32 bad = 0, n, used = 0;

	while (len) {
		n = printable(from, len);
		if (used + max_t(u32, n, 1) >= size)
			break;
		if (n)
			memcpy(to + used, from, n);
		else
			to[used] = '?';
		bad += !n;
		n = max_t(u32, n, 1);
		used += n;
		from += n;
		len -= n;
	}
	to[used] = '\0';
	return bad;
}

/* Ends the handshake with a reason. */
static int refuse(struct handshake *h, int err, const char *why)
{
	snprintf(h->text, VDISK_HS_TEXT, "%s", why);
	return err;
}

/* The same, with the words of the error reply that was read last. */
static int refused(struct handshake *h, int err, const char *why)
{
	u32 n = snprintf(h->text, VDISK_HS_TEXT, "%s", why);

	if (h->len && n + sizeof(": ") < VDISK_HS_TEXT) {
		memcpy(h->text + n, ": ", 2);
		show(h->text + n + 2, VDISK_HS_TEXT - n - 2, h->in, h->len);
	}
	return err;
}

static int lost(struct handshake *h, int err, const char *what)
{
	if (err == -ETIMEDOUT)
		snprintf(h->text, VDISK_HS_TEXT, "the server is silent: waited for %s", what);
	else if (err == -ECONNRESET || err == -EPIPE)
		snprintf(h->text, VDISK_HS_TEXT, "the connection was closed before %s", what);
	else
		snprintf(h->text, VDISK_HS_TEXT, "the connection failed before %s (error %d)",
			 what, -err);
	return err;
}

static int receive(struct handshake *h, void *buf, u32 len, const char *what)
{
	int ret = vdisk_handshake_recv(h->ctx, buf, len);

	return ret ? lost(h, ret, what) : 0;
}

static int transmit(struct handshake *h, const void *buf, u32 len, const char *what)
{
	int ret = vdisk_handshake_send(h->ctx, buf, len);

	return ret ? lost(h, ret, what) : 0;
}

/* Reads @len bytes that nobody wants. */
static int discard(struct handshake *h, u32 len, const char *what)
{
	int ret = 0;
	u32 n;

	for (; len && !ret; len -= n) {
		n = min_t(u32, len, sizeof(h->scratch));
		ret = receive(h, h->scratch, n, what);
	}
	return ret;
}

static const char *option_word(enum nbd_option option)
{
	switch (option) {
	case NBD_OPT_STRUCTURED_REPLY:
		return "the answer to STRUCTURED_REPLY";
	case NBD_OPT_LIST_META_CONTEXT:
		return "the answer to LIST_META_CONTEXT";
	case NBD_OPT_EXPORT_NAME:
		return "the answer to EXPORT_NAME";
	default:
		return "the answer to GO";
	}
}

/* Sends an option whose payload is h->out[0, @len), in one piece. */
static int option_send(struct handshake *h, enum nbd_option option, u32 len)
{
	struct nbd_option_header *head = (void *)h->scratch;
	const char *what = option_word(option);
	u32 part = min_t(u32, len, sizeof(h->scratch) - sizeof(*head));
	int ret;

	head->magic = cpu_to_be64(NBD_MAGIC_OPTION);
	head->option = cpu_to_be32(option);
	head->length = cpu_to_be32(len);
	memcpy(head + 1, h->out, part);
	ret = transmit(h, head, sizeof(*head) + part, what);
	if (!ret && len > part)
		ret = transmit(h, h->out + part, len - part, what);
	return ret;
}

/* Reads one reply to @option into type, in, len, told. */
static int option_reply(struct handshake *h, enum nbd_option option)
{
	const char *what = option_word(option);
	struct nbd_option_reply head;
	int ret;

	ret = receive(h, &head, sizeof(head), what);
	if (ret)
		return ret;
	if (head.magic != cpu_to_be64(NBD_MAGIC_OPTION_REPLY))
		return refuse(h, -EPROTO, "an option reply with a wrong magic number");
	if (head.option != cpu_to_be32(option))
		return refuse(h, -EPROTO, "an answer to an option that was not asked");
	h->type = be32_to_cpu(head.type);
	h->told = be32_to_cpu(head.length);
	if (h->told > VDISK_HS_PAYLOAD_MAX)
		return refuse(h, -EPROTO, "an option reply that is too long");
	h->len = min_t(u32, h->told, sizeof(h->in));
	if (h->len)
		ret = receive(h, h->in, h->len, what);
	return ret ? ret : discard(h, h->told - h->len, what);
}

/* Errors after which no other option would do better. */
static int option_fatal(struct handshake *h)
{
	switch (h->type) {
	case NBD_REP_ERR_TLS_REQD:
		return refused(h, -EACCES, "the server wants TLS");
	case NBD_REP_ERR_SHUTDOWN:
		return refused(h, -ESHUTDOWN, "the server is shutting down");
	}
	return 0;
}

static bool is_error(const struct handshake *h)
{
	return h->type & NBD_REP_FLAG_ERROR;
}

static int expect_ack(struct handshake *h)
{
	if (h->type != NBD_REP_ACK)
		return refuse(h, -EPROTO, "an option reply of a type that does not belong here");
	if (h->told)
		return refuse(h, -EPROTO, "an ACK with a payload");
	return 0;
}

static int greet(struct handshake *h)
{
	struct greeting g;
	__be32 reply;
	u32 flags;
	int ret;

	ret = receive(h, &g, sizeof(g), "the greeting");
	if (ret)
		return ret;
	if (g.magic != cpu_to_be64(NBD_MAGIC_INIT))
		return refuse(h, -EPROTO, "this is no NBD server");
	if (g.option_magic == cpu_to_be64(OLDSTYLE_MAGIC))
		return refuse(h, -EPROTO, "the server knows the oldstyle handshake only");
	if (g.option_magic != cpu_to_be64(NBD_MAGIC_OPTION))
		return refuse(h, -EPROTO, "the server's greeting is not NBD's");
	flags = be16_to_cpu(g.flags);
	if (!(flags & NBD_HS_FIXED_NEWSTYLE))
		return refuse(h, -EPROTO, "the server does not know the fixed newstyle handshake");
	h->no_zeroes = flags & NBD_HS_NO_ZEROES;
	reply = cpu_to_be32(flags & (NBD_HS_FIXED_NEWSTYLE | NBD_HS_NO_ZEROES));
	return transmit(h, &reply, sizeof(reply), "the client's flags");
}

static int structured_replies(struct handshake *h)
{
	int ret = option_send(h, NBD_OPT_STRUCTURED_REPLY, 0);

	if (!ret)
		ret = option_reply(h, NBD_OPT_STRUCTURED_REPLY);
	if (ret)
		return ret;
	if (is_error(h))
		return option_fatal(h);
	h->ex->structured = true;
	return expect_ack(h);
}

static bool stamp_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr(":._-", c));
}

/* One meta context: an id, and a name that may be the stamp. */
static int meta_context(struct handshake *h)
{
	static const char prefix[] = VDISK_STAMP_QUERY ":";
	const u32 skip = sizeof(__be32) + sizeof(prefix) - 1;
	char *stamp = h->ex->stamp;
	u32 i, len;

	if (h->told < sizeof(__be32) || h->told > sizeof(__be32) + NBD_STRING_MAX)
		return refuse(h, -EPROTO, "a meta context of a wrong length");
	if (h->len < skip || memcmp(h->in + sizeof(__be32), prefix, sizeof(prefix) - 1))
		return 0;
	len = h->len - skip;
	if (stamp[0])
		return refuse(h, -EPROTO, "the server gives the image two stamps");
	if (!len || len >= VDISK_HS_STAMP)
		return refuse(h, -EPROTO, "the image's stamp has a wrong length");
	for (i = 0; i < len; i++)
		if (!stamp_letter(h->in[skip + i]))
			return refuse(h, -EPROTO, "the image's stamp has letters it may not have");
	memcpy(stamp, h->in + skip, len);
	stamp[len] = '\0';
	return 0;
}

static u32 put_name(struct handshake *h, u8 *to)
{
	__be32 len = cpu_to_be32(h->name_len);

	memcpy(to, &len, sizeof(len));
	memcpy(to + sizeof(len), h->name, h->name_len);
	return sizeof(len) + h->name_len;
}

static u32 put_stamp_query(struct handshake *h)
{
	const u32 query_len = sizeof(VDISK_STAMP_QUERY) - 1;
	__be32 number[2] = { cpu_to_be32(1), cpu_to_be32(query_len) };
	u32 at = put_name(h, h->out);

	memcpy(h->out + at, number, sizeof(number));
	at += sizeof(number);
	memcpy(h->out + at, VDISK_STAMP_QUERY, query_len);
	return at + query_len;
}

static int stamp(struct handshake *h)
{
	int ret = option_send(h, NBD_OPT_LIST_META_CONTEXT, put_stamp_query(h));
	u32 i;

	for (i = 0; !ret && i < VDISK_HS_REPLIES_MAX; i++) {
		ret = option_reply(h, NBD_OPT_LIST_META_CONTEXT);
		if (ret)
			return ret;
		if (is_error(h)) {
			h->ex->stamp[0] = '\0';
			return option_fatal(h);
		}
		if (h->type != NBD_REP_META_CONTEXT)
			return expect_ack(h);
		ret = meta_context(h);
	}
	return ret ? ret : refuse(h, -EPROTO, "too many meta contexts");
}

static int set_export(struct handshake *h, u64 size, u16 flags)
{
	if (!size)
		return refuse(h, -EPROTO, "the export is empty");
	if (size > S64_MAX)
		return refuse(h, -EPROTO, "the export is larger than a disk can be");
	if (!(flags & NBD_FLAG_HAS_FLAGS))
		return refuse(h, -EPROTO, "the export's flags are not valid");
	h->ex->size = size;
	h->ex->flags = flags;
	h->has_export = true;
	return 0;
}

/*
 * A server that names no constraints has none, if it was asked (the protocol's
 * defaults): any alignment, 32 MiB at most.
 */
static void default_blocks(struct vdisk_export *ex)
{
	ex->block_min = 1;
	ex->block_preferred = 4096;
	ex->block_max = NBD_PAYLOAD_DEFAULT;
}

static int set_blocks(struct handshake *h, const struct info_block_size *b)
{
	u32 min = be32_to_cpu(b->minimum);
	u32 preferred = be32_to_cpu(b->preferred);
	u32 max = be32_to_cpu(b->maximum);

	if (!is_power_of_2(min) || min > NBD_MIN_BLOCK_MAX)
		return refuse(h, -EPROTO, "the smallest block is no power of two up to 64 KiB");
	if (!is_power_of_2(preferred) || preferred < max_t(u32, min, 512))
		return refuse(h, -EPROTO, "the preferred block is no power of two from 512 on");
	if (max == U32_MAX)
		max = NBD_PAYLOAD_DEFAULT;
	if (max < 512 || max < min || max % min)
		return refuse(h, -EPROTO, "the largest block does not fit the smallest");
	h->ex->block_min = min;
	h->ex->block_preferred = preferred;
	h->ex->block_max = max;
	return 0;
}

static int set_name(struct handshake *h, const u8 *name, u32 len)
{
	if (h->told - sizeof(__be16) >= sizeof(h->ex->name))
		return refuse(h, -EPROTO, "the export's own name is too long");
	/* It is a name to connect to: changed in one letter it would be another. */
	if (show(h->ex->name, sizeof(h->ex->name), name, len))
		return refuse(h, -EPROTO, "the export's own name has control characters");
	return 0;
}

static int take_info(struct handshake *h)
{
	const struct info_export *export = (void *)h->in;
	__be16 what;

	if (h->told < sizeof(what))
		return refuse(h, -EPROTO, "an info of a wrong length");
	memcpy(&what, h->in, sizeof(what));
	switch (be16_to_cpu(what)) {
	case NBD_INFO_EXPORT:
		if (h->told != sizeof(*export))
			return refuse(h, -EPROTO, "the info EXPORT has a wrong length");
		return set_export(h, be64_to_cpu(export->size), be16_to_cpu(export->flags));
	case NBD_INFO_BLOCK_SIZE:
		if (h->told != sizeof(struct info_block_size))
			return refuse(h, -EPROTO, "the info BLOCK_SIZE has a wrong length");
		return set_blocks(h, (void *)h->in);
	case NBD_INFO_NAME:
		return set_name(h, h->in + sizeof(what), h->len - sizeof(what));
	}
	return 0;
}

/*
 * Whether the server says that the session of the token asked for is over, for
 * good.  NBD has no error for that, so its words have a fixed beginning; see
 * Documentation/sessions.md.  They may not be longer than NBD's strings are.
 */
static bool session_ended(const struct handshake *h)
{
	const u32 len = sizeof(VDISK_SESSION_ENDED) - 1;

	return h->type == NBD_REP_ERR_POLICY && h->name[0] == '~' && h->told > len &&
	       h->told <= NBD_STRING_MAX && !memcmp(h->in, VDISK_SESSION_ENDED, len);
}

/* What an error reply to GO means. */
static int go_refused(struct handshake *h)
{
	int ret = option_fatal(h);

	if (ret)
		return ret;
	if (session_ended(h)) {
		show(h->text, VDISK_HS_TEXT, h->in, h->len);
		return -EKEYREVOKED;
	}
	switch (h->type) {
	case NBD_REP_ERR_UNKNOWN:
		return refused(h, -ENOENT, "the server has no such export");
	case NBD_REP_ERR_POLICY:
		return refused(h, -EACCES, "the server refuses the export");
	case NBD_REP_ERR_BLOCK_SIZE_REQD:
		return refused(h, -EPROTO, "the server wants block sizes negotiated, as was done");
	case NBD_REP_ERR_INVALID:
		return refused(h, -EACCES, "the server finds the request invalid");
	case NBD_REP_ERR_PLATFORM:
		return refused(h, -EACCES, "the server can't serve the export on its platform");
	}
	return refused(h, -EACCES, "the server refuses the export, with an unknown error");
}

static u32 put_go(struct handshake *h)
{
	const __be16 infos[] = {
		cpu_to_be16(2), cpu_to_be16(NBD_INFO_NAME), cpu_to_be16(NBD_INFO_BLOCK_SIZE),
	};
	u32 at = put_name(h, h->out);

	memcpy(h->out + at, infos, sizeof(infos));
	return at + sizeof(infos);
}

/* Returns 1 if the server does not know the option. */
static int go(struct handshake *h)
{
	int ret = option_send(h, NBD_OPT_GO, put_go(h));
	u32 i;

	for (i = 0; !ret && i < VDISK_HS_REPLIES_MAX; i++) {
		ret = option_reply(h, NBD_OPT_GO);
		if (ret)
			return ret;
		if (h->type == NBD_REP_ERR_UNSUP)
			return 1;
		if (is_error(h))
			return go_refused(h);
		if (h->type != NBD_REP_INFO) {
			ret = expect_ack(h);
			if (!ret && !h->has_export)
				ret = refuse(h, -EPROTO, "the server did not tell the size");
			return ret;
		}
		ret = take_info(h);
	}
	return ret ? ret : refuse(h, -EPROTO, "too many infos about the export");
}

/*
 * The only way of servers before GO.  They refuse an export by closing the
 * connection, without a word.
 */
static int export_name(struct handshake *h)
{
	const char *what = option_word(NBD_OPT_EXPORT_NAME);
	struct export_name_reply reply;
	int ret;

	default_blocks(h->ex);
	h->ex->name[0] = '\0';
	memcpy(h->out, h->name, h->name_len);
	ret = option_send(h, NBD_OPT_EXPORT_NAME, h->name_len);
	if (!ret)
		ret = receive(h, &reply, sizeof(reply), what);
	if (!ret && !h->no_zeroes)
		ret = discard(h, HS_ZEROES, what);
	if (ret)
		return ret;
	return set_export(h, be64_to_cpu(reply.size), be16_to_cpu(reply.flags));
}

static int negotiate(struct handshake *h)
{
	int ret = greet(h);

	if (!ret)
		ret = structured_replies(h);
	/* Without structured replies a server has no meta contexts. */
	if (!ret && h->ex->structured)
		ret = stamp(h);
	if (!ret)
		ret = go(h);
	if (ret > 0)
		ret = export_name(h);
	return ret;
}

int vdisk_handshake(void *ctx, const char *name, struct vdisk_export *ex, char *text)
{
	size_t len = strlen(name);
	struct handshake *h;
	int ret;

	text[0] = '\0';
	memset(ex, 0, sizeof(*ex));
	default_blocks(ex);
	if (len > NBD_STRING_MAX) {
		snprintf(text, VDISK_HS_TEXT, "the export name is too long");
		return -EINVAL;
	}
	h = kmalloc(sizeof(*h), GFP_NOIO);
	if (!h) {
		snprintf(text, VDISK_HS_TEXT, "no memory for the handshake");
		return -ENOMEM;
	}
	memset(h, 0, sizeof(*h));
	h->ctx = ctx;
	h->name = name;
	h->name_len = len;
	h->ex = ex;
	h->text = text;
	ret = negotiate(h);
	kfree(h);
	return ret;
}
