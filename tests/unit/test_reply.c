// SPDX-License-Identifier: GPL-2.0
/*
 * The reply parser: what it takes, what it refuses, and that it comes to the
 * same end however the stream is cut.
 */
#include "../fuzz/reply_world.h"
#include "stream.h"
#include "tap.h"

enum op_kind {
	END, SIMPLE, BYTES, DATA, HOLE, NONE, ERROR, ERROR_AT, CHUNK, PUT16, PUT32, PUT64, FILL,
	HOLES_EVERY_OTHER,
};

struct op {
	enum op_kind kind;
	u64 cookie;
	u16 flags;
	u64 offset;
	u32 len;
	u32 error;
	const char *text;
};

/* What a server sends. */
#define simple(c, e)		{ .kind = SIMPLE, .cookie = c, .error = e }
#define bytes(o, n)		{ .kind = BYTES, .offset = o, .len = n }
#define data(c, f, o, n)	{ .kind = DATA, .cookie = c, .flags = f, .offset = o, .len = n }
#define hole(c, f, o, n)	{ .kind = HOLE, .cookie = c, .flags = f, .offset = o, .len = n }
#define none(c, f)		{ .kind = NONE, .cookie = c, .flags = f }
#define error(c, f, e, t)	{ .kind = ERROR, .cookie = c, .flags = f, .error = e, .text = t }
#define error_at(c, f, e, t, o)	{ .kind = ERROR_AT, .cookie = c, .flags = f, .error = e, \
				  .text = t, .offset = o }
#define chunk(c, f, type, n)	{ .kind = CHUNK, .cookie = c, .flags = f, .error = type, .len = n }
#define put16(v)		{ .kind = PUT16, .len = v }
#define put32(v)		{ .kind = PUT32, .len = v }
#define put64(v)		{ .kind = PUT64, .offset = v }
#define fill(n)			{ .kind = FILL, .len = n }
#define DONE			NBD_CHUNK_FLAG_DONE

struct sent {
	u64 cookie;
	u16 command;
	u64 offset;
	u32 length;
	bool df;
};

struct test {
	const char *name;
	bool structured;
	struct sent sent[3];
	struct op op[12];
	int ret;
	const char *why;
	const char *outcome;	/* of each request: what came, "done", the error, the words */
};

#define READ_1		{ 1, NBD_CMD_READ, 4096, 1024, false }
#define READ_1_DF	{ 1, NBD_CMD_READ, 4096, 1024, true }
#define READ_2		{ 2, NBD_CMD_READ, 1ULL << 40, 512, false }
#define WRITE_1		{ 1, NBD_CMD_WRITE, 4096, 1024, false }
#define FLUSH_1		{ 1, NBD_CMD_FLUSH, 0, 0, false }

