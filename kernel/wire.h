/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wire request: one NBD request, with a cookie and a place in a connection's
 * table.  It outlives the block request it serves: when that is failed early
 * (detach, fail-now) the wire request stays until its reply has come or its
 * connection has gone, and what still arrives is thrown away.
 *
 * Who may touch the block request's pages is settled by wire->state:
 *
 *   claim    0 -> CLAIMED       the receiver while it copies a piece in, the
 *                               sender while it copies a piece out
 *   unclaim  CLAIMED -> 0, and whoever was asked to stop meanwhile is served
 *   revoke   sets REVOKED       the block request is failed now; at once when
 *                               nobody has a claim, else by unclaim
 *   finish   sets FINISHED      the reply is complete; by the receiver, or by
 *                               unclaim when the sender still holds a claim
 *
 * A holder never sleeps while it receives; the sender may sleep for memory, so
 * nobody ever spins for a claim: the holder does what was asked when it lets go.
 */
#ifndef VDISK_WIRE_H
#define VDISK_WIRE_H

#include <linux/blk_types.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include "cursor.h"
#include "reply.h"

struct vdisk_io;

enum vdisk_wire_state {
	VDISK_WIRE_CLAIMED	= 1 << 0,
	VDISK_WIRE_REVOKED	= 1 << 1,
	VDISK_WIRE_FINISHED	= 1 << 2,
};

struct vdisk_wire {
	struct list_head link;		/* of one list: waiting, delayed, a connection's tx */
	struct vdisk_reply_request rq;	/* what goes out; the parser's state */
	atomic_t state;			/* enum vdisk_wire_state */
	struct vdisk_io *io;		/* valid until finished or revoked */
	struct vdisk_cursor cur;	/* the block request's data at keep_at */
	u32 keep_at, keep_len;		/* of a read: what is wanted of the aligned range */
	struct vdisk_cursor rx;		/* where the next byte in order goes ... */
	u32 rx_at;			/* ... which is this one of [0, keep_len) */
	u16 flags;			/* NBD_CMD_FLAG_* */
	u16 slot;			/* in the connection's table */
	u8 tried;			/* paths that answered EIO, a bit each */
	blk_status_t status;		/* what FINISHED or REVOKED means for the block request */
	u64 cookie;
};

int vdisk_wire_init(void);
void vdisk_wire_uninit(void);

/* A pool with a reserve of @min; sleeps. */
mempool_t *vdisk_wire_pool_create(unsigned int min);

/*
 * vdisk_wire_alloc - a wire request for @io, or NULL; never sleeps.
 * @offset, @length: bytes on the wire.
 */
struct vdisk_wire *vdisk_wire_alloc(mempool_t *pool, struct vdisk_io *io, u16 command,
				    u64 offset, u32 length);
void vdisk_wire_free(mempool_t *pool, struct vdisk_wire *wire);

/* Makes it as if it had never been sent; the caller owns it. */
void vdisk_wire_rewind(struct vdisk_wire *wire);

/* Returns whether the block request's pages may be touched until unclaim. */
static inline bool vdisk_wire_claim(struct vdisk_wire *wire)
{
	return atomic_cmpxchg_acquire(&wire->state, 0, VDISK_WIRE_CLAIMED) == 0;
}

/*
 * Ends a claim.  Returns true when the wire request was finished meanwhile: the
 * caller then frees it (its block request has been told).
 */
bool vdisk_wire_unclaim(struct vdisk_wire *wire);

/*
 * The reply is complete, with @status.  The caller has taken the wire request
 * out of the table.  Returns true when the caller frees it; false when a
 * sender's claim is still on it, whose unclaim does.
 */
bool vdisk_wire_finish(struct vdisk_wire *wire, blk_status_t status);

/* Fails the block request with @status, now or when the claim on it ends. */
void vdisk_wire_revoke(struct vdisk_wire *wire, blk_status_t status);

static inline bool vdisk_wire_revoked(const struct vdisk_wire *wire)
{
	return atomic_read(&wire->state) & VDISK_WIRE_REVOKED;
}

#endif
