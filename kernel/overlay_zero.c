// SPDX-License-Identifier: GPL-2.0
/*
 * Zero extents: the ranges of blocks that hide the base.
 *
 * 1. Extents are disjoint and ordered; those that touch are merged.
 * 2. They only grow: what was zero once never shows the base again.
 * 3. A merge of many extents is done in bounded steps, so that nobody waits
 *    long for the lock.  Between steps the set is valid, only smaller.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "overlay_ops.h"

enum zero_limits {
	MERGES_MAX = 128,	/* extents merged under one hold of the lock */
};

static struct kmem_cache *extent_cache;

static struct vdisk_zero_extent *to_extent(struct rb_node *node)
{
	return rb_entry_safe(node, struct vdisk_zero_extent, node);
}

/* The first extent that ends at @block or after it. */
static struct vdisk_zero_extent *first_ending(struct vdisk_zero *z, u64 block)
{
	struct rb_node *node = z->root.rb_node;
	struct vdisk_zero_extent *found = NULL;

	lockdep_assert_held(&z->lock);
	while (node) {
		struct vdisk_zero_extent *e = to_extent(node);

		if (e->end >= block) {
			found = e;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

bool vdisk_zero_find(struct vdisk_zero *z, u64 block, u64 end, u64 *until)
{
	struct vdisk_zero_extent *e;
	bool zero = false;

	*until = end;
	spin_lock_bh(&z->lock);
	e = first_ending(z, block + 1);
	if (e) {
		zero = e->start <= block;
		*until = min(end, zero ? e->end : e->start);
	}
	spin_unlock_bh(&z->lock);
	return zero;
}

static void link_extent(struct vdisk_zero *z, struct vdisk_zero_extent *new)
{
	struct rb_node **link = &z->root.rb_node, *parent = NULL;

	lockdep_assert_held(&z->lock);
	while (*link) {
		parent = *link;
		link = new->start < to_extent(parent)->start ? &parent->rb_left :
							       &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &z->root);
	WRITE_ONCE(z->blocks, z->blocks + new->end - new->start);
}

/* Lets @e cover the range, which touches it.  Returns false when steps are left to be done. */
static bool grow_extent(struct vdisk_zero *z, struct vdisk_zero_extent *e,
			u64 start, u64 end, u64 *freed)
{
	unsigned int budget = MERGES_MAX;
	u64 blocks = z->blocks - (e->end - e->start);
	struct vdisk_zero_extent *next;

	lockdep_assert_held(&z->lock);
	e->start = min(e->start, start);
	while ((next = to_extent(rb_next(&e->node))) && next->start <= end && budget) {
		budget--;
		blocks -= next->end - next->start;
		e->end = next->end;
		rb_erase(&next->node, &z->root);
		vdisk_zero_free(next);
		(*freed)++;
	}
	if (budget)
		e->end = max(e->end, end);
	WRITE_ONCE(z->blocks, blocks + e->end - e->start);
	return budget;
}

int vdisk_zero_add(struct vdisk_zero *z, u64 start, u64 end,
		   struct vdisk_zero_extent **spare, u64 *freed)
{
	bool done = true;
	int ret = 0;

	*freed = 0;
	do {
		struct vdisk_zero_extent *e;

		spin_lock_bh(&z->lock);
		e = first_ending(z, start);
		if (e && e->start <= end) {
			done = grow_extent(z, e, start, end, freed);
		} else if (*spare) {
			e = *spare;
			*spare = NULL;
			e->start = start;
			e->end = end;
			link_extent(z, e);
		} else {
			ret = -ENOMEM;
		}
		spin_unlock_bh(&z->lock);
	} while (!done);
	return ret;
}

struct vdisk_zero_extent *vdisk_zero_alloc(gfp_t gfp)
{
	return kmem_cache_alloc(extent_cache, gfp);
}

void vdisk_zero_free(struct vdisk_zero_extent *e)
{
	if (e)
		kmem_cache_free(extent_cache, e);
}

void vdisk_zero_init(struct vdisk_zero *z)
{
	spin_lock_init(&z->lock);
	z->root = RB_ROOT;
	z->blocks = 0;
}

u64 vdisk_zero_uninit(struct vdisk_zero *z)
{
	struct rb_node *node;
	u64 nr = 0;

	while ((node = rb_first(&z->root))) {
		rb_erase(node, &z->root);
		vdisk_zero_free(to_extent(node));
		nr++;
		cond_resched();
	}
	z->blocks = 0;
	return nr;
}

int vdisk_zero_module_init(void)
{
	extent_cache = kmem_cache_create("vdisk_zero_extent", sizeof(struct vdisk_zero_extent),
					 0, 0, NULL);
	return extent_cache ? 0 : -ENOMEM;
}

void vdisk_zero_module_uninit(void)
{
	kmem_cache_destroy(extent_cache);
}