static const struct test tests[] = {
	/* the good */
	{ "simple: a read", false, { READ_1 }, { simple(1, 0), bytes(4096, 1024) },
	  .outcome = "d0+1024 done" },
	{ "simple: two reads, the other way round", false, { READ_1, READ_2 },
	  { simple(2, 0), bytes(1ULL << 40, 512), simple(1, 0), bytes(4096, 1024) },
	  .outcome = "d0+1024 done, d0+512 done" },
	{ "simple: a read in error carries no data", false, { READ_1, READ_2 },
	  { simple(1, NBD_EIO), simple(2, NBD_EINVAL) },
	  .outcome = "done error 5, done error 22" },
	{ "simple: a write and a flush", false, { WRITE_1, { 2, NBD_CMD_FLUSH, 0, 0, false } },
	  { simple(1, 0), simple(2, 0) }, .outcome = "done, done" },
	{ "simple: a write in error", false, { WRITE_1 }, { simple(1, NBD_ENOSPC) },
	  .outcome = "done error 28" },
	{ "simple: a read of nothing", false, { { 1, NBD_CMD_READ, 0, 0, false } },
	  { simple(1, 0) }, .outcome = "done" },
	{ "simple: a write, with structured replies on", true, { WRITE_1 }, { simple(1, 0) },
	  .outcome = "done" },
	{ "one chunk", true, { READ_1 }, { data(1, DONE, 4096, 1024) },
	  .outcome = "d0+1024 done" },
	{ "one chunk, not to be fragmented", true, { READ_1_DF }, { data(1, DONE, 4096, 1024) },
	  .outcome = "d0+1024 done" },
	{ "one hole", true, { READ_1 }, { hole(1, DONE, 4096, 1024) },
	  .outcome = "z0+1024 done" },
	{ "one hole, not to be fragmented", true, { READ_1_DF },
	  { hole(1, 0, 4096, 1024), none(1, DONE) }, .outcome = "z0+1024 done" },
	{ "chunks in order, then NONE", true, { READ_1 },
	  { data(1, 0, 4096, 1), data(1, 0, 4097, 511), hole(1, 0, 4608, 512), none(1, DONE) },
	  .outcome = "d0+512 z512+512 done" },
	{ "chunks backwards", true, { READ_1 },
	  { data(1, 0, 4864, 256), hole(1, 0, 4608, 256), data(1, 0, 4352, 256),
	    data(1, DONE, 4096, 256) },
	  .outcome = "d0+512 z512+256 d768+256 done" },
	{ "chunks from the middle", true, { READ_1 },
	  { data(1, 0, 4608, 128), data(1, 0, 4352, 128), data(1, 0, 4864, 256),
	    data(1, 0, 4480, 128), data(1, 0, 4736, 128), data(1, 0, 4096, 256),
	    none(1, DONE) }, .outcome = "d0+1024 done" },
	{ "a gap closed from in order", true, { READ_1 },
	  { data(1, 0, 4608, 512), data(1, DONE, 4096, 512) }, .outcome = "d0+1024 done" },
	{ "a gap closed by a hole", true, { READ_1 },
	  { data(1, 0, 4608, 512), hole(1, DONE, 4096, 512) },
	  .outcome = "z0+512 d512+512 done" },
	{ "an extent grown at both ends", true, { READ_1 },
	  { data(1, 0, 4400, 100), data(1, 0, 4300, 100), data(1, 0, 4500, 100),
	    data(1, 0, 4096, 204), data(1, DONE, 4600, 520) }, .outcome = "d0+1024 done" },
	{ "an extent from joining two", true, { READ_1 },
	  { data(1, 0, 4400, 100), data(1, 0, 4600, 520), data(1, 0, 4500, 100),
	    data(1, DONE, 4096, 304) }, .outcome = "d0+1024 done" },
	{ "two requests interleaved", true, { READ_1, READ_2 },
	  { data(1, 0, 4096, 512), data(2, 0, (1ULL << 40) + 256, 256),
	    data(1, DONE, 4608, 512), data(2, DONE, 1ULL << 40, 256) },
	  .outcome = "d0+1024 done, d0+512 done" },
	{ "NONE for a write and a flush", true, { WRITE_1, { 2, NBD_CMD_FLUSH, 0, 0, false } },
	  { none(1, DONE), none(2, DONE) }, .outcome = "done, done" },
	{ "NONE for a read of nothing", true, { { 1, NBD_CMD_READ, 9, 0, false } },
	  { none(1, DONE) }, .outcome = "done" },
	{ "unknown chunk flags mean nothing", true, { READ_1 },
	  { data(1, DONE | 0x40, 4096, 1024) }, .outcome = "d0+1024 done" },
	{ "the end of 64 bits", true, { { 1, NBD_CMD_READ, 0xfffffffffffffe00ULL, 511, false } },
	  { data(1, DONE, 0xfffffffffffffe00ULL, 511) }, .outcome = "d0+511 done" },

	/* errors told */
	{ "an error", true, { READ_1 }, { error(1, DONE, NBD_EIO, "") },
	  .outcome = "done error 5" },
	{ "an error with words", true, { READ_1 }, { error(1, DONE, NBD_EPERM, "no way") },
	  .outcome = "done error 1 'no way'" },
	{ "an error for a write", true, { WRITE_1 }, { error(1, DONE, NBD_ENOSPC, "full") },
	  .outcome = "done error 28 'full'" },
	{ "an error, then NONE", true, { READ_1 },
	  { error(1, 0, NBD_ENOMEM, "x"), none(1, DONE) }, .outcome = "done error 12 'x'" },
	{ "an error after some data", true, { READ_1 },
	  { data(1, 0, 4096, 512), error(1, DONE, NBD_EIO, "") },
	  .outcome = "d0+512 done error 5" },
	{ "data after an error", true, { READ_1 },
	  { error(1, 0, NBD_EIO, ""), data(1, 0, 4200, 100), none(1, DONE) },
	  .outcome = "d104+100 done error 5" },
	{ "all data and an error", true, { READ_1 },
	  { data(1, 0, 4096, 1024), error_at(1, DONE, NBD_EIO, "bad", 4608) },
	  .outcome = "d0+1024 done error 5 'bad'" },
	{ "the first error told stays", true, { READ_1 },
	  { error(1, 0, NBD_EPERM, ""), error(1, DONE, NBD_EIO, "") },
	  .outcome = "done error 1" },
	{ "an error at an offset", true, { READ_1 }, { error_at(1, DONE, NBD_EIO, "", 4096) },
	  .outcome = "done error 5" },
	{ "an error at the last offset", true, { READ_1 },
	  { error_at(1, DONE, NBD_EIO, "end", 5119) }, .outcome = "done error 5 'end'" },
	{ "an error chunk with more at its end", true, { READ_1, READ_2 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR, 10), put32(5), put16(2), put16(0x6161), fill(2),
	    error(2, DONE, NBD_EIO, "") }, .outcome = "done error 5 'aa', done error 5" },
	{ "an error at an offset with more at its end", true, { READ_1, READ_2 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR_OFFSET, 20), put32(5), put16(2), put16(0x6161),
	    put64(4096), fill(4), error(2, DONE, NBD_EIO, "") },
	  .outcome = "done error 5 'aa', done error 5" },
	{ "an error at an offset with a second one at its end", true, { READ_1, READ_2 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR_OFFSET, 24), put32(5), put16(2), put16(0x6161),
	    put64(4096), put64(1), error(2, DONE, NBD_EIO, "") },
	  .outcome = "done error 5 'aa', done error 5" },
	{ "an error of an unknown kind", true, { READ_1, READ_2 },
	  { chunk(1, DONE, 0x8009, 100), put32(28), put16(50), fill(94),
	    error(2, DONE, NBD_EIO, "") }, .outcome = "done error 28, done error 5" },
	{ "an error of an unknown kind that says 0", true, { READ_1 },
	  { chunk(1, DONE, 0x8009, 6), put32(0), put16(50) }, .outcome = "done error 5" },
	{ "an error of an unknown kind without fields", true, { READ_1, READ_2 },
	  { chunk(1, DONE, 0x8009, 0), chunk(2, DONE, 0xffff, 5), fill(5) },
	  .outcome = "done error 5, done error 5" },
	{ "the longest error text", true, { READ_1, READ_2 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR, 6 + 4096), put32(5), put16(4096), fill(4096),
	    error(2, DONE, NBD_EIO, "") },
	  .outcome = "done error 5 '256 of f', done error 5" },
	{ "256 disjoint pieces", true, { { 1, NBD_CMD_READ, 0, 1024, false } },
	  { { .kind = HOLES_EVERY_OTHER, .cookie = 1, .len = 256 }, error(1, DONE, 5, "") },
	  .outcome = "every other 256 done error 5" },

	{ "256 disjoint pieces, and one that touches the last", true,
	  { { 1, NBD_CMD_READ, 0, 1024, false } },
	  { { .kind = HOLES_EVERY_OTHER, .cookie = 1, .len = 256 }, hole(1, 0, 512, 512),
	    error(1, DONE, 5, "") }, .outcome = "every other 256 done error 5" },
	{ "256 disjoint pieces, and one that touches the first", true,
	  { { 1, NBD_CMD_READ, 0, 1024, false } },
	  { { .kind = HOLES_EVERY_OTHER, .cookie = 1, .len = 256, .offset = 10 },
	    hole(1, 0, 1, 10), error(1, DONE, 5, "") },
	  .outcome = "every other 256 done error 5" },

	/* the bad */
	{ "a wrong magic number", true, { READ_1 }, { put32(0x12345678), fill(12) },
	  -EPROTO, "magic", "" },
	{ "a request's magic number", false, { READ_1 }, { put32(NBD_MAGIC_REQUEST), fill(12) },
	  -EPROTO, "magic", "" },
	{ "simple: a wrong cookie", false, { READ_1 }, { simple(7, 0) }, -ENOENT, "not sent", "" },
	{ "a wrong cookie", true, { READ_1 }, { none(7, DONE) }, -ENOENT, "not sent", "" },
	{ "simple: a second answer", false, { WRITE_1 }, { simple(1, 0), simple(1, 0) },
	  -ENOENT, "not sent", "done" },
	{ "a second answer", true, { READ_1 }, { data(1, DONE, 4096, 1024), none(1, DONE) },
	  -ENOENT, "not sent", "d0+1024 done" },
	{ "chunks when not negotiated", false, { READ_1 }, { data(1, DONE, 4096, 1024) },
	  -EPROTO, "not negotiated", "" },
	{ "a simple reply to a read", true, { READ_1 }, { simple(1, 0), bytes(4096, 1024) },
	  -EPROTO, "simple reply to a read", "" },
	{ "a simple error to a read", true, { READ_1 }, { simple(1, NBD_EINVAL) },
	  -EPROTO, "simple reply to a read", "" },
	{ "a simple reply amid chunks", true, { WRITE_1 }, { error(1, 0, 5, ""), simple(1, 0) },
	  -EPROTO, "amid chunks", "error 5" },
	{ "in part only", true, { READ_1 }, { data(1, DONE, 4096, 1023) },
	  -EPROTO, "in part", "d0+1023" },
	{ "in part only, NONE", true, { READ_1 }, { data(1, 0, 4097, 1023), none(1, DONE) },
	  -EPROTO, "in part", "d1+1023" },
	{ "a gap in the middle", true, { READ_1 },
	  { data(1, 0, 4096, 100), data(1, DONE, 4200, 920) },
	  -EPROTO, "in part", "d0+100 d104+920" },
	{ "NONE alone for a read", true, { READ_1 }, { none(1, DONE) }, -EPROTO, "in part", "" },
	{ "NONE that is not the last", true, { WRITE_1 }, { none(1, 0) }, -EPROTO, "last", "" },
	{ "NONE with a payload", true, { WRITE_1 }, { chunk(1, DONE, NBD_CHUNK_NONE, 1), fill(1) },
	  -EPROTO, "payload", "" },
	{ "the same data twice", true, { READ_1 },
	  { data(1, 0, 4096, 512), data(1, 0, 4096, 512) }, -EPROTO, "twice", "d0+512" },
	{ "a byte twice, in order", true, { READ_1 },
	  { data(1, 0, 4096, 512), data(1, 0, 4607, 100) }, -EPROTO, "twice", "d0+512" },
	{ "a byte twice, in order into an extent", true, { READ_1 },
	  { data(1, 0, 4608, 512), data(1, 0, 4096, 513) }, -EPROTO, "twice", "d512+512" },
	{ "a byte twice, out of order, at its front", true, { READ_1 },
	  { data(1, 0, 4608, 100), data(1, 0, 4707, 100) }, -EPROTO, "twice", "d512+100" },
	{ "a byte twice, out of order, at its end", true, { READ_1 },
	  { data(1, 0, 4608, 100), data(1, 0, 4509, 100) }, -EPROTO, "twice", "d512+100" },
	{ "an extent twice", true, { READ_1 },
	  { data(1, 0, 4608, 100), hole(1, 0, 4608, 100) }, -EPROTO, "twice", "d512+100" },
	{ "an extent over two", true, { READ_1 },
	  { data(1, 0, 4400, 10), data(1, 0, 4600, 10), hole(1, 0, 4300, 600) },
	  -EPROTO, "twice", "d304+10 d504+10" },
	{ "data before the request", true, { READ_1 }, { data(1, 0, 4095, 10) },
	  -EPROTO, "not asked", "" },
	{ "data over its end", true, { READ_1 }, { data(1, 0, 4097, 1024) },
	  -EPROTO, "not asked", "" },
	{ "data behind it", true, { READ_1 }, { data(1, 0, 5120, 1) }, -EPROTO, "not asked", "" },
	{ "data far away", true, { READ_1 }, { data(1, 0, 0xffffffffffffffffULL, 2) },
	  -EPROTO, "not asked", "" },
	{ "data longer than the request", true, { READ_1 },
	  { chunk(1, 0, NBD_CHUNK_OFFSET_DATA, 8 + 1025) }, -EPROTO, "longer", "" },
	{ "data of 4 GiB", true, { READ_1 }, { chunk(1, 0, NBD_CHUNK_OFFSET_DATA, 0xffffffff) },
	  -EPROTO, "longer", "" },
	{ "data of no length", true, { READ_1 }, { data(1, 0, 4096, 0) },
	  -EPROTO, "without data", "" },
	{ "data shorter than its offset", true, { READ_1 },
	  { chunk(1, 0, NBD_CHUNK_OFFSET_DATA, 7) }, -EPROTO, "without data", "" },
	{ "a hole over its end", true, { READ_1 }, { hole(1, 0, 4096, 1025) },
	  -EPROTO, "not asked", "" },
	{ "a hole of 4 GiB", true, { READ_1 }, { hole(1, 0, 4097, 0xffffffff) },
	  -EPROTO, "not asked", "" },
	{ "a hole of no length", true, { READ_1 }, { hole(1, 0, 4096, 0) },
	  -EPROTO, "empty", "" },
	{ "a hole chunk of a wrong length", true, { READ_1 },
	  { chunk(1, 0, NBD_CHUNK_OFFSET_HOLE, 13) }, -EPROTO, "wrong length", "" },
	{ "data for a write", true, { WRITE_1 }, { data(1, 0, 4096, 512) },
	  -EPROTO, "no read", "" },
	{ "a hole for a flush", true, { FLUSH_1 }, { hole(1, 0, 0, 512) },
	  -EPROTO, "no read", "" },
	{ "fragmented against orders", true, { READ_1_DF },
	  { data(1, 0, 4096, 512), data(1, DONE, 4608, 512) }, -EPROTO, "fragmented", "d0+512" },
	{ "fragmented against orders, backwards", true, { READ_1_DF },
	  { data(1, 0, 4608, 512), data(1, DONE, 4096, 512) },
	  -EPROTO, "fragmented", "d512+512" },
	{ "a block status", true, { READ_1 },
	  { chunk(1, DONE, NBD_CHUNK_BLOCK_STATUS, 12), fill(12) }, -EPROTO, "type", "" },
	{ "an unknown chunk", true, { READ_1 }, { chunk(1, DONE, 99, 0) }, -EPROTO, "type", "" },
	{ "an error of 0", true, { READ_1 }, { error(1, DONE, 0, "") },
	  -EPROTO, "without an error", "" },
	{ "an error too short", true, { READ_1 }, { chunk(1, DONE, NBD_CHUNK_ERROR, 5), fill(5) },
	  -EPROTO, "too short", "" },
	{ "an error at an offset too short", true, { READ_1 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR_OFFSET, 13), fill(13) }, -EPROTO, "too short", "" },
	{ "an error too long", true, { READ_1 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR, 6 + 4097) }, -EPROTO, "too long", "" },
	{ "an unknown error too long", true, { READ_1 }, { chunk(1, DONE, 0x8009, 65537) },
	  -EPROTO, "too long", "" },
	{ "an error text longer than its chunk", true, { READ_1 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR, 8), put32(5), put16(3) },
	  -EPROTO, "text longer", "" },
	{ "an error text over its offset", true, { READ_1 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR_OFFSET, 16), put32(5), put16(3) },
	  -EPROTO, "text longer", "" },
	{ "an error text longer than any", true, { READ_1 },
	  { chunk(1, DONE, NBD_CHUNK_ERROR_OFFSET, 14 + 4096), put32(5), put16(4097) },
	  -EPROTO, "text longer", "" },
	{ "an error before the request", true, { READ_1 }, { error_at(1, 0, 5, "", 4095) },
	  -EPROTO, "offset", "error 5" },
	{ "an error behind the request", true, { READ_1 }, { error_at(1, 0, 5, "w", 5120) },
	  -EPROTO, "offset", "error 5 'w'" },
	{ "an error at an offset of a flush", true, { FLUSH_1 }, { error_at(1, 0, 5, "", 0) },
	  -EPROTO, "offset", "error 5" },
	{ "257 disjoint pieces", true, { { 1, NBD_CMD_READ, 0, 1024, false } },
	  { { .kind = HOLES_EVERY_OTHER, .cookie = 1, .len = 257 } },
	  -E2BIG, "disjoint", "every other 256" },
};

