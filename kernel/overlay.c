// SPDX-License-Identifier: GPL-2.0
/*
 * The overlay as its callers see it: reads, writes and zeroing of a range of
 * sectors, the limit, the levels and the figures.  Where data lies is a matter
 * of the kind (struct vdisk_overlay_ops).
 *
 * Accounting:
 * 1. Whatever is allocated for data, index or extents was taken from the limit
 *    before, and is given back after it was freed.
 * 2. used never grows above limit; it is above only when the limit was lowered.
 * 3. used - index is a whole number of blocks whenever nothing is under way.
 */
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "overlay_ops.h"
#include "uapi/linux/vdisk.h"

enum overlay_levels {
	LEVEL_HYSTERESIS = 5,	/* percent */
};

static const unsigned int levels[] = { 80, 90, 95 };

static const struct vdisk_overlay_ops *const kinds[] = {
	[VDISK_OVERLAY_RAM] = &vdisk_overlay_ram_ops,
};

/* Limit and levels */

/*
 * Brings level_nr, rise and fall in line with the use.  Returns the level that
 * was crossed upwards, in percent, else 0; one at a time.
 */
static unsigned int update_level(struct vdisk_overlay *ov)
{
	u64 used = atomic64_read(&ov->used), limit = ov->limit;
	unsigned int crossed = 0;

	lockdep_assert_held(&ov->level_lock);
	while (ov->level_nr &&
	       used < mul_u64_u32_div(limit, levels[ov->level_nr - 1] - LEVEL_HYSTERESIS, 100))
		ov->level_nr--;
	if (ov->level_nr < ARRAY_SIZE(levels) && used &&
	    used >= mul_u64_u32_div(limit, levels[ov->level_nr], 100))
		crossed = levels[ov->level_nr++];
	WRITE_ONCE(ov->rise, ov->level_nr == ARRAY_SIZE(levels) ? U64_MAX :
		   mul_u64_u32_div(limit, levels[ov->level_nr], 100));
	WRITE_ONCE(ov->fall, !ov->level_nr ? 0 :
		   mul_u64_u32_div(limit, levels[ov->level_nr - 1] - LEVEL_HYSTERESIS, 100));
	return crossed;
}

static void check_level(struct vdisk_overlay *ov)
{
	unsigned int crossed;

	do {
		spin_lock_bh(&ov->level_lock);
		crossed = update_level(ov);
		spin_unlock_bh(&ov->level_lock);
		if (crossed && ov->level)
			ov->level(ov->ctx, crossed);
	} while (crossed);
}

bool vdisk_overlay_take(struct vdisk_overlay *ov, u64 bytes, u64 headroom)
{
	s64 used = atomic64_read(&ov->used);
	u64 wanted;

	do {
		wanted = used + bytes;
		if (wanted + headroom > READ_ONCE(ov->limit))
			return false;
	} while (!atomic64_try_cmpxchg(&ov->used, &used, wanted));
	if (unlikely(wanted >= READ_ONCE(ov->rise)))
		check_level(ov);
	return true;
}

/*
 * The peak is noted when the use falls: the path that makes overlays grow has
 * one atomic less to do.
 */
void vdisk_overlay_give(struct vdisk_overlay *ov, u64 bytes)
{
	u64 left = atomic64_sub_return(bytes, &ov->used);

	if (unlikely(left + bytes > READ_ONCE(ov->peak))) {
		spin_lock_bh(&ov->level_lock);
		WRITE_ONCE(ov->peak, max(ov->peak, left + bytes));
		spin_unlock_bh(&ov->level_lock);
	}
	if (unlikely(left < READ_ONCE(ov->fall)))
		check_level(ov);
}

void vdisk_overlay_set_limit(struct vdisk_overlay *ov, u64 limit)
{
	spin_lock_bh(&ov->level_lock);
	WRITE_ONCE(ov->limit, limit);
	spin_unlock_bh(&ov->level_lock);
	check_level(ov);
}

void vdisk_overlay_usage(const struct vdisk_overlay *ov, struct vdisk_overlay_usage *usage)
{
	s64 index = atomic64_read(&ov->index);
	s64 used = atomic64_read(&ov->used);

	usage->limit = READ_ONCE(ov->limit);
	usage->used = used;
	usage->peak = max_t(u64, used, READ_ONCE(ov->peak));
	usage->blocks = div_u64(max_t(s64, used - index, 0), PAGE_SIZE);
	usage->zero_bytes = READ_ONCE(ov->zero.blocks) << VDISK_BLOCK_SHIFT;
}

