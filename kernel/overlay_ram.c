// SPDX-License-Identifier: GPL-2.0
/*
 * The overlay in RAM: a page a block.
 *
 *	dirs[] ──► dir (a page of pointers) ──► leaf: 64 blocks, a page and a mask each
 *
 * The size of the disk is known, so two plain steps find a leaf, without a
 * lock, and the index is accounted for to the byte; a tree could do neither.
 *
 * 1. Directories come and stay.  Leaves come when a block is stored and go when
 *    the last is dropped; they are looked up and freed under RCU.
 * 2. A leaf that goes is marked dead and unlinked under its lock, without pages.
 *    Nothing is put into a dead leaf: the writer looks for the next one.
 * 3. A page belongs to its leaf and is touched under the leaf's lock only.
 *    Without the lock page[] may be tested for NULL: a block that was there when
 *    a call began, or is being stored or dropped meanwhile, may be either.
 * 4. A mask is 0 exactly when there is no page.
 *
 * A new block is filled before it is seen, and memory is allocated before any
 * lock is taken; so the locks, a leaf each, are held for one block's copy.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "overlay_ops.h"

enum ram_limits {
	LEAF_BLOCKS	= 64,
	LEAF_SECTORS	= LEAF_BLOCKS * VDISK_BLOCK_SECTORS,
	DIR_LEAVES	= PAGE_SIZE / sizeof(void *),
};

struct leaf {
	spinlock_t lock;		/* protects all but rcu */
	u8 blocks;			/* pages that are there */
	bool dead;			/* unlinked, to be freed */
	u8 mask[LEAF_BLOCKS];		/* bit N: sector N of the page is data */
	struct page *page[LEAF_BLOCKS];
	struct rcu_head rcu;
};

/* With its share of a slab. */
#define LEAF_COST ((u64)ALIGN(sizeof(struct leaf), 64))

struct dir {
	struct leaf __rcu *leaf[DIR_LEAVES];
};

struct ram {
	struct vdisk_overlay ov;	/* first */
	u64 nr_dirs;
	struct dir __rcu **dirs;	/* entries go from NULL to a directory, once */
};

/* The part of a range that lies in one block. */
struct piece {
	unsigned int slot;		/* of the leaf */
	unsigned int first, count;	/* sectors of the block */
	u8 bits;			/* the same as a mask */
};

static struct kmem_cache *leaf_cache;

static struct ram *to_ram(struct vdisk_overlay *ov)
{
	return container_of(ov, struct ram, ov);
}

static struct piece first_piece(u64 sector, u32 count)
{
	struct piece p = {
		.slot = sector % LEAF_SECTORS / VDISK_BLOCK_SECTORS,
		.first = sector % VDISK_BLOCK_SECTORS,
	};

	p.count = min_t(u32, count, VDISK_BLOCK_SECTORS - p.first);
	p.bits = ((1U << p.count) - 1) << p.first;
	return p;
}

/* How much of a range lies in its first leaf. */
static u32 in_leaf(u64 sector, u32 count)
{
	return min_t(u32, count, LEAF_SECTORS - sector % LEAF_SECTORS);
}

/* Index */

static struct dir *find_dir(struct ram *ram, u64 sector)
{
	return rcu_dereference(ram->dirs[sector / LEAF_SECTORS / DIR_LEAVES]);
}

static struct leaf __rcu **leaf_link(struct dir *dir, u64 sector)
{
	return &dir->leaf[sector / LEAF_SECTORS % DIR_LEAVES];
}

static struct leaf *find_leaf(struct ram *ram, u64 sector)
{
	struct dir *dir = find_dir(ram, sector);

	return dir ? rcu_dereference(*leaf_link(dir, sector)) : NULL;
}

