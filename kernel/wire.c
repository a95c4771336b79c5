// SPDX-License-Identifier: GPL-2.0
/* Wire requests: allocation, and who may touch the block request's pages. */
#include <linux/slab.h>
#include "queue.h"
#include "wire.h"

static struct kmem_cache *wire_cache;

int vdisk_wire_init(void)
{
	wire_cache = KMEM_CACHE(vdisk_wire, SLAB_HWCACHE_ALIGN);
	return wire_cache ? 0 : -ENOMEM;
}

void vdisk_wire_uninit(void)
{
	kmem_cache_destroy(wire_cache);
}

mempool_t *vdisk_wire_pool_create(unsigned int min)
{
	return mempool_create_slab_pool(min, wire_cache);
}

struct vdisk_wire *vdisk_wire_alloc(mempool_t *pool, struct vdisk_io *io, u16 command,
				    u64 offset, u32 length)
{
	struct vdisk_wire *wire = mempool_alloc(pool, GFP_NOWAIT | __GFP_NOWARN);

	if (!wire)
		return NULL;
	memset(wire, 0, sizeof(*wire));
	INIT_LIST_HEAD(&wire->link);
	wire->io = io;
	wire->rq.command = command;
	wire->rq.offset = offset;
	wire->rq.length = length;
	return wire;
}

void vdisk_wire_free(mempool_t *pool, struct vdisk_wire *wire)
{
	vdisk_reply_request_reset(&wire->rq);
	mempool_free(wire, pool);
}

void vdisk_wire_rewind(struct vdisk_wire *wire)
{
	struct vdisk_reply_request old = wire->rq;

	vdisk_reply_request_reset(&wire->rq);
	wire->rq = (struct vdisk_reply_request){
		.command = old.command,
		.offset = old.offset,
		.length = old.length,
	};
	wire->rx_at = 0;
	wire->rx = wire->cur;
}

bool vdisk_wire_unclaim(struct vdisk_wire *wire)
{
	int old = atomic_fetch_andnot(VDISK_WIRE_CLAIMED, &wire->state);

	/* whichever came first has stored the status */
	if (unlikely(old & (VDISK_WIRE_REVOKED | VDISK_WIRE_FINISHED)))
		vdisk_io_part_done(wire->io, wire->status);
	return old & VDISK_WIRE_FINISHED;
}

bool vdisk_wire_finish(struct vdisk_wire *wire, blk_status_t status)
{
	int old;

	if (!vdisk_wire_revoked(wire))
		wire->status = status;
	old = atomic_fetch_or(VDISK_WIRE_FINISHED, &wire->state);
	if (!old)
		vdisk_io_part_done(wire->io, status);
	return !(old & VDISK_WIRE_CLAIMED);
}

void vdisk_wire_revoke(struct vdisk_wire *wire, blk_status_t status)
{
	int old;

	if (atomic_read(&wire->state) & (VDISK_WIRE_REVOKED | VDISK_WIRE_FINISHED))
		return;
	wire->status = status;
	old = atomic_fetch_or(VDISK_WIRE_REVOKED, &wire->state);
	if (!old)
		vdisk_io_part_done(wire->io, status);
}