static u8 pattern(u64 offset)
{
	return offset * 7 + (offset >> 8) * 13 + 1;
}

static void put_pattern(struct stream *s, u64 offset, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		put(s, &(u8){ pattern(offset + i) }, 1);
}

static void put_chunk(struct stream *s, const struct op *o, u16 type, u32 len)
{
	put_be32(s, NBD_MAGIC_CHUNK);
	put_be16(s, o->flags);
	put_be16(s, type);
	put_be64(s, o->cookie);
	put_be32(s, len);
}

static void put_hole(struct stream *s, const struct op *o, u64 offset, u32 len)
{
	put_chunk(s, o, NBD_CHUNK_OFFSET_HOLE, 12);
	put_be64(s, offset);
	put_be32(s, len);
}

static void put_error(struct stream *s, const struct op *o)
{
	u32 n = strlen(o->text);
	bool at = o->kind == ERROR_AT;

	put_chunk(s, o, at ? NBD_CHUNK_ERROR_OFFSET : NBD_CHUNK_ERROR, 6 + n + (at ? 8 : 0));
	put_be32(s, o->error);
	put_be16(s, n);
	put(s, o->text, n);
	if (at)
		put_be64(s, o->offset);
}

static void put_op(struct stream *s, const struct op *o)
{
	u32 i;

	switch (o->kind) {
	case SIMPLE:
		put_be32(s, NBD_MAGIC_SIMPLE_REPLY);
		put_be32(s, o->error);
		put_be64(s, o->cookie);
		break;
	case BYTES:
		put_pattern(s, o->offset, o->len);
		break;
	case DATA:
		put_chunk(s, o, NBD_CHUNK_OFFSET_DATA, 8 + o->len);
		put_be64(s, o->offset);
		put_pattern(s, o->offset, o->len);
		break;
	case HOLE:
		put_hole(s, o, o->offset, o->len);
		break;
	case NONE:
		put_chunk(s, o, NBD_CHUNK_NONE, 0);
		break;
	case ERROR:
	case ERROR_AT:
		put_error(s, o);
		break;
	case CHUNK:
		put_chunk(s, o, o->error, o->len);
		break;
	case PUT16:
		put_be16(s, o->len);
		break;
	case PUT32:
		put_be32(s, o->len);
		break;
	case PUT64:
		put_be64(s, o->offset);
		break;
	case FILL:
		for (i = 0; i < o->len; i++)
			put(s, "f", 1);
		break;
	case HOLES_EVERY_OTHER:
		for (i = 0; i < o->len; i++)
			put_hole(s, o, o->offset + 2 * i + 1, 1);
		break;
	default:
		abort();
	}
}

