// SPDX-License-Identifier: GPL-2.0
/*
 * The client's handshake against scripted servers: what it sends, what it takes,
 * what it refuses and in which words.
 */
#include "../../kernel/wire_env.h"
#include "handshake.h"
#include "stream.h"
#include "tap.h"

bool kernel_shim_no_memory;

/* Failures that the script of a server can't tell. */
enum fault {
	NO_FAULT,
	SILENT,			/* instead of closing, the server says no more */
	STOPPED,		/* the path is being stopped */
	NO_MEMORY,
	CANT_SEND,
	LONG_NAME,
	LONGEST_NAME,
	TOKEN,			/* the name asked for is a session's token */
};

struct peer {
	struct stream in;	/* what the server sends */
	struct stream out;	/* what the client sent */
	int end;		/* what a receive at the end of @in returns */
	u32 sends_left;		/* then sending fails */
	enum fault fault;
};

int vdisk_handshake_send(void *ctx, const void *buf, size_t len)
{
	struct peer *p = ctx;

	if (!p->sends_left)
		return -EPIPE;
	p->sends_left--;
	if (len > sizeof(p->out.byte) - p->out.len)
		abort();
	memcpy(p->out.byte + p->out.len, buf, len);
	p->out.len += len;
	return 0;
}

int vdisk_handshake_recv(void *ctx, void *buf, size_t len)
{
	struct peer *p = ctx;

	if (!len)
		abort();
	if (len > p->in.len - p->in.at)
		return p->end;
	memcpy(buf, p->in.byte + p->in.at, len);
	p->in.at += len;
	return 0;
}

enum op_kind { END, GREET, RAW, PUT16, PUT32, PUT64, FILL, REPLY, FAULT };

struct op {
	enum op_kind kind;
	u64 n;			/* a number; bytes to fill; a reply's length */
	u32 option, type;
	const char *text;
	u8 letter;
};

#define greet(flags)	{ .kind = GREET, .n = flags }
#define raw(s)		{ .kind = RAW, .text = s }
#define put16(v)	{ .kind = PUT16, .n = v }
#define put32(v)	{ .kind = PUT32, .n = v }
#define put64(v)	{ .kind = PUT64, .n = v }
#define fill(c, v)	{ .kind = FILL, .letter = c, .n = v }
#define fault(what)	{ .kind = FAULT, .n = what }
#define reply(o, t, l)	{ .kind = REPLY, .option = o, .type = t, .n = l }

#define SR		NBD_OPT_STRUCTURED_REPLY
#define LMC		NBD_OPT_LIST_META_CONTEXT
#define GO		NBD_OPT_GO
#define BOTH		(NBD_HS_FIXED_NEWSTYLE | NBD_HS_NO_ZEROES)

#define ack(o)		reply(o, NBD_REP_ACK, 0)
#define unsup(o)	reply(o, NBD_REP_ERR_UNSUP, 0)
#define export_info(size, flags) \
	reply(GO, NBD_REP_INFO, 12), put16(NBD_INFO_EXPORT), put64(size), put16(flags)
#define blocks(min, preferred, max) \
	reply(GO, NBD_REP_INFO, 14), put16(NBD_INFO_BLOCK_SIZE), \
	put32(min), put32(preferred), put32(max)
#define name_info(name, len) \
	reply(GO, NBD_REP_INFO, 2 + (len)), put16(NBD_INFO_NAME), raw(name)
#define context(name, len) \
	reply(LMC, NBD_REP_META_CONTEXT, 4 + (len)), put32(7), raw(name)

#define plain		greet(BOTH), unsup(SR)
#define with_chunks	greet(BOTH), ack(SR)
#define ended(l)	reply(GO, NBD_REP_ERR_POLICY, l)
#define a_mib		export_info(1 << 20, NBD_FLAG_HAS_FLAGS)

struct test {
	const char *name;
	struct op op[28];
	int ret;
	const char *outcome;	/* what was agreed; or the words */
};

#define UUID	"0b5c6d1e-8c5f-4a41-9a7b-6a3f2d1c0e9f"