/* Reading */

static void add_missing(struct vdisk_reader *r, u32 start, u32 count)
{
	struct vdisk_run *last = r->nr ? &r->missing[r->nr - 1] : NULL;

	if (last && last->start + last->count == start) {
		last->count += count;
	} else if (r->nr < r->max) {
		r->missing[r->nr++] = (struct vdisk_run){ .start = start, .count = count };
	} else {
		last->count = start + count - last->start;
		*r->joined = true;
	}
}

void vdisk_reader_hole(struct vdisk_reader *r, u64 sector, u32 count)
{
	struct vdisk_zero *zero = &r->ov->zero;

	/*
	 * Pairs with the releases in a kind's drop(): who sees that data went
	 * sees the extent that was added before.
	 */
	smp_rmb();
	while (count) {
		bool is_zero = false;
		u32 n = count;

		if (!vdisk_zero_empty(zero)) {
			u64 block = sector / VDISK_BLOCK_SECTORS, until;
			u64 end = (sector + count - 1) / VDISK_BLOCK_SECTORS + 1;

			is_zero = vdisk_zero_find(zero, block, end, &until);
			n = min_t(u64, count, until * VDISK_BLOCK_SECTORS - sector);
		}
		if (is_zero) {
			vdisk_cursor_zero(&r->cur, n << SECTOR_SHIFT);
		} else {
			if (r->missing)
				add_missing(r, sector - r->origin, n);
			vdisk_cursor_advance(&r->cur, n << SECTOR_SHIFT);
		}
		sector += n;
		count -= n;
	}
}

unsigned int vdisk_overlay_read(struct vdisk_overlay *ov, u64 sector, u32 count,
				struct vdisk_cursor cur, struct vdisk_run *missing,
				unsigned int max, bool *joined)
{
	struct vdisk_reader r = {
		.ov = ov,
		.cur = cur,
		.origin = sector,
		.missing = max ? missing : NULL,
		.max = max,
		.joined = joined,
	};

	ov->ops->read(&r, sector, count);
	return r.nr;
}

/* Writing */

int vdisk_overlay_write(struct vdisk_overlay *ov, u64 sector, u32 count,
			struct vdisk_cursor cur, u32 *done, gfp_t gfp)
{
	if (*done)
		vdisk_cursor_advance(&cur, *done << SECTOR_SHIFT);
	return ov->ops->write(ov, sector + *done, count - *done, &cur, done,
			      vdisk_overlay_gfp(gfp));
}

/* Zeroing */

/* Puts whole blocks under a zero extent. */
static int hide_blocks(struct vdisk_overlay *ov, u64 start, u64 end, gfp_t gfp)
{
	struct vdisk_zero_extent *spare = NULL;
	u64 headroom = VDISK_OVERLAY_HEADROOM, freed, until;
	int ret;

	if (vdisk_zero_find(&ov->zero, start, end, &until) && until == end)
		return 0;
	if (!vdisk_zero_add(&ov->zero, start, end, &spare, &freed))
		goto out_give;

	/* A discard that frees blocks pays for its extent with them. */
	if (ov->ops->has_data(ov, start * VDISK_BLOCK_SECTORS,
			      (end - start) * VDISK_BLOCK_SECTORS))
		headroom = 0;
	if (!vdisk_overlay_take_index(ov, VDISK_ZERO_COST, headroom))
		return -ENOSPC;
	spare = vdisk_zero_alloc(gfp);
	if (!spare) {
		vdisk_overlay_give_index(ov, VDISK_ZERO_COST);
		return -ENOMEM;
	}
	ret = vdisk_zero_add(&ov->zero, start, end, &spare, &freed);
	WARN_ON_ONCE(ret);
	if (spare) {
		vdisk_zero_free(spare);
		freed++;
	}
out_give:
	if (freed)
		vdisk_overlay_give_index(ov, freed * VDISK_ZERO_COST);
	return 0;
}

