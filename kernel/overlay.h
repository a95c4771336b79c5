/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a device's writes go.  Blocks of 4 KiB with a mask of valid 512-byte
 * sectors; a sector is data, zero (discarded or zeroed here), or of the base.
 *
 * overlay.c has the callers' functions, the limit, the levels and the
 * accounting; a kind (overlay_ram.c) stands behind struct vdisk_overlay_ops.
 *
 * Nothing here waits for space or for the network: what can't be done now
 * says so, and the caller (queue.c) parks the request.
 */
#ifndef VDISK_OVERLAY_H
#define VDISK_OVERLAY_H

#include <linux/types.h>
#include "cursor.h"

struct vdisk_overlay;

enum vdisk_overlay_limits {
	VDISK_BLOCK_SHIFT	= 12,
	VDISK_BLOCK_SIZE	= 1 << VDISK_BLOCK_SHIFT,
	VDISK_BLOCK_SECTORS	= VDISK_BLOCK_SIZE >> SECTOR_SHIFT,
};

/* A run of sectors that the overlay does not have. */
struct vdisk_run {
	u32 start;	/* sectors from the start of the request */
	u32 count;	/* sectors */
};

struct vdisk_overlay_params {
	u32 kind;	/* enum vdisk_overlay_kind */
	u64 limit;	/* bytes */
	u64 sectors;	/* size of the disk */
	/*
	 * Called when the use crosses 80, 90 or 95 % upwards (once a crossing,
	 * re-armed when it falls 5 % below).  Under no lock; may be called from
	 * any context that may write, so it must not sleep.
	 */
	void (*level)(void *ctx, unsigned int percent);
	void *ctx;
};

struct vdisk_overlay_usage {
	u64 limit, used, peak;	/* bytes */
	u64 blocks;		/* 4 KiB blocks with data */
	u64 zero_bytes;		/* bytes in zero extents */
};

/*
 * vdisk_overlay_create - makes an overlay; sleeps (GFP_KERNEL).
 * Returns it or an ERR_PTR: -ENOMEM, -EOPNOTSUPP for an unknown kind.
 */
struct vdisk_overlay *vdisk_overlay_create(const struct vdisk_overlay_params *params);

/*
 * vdisk_overlay_destroy - frees it and all its data; may sleep, must be able
 * to free many GiB without a soft lockup.  Nobody may use it any more.
 */
void vdisk_overlay_destroy(struct vdisk_overlay *ov);

/*
 * vdisk_overlay_read - copies what the overlay has into a read request.
 * @sector, @count: the range, in 512-byte sectors.
 * @cur: the request's data at @sector.
 * @missing, @max: receives the runs that are of the base, in order.  When there
 *	are more than @max, neighbours are joined over what lies between.
 * @joined: set to true when that happened: the caller must fetch the runs and
 *	then call again with @missing NULL, so that the overlay's data goes over
 *	the base's.  Otherwise it is left alone.
 *
 * Returns the number of runs, 0 when all was copied.  With @missing NULL it
 * copies only, and returns 0.  Never sleeps; any context but hard interrupts.
 */
unsigned int vdisk_overlay_read(struct vdisk_overlay *ov, u64 sector, u32 count,
				struct vdisk_cursor cur, struct vdisk_run *missing,
				unsigned int max, bool *joined);

/*
 * vdisk_overlay_write - stores sectors.
 * @done: in and out: sectors of the request already stored; the call goes on
 *	from there, so a request that was parked is not begun again.
 * @gfp: GFP_NOWAIT | __GFP_NOWARN in queue_rq, GFP_NOIO in a worker.
 *
 * Returns 0 when all is stored; -ENOSPC when the limit is met; -ENOMEM when an
 * allocation failed below it.  A write to blocks that are there never fails.
 * Sleeps only as @gfp allows.
 */
int vdisk_overlay_write(struct vdisk_overlay *ov, u64 sector, u32 count,
			struct vdisk_cursor cur, u32 *done, gfp_t gfp);

/*
 * vdisk_overlay_zero - makes sectors read as zeroes and frees what they took.
 * Arguments and result as vdisk_overlay_write().  Freeing needs no memory, but
 * the extent that hides the base may: -ENOSPC and -ENOMEM are possible.
 */
int vdisk_overlay_zero(struct vdisk_overlay *ov, u64 sector, u32 count, u32 *done, gfp_t gfp);

/*
 * vdisk_overlay_set_limit - a new limit in bytes; below the present use it only
 * stops growth.  Never sleeps.
 */
void vdisk_overlay_set_limit(struct vdisk_overlay *ov, u64 limit);

/* vdisk_overlay_usage - a snapshot of the figures.  Never sleeps. */
void vdisk_overlay_usage(const struct vdisk_overlay *ov, struct vdisk_overlay_usage *usage);

int vdisk_overlay_init(void);	/* caches; at module load */
void vdisk_overlay_uninit(void);

#endif