static int add_dir(struct ram *ram, u64 sector, gfp_t gfp)
{
	struct dir __rcu **link = &ram->dirs[sector / LEAF_SECTORS / DIR_LEAVES];
	struct dir *dir;

	if (!vdisk_overlay_take_index(&ram->ov, PAGE_SIZE, VDISK_OVERLAY_HEADROOM))
		return -ENOSPC;
	dir = (struct dir *)get_zeroed_page(gfp);
	if (!dir) {
		vdisk_overlay_give_index(&ram->ov, PAGE_SIZE);
		return -ENOMEM;
	}
	if (unrcu_pointer(cmpxchg(link, NULL, RCU_INITIALIZER(dir)))) {
		free_page((unsigned long)dir);
		vdisk_overlay_give_index(&ram->ov, PAGE_SIZE);
	}
	return 0;
}

static int add_leaf(struct ram *ram, struct leaf __rcu **link, gfp_t gfp)
{
	struct leaf *leaf;

	if (!vdisk_overlay_take_index(&ram->ov, LEAF_COST, VDISK_OVERLAY_HEADROOM))
		return -ENOSPC;
	leaf = kmem_cache_zalloc(leaf_cache, gfp);
	if (!leaf) {
		vdisk_overlay_give_index(&ram->ov, LEAF_COST);
		return -ENOMEM;
	}
	spin_lock_init(&leaf->lock);
	if (unrcu_pointer(cmpxchg(link, NULL, RCU_INITIALIZER(leaf)))) {
		kmem_cache_free(leaf_cache, leaf);
		vdisk_overlay_give_index(&ram->ov, LEAF_COST);
	}
	return 0;
}

/* Makes the next step towards @sector that is missing, unless another does. */
static int add_to_index(struct ram *ram, u64 sector, gfp_t gfp)
{
	struct dir *dir;

	rcu_read_lock();
	dir = find_dir(ram, sector);	/* stays, unlike leaves */
	rcu_read_unlock();
	return dir ? add_leaf(ram, leaf_link(dir, sector), gfp) : add_dir(ram, sector, gfp);
}

static void free_leaf_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(leaf_cache, container_of(rcu, struct leaf, rcu));
}

/* Reading */

/* Copies the sectors of a block, under its leaf's lock. */
static void read_block(struct vdisk_reader *r, const u8 *data, u8 mask, u64 sector, struct piece p)
{
	if (likely((mask & p.bits) == p.bits)) {
		vdisk_cursor_fill(&r->cur, data + (p.first << SECTOR_SHIFT),
				  p.count << SECTOR_SHIFT);
		return;
	}
	for (; p.count; p.first++, p.count--, sector++) {
		if (mask & (1U << p.first))
			vdisk_cursor_fill(&r->cur, data + (p.first << SECTOR_SHIFT), SECTOR_SIZE);
		else
			vdisk_reader_hole(r, sector, 1);
	}
}

/* Reads a range that lies in one leaf. */
static void read_leaf(struct vdisk_reader *r, struct leaf *leaf, u64 sector, u32 count)
{
	u32 hole = 0;	/* sectors before @sector that are no data and were not yet told */

	while (count) {
		struct piece p = first_piece(sector, count);
		struct page *page = NULL;

		if (READ_ONCE(leaf->page[p.slot])) {
			if (hole)
				vdisk_reader_hole(r, sector - hole, hole);
			hole = 0;
			spin_lock_bh(&leaf->lock);
			page = leaf->page[p.slot];
			if (page) {
				const u8 *data = kmap_local_page(page);

				read_block(r, data, leaf->mask[p.slot], sector, p);
				kunmap_local(data);
			}
			spin_unlock_bh(&leaf->lock);
		}
		if (!page)
			hole += p.count;
		sector += p.count;
		count -= p.count;
	}
	if (hole)
		vdisk_reader_hole(r, sector - hole, hole);
}

static void ram_read(struct vdisk_reader *r, u64 sector, u32 count)
{
	struct ram *ram = to_ram(r->ov);

	while (count) {
		u32 n = in_leaf(sector, count);
		struct leaf *leaf;

		rcu_read_lock();
		leaf = find_leaf(ram, sector);
		if (leaf)
			read_leaf(r, leaf, sector, n);
		else
			vdisk_reader_hole(r, sector, n);
		rcu_read_unlock();
		sector += n;
		count -= n;
	}
}