/* Zeroes part of one block: what an extent hides need only be forgotten. */
static int zero_part(struct vdisk_overlay *ov, u64 sector, u32 count, gfp_t gfp)
{
	u64 block = sector / VDISK_BLOCK_SECTORS, until;
	u32 done = 0;

	if (vdisk_zero_empty(&ov->zero) ||
	    !vdisk_zero_find(&ov->zero, block, block + 1, &until))
		return ov->ops->write(ov, sector, count, NULL, &done, gfp);
	ov->ops->drop(ov, sector, count, gfp);
	return 0;
}

static int zero_blocks(struct vdisk_overlay *ov, u64 sector, u32 count, gfp_t gfp)
{
	int ret = hide_blocks(ov, sector / VDISK_BLOCK_SECTORS,
			      DIV_ROUND_UP_ULL(sector + count, VDISK_BLOCK_SECTORS), gfp);

	if (!ret)
		ov->ops->drop(ov, sector, count, gfp);
	return ret;
}

/*
 * The sectors from @sector on that are done in one piece: to the end of a block
 * begun in the middle, else all whole blocks, else what is left.  The last
 * block of the disk is whole though it may be short.
 */
static u32 zero_piece(const struct vdisk_overlay *ov, u64 sector, u32 count, bool *whole)
{
	u32 first = sector % VDISK_BLOCK_SECTORS;
	u32 tail = (sector + count) % VDISK_BLOCK_SECTORS;

	*whole = false;
	if (first)
		return min_t(u32, count, VDISK_BLOCK_SECTORS - first);
	if (sector + count == ov->sectors)
		tail = 0;
	if (count == tail)
		return count;
	*whole = true;
	return count - tail;
}

int vdisk_overlay_zero(struct vdisk_overlay *ov, u64 sector, u32 count, u32 *done, gfp_t gfp)
{
	gfp = vdisk_overlay_gfp(gfp);
	while (*done < count) {
		u64 at = sector + *done;
		bool whole;
		u32 n = zero_piece(ov, at, count - *done, &whole);
		int ret = whole ? zero_blocks(ov, at, n, gfp) : zero_part(ov, at, n, gfp);

		if (ret)
			return ret;
		*done += n;
	}
	return 0;
}

/* Life */

struct vdisk_overlay *vdisk_overlay_create(const struct vdisk_overlay_params *params)
{
	const struct vdisk_overlay_ops *ops =
		params->kind < ARRAY_SIZE(kinds) ? kinds[params->kind] : NULL;
	struct vdisk_overlay *ov;
	int ret;

	if (!ops)
		return ERR_PTR(-EOPNOTSUPP);
	ov = kzalloc(ops->size, GFP_KERNEL);
	if (!ov)
		return ERR_PTR(-ENOMEM);
	ov->ops = ops;
	ov->sectors = params->sectors;
	ov->level = params->level;
	ov->ctx = params->ctx;
	vdisk_zero_init(&ov->zero);
	spin_lock_init(&ov->level_lock);
	vdisk_overlay_set_limit(ov, params->limit);
	ret = ops->setup(ov);
	if (ret) {
		vdisk_overlay_destroy(ov);
		return ERR_PTR(ret);
	}
	return ov;
}

void vdisk_overlay_destroy(struct vdisk_overlay *ov)
{
	u64 extents;

	if (IS_ERR_OR_NULL(ov))
		return;
	ov->ops->teardown(ov);
	extents = vdisk_zero_uninit(&ov->zero);
	if (extents)
		vdisk_overlay_give_index(ov, extents * VDISK_ZERO_COST);
	WARN_ON_ONCE(atomic64_read(&ov->used) || atomic64_read(&ov->index));
	kfree(ov);
}

#ifdef DEBUG
#include "selftest/overlay.c"
#else
static int vdisk_overlay_selftest(void)
{
	return 0;
}
#endif

int vdisk_overlay_init(void)
{
	int ret;

	ret = vdisk_zero_module_init();
	if (ret)
		return ret;
	ret = vdisk_overlay_ram_init();
	if (ret)
		goto err_zero;
	ret = vdisk_overlay_selftest();
	if (ret)
		goto err_ram;
	return 0;

err_ram:
	vdisk_overlay_ram_uninit();
err_zero:
	vdisk_zero_module_uninit();
	return ret;
}

void vdisk_overlay_uninit(void)
{
	vdisk_overlay_ram_uninit();
	vdisk_zero_module_uninit();
}