/* Is each byte what its way of coming says? */
static bool right_data(const struct world_request *q)
{
	u32 i;

	for (i = 0; i < q->rq.length; i++)
		if ((q->how[i] == 'd' && q->data[i] != pattern(q->rq.offset + i)) ||
		    (q->how[i] == 'z' && q->data[i]))
			return false;
	return true;
}

static int how_text(const struct world_request *q, char *to, size_t size)
{
	u32 i, start, pieces = 0;
	int n = 0;

	for (i = 0; i < q->rq.length;) {
		for (start = i; i < q->rq.length && q->how[i] == q->how[start];)
			i++;
		if (q->how[start] == '.')
			continue;
		pieces++;
		n += snprintf(to + n, size - n, " %c%u+%u", q->how[start], start, i - start);
	}
	return pieces > 10 ? snprintf(to, size, " every other %u", pieces) : n;
}

static void outcome(const struct world *w, char *to, size_t size)
{
	char how[8192];
	size_t n = 0;
	u32 i;

	*to = '\0';
	for (i = 0; i < w->n; i++) {
		const struct world_request *q = &w->request[i];

		how[0] = '\0';
		how_text(q, how, sizeof(how));
		n += snprintf(to + n, size - n, "%s%s%s%s", i ? "," : "", how,
			      q->done ? " done" : "", right_data(q) ? "" : " WRONG DATA");
		if (q->rq.error)
			n += snprintf(to + n, size - n, " error %u", q->rq.error);
		if (q->text_len == VDISK_REPLY_TEXT && q->text[0] == 'f')
			n += snprintf(to + n, size - n, " '256 of f'");
		else if (q->text_len)
			n += snprintf(to + n, size - n, " '%.*s'", (int)q->text_len, q->text);
	}
}