/* Writing */

/* Copies the sectors of a piece into its page; from a NULL cursor come zeroes. */
static void fill_page(struct page *page, struct piece p, struct vdisk_cursor *cur)
{
	u8 *data = kmap_local_page(page);
	u8 *to = data + (p.first << SECTOR_SHIFT);

	if (cur)
		vdisk_cursor_drain(cur, to, p.count << SECTOR_SHIFT);
	else
		memset(to, 0, p.count << SECTOR_SHIFT);
	kunmap_local(data);
}

static void copy_piece(struct page *to, struct page *from, struct piece p)
{
	u8 *dst = kmap_local_page(to);
	const u8 *src = kmap_local_page(from);
	size_t at = p.first << SECTOR_SHIFT;

	memcpy(dst + at, src + at, p.count << SECTOR_SHIFT);
	kunmap_local(src);
	kunmap_local(dst);
}

/* Writes to a block that is there: needs no memory.  Returns false if it is not. */
static bool rewrite_block(struct ram *ram, u64 sector, struct piece p, struct vdisk_cursor *cur)
{
	struct page *page = NULL;
	struct leaf *leaf;

	rcu_read_lock();
	leaf = find_leaf(ram, sector);
	if (leaf && READ_ONCE(leaf->page[p.slot])) {
		spin_lock_bh(&leaf->lock);
		page = leaf->page[p.slot];
		if (page) {
			fill_page(page, p, cur);
			leaf->mask[p.slot] |= p.bits;
		}
		spin_unlock_bh(&leaf->lock);
	}
	rcu_read_unlock();
	return page;
}

/* Where the kernel has fault injection, tests make the allocation of blocks fail. */
#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
static DECLARE_FAULT_ATTR(fail_block);
static struct dentry *fail_block_dir;

static bool may_alloc_block(void)
{
	return !should_fail(&fail_block, PAGE_SIZE);
}

static void fail_block_init(void)
{
	fail_block_dir = fault_create_debugfs_attr("vdisk_fail_block", NULL, &fail_block);
}

static void fail_block_uninit(void)
{
	debugfs_remove_recursive(fail_block_dir);
}
#else
static bool may_alloc_block(void)
{
	return true;
}

static void fail_block_init(void)
{
}

static void fail_block_uninit(void)
{
}
#endif

static struct page *new_page(struct ram *ram, gfp_t gfp)
{
	struct page *page = NULL;

	if (!vdisk_overlay_take(&ram->ov, PAGE_SIZE, VDISK_OVERLAY_HEADROOM))
		return ERR_PTR(-ENOSPC);
	if (may_alloc_block())
		page = alloc_page(gfp | __GFP_HIGHMEM);
	if (!page) {
		vdisk_overlay_give(&ram->ov, PAGE_SIZE);
		return ERR_PTR(-ENOMEM);
	}
	return page;
}

static void free_block(struct ram *ram, struct page *page)
{
	__free_page(page);
	vdisk_overlay_give(&ram->ov, PAGE_SIZE);
}

/*
 * Puts a filled page into its leaf; if the block came meanwhile, only what the
 * page has.  @page: set to NULL when the leaf has it now.  Returns false when the
 * leaf is dead.
 */
static bool put_page_in_leaf(struct leaf *leaf, struct piece p, struct page **page)
{
	bool alive;

	spin_lock_bh(&leaf->lock);
	alive = !leaf->dead;
	if (likely(alive)) {
		if (leaf->page[p.slot]) {
			copy_piece(leaf->page[p.slot], *page, p);
		} else {
			WRITE_ONCE(leaf->page[p.slot], *page);
			leaf->blocks++;
			*page = NULL;
		}
		leaf->mask[p.slot] |= p.bits;
	}
	spin_unlock_bh(&leaf->lock);
	return alive;
}