static const struct test tests[] = {
	/* the good */
	{ "the least", { plain, a_mib, ack(GO) }, 0, "size 1048576 flags 1 block 1/4096/33554432" },
	{ "structured replies", { with_chunks, unsup(LMC), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432" },
	{ "a stamp", { with_chunks, context("x-vdisk:stamp:" UUID ":3:abc", 14 + 36 + 6), ack(LMC),
		       a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432 stamp " UUID ":3:abc" },
	{ "a stamp among others",
	  { with_chunks, context("base:allocation", 15), context("x-vdisk:stamp:a", 15),
	    context("", 0), context("x-vdisk:stam", 12), context("x-vdisk:stampede", 16), ack(LMC),
	    a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432 stamp a" },
	{ "the longest stamp",
	  { with_chunks, reply(LMC, NBD_REP_META_CONTEXT, 4 + 14 + 127), put32(1),
	    raw("x-vdisk:stamp:"), fill('b', 127), ack(LMC), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432 stamp 127 of b" },
	{ "no stamp: an empty list", { with_chunks, ack(LMC), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432" },
	{ "no stamp: an error with words",
	  { with_chunks, reply(LMC, NBD_REP_ERR_UNKNOWN, 4), raw("what"), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432" },
	{ "no stamp: an error after it",
	  { with_chunks, context("x-vdisk:stamp:a", 15), reply(LMC, NBD_REP_ERR_INVALID, 0),
	    a_mib, ack(GO) },
	  0, "size 1048576 flags 1 structured block 1/4096/33554432" },
	{ "no structured replies: any error",
	  { greet(BOTH), reply(SR, NBD_REP_ERR_POLICY, 2), raw("no"), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 1/4096/33554432" },
	{ "a name", { plain, a_mib, name_info("debian@3", 8), ack(GO) },
	  0, "size 1048576 flags 1 block 1/4096/33554432 name debian@3" },
	{ "a name in UTF-8", { plain, name_info("d\xc3\xa9j\xc3\xa0", 6), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 1/4096/33554432 name d\xc3\xa9j\xc3\xa0" },
	{ "the longest name",
	  { plain, reply(GO, NBD_REP_INFO, 2 + 1024), put16(NBD_INFO_NAME), fill('n', 1024),
	    a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 1/4096/33554432 name 1024 of n" },
	{ "block sizes", { plain, blocks(4096, 65536, 1 << 20), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 4096/65536/1048576" },
	{ "block sizes: the least", { plain, blocks(1, 512, 512), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 1/512/512" },
	{ "block sizes: the most", { plain, blocks(65536, 1U << 31, 0xffff0000), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 65536/2147483648/4294901760" },
	{ "block sizes: without a limit",
	  { plain, blocks(512, 4096, 0xffffffff), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 512/4096/33554432" },
	{ "block sizes: a limit that is no power of two",
	  { plain, blocks(512, 4096, 12800), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 512/4096/12800" },
	{ "a size that is no multiple of the block",
	  { plain, blocks(4096, 4096, 4096), export_info(4097, 1), ack(GO) },
	  0, "size 4097 flags 1 block 4096/4096/4096" },
	{ "the least size", { plain, export_info(1, 1), ack(GO) },
	  0, "size 1 flags 1 block 1/4096/33554432" },
	{ "the most size, all flags", { plain, export_info(INT64_MAX, 0xffff), ack(GO) },
	  0, "size 9223372036854775807 flags ffff block 1/4096/33554432" },
	{ "unknown infos", { plain, reply(GO, NBD_REP_INFO, 10), put16(NBD_INFO_DESCRIPTION),
			     raw("an image"), reply(GO, NBD_REP_INFO, 2), put16(0x7777), a_mib,
			     ack(GO) },
	  0, "size 1048576 flags 1 block 1/4096/33554432" },
	{ "a long unknown info",
	  { plain, reply(GO, NBD_REP_INFO, 65536), put16(9), fill('x', 65534), a_mib, ack(GO) },
	  0, "size 1048576 flags 1 block 1/4096/33554432" },
	{ "EXPORT_NAME", { plain, unsup(GO), put64(4096), put16(3) },
	  0, "size 4096 flags 3 block 1/4096/33554432" },
	{ "EXPORT_NAME with zeroes",
	  { greet(NBD_HS_FIXED_NEWSTYLE), unsup(SR), unsup(GO), put64(4096), put16(3),
	    fill(0, 124) }, 0, "size 4096 flags 3 block 1/4096/33554432" },
	{ "EXPORT_NAME forgets what GO said",
	  { with_chunks, unsup(LMC), name_info("x", 1), blocks(4096, 4096, 4096), unsup(GO),
	    put64(5), put16(1) }, 0, "size 5 flags 1 structured block 1/4096/33554432" },
	{ "the longest export name", { plain, a_mib, ack(GO), fault(LONGEST_NAME) },
	  0, "size 1048576 flags 1 block 1/4096/33554432" },

	/* no NBD server, or an old one */
	{ "another protocol", { raw("SSH-2.0-OpenSSH_9.2p1 Debian") }, -EPROTO, "this is no NBD server" },
	{ "oldstyle", { put64(NBD_MAGIC_INIT), put64(0x00420281861253ULL), put64(1), fill(0, 128) },
	  -EPROTO, "the server knows the oldstyle handshake only" },
	{ "a strange greeting", { put64(NBD_MAGIC_INIT), put64(1), put16(3) },
	  -EPROTO, "the server's greeting is not NBD's" },
	{ "not fixed newstyle", { greet(NBD_HS_NO_ZEROES) },
	  -EPROTO, "the server does not know the fixed newstyle handshake" },
	{ "nothing", { fault(NO_FAULT) }, -ECONNRESET, "the connection was closed before the greeting" },
	{ "silence", { fault(SILENT) }, -ETIMEDOUT, "the server is silent: waited for the greeting" },
	{ "stopped", { fault(STOPPED) }, -EINTR, "the connection failed before the greeting (error 4)" },
	{ "silence after GO", { plain, a_mib, fault(SILENT) }, -ETIMEDOUT,
	  "the server is silent: waited for the answer to GO" },
	{ "closed in a reply", { plain, reply(GO, NBD_REP_INFO, 12), put16(0) },
	  -ECONNRESET, "the connection was closed before the answer to GO" },
	{ "closed at EXPORT_NAME", { plain, unsup(GO) },
	  -ECONNRESET, "the connection was closed before the answer to EXPORT_NAME" },
	{ "closed in the zeroes",
	  { greet(NBD_HS_FIXED_NEWSTYLE), unsup(SR), unsup(GO), put64(4096), put16(3),
	    fill(0, 123) },
	  -ECONNRESET, "the connection was closed before the answer to EXPORT_NAME" },
	{ "can't send", { plain, a_mib, ack(GO), fault(CANT_SEND) }, -EPIPE,
	  "the connection was closed before the answer to GO" },
	{ "no memory", { fault(NO_MEMORY) }, -ENOMEM, "no memory for the handshake" },
	{ "an export name too long", { fault(LONG_NAME) }, -EINVAL,
	  "the export name is too long" },

	/* refused */
	{ "unknown export", { plain, reply(GO, NBD_REP_ERR_UNKNOWN, 7), raw("no 'xx'") },
	  -ENOENT, "the server has no such export: no 'xx'" },
	{ "policy, without words", { plain, reply(GO, NBD_REP_ERR_POLICY, 0) },
	  -EACCES, "the server refuses the export" },
	{ "policy", { plain, a_mib, reply(GO, NBD_REP_ERR_POLICY, 3), raw("you") },
	  -EACCES, "the server refuses the export: you" },
	{ "TLS at GO", { plain, reply(GO, NBD_REP_ERR_TLS_REQD, 0) },
	  -EACCES, "the server wants TLS" },
	{ "TLS at once", { greet(BOTH), reply(SR, NBD_REP_ERR_TLS_REQD, 3), raw("tls") },
	  -EACCES, "the server wants TLS: tls" },
	{ "TLS at the stamp", { with_chunks, reply(LMC, NBD_REP_ERR_TLS_REQD, 0) },
	  -EACCES, "the server wants TLS" },
	{ "shutting down", { plain, reply(GO, NBD_REP_ERR_SHUTDOWN, 0) },
	  -ESHUTDOWN, "the server is shutting down" },
	{ "block sizes wanted", { plain, reply(GO, NBD_REP_ERR_BLOCK_SIZE_REQD, 0) },
	  -EPROTO, "the server wants block sizes negotiated, as was done" },
	{ "invalid", { plain, reply(GO, NBD_REP_ERR_INVALID, 0) },
	  -EACCES, "the server finds the request invalid" },
	{ "platform", { plain, reply(GO, NBD_REP_ERR_PLATFORM, 0) },
	  -EACCES, "the server can't serve the export on its platform" },
	{ "an error of the future", { plain, reply(GO, 0x80001234, 1), raw("?") },
	  -EACCES, "the server refuses the export, with an unknown error: ?" },
	/* a session is over: these words, to a token, and nothing else */
	{ "a session ended", { fault(TOKEN), plain, ended(17), raw("session ended: no") },
	  -EKEYREVOKED, "session ended: no" },
	{ "a session ended, amid infos",
	  { fault(TOKEN), with_chunks, unsup(LMC), a_mib, ended(16), raw("session ended: x") },
	  -EKEYREVOKED, "session ended: x" },
	{ "a session ended, with controls",
	  { fault(TOKEN), plain, ended(21), raw("session ended: \x1b[2J\n\xff") },
	  -EKEYREVOKED, "session ended: ?[2J??" },
	{ "a session ended, with 4096 bytes",
	  { fault(TOKEN), plain, ended(4096), raw("session ended: "), fill('w', 4081) },
	  -EKEYREVOKED, "session ended: 240 of w" },
	{ "a session ended, with 4097 bytes",
	  { fault(TOKEN), plain, ended(4097), raw("session ended: "), fill('w', 4082) },
	  -EACCES, "the server refuses the export: session ended: 209 of w" },
	{ "no session ended: no token", { plain, ended(17), raw("session ended: no") },
	  -EACCES, "the server refuses the export: session ended: no" },
	{ "no session ended: another error",
	  { fault(TOKEN), plain, reply(GO, NBD_REP_ERR_UNKNOWN, 17), raw("session ended: no") },
	  -ENOENT, "the server has no such export: session ended: no" },
	{ "no session ended: a reason is missing",
	  { fault(TOKEN), plain, ended(15), raw("session ended: ") },
	  -EACCES, "the server refuses the export: session ended: " },
	{ "no session ended: another letter",
	  { fault(TOKEN), plain, ended(17), raw("Session ended: no") },
	  -EACCES, "the server refuses the export: Session ended: no" },
	{ "no session ended: the last letter",
	  { fault(TOKEN), plain, ended(17), raw("session ended:-no") },
	  -EACCES, "the server refuses the export: session ended:-no" },
	{ "no session ended: further on",
	  { fault(TOKEN), plain, ended(20), raw("oh session ended: no") },
	  -EACCES, "the server refuses the export: oh session ended: no" },
	{ "no session ended: said of something else",
	  { fault(TOKEN), greet(BOTH), reply(SR, NBD_REP_ERR_POLICY, 17),
	    raw("session ended: no"), a_mib, reply(GO, NBD_REP_ERR_POLICY, 0) },
	  -EACCES, "the server refuses the export" },
	{ "words with controls",
	  { plain, reply(GO, NBD_REP_ERR_POLICY, 21), raw("a\nb\x1b[31m\x7f$(reboot)\r\x01\x80") },
	  -EACCES, "the server refuses the export: a?b?[31m?$(reboot)???" },
	{ "words with UTF-8, good and bad",
	  { plain, reply(GO, NBD_REP_ERR_POLICY, 30),
	    raw("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"	/* letters of 2, 3, 4 bytes */
		"\xc0\xaf\xe0\x80\xaf"			/* overlong */
		"\xed\xa0\x80"				/* a surrogate */
		"\xc2\x85"				/* a control */
		"\xe2\x80\xae"				/* writes to the left */
		"\xf4\x90\x80\x80"			/* beyond Unicode */
		"\xff" "z"
		"\xe2\x82") },				/* cut short, with no third byte */
	  -EACCES, "the server refuses the export: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
		   "????????????????" "??z??" },
	{ "4096 bytes of words",
	  { plain, reply(GO, NBD_REP_ERR_UNKNOWN, 4096), fill('w', 4096) },
	  -ENOENT, "the server has no such export: 224 of w" },
	{ "64 KiB of words", { plain, reply(GO, NBD_REP_ERR_UNKNOWN, 65536), fill('w', 65536) },
	  -ENOENT, "the server has no such export: 224 of w" },

	/* the bad */
	{ "a reply's magic", { greet(BOTH), put64(1), put32(SR), put32(1), put32(0) },
	  -EPROTO, "an option reply with a wrong magic number" },
	{ "a reply to another option", { greet(BOTH), unsup(GO) },
	  -EPROTO, "an answer to an option that was not asked" },
	{ "a reply too long", { greet(BOTH), reply(SR, NBD_REP_ERR_UNSUP, 65537) },
	  -EPROTO, "an option reply that is too long" },
	{ "a reply of 4 GiB", { plain, reply(GO, NBD_REP_ERR_POLICY, 0xffffffff) },
	  -EPROTO, "an option reply that is too long" },
	{ "ACK with a payload", { greet(BOTH), reply(SR, NBD_REP_ACK, 1), raw("x") },
	  -EPROTO, "an ACK with a payload" },
	{ "a strange type", { greet(BOTH), reply(SR, NBD_REP_SERVER, 0) },
	  -EPROTO, "an option reply of a type that does not belong here" },
	{ "a strange type at the stamp", { with_chunks, reply(LMC, NBD_REP_INFO, 0) },
	  -EPROTO, "an option reply of a type that does not belong here" },
	{ "a strange type at GO", { plain, reply(GO, NBD_REP_META_CONTEXT, 0) },
	  -EPROTO, "an option reply of a type that does not belong here" },
	{ "a context without an id", { with_chunks, reply(LMC, NBD_REP_META_CONTEXT, 3), raw("abc") },
	  -EPROTO, "a meta context of a wrong length" },
	{ "a context too long",
	  { with_chunks, reply(LMC, NBD_REP_META_CONTEXT, 4 + 4097), fill('x', 4101) },
	  -EPROTO, "a meta context of a wrong length" },
	{ "an empty stamp", { with_chunks, context("x-vdisk:stamp:", 14) },
	  -EPROTO, "the image's stamp has a wrong length" },
	{ "a stamp too long",
	  { with_chunks, reply(LMC, NBD_REP_META_CONTEXT, 4 + 14 + 128), put32(1),
	    raw("x-vdisk:stamp:"), fill('b', 128) },
	  -EPROTO, "the image's stamp has a wrong length" },
	{ "a stamp with a space", { with_chunks, context("x-vdisk:stamp:a b", 17) },
	  -EPROTO, "the image's stamp has letters it may not have" },
	{ "a stamp with a quote", { with_chunks, context("x-vdisk:stamp:a\"", 16) },
	  -EPROTO, "the image's stamp has letters it may not have" },
	{ "a stamp with a zero", { with_chunks, reply(LMC, NBD_REP_META_CONTEXT, 4 + 16), put32(1),
				   raw("x-vdisk:stamp:a"), fill(0, 1) },
	  -EPROTO, "the image's stamp has letters it may not have" },
	{ "a stamp that is not ASCII", { with_chunks, context("x-vdisk:stamp:\xc3\xa9", 16) },
	  -EPROTO, "the image's stamp has letters it may not have" },
	{ "two stamps", { with_chunks, context("x-vdisk:stamp:a", 15), context("x-vdisk:stamp:a", 15) },
	  -EPROTO, "the server gives the image two stamps" },
	{ "no size", { plain, name_info("x", 1), ack(GO) },
	  -EPROTO, "the server did not tell the size" },
	{ "size 0", { plain, export_info(0, 1) }, -EPROTO, "the export is empty" },
	{ "size 2^63", { plain, export_info(1ULL << 63, 1) },
	  -EPROTO, "the export is larger than a disk can be" },
	{ "size 2^64 - 1", { plain, unsup(GO), put64(UINT64_MAX), put16(1) },
	  -EPROTO, "the export is larger than a disk can be" },
	{ "flags without HAS_FLAGS", { plain, export_info(512, 2) },
	  -EPROTO, "the export's flags are not valid" },
	{ "EXPORT_NAME: size 0", { plain, unsup(GO), put64(0), put16(1) },
	  -EPROTO, "the export is empty" },
	{ "EXPORT_NAME: flags", { plain, unsup(GO), put64(1), put16(0) },
	  -EPROTO, "the export's flags are not valid" },
	{ "an info of one byte", { plain, reply(GO, NBD_REP_INFO, 1), raw("x") },
	  -EPROTO, "an info of a wrong length" },
	{ "EXPORT too short", { plain, reply(GO, NBD_REP_INFO, 11), put16(0), fill('x', 9) },
	  -EPROTO, "the info EXPORT has a wrong length" },
	{ "EXPORT too long", { plain, reply(GO, NBD_REP_INFO, 13), put16(0), fill('x', 11) },
	  -EPROTO, "the info EXPORT has a wrong length" },
	{ "BLOCK_SIZE too short", { plain, reply(GO, NBD_REP_INFO, 13), put16(3), fill('x', 11) },
	  -EPROTO, "the info BLOCK_SIZE has a wrong length" },
	{ "smallest block 0", { plain, blocks(0, 4096, 4096) },
	  -EPROTO, "the smallest block is no power of two up to 64 KiB" },
	{ "smallest block 3", { plain, blocks(3, 4096, 4098) },
	  -EPROTO, "the smallest block is no power of two up to 64 KiB" },
	{ "smallest block 128 KiB", { plain, blocks(1 << 17, 1 << 17, 1 << 20) },
	  -EPROTO, "the smallest block is no power of two up to 64 KiB" },
	{ "preferred block 256", { plain, blocks(1, 256, 4096) },
	  -EPROTO, "the preferred block is no power of two from 512 on" },
	{ "preferred block 5000", { plain, blocks(1, 5000, 65536) },
	  -EPROTO, "the preferred block is no power of two from 512 on" },
	{ "preferred below the smallest", { plain, blocks(4096, 512, 65536) },
	  -EPROTO, "the preferred block is no power of two from 512 on" },
	{ "largest block 0", { plain, blocks(1, 4096, 0) },
	  -EPROTO, "the largest block does not fit the smallest" },
	{ "largest block 256", { plain, blocks(1, 512, 256) },
	  -EPROTO, "the largest block does not fit the smallest" },
	{ "largest below the smallest", { plain, blocks(4096, 4096, 2048) },
	  -EPROTO, "the largest block does not fit the smallest" },
	{ "largest no multiple of the smallest", { plain, blocks(4096, 4096, 6000) },
	  -EPROTO, "the largest block does not fit the smallest" },
	{ "a name with a control", { plain, name_info("a\nb", 3) },
	  -EPROTO, "the export's own name has control characters" },
	{ "a name with a zero",
	  { plain, reply(GO, NBD_REP_INFO, 4), put16(NBD_INFO_NAME), fill(0, 2) },
	  -EPROTO, "the export's own name has control characters" },
	{ "a name too long",
	  { plain, reply(GO, NBD_REP_INFO, 2 + 1025), put16(NBD_INFO_NAME), fill('n', 1025) },
	  -EPROTO, "the export's own name is too long" },
};

static void put_op(struct peer *p, const struct op *o)
{
	struct stream *s = &p->in;
	u32 i;

	switch (o->kind) {
	case GREET:
		put_be64(s, NBD_MAGIC_INIT);
		put_be64(s, NBD_MAGIC_OPTION);
		put_be16(s, o->n);
		break;
	case RAW:
		put(s, o->text, strlen(o->text));
		break;
	case PUT16:
		put_be16(s, o->n);
		break;
	case PUT32:
		put_be32(s, o->n);
		break;
	case PUT64:
		put_be64(s, o->n);
		break;
	case FILL:
		for (i = 0; i < o->n; i++)
			put(s, &o->letter, 1);
		break;
	case REPLY:
		put_be64(s, NBD_MAGIC_OPTION_REPLY);
		put_be32(s, o->option);
		put_be32(s, o->type);
		put_be32(s, o->n);
		break;
	case FAULT:
		p->fault = o->n;
		break;
	default:
		abort();
	}
}

/* "NNN of x" for a long run of one letter at the end of @s. */
static void shorten(char *s)
{
	size_t len = strlen(s), run = 0;

	while (run < len && s[len - 1 - run] == s[len - 1])
		run++;
	if (run > 50)
		sprintf(s + len - run, "%zu of %c", run, s[len - 1]);
}

static void agreed(struct vdisk_export *ex, char *to, size_t size)
{
	int n;

	shorten(ex->name);
	shorten(ex->stamp);
	n = snprintf(to, size, "size %llu flags %x%s block %u/%u/%u",
		     (unsigned long long)ex->size, ex->flags, ex->structured ? " structured" : "",
		     ex->block_min, ex->block_preferred, ex->block_max);
	if (ex->name[0])
		n += snprintf(to + n, size - n, " name %s", ex->name);
	if (ex->stamp[0])
		snprintf(to + n, size - n, " stamp %s", ex->stamp);
}

static int handshake(struct peer *p, char *outcome, size_t size)
{
	static char name[NBD_STRING_MAX + 2];
	char text[VDISK_HS_TEXT + 1];
	struct vdisk_export ex;
	int ret;

	memset(name, 'e', sizeof(name));
	name[p->fault == LONG_NAME ? NBD_STRING_MAX + 1 :
	     p->fault == LONGEST_NAME ? NBD_STRING_MAX : 6] = '\0';
	if (p->fault == TOKEN)
		name[0] = '~';
	p->out.len = 0;
	p->in.at = 0;
	p->end = p->fault == SILENT ? -ETIMEDOUT : p->fault == STOPPED ? -EINTR : -ECONNRESET;
	p->sends_left = p->fault == CANT_SEND ? 2 : 100;
	kernel_shim_no_memory = p->fault == NO_MEMORY;
	memset(text, 'X', sizeof(text));
	ret = vdisk_handshake(p, name, &ex, text);
	kernel_shim_no_memory = false;
	if (!memchr(text, 0, VDISK_HS_TEXT) || text[VDISK_HS_TEXT] != 'X')
		abort();
	if (ret) {
		shorten(text);
		snprintf(outcome, size, "%s", text);
	} else {
		agreed(&ex, outcome, size);
		if (text[0])
			abort();
	}
	return ret;
}

static void run_test(const struct test *t)
{
	static struct peer p;
	char outcome[2048];
	bool ok = true;
	u32 i, whole;
	int ret;

	p.in.len = 0;
	p.fault = NO_FAULT;
	for (i = 0; i < 28 && t->op[i].kind; i++)
		put_op(&p, &t->op[i]);
	ret = handshake(&p, outcome, sizeof(outcome));
	if (!tap_ok(ret == t->ret && !strcmp(outcome, t->outcome), "%s", t->name))
		tap_diag("returned %d '%s'", ret, outcome);
	if (ret || p.fault)
		return;

	/* Whatever is missing at its end, it is no success. */
	whole = p.in.len;
	for (i = 0; ok && i < whole && i < 400; i++) {
		p.in.len = i;
		ok = handshake(&p, outcome, sizeof(outcome)) == -ECONNRESET;
	}
	if (!tap_ok(ok && p.in.at <= whole, "%s: cut anywhere", t->name))
		tap_diag("cut at %u: '%s'", i - 1, outcome);
}

static void test_bounded(const char *name, const struct op *hello, u32 nr_hello,
			 const struct op *part, u32 nr_part, const char *words)
{
	static struct peer p;
	char outcome[2048];
	u32 i, k;
	int ret;

	p.in.len = 0;
	for (i = 0; i < nr_hello; i++)
		put_op(&p, &hello[i]);
	for (i = 0; i < VDISK_HS_REPLIES_MAX + 10; i++)
		for (k = 0; k < nr_part; k++)
			put_op(&p, &part[k]);
	ret = handshake(&p, outcome, sizeof(outcome));
	tap_ok(ret == -EPROTO && !strcmp(outcome, words), "%s", name);
}

static void test_bounds(void)
{
	static const struct op stamps[] = { with_chunks }, infos[] = { plain };
	static const struct op a_context[] = { context("base:allocation", 15) };
	static const struct op an_info[] = { a_mib };

	test_bounded("contexts without end", stamps, 2, a_context, 3, "too many meta contexts");
	test_bounded("infos without end", infos, 2, an_info, 4, "too many infos about the export");
}

/* To the byte what goes out, with all options. */
static void test_sent(void)
{
	static const struct op server[] = {
		with_chunks, unsup(LMC), unsup(GO), put64(512), put16(1),
	};
	static struct stream want;
	static struct peer p;
	char outcome[2048];
	u32 i;

	for (i = 0; i < sizeof(server) / sizeof(server[0]); i++)
		put_op(&p, &server[i]);
	put_be32(&want, 3);
	put(&want, "IHAVEOPT", 8), put_be32(&want, 8), put_be32(&want, 0);
	put(&want, "IHAVEOPT", 8), put_be32(&want, 9), put_be32(&want, 4 + 6 + 4 + 4 + 13);
	put_be32(&want, 6), put(&want, "eeeeee", 6), put_be32(&want, 1);
	put_be32(&want, 13), put(&want, "x-vdisk:stamp", 13);
	put(&want, "IHAVEOPT", 8), put_be32(&want, 7), put_be32(&want, 4 + 6 + 2 + 4);
	put_be32(&want, 6), put(&want, "eeeeee", 6), put_be16(&want, 2);
	put_be16(&want, NBD_INFO_NAME), put_be16(&want, NBD_INFO_BLOCK_SIZE);
	put(&want, "IHAVEOPT", 8), put_be32(&want, 1), put_be32(&want, 6);
	put(&want, "eeeeee", 6);
	tap_ok(!handshake(&p, outcome, sizeof(outcome)) && p.out.len == want.len &&
	       !memcmp(p.out.byte, want.byte, want.len), "what is sent");
}

/* The longest name goes out whole, in more than one piece. */
static void test_sent_longest(void)
{
	static const struct op server[] = { plain, a_mib, ack(GO) };
	static struct peer p;
	char outcome[2048];
	u32 i, len = 4 + 16 + 16 + 4 + NBD_STRING_MAX + 6;

	for (i = 0; i < sizeof(server) / sizeof(server[0]); i++)
		put_op(&p, &server[i]);
	p.fault = LONGEST_NAME;
	tap_ok(!handshake(&p, outcome, sizeof(outcome)) && p.out.len == len &&
	       !memcmp(p.out.byte + len - 10, "eeee\0\2\0\1\0\3", 10), "the longest name is sent");
}

/* Without NO_ZEROES offered, it is not asked for. */
static void test_flags_sent(void)
{
	static const struct op server[] = { greet(NBD_HS_FIXED_NEWSTYLE | 0xff00) };
	static struct peer p;
	char outcome[2048];

	put_op(&p, &server[0]);
	handshake(&p, outcome, sizeof(outcome));
	tap_ok(p.out.len >= 4 && !memcmp(p.out.byte, "\0\0\0\1", 4), "only flags offered are sent");
}

int main(void)
{
	u32 i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		run_test(&tests[i]);
	test_bounds();
	test_sent();
	test_sent_longest();
	test_flags_sent();
	return tap_done();
}
