/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside the overlay: what overlay.c, overlay_zero.c and the kinds share.
 * Nobody else includes this.
 *
 * A sector of the disk is
 *
 *	data	its bit is set in the block's mask; the kind holds it
 *	zero	no data, and its block lies in a zero extent
 *	base	neither: it is read from the source
 *
 *	base --write--> data --zero--> zero --write--> data ...
 *
 * Zero extents never shrink, so a sector never goes back to base.  Data above
 * a zero extent shadows it.  Sectors are hidden first and their data dropped
 * after, so that at no moment the base shows through.
 *
 * Locks, outer first: a leaf's lock (overlay_ram.c), struct vdisk_zero lock;
 * struct vdisk_overlay level_lock stands alone.  All are taken with bottom
 * halves off, because a read may be finished in a soft interrupt.
 */
#ifndef VDISK_OVERLAY_OPS_H
#define VDISK_OVERLAY_OPS_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include "overlay.h"

enum vdisk_overlay_charges {
	/*
	 * New blocks stop this far below the limit.  The rest is for the
	 * extents of discards that free blocks: a full overlay can be trimmed.
	 */
	VDISK_OVERLAY_HEADROOM	= 4096,
	/* What one zero extent counts, its share of a slab included. */
	VDISK_ZERO_COST		= 64,
};

struct vdisk_zero_extent {
	struct rb_node node;
	u64 start, end;			/* blocks, end not included */
};

struct vdisk_zero {
	spinlock_t lock;		/* protects the rest */
	struct rb_root root;		/* disjoint extents, ordered by start */
	u64 blocks;			/* in all extents */
};

struct vdisk_overlay {
	const struct vdisk_overlay_ops *ops;
	u64 sectors;
	void (*level)(void *ctx, unsigned int percent);
	void *ctx;
	struct vdisk_zero zero;

	spinlock_t level_lock;		/* protects what is written of the rest but used, index */
	unsigned int level_nr;		/* levels that were crossed */
	u64 peak;			/* most ever used, as seen when the use fell */
	atomic64_t index;		/* bytes of used that are no blocks */

	/* Bytes that were taken. */
	atomic64_t used ____cacheline_aligned_in_smp;
	u64 limit;			/* bytes */
	u64 rise;			/* use at which the next level is crossed */
	u64 fall;			/* use below which the last crossed level is armed again */
};

/* A read under way. */
struct vdisk_reader {
	struct vdisk_overlay *ov;
	struct vdisk_cursor cur;	/* stands at the next sector to be told of */
	u64 origin;			/* first sector of the request */
	struct vdisk_run *missing;	/* or NULL: copy only */
	unsigned int nr, max;
	bool *joined;
};

/*
 * A kind of overlay.  Ranges lie within the disk; contexts and results are
 * those of the callers' functions in overlay.h.
 */
struct vdisk_overlay_ops {
	/* Size of the kind's object, which begins with a struct vdisk_overlay. */
	size_t size;

	/* Makes what the kind needs; the common part is ready.  Sleeps. */
	int (*setup)(struct vdisk_overlay *ov);

	/* Frees everything the kind has and gives back all it took; also after a failed setup. */
	void (*teardown)(struct vdisk_overlay *ov);

	/*
	 * Goes through the range in order: copies data into r->cur, and tells
	 * vdisk_reader_hole() of every other sector.
	 */
	void (*read)(struct vdisk_reader *r, u64 sector, u32 count);

	/* Stores sectors from @cur, zeroes when it is NULL, and counts them in @done. */
	int (*write)(struct vdisk_overlay *ov, u64 sector, u32 count,
		     struct vdisk_cursor *cur, u32 *done, gfp_t gfp);

	/* Whether any sector of the range is data: a hint, as others may write at the same time. */
	bool (*has_data)(struct vdisk_overlay *ov, u64 sector, u32 count);

	/* Forgets the data of the range, which zero extents cover already.  Needs no memory. */
	void (*drop)(struct vdisk_overlay *ov, u64 sector, u32 count, gfp_t gfp);
};

/*
 * overlay.c
 */

/*
 * vdisk_overlay_take - reserves bytes below limit - @headroom.
 * Returns false, with nothing taken, when they do not fit.  May call the level
 * callback: hold no lock.  Never sleeps.
 */
bool vdisk_overlay_take(struct vdisk_overlay *ov, u64 bytes, u64 headroom);

/* vdisk_overlay_give - gives bytes back.  Any context but hard interrupts. */
void vdisk_overlay_give(struct vdisk_overlay *ov, u64 bytes);

/* The same for bytes that are not blocks. */
static inline bool vdisk_overlay_take_index(struct vdisk_overlay *ov, u64 bytes, u64 headroom)
{
	if (!vdisk_overlay_take(ov, bytes, headroom))
		return false;
	atomic64_add(bytes, &ov->index);
	return true;
}

static inline void vdisk_overlay_give_index(struct vdisk_overlay *ov, u64 bytes)
{
	atomic64_sub(bytes, &ov->index);
	vdisk_overlay_give(ov, bytes);
}

/*
 * vdisk_overlay_gfp - the flags to allocate with.  The caller parks and tries
 * again what fails, so an allocation gives up instead of looping; and data
 * must not eat the reserves that the network needs to bring memory back.
 */
static inline gfp_t vdisk_overlay_gfp(gfp_t gfp)
{
	gfp |= __GFP_NOWARN | __GFP_NOMEMALLOC;
	return gfpflags_allow_blocking(gfp) ? gfp | __GFP_NORETRY : gfp;
}

/* vdisk_reader_hole - the next @count sectors, at @sector, are no data: zero or base. */
void vdisk_reader_hole(struct vdisk_reader *r, u64 sector, u32 count);

/*
 * overlay_zero.c
 */
int vdisk_zero_module_init(void);
void vdisk_zero_module_uninit(void);

void vdisk_zero_init(struct vdisk_zero *z);

/* vdisk_zero_uninit - frees all extents.  Returns how many there were.  May sleep. */
u64 vdisk_zero_uninit(struct vdisk_zero *z);

static inline bool vdisk_zero_empty(const struct vdisk_zero *z)
{
	return RB_EMPTY_ROOT(&z->root);
}

/*
 * vdisk_zero_find - whether @block lies in an extent.
 * @until: receives the first block after it, at most @end, of which the answer may differ.
 */
bool vdisk_zero_find(struct vdisk_zero *z, u64 block, u64 end, u64 *until);

struct vdisk_zero_extent *vdisk_zero_alloc(gfp_t gfp);
void vdisk_zero_free(struct vdisk_zero_extent *e);

/*
 * vdisk_zero_add - adds the blocks from @start up to @end.
 * @spare: a new extent, for when none can be grown; set to NULL if it was used.
 * @freed: receives how many extents were merged away and freed.
 *
 * Returns 0, or -ENOMEM when it needs a spare and has none: then @freed is 0.
 */
int vdisk_zero_add(struct vdisk_zero *z, u64 start, u64 end,
		   struct vdisk_zero_extent **spare, u64 *freed);

/*
 * overlay_ram.c
 */
extern const struct vdisk_overlay_ops vdisk_overlay_ram_ops;
int vdisk_overlay_ram_init(void);
void vdisk_overlay_ram_uninit(void);

#endif