/* Puts a filled page where it belongs, making the leaf if need be. */
static int store_page(struct ram *ram, u64 sector, struct piece p, struct page **page, gfp_t gfp)
{
	for (;;) {
		bool stored = false;
		struct leaf *leaf;
		int ret;

		rcu_read_lock();
		leaf = find_leaf(ram, sector);
		if (leaf)
			stored = put_page_in_leaf(leaf, p, page);
		rcu_read_unlock();
		if (stored)
			return 0;
		if (leaf)
			continue;	/* it was dead, so it is no longer linked */
		ret = add_to_index(ram, sector, gfp);
		if (ret)
			return ret;
	}
}

static int write_new_block(struct ram *ram, u64 sector, struct piece p,
			   struct vdisk_cursor *cur, gfp_t gfp)
{
	struct page *page = new_page(ram, gfp);
	int ret;

	if (IS_ERR(page))
		return PTR_ERR(page);
	fill_page(page, p, cur);
	ret = store_page(ram, sector, p, &page, gfp);
	if (unlikely(page))
		free_block(ram, page);
	return ret;
}

static int ram_write(struct vdisk_overlay *ov, u64 sector, u32 count,
		     struct vdisk_cursor *cur, u32 *done, gfp_t gfp)
{
	struct ram *ram = to_ram(ov);

	while (count) {
		struct piece p = first_piece(sector, count);

		if (!rewrite_block(ram, sector, p, cur)) {
			int ret = write_new_block(ram, sector, p, cur, gfp);

			if (ret)
				return ret;
		}
		sector += p.count;
		count -= p.count;
		*done += p.count;
	}
	return 0;
}

/* Dropping */

static bool ram_has_data(struct vdisk_overlay *ov, u64 sector, u32 count)
{
	struct ram *ram = to_ram(ov);
	bool found = false;

	rcu_read_lock();
	while (count && !found) {
		u32 n = in_leaf(sector, count);
		struct leaf *leaf = find_leaf(ram, sector);

		for (; n && leaf && !found; ) {
			struct piece p = first_piece(sector, n);

			found = READ_ONCE(leaf->page[p.slot]);
			sector += p.count;
			count -= p.count;
			n -= p.count;
		}
		sector += n;
		count -= n;
	}
	rcu_read_unlock();
	return found;
}

/* Takes the pages of a range out of its leaf.  Returns how many. */
static unsigned int detach_pages(struct leaf *leaf, u64 sector, u32 count, struct page **gone)
{
	unsigned int nr = 0;

	lockdep_assert_held(&leaf->lock);
	while (count) {
		struct piece p = first_piece(sector, count);
		struct page *page = leaf->page[p.slot];

		leaf->mask[p.slot] &= ~p.bits;
		if (page && !leaf->mask[p.slot]) {
			gone[nr++] = page;
			/* Pairs with vdisk_reader_hole(). */
			smp_store_release(&leaf->page[p.slot], NULL);
		}
		sector += p.count;
		count -= p.count;
	}
	leaf->blocks -= nr;
	return nr;
}

/* Drops a range that lies in one leaf. */
static void drop_in_leaf(struct ram *ram, struct leaf __rcu **link, u64 sector, u32 count)
{
	struct page *gone[LEAF_BLOCKS];
	unsigned int nr;
	struct leaf *leaf;
	bool empty;

	rcu_read_lock();
	leaf = rcu_dereference(*link);
	if (!leaf) {
		rcu_read_unlock();
		return;
	}
	spin_lock_bh(&leaf->lock);
	nr = detach_pages(leaf, sector, count, gone);
	empty = !leaf->blocks && !leaf->dead;
	if (empty) {
		leaf->dead = true;
		/* Pairs with vdisk_reader_hole(). */
		smp_store_release(link, NULL);
	}
	spin_unlock_bh(&leaf->lock);
	rcu_read_unlock();

	while (nr)
		free_block(ram, gone[--nr]);
	if (empty) {
		call_rcu(&leaf->rcu, free_leaf_rcu);
		/* A grace period early; what is on its way is little and short-lived. */
		vdisk_overlay_give_index(&ram->ov, LEAF_COST);
	}
}

