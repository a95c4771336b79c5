/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parser of what an NBD server sends in the transmission phase: simple replies
 * and structured reply chunks ("Transmission", "Structured replies").
 *
 * It is fed bytes in pieces of any size as they come, keeps no data and never
 * sleeps: it runs in softirq context.  It is compiled for user space too
 * (tests/fuzz), so it uses nothing of the kernel but types and unaligned access.
 *
 * One parser belongs to one connection, and only one context feeds it at a time.
 */
#ifndef VDISK_REPLY_H
#define VDISK_REPLY_H

#include "nbd.h"

struct vdisk_reply;

enum vdisk_reply_limits {
	VDISK_REPLY_EXTENTS	= 256,	/* disjoint pieces of one read, sent out of order */
	VDISK_REPLY_TEXT	= 256,	/* bytes kept of an error chunk's text */
	VDISK_REPLY_CHUNKS	= 1 << 22, /* chunks of one request; more is abuse */
};

struct vdisk_reply_extent;	/* reply.c's */

/*
 * What the parser must know of a request that was sent.  Embedded in the wire
 * request; the parser owns it between ->find and ->done.
 */
struct vdisk_reply_request {
	u16 command;		/* NBD_CMD_* */
	bool df;		/* sent with NBD_CMD_FLAG_DF: one data chunk at most */
	u64 offset;		/* bytes, as sent */
	u32 length;		/* bytes, as sent */
	/* filled by the parser; zero all of it before the request is sent */
	u32 error;		/* NBD error value, 0 none */
	u32 chunks;
	u32 in_order;		/* bytes [0, in_order) have come */
	u32 nr_extents;
	struct vdisk_reply_extent *extents; /* what came out of order; sorted, disjoint */
};

/*
 * The world of the parser.  Implemented once in the kernel (receive.c) and once
 * by each test that links reply.c: no pointers to functions in the data path.
 * @ctx is what vdisk_reply_init() was given.
 */

/* The request with this cookie, or NULL: then the connection ends. */
struct vdisk_reply_request *vdisk_reply_find(void *ctx, u64 cookie);
/*
 * @len bytes for the request from @at bytes after its start; within its length
 * and never twice: the parser has checked.
 */
void vdisk_reply_data(void *ctx, struct vdisk_reply_request *rq, u32 at, const void *from, u32 len);
void vdisk_reply_zero(void *ctx, struct vdisk_reply_request *rq, u32 at, u32 len);
/* The request is answered (rq->error); it must not be touched by the parser again. */
void vdisk_reply_done(void *ctx, struct vdisk_reply_request *rq);
/*
 * Text for people with an error chunk, once a chunk, before ->done; 1 ..
 * VDISK_REPLY_TEXT bytes, not terminated, from the network: print with care.
 */
void vdisk_reply_text(void *ctx, struct vdisk_reply_request *rq, const char *text, u32 len);

struct vdisk_reply {
	void *ctx;
	bool structured;
	const char *why;	/* after an error: what was wrong; a constant string */
	u8 state;
	u8 head[32];		/* a header as far as it has come */
	u32 have, want;		/* bytes of it */
	u16 type, flags;	/* of the chunk */
	u64 cookie;
	u32 at, left;		/* where the next payload byte goes; payload bytes to come */
	u32 text_left, text_have;
	char text[VDISK_REPLY_TEXT];
	struct vdisk_reply_request *rq;
};

/*
 * vdisk_reply_init - a parser at the start of the transmission phase.
 * @structured: structured replies were negotiated: a READ must be answered by
 *	chunks, other commands by either.
 */
void vdisk_reply_init(struct vdisk_reply *r, void *ctx, bool structured);

/*
 * vdisk_reply_feed - parses @len bytes.
 *
 * Returns 0 when all were taken, or a negative errno, after which the
 * connection must be ended and ->why says why: -EPROTO (the server broke the
 * protocol), -ENOENT (unknown cookie), -ENOMEM (an extent could not be kept),
 * -E2BIG (more disjoint pieces than VDISK_REPLY_EXTENTS).
 * Every loop is bounded by @len.
 */
int vdisk_reply_feed(struct vdisk_reply *r, const void *data, u32 len);

/* vdisk_reply_request_reset - frees what the parser kept with the request; before reuse or free. */
void vdisk_reply_request_reset(struct vdisk_reply_request *rq);

#endif
