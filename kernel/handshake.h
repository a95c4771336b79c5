/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's side of the NBD handshake: fixed newstyle, as far as OPT_GO.
 *
 * Straight-line code over two functions that send and receive exactly; they
 * wait (with a deadline of their own) in the kernel and read a buffer in tests:
 * handshake.c is compiled for user space too (tests/fuzz).
 */
#ifndef VDISK_HANDSHAKE_H
#define VDISK_HANDSHAKE_H

#include "nbd.h"

enum vdisk_handshake_limits {
	VDISK_HS_REPLIES_MAX	= 64,		/* option replies read for one option */
	VDISK_HS_PAYLOAD_MAX	= 64 << 10,	/* largest option reply; more is refused */
	VDISK_HS_TEXT		= 256,		/* bytes kept of the server's words, with the 0 */
	VDISK_HS_STAMP		= 128,		/* bytes of a stamp, with the 0 */
	VDISK_HS_NAME		= 1025,		/* bytes of NBD_INFO_NAME kept, with the 0 */
};

/* What a server offers, as GO said it, checked. */
struct vdisk_export {
	u64 size;		/* bytes, 1 .. INT64_MAX */
	u16 flags;		/* NBD_FLAG_*; HAS_FLAGS is set */
	bool structured;	/* structured replies are on */
	u32 block_min;		/* bytes, power of two, 1 .. 64 KiB; 1 when not told (see .c) */
	u32 block_preferred;
	u32 block_max;		/* bytes, largest payload; a multiple of block_min */
	char name[VDISK_HS_NAME];	/* NBD_INFO_NAME, "" when not told */
	char stamp[VDISK_HS_STAMP];	/* after "x-vdisk:stamp:", "" when none */
};

/*
 * The world of the handshake; implemented by path.c in the kernel and by each
 * test.  Both transfer exactly @len bytes or return a negative errno
 * (-ETIMEDOUT, -ECONNRESET, -EINTR when the path is being stopped, ...).
 */
int vdisk_handshake_send(void *ctx, const void *buf, size_t len);
int vdisk_handshake_recv(void *ctx, void *buf, size_t len);

/*
 * vdisk_handshake - negotiates an export.
 * @ctx: passed to send and receive.
 * @name: export name; 0 .. NBD_STRING_MAX bytes.
 * @ex: filled on success.
 * @text: VDISK_HS_TEXT bytes: on failure the reason for people, with the
 *	server's own words if it said any (made printable), always terminated.
 *
 * Returns 0: the connection is in the transmission phase.  -EACCES, -ENOENT:
 * the server refused (policy, unknown export; text has its words).  -EKEYREVOKED:
 * @name is a session's token, and the session is over, for good.  -ESHUTDOWN:
 * it is shutting down.  -EPROTO: it broke the protocol, or offers what can't be
 * used.  -EINVAL: @name is too long.  -ENOMEM.  Else what send or receive
 * returned.  Sleeps as they do; allocates with GFP_NOIO.
 */
int vdisk_handshake(void *ctx, const char *name, struct vdisk_export *ex, char *text);

#endif