/* How a stream is cut: at one place, each byte alone, or at random. */
struct cut {
	u32 first;		/* bytes of the first piece */
	u32 most;		/* bytes of each further one, at most */
	bool random;
};

static u32 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

static u32 next_piece(const struct cut *cut, u32 at, u32 left)
{
	u32 n = at ? cut->most : cut->first;

	if (cut->random)
		n = 1 + random_below(cut->most);
	return n < left ? n : left;
}

struct result {
	int ret;
	char why[128];
	char outcome[512];
};

static void run(const struct test *t, const struct stream *s, const struct cut *cut,
		struct result *res)
{
	struct vdisk_reply r;
	struct world w = { 0 };
	u32 i, n;

	for (i = 0; i < 3 && t->sent[i].cookie; i++)
		world_add(&w, t->sent[i].cookie, t->sent[i].command, t->sent[i].offset,
			  t->sent[i].length, t->sent[i].df);
	vdisk_reply_init(&r, &w, t->structured);
	res->ret = 0;
	for (i = 0; i < s->len && !res->ret; i += n) {
		/* In memory of its own, so that a read beyond a piece is seen. */
		u8 *piece;

		n = next_piece(cut, i, s->len - i);
		piece = malloc(n);
		memcpy(piece, s->byte + i, n);
		res->ret = vdisk_reply_feed(&r, piece, n);
		free(piece);
		if (!res->ret)
			world_check_request(&w.request[0]);
	}
	if (res->ret && vdisk_reply_feed(&r, "x", 1) != -EPROTO)
		res->ret = 1;
	snprintf(res->why, sizeof(res->why), "%s", r.why ? r.why : "");
	outcome(&w, res->outcome, sizeof(res->outcome));
	world_free(&w);
}