static void ram_drop(struct vdisk_overlay *ov, u64 sector, u32 count, gfp_t gfp)
{
	struct ram *ram = to_ram(ov);

	while (count) {
		u32 n = in_leaf(sector, count);
		struct dir *dir;

		rcu_read_lock();
		dir = find_dir(ram, sector);
		rcu_read_unlock();
		if (dir)
			drop_in_leaf(ram, leaf_link(dir, sector), sector, n);
		sector += n;
		count -= n;
		if (gfpflags_allow_blocking(gfp))
			cond_resched();
	}
}

/* Life */

static u64 dirs_bytes(const struct ram *ram)
{
	return ram->nr_dirs * sizeof(*ram->dirs);
}

static int ram_setup(struct vdisk_overlay *ov)
{
	struct ram *ram = to_ram(ov);
	struct dir __rcu **dirs;

	ram->nr_dirs = DIV_ROUND_UP_ULL(ov->sectors, LEAF_SECTORS * DIR_LEAVES);
	/* The disk's size comes from a server: no allocation before the limit says yes. */
	if (!vdisk_overlay_take_index(ov, dirs_bytes(ram), VDISK_OVERLAY_HEADROOM))
		return -ENOMEM;
	dirs = kvcalloc(ram->nr_dirs, sizeof(*dirs), GFP_KERNEL | __GFP_NOWARN);
	if (!dirs) {
		vdisk_overlay_give_index(ov, dirs_bytes(ram));
		return -ENOMEM;
	}
	ram->dirs = dirs;
	return 0;
}

static void free_leaf(struct ram *ram, struct leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < LEAF_BLOCKS; i++) {
		if (leaf->page[i])
			free_block(ram, leaf->page[i]);
	}
	kmem_cache_free(leaf_cache, leaf);
	vdisk_overlay_give_index(&ram->ov, LEAF_COST);
}

static void free_dir(struct ram *ram, struct dir *dir)
{
	unsigned int i;

	for (i = 0; i < DIR_LEAVES; i++) {
		struct leaf *leaf = rcu_dereference_protected(dir->leaf[i], true);

		if (leaf)
			free_leaf(ram, leaf);
		cond_resched();
	}
	free_page((unsigned long)dir);
	vdisk_overlay_give_index(&ram->ov, PAGE_SIZE);
}

static void ram_teardown(struct vdisk_overlay *ov)
{
	struct ram *ram = to_ram(ov);
	u64 i;

	if (!ram->dirs)
		return;
	for (i = 0; i < ram->nr_dirs; i++) {
		struct dir *dir = rcu_dereference_protected(ram->dirs[i], true);

		if (dir)
			free_dir(ram, dir);
		cond_resched();
	}
	kvfree(ram->dirs);
	vdisk_overlay_give_index(ov, dirs_bytes(ram));
}

const struct vdisk_overlay_ops vdisk_overlay_ram_ops = {
	.size = sizeof(struct ram),
	.setup = ram_setup,
	.teardown = ram_teardown,
	.read = ram_read,
	.write = ram_write,
	.has_data = ram_has_data,
	.drop = ram_drop,
};

int vdisk_overlay_ram_init(void)
{
	BUILD_BUG_ON(PAGE_SIZE < VDISK_BLOCK_SIZE);
	BUILD_BUG_ON(VDISK_BLOCK_SECTORS > BITS_PER_BYTE);
	leaf_cache = kmem_cache_create("vdisk_overlay_leaf", sizeof(struct leaf), 0, 0, NULL);
	if (!leaf_cache)
		return -ENOMEM;
	fail_block_init();
	return 0;
}

void vdisk_overlay_ram_uninit(void)
{
	fail_block_uninit();
	rcu_barrier();	/* leaves that drop_in_leaf() sent away */
	kmem_cache_destroy(leaf_cache);
}
