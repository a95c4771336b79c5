/* SPDX-License-Identifier: GPL-2.0 */
/* Block requests: what the overlay has is done at once, the rest goes to the source. */
#ifndef VDISK_QUEUE_H
#define VDISK_QUEUE_H

#include <linux/blk-mq.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "device.h"

struct vdisk_cursor;
struct vdisk_device;

enum vdisk_queue_limits {
	VDISK_QUEUES_MAX	= 8,	/* hardware queues */
	VDISK_QUEUE_DEPTH	= 256,
	VDISK_PARKED_MAX	= 128,	/* writes of a queue that wait for space with their tag */
	VDISK_RUNS_MAX		= 16,	/* pieces of one read fetched apart */
	VDISK_ZERO_SECTORS	= 1 << 21, /* largest discard, 1 GiB: bounds queue_rq() */
	VDISK_IO_SECTORS	= 8192,	/* largest block request, 4 MiB */
	VDISK_AGAIN_MS		= 5,	/* pause before a request is queued anew */
	VDISK_WIRE_ZERO		= 32 << 20, /* bytes one command trims or zeroes, in due time */
};

/* The driver's part of a block request; also heads the wire requests of a prefetch. */
struct vdisk_io {
	void (*done_fn)(struct vdisk_io *io, blk_status_t status); /* NULL: a block request */
	atomic_t pending;	/* parts under way, and one while they are made */
	blk_status_t status;	/* the first failure */
	bool joined;		/* the overlay's data must go over what was fetched */
	bool again;		/* a part could not be had: to be queued anew */
	bool nomem;		/* parked for memory, not for space */
	u32 done;		/* sectors of a write already stored */
	struct list_head parked;
	unsigned long since;	/* jiffies, when it was parked */
};

/* Writes that wait for space or memory. */
struct vdisk_park {
	spinlock_t lock;	/* protects the rest; any process context */
	struct list_head list;
	/*
	 * The bios of those beyond VDISK_PARKED_MAX, which keep no tag: reads,
	 * rewrites and trims go on however many wait.  They are submitted again
	 * when others are through, and their time counts from then.
	 */
	struct bio_list more;
	unsigned int nr;	/* in list and in more */
	unsigned int per_queue[VDISK_QUEUES_MAX];
	bool closed;		/* fail-now: nothing waits any more */
	struct delayed_work work;
	/* Apart: it waits for a frozen queue, which waits for what the other ends. */
	struct work_struct more_work;
};

extern const struct blk_mq_ops vdisk_queue_ops;

/*
 * Wire requests for the read of @len bytes at @pos, whose data begins at @cur,
 * into @list: no larger than the server allows, grown to its minimum block.
 * @cur is moved on.  Returns their number or -ENOMEM.  Never sleeps.
 */
int vdisk_queue_make_reads(struct vdisk_device *dev, struct vdisk_io *io, u64 pos, u32 len,
			   struct vdisk_cursor *cur, struct list_head *list);
void vdisk_queue_free_wires(struct vdisk_device *dev, struct list_head *list);

/*
 * The block request is to be queued anew when all its parts are through; the
 * caller has a part that is not.  Any context.
 */
static inline void vdisk_io_again(struct vdisk_io *io)
{
	WRITE_ONCE(io->again, true);
}

/* One wire request of @io is through.  Any context but hard interrupts. */
void vdisk_io_part_done(struct vdisk_io *io, blk_status_t status);

void vdisk_park_init(struct vdisk_park *park);
void vdisk_park_uninit(struct vdisk_park *park);
/* Something changed (limit, policy, space): look at the parked ones again. */
void vdisk_park_kick(struct vdisk_park *park);
/* Nothing waits from now on: what is parked fails. */
void vdisk_park_close(struct vdisk_park *park);

#endif