static bool as_expected(const struct test *t, const struct result *res)
{
	const char *outcome = res->outcome;

	while (*outcome == ' ')
		outcome++;
	return res->ret == t->ret && !strcmp(outcome, t->outcome) &&
	       (t->why ? !!strstr(res->why, t->why) : !res->why[0]);
}

static void run_test(const struct test *t)
{
	static struct stream s;
	struct cut cut = { 0 };
	struct result whole, res;
	bool ok;
	u32 i;

	s.len = 0;
	for (i = 0; i < 12 && t->op[i].kind; i++)
		put_op(&s, &t->op[i]);

	cut.first = s.len;
	cut.most = s.len;
	run(t, &s, &cut, &whole);
	if (!tap_ok(as_expected(t, &whole), "%s", t->name))
		tap_diag("returned %d '%s', '%s'", whole.ret, whole.why, whole.outcome);

	ok = true;
	for (i = 1; ok && i < s.len + 200; i++) {
		if (i < s.len) {
			cut = (struct cut){ .first = i, .most = s.len };
		} else {
			random_state = i;
			cut = (struct cut){ .most = 1 + i % 97, .random = true };
		}
		run(t, &s, &cut, &res);
		ok = as_expected(t, &res);
	}
	cut = (struct cut){ .first = 1, .most = 1 };
	run(t, &s, &cut, &res);
	if (!tap_ok(ok && as_expected(t, &res), "%s: however it is cut", t->name))
		tap_diag("cut %u: %d '%s', '%s'", i, res.ret, res.why, res.outcome);
}

static void test_no_memory(void)
{
	const struct op piece = data(1, 0, 512, 512);
	static struct stream s;
	struct vdisk_reply r;
	struct world w = { 0 };
	int ret;

	put_op(&s, &piece);
	world_add(&w, 1, NBD_CMD_READ, 0, 1024, false);
	vdisk_reply_init(&r, &w, true);
	kernel_shim_no_memory = true;
	ret = vdisk_reply_feed(&r, s.byte, s.len);
	kernel_shim_no_memory = false;
	tap_ok(ret == -ENOMEM && strstr(r.why, "memory"), "out of order without memory");
	world_free(&w);
}

/* A read in order must not need memory: it may be what frees some. */
static void test_in_order_takes_no_memory(void)
{
	const struct op op[] = { data(1, 0, 0, 512), hole(1, 0, 512, 256), data(1, DONE, 768, 256) };
	static struct stream s;
	struct vdisk_reply r;
	struct world w = { 0 };
	int ret;

	put_op(&s, &op[0]);
	put_op(&s, &op[1]);
	put_op(&s, &op[2]);
	world_add(&w, 1, NBD_CMD_READ, 0, 1024, false);
	vdisk_reply_init(&r, &w, true);
	kernel_shim_no_memory = true;
	ret = vdisk_reply_feed(&r, s.byte, s.len);
	kernel_shim_no_memory = false;
	tap_ok(!ret && w.request[0].done, "in order without memory");
	world_free(&w);
}

static void test_too_many_chunks(void)
{
	const struct op empty = error(1, 0, 5, "");
	static struct stream s;
	struct vdisk_reply r;
	struct world w = { 0 };
	u32 i;
	int ret = 0;

	put_op(&s, &empty);
	world_add(&w, 1, NBD_CMD_READ, 0, 1024, false);
	vdisk_reply_init(&r, &w, true);
	for (i = 0; !ret && i <= VDISK_REPLY_CHUNKS; i++)
		ret = vdisk_reply_feed(&r, s.byte, s.len);
	tap_ok(ret == -EPROTO && i == VDISK_REPLY_CHUNKS + 1 && strstr(r.why, "too many"),
	       "too many chunks");
	world_free(&w);
}

/* All orders of eight pieces, data and holes in turn. */
static void test_all_orders(void)
{
	u8 order[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, count[8] = { 0 };
	u32 i = 0, orders = 0, bad = 0;

	for (;;) {
		static struct stream s;
		struct vdisk_reply r;
		struct world w = { 0 };
		u32 k;

		s.len = 0;
		for (k = 0; k < 8; k++) {
			struct op o = { .kind = order[k] & 1 ? HOLE : DATA, .cookie = 1,
					.offset = order[k] * 8, .len = 8,
					.flags = k == 7 ? DONE : 0 };

			put_op(&s, &o);
		}
		world_add(&w, 1, NBD_CMD_READ, 0, 64, false);
		vdisk_reply_init(&r, &w, true);
		bad += vdisk_reply_feed(&r, s.byte, s.len) || !w.request[0].done ||
		       w.request[0].rq.nr_extents || !right_data(&w.request[0]);
		world_free(&w);
		orders++;

		/* the next permutation (Heap's, without recursion) */
		while (i < 8 && count[i] >= i)
			count[i++] = 0;
		if (i == 8)
			break;
		k = i & 1 ? count[i] : 0;
		u8 swap = order[k];

		order[k] = order[i];
		order[i] = swap;
		count[i]++;
		i = 0;
	}
	tap_ok(!bad && orders == 40320, "eight pieces in all orders");
}

int main(void)
{
	u32 i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		run_test(&tests[i]);
	test_no_memory();
	test_in_order_takes_no_memory();
	test_too_many_chunks();
	test_all_orders();
	return tap_done();
}
