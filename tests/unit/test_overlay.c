// SPDX-License-Identifier: GPL-2.0
/*
 * The overlay against a model that holds a number for each sector: random
 * writes, zeroing and reads of every size and alignment, with hard limits and
 * with allocations that fail; the accounting to the byte; and threads.
 */
#include "../../kernel/overlay.c"
#include "../../kernel/overlay_ram.c"
#include "../../kernel/overlay_zero.c"
#include "tap.h"

#ifndef THREADS_ONLY
#define THREADS_ONLY false
#endif

enum {
	DISK_SECTORS = 64 * 8 * 40 + 8 * 3 + 5,	/* 40 leaves, and a last block of 5 sectors */
	DISK_BLOCKS = (DISK_SECTORS + 7) / 8,
	REQUEST_MAX = 1024,			/* sectors */
	RUNS_MAX = 8,
	BASE = -1,				/* number of a sector that is of the base */
};

/*----- what kshim.h wants -----*/

unsigned int kshim_warnings;
s64 kshim_bytes;
static unsigned int fail_one_in;	/* allocations that fail; 0 none, 1 all */
static bool failed;			/* one has failed */
static struct rcu_head *rcu_list;

static u32 rnd(u32 below)
{
	static _Thread_local u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

bool kshim_may_alloc(void)
{
	if (!fail_one_in || rnd(fail_one_in))
		return true;
	failed = true;
	return false;
}

void *kshim_alloc(size_t size, bool zero)
{
	void *p;

	if (!kshim_may_alloc())
		return NULL;
	p = malloc(size);
	memset(p, zero ? 0 : 0x5a, size);
	__atomic_add_fetch(&kshim_bytes, size, __ATOMIC_RELAXED);
	return p;
}

void kshim_free(const void *p, size_t size)
{
	free((void *)p);
	__atomic_sub_fetch(&kshim_bytes, size, __ATOMIC_RELAXED);
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = __atomic_load_n(&rcu_list, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&rcu_list, &head->next, head, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

void rcu_barrier(void)
{
	struct rcu_head *head = __atomic_exchange_n(&rcu_list, NULL, __ATOMIC_ACQUIRE), *next;

	for (; head; head = next) {
		next = head->next;
		head->func(head);
	}
}

/*----- requests -----*/

struct buffer {
	struct request rq;
	struct bio bio[4];
	struct bio_vec bv[4 * REQUEST_MAX * 2];
	struct page page[REQUEST_MAX * 2];	/* no more than a sector's worth is used of many */
};

static _Thread_local struct buffer *mine;

/* The thread's request, of @sectors, cut into bios and vectors at random places (of 512 bytes). */
static struct buffer *make_request(u32 sectors)
{
	struct buffer *b = mine ? mine : malloc(sizeof(*b));
	unsigned int nr_bv = 0, nr_page = 0, nr_bio = 1 + rnd(4), i;

	mine = b;
	for (i = 0; i < nr_bio; i++) {
		struct bio *bio = &b->bio[i];
		u32 here = i == nr_bio - 1 ? sectors : rnd(sectors + 1);

		if (!here && sectors)
			here = 1;
		sectors -= here;
		bio->bi_io_vec = &b->bv[nr_bv];
		bio->bi_iter = (struct bvec_iter){ .bi_size = here * SECTOR_SIZE };
		bio->bi_next = sectors && i < nr_bio - 1 ? &b->bio[i + 1] : NULL;
		while (here) {
			u32 n = rnd(3) ? min(here, 8U) : 1 + rnd(min(here, 8U));

			b->bv[nr_bv++] = (struct bio_vec){
				.bv_page = &b->page[nr_page++],
				.bv_len = n * SECTOR_SIZE,
				.bv_offset = rnd(9 - n) * SECTOR_SIZE,
			};
			here -= n;
		}
		if (!bio->bi_next)
			break;
	}
	b->rq.bio = &b->bio[0];
	return b;
}

static struct vdisk_cursor cursor_of(struct buffer *b)
{
	struct vdisk_cursor cur;

	vdisk_cursor_init(&cur, &b->rq);
	return cur;
}

/* The contents of a sector with this number; 0: zeroes. */
static void pattern(u8 *out, u64 sector, int number)
{
	u64 words[SECTOR_SIZE / 8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = number ? (sector << 32 ^ (u64)(u32)number << 8 ^ i) : 0;
	memcpy(out, words, SECTOR_SIZE);
}

static void fill_request(struct vdisk_cursor cur, u64 sector, u32 count, int number)
{
	u8 data[SECTOR_SIZE];

	for (; count; count--, sector++) {
		pattern(data, sector, number);
		vdisk_cursor_fill(&cur, data, SECTOR_SIZE);
	}
}

/*----- the model -----*/

static struct vdisk_overlay *ov;
static int number[DISK_SECTORS];	/* BASE, 0, or of the write */
static bool data[DISK_SECTORS];		/* held by a page */
static bool hidden[DISK_BLOCKS];	/* under a zero extent */
static unsigned int events[101], nr_events;

static void on_level(void *ctx, unsigned int percent)
{
	(void)ctx;
	__atomic_add_fetch(&events[percent], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&nr_events, 1, __ATOMIC_RELAXED);
}

static struct vdisk_overlay *create(u64 limit)
{
	struct vdisk_overlay_params params = {
		.kind = VDISK_OVERLAY_RAM,
		.limit = limit,
		.sectors = DISK_SECTORS,
		.level = on_level,
	};
	u32 i;

	for (i = 0; i < DISK_SECTORS; i++) {
		number[i] = BASE;
		data[i] = false;
	}
	memset(hidden, 0, sizeof(hidden));
	memset(events, 0, sizeof(events));
	nr_events = 0;
	ov = vdisk_overlay_create(&params);
	return ov;
}

static bool block_present(u64 block)
{
	u64 s = block * 8, end = min(s + 8, (u64)DISK_SECTORS);

	for (; s < end; s++) {
		if (data[s])
			return true;
	}
	return false;
}

static bool leaf_present(u64 leaf)
{
	u64 b = leaf * LEAF_BLOCKS, end = min(b + LEAF_BLOCKS, (u64)DISK_BLOCKS);

	for (; b < end; b++) {
		if (block_present(b))
			return true;
	}
	return false;
}

static void model_write(u64 sector, u32 count, int nr)
{
	for (; count; count--, sector++) {
		number[sector] = nr;
		data[sector] = true;
	}
}

/* As the overlay does it: whole blocks are hidden, parts of others become data. */
static void model_zero(u64 sector, u32 count)
{
	u64 s, end = sector + count;

	for (s = sector; s < end; s++) {
		u64 block = s / 8, last = min(block * 8 + 8, (u64)DISK_SECTORS);

		if (s % 8 == 0 && last <= end)
			hidden[block] = true;
		number[s] = 0;
		data[s] = !hidden[block];
	}
}

/* Every figure that the overlay keeps, from the model. */
static bool check_usage(void)
{
	struct vdisk_overlay_usage u;
	u64 blocks = 0, zero = 0, extents = 0, leaves = 0, want, i;
	struct ram *ram = to_ram(ov);

	for (i = 0; i < DISK_BLOCKS; i++) {
		blocks += block_present(i);
		zero += hidden[i];
		extents += hidden[i] && (!i || !hidden[i - 1]);
	}
	for (i = 0; i * LEAF_SECTORS < DISK_SECTORS; i++)
		leaves += leaf_present(i);
	want = blocks * PAGE_SIZE + extents * VDISK_ZERO_COST + leaves * LEAF_COST +
	       dirs_bytes(ram) + (ram->dirs[0] ? PAGE_SIZE : 0);
	vdisk_overlay_usage(ov, &u);
	if (u.used == want && u.blocks == blocks && u.zero_bytes == zero * VDISK_BLOCK_SIZE &&
	    u.peak >= u.used)
		return true;
	tap_diag("used %llu, wanted %llu; blocks %llu, wanted %llu; zero %llu, wanted %llu",
		 (unsigned long long)u.used, (unsigned long long)want,
		 (unsigned long long)u.blocks, (unsigned long long)blocks,
		 (unsigned long long)u.zero_bytes, (unsigned long long)zero * VDISK_BLOCK_SIZE);
	return false;
}

/*----- operations, each checked -----*/

static bool check_runs(const struct vdisk_run *run, unsigned int nr, u64 sector, u32 count,
		       bool joined)
{
	u32 at = 0, i, r;

	for (r = 0; r < nr; r++) {
		if (!run[r].count || run[r].start < at || (r && run[r].start == at) ||
		    run[r].start + run[r].count > count)
			return false;
		for (i = at; i < run[r].start; i++) {
			if (number[sector + i] == BASE)
				return false;
		}
		at = run[r].start + run[r].count;
		if (number[sector + at - 1] != BASE || number[sector + run[r].start] != BASE)
			return false;
		for (i = run[r].start; i < at && !joined; i++) {
			if (number[sector + i] != BASE)
				return false;
		}
	}
	for (i = at; i < count; i++) {
		if (number[sector + i] == BASE)
			return false;
	}
	return true;
}

static bool check_contents(struct vdisk_cursor cur, u64 sector, u32 count)
{
	u8 want[SECTOR_SIZE], got[SECTOR_SIZE];

	for (; count; count--, sector++) {
		pattern(want, sector, number[sector]);
		vdisk_cursor_drain(&cur, got, SECTOR_SIZE);
		if (memcmp(want, got, SECTOR_SIZE)) {
			tap_diag("sector %llu differs", (unsigned long long)sector);
			return false;
		}
	}
	return true;
}

static bool do_read(u64 sector, u32 count)
{
	unsigned int max = 1 + rnd(RUNS_MAX), nr, r;
	struct vdisk_run run[RUNS_MAX];
	struct buffer *b = make_request(count);
	bool joined = false, ok;

	fill_request(cursor_of(b), sector, count, 12345);
	nr = vdisk_overlay_read(ov, sector, count, cursor_of(b), run, max, &joined);
	ok = nr <= max && check_runs(run, nr, sector, count, joined);
	for (r = 0; ok && r < nr; r++) {
		struct vdisk_cursor cur = cursor_of(b);

		vdisk_cursor_advance(&cur, run[r].start * SECTOR_SIZE);
		fill_request(cur, sector + run[r].start, run[r].count, BASE);
	}
	if (ok && joined)
		ok = !vdisk_overlay_read(ov, sector, count, cursor_of(b), NULL, 0, NULL);
	ok = ok && check_contents(cursor_of(b), sector, count);
	return ok;
}

/* Whether a result was allowed; memory in use is within the limit in any case. */
static bool check_result(int ret, u32 done, u32 count)
{
	s64 used = atomic64_read(&ov->used);

	rcu_barrier();
	if (kshim_bytes > used || done > count || (!ret && done != count))
		return false;
	if (ret == -ENOSPC)	/* a block with all its index would not have fit */
		return used + PAGE_SIZE * 2 + LEAF_COST + VDISK_OVERLAY_HEADROOM > ov->limit;
	if (ret == -ENOMEM)
		return failed;
	return !ret;
}

static bool all_present(u64 sector, u32 count)
{
	u64 b;

	for (b = sector / 8; b <= (sector + count - 1) / 8; b++) {
		if (!block_present(b))
			return false;
	}
	return true;
}

static bool do_write(u64 sector, u32 count, int nr)
{
	bool present = all_present(sector, count), ok = true;
	struct buffer *b = make_request(count);
	s64 before = atomic64_read(&ov->used);
	u32 done = 0, was = 0;
	int ret, tries;

	fill_request(cursor_of(b), sector, count, nr);
	for (tries = 0; ok && tries < 3; tries++) {
		failed = false;
		ret = vdisk_overlay_write(ov, sector, count, cursor_of(b), &done,
					  rnd(2) ? GFP_NOWAIT : GFP_NOIO);
		ok = done >= was && check_result(ret, done, count) && (!ret || !present) &&
		     (atomic64_read(&ov->used) <= (s64)ov->limit ||
		      atomic64_read(&ov->used) <= before);
		was = done;
		if (!ret)
			break;
	}
	model_write(sector, done, nr);
	return ok;
}

static bool do_zero(u64 sector, u32 count)
{
	s64 before = atomic64_read(&ov->used);
	u32 done = 0;
	bool ok = true;
	int ret, tries;

	for (tries = 0; ok && tries < 3; tries++) {
		failed = false;
		ret = vdisk_overlay_zero(ov, sector, count, &done, rnd(2) ? GFP_NOWAIT : GFP_NOIO);
		ok = check_result(ret, done, count) &&
		     (atomic64_read(&ov->used) <= (s64)ov->limit ||
		      atomic64_read(&ov->used) <= before);
		if (!ret)
			break;
	}
	model_zero(sector, done);
	return ok;
}

static void random_range(u64 *sector, u32 *count)
{
	u32 most = rnd(4) ? 32 : REQUEST_MAX;

	*count = 1 + rnd(most);
	*sector = rnd(8) ? rnd(DISK_SECTORS - *count + 1) : DISK_SECTORS - *count;
	if (rnd(2)) {	/* whole blocks */
		*sector -= *sector % 8;
		*count = min_t(u32, (*count + 7) / 8 * 8, DISK_SECTORS - *sector);
	}
}

/*----- tests -----*/

static bool random_round(unsigned int steps, u64 limit, unsigned int fail)
{
	bool ok = !IS_ERR(create(limit));
	unsigned int i;

	for (i = 1; ok && i <= steps; i++) {
		unsigned int what = rnd(100);
		u64 sector;
		u32 count;

		random_range(&sector, &count);
		fail_one_in = fail;
		if (what < 45)
			ok = do_write(sector, count, i);
		else if (what < 65)
			ok = do_zero(sector, count);
		else if (what < 66)	/* much at once, so that a full overlay empties */
			ok = do_zero(sector / 2, min_t(u32, 8192, DISK_SECTORS - sector / 2));
		else
			ok = do_read(sector, count);
		fail_one_in = 0;
		if (ok && i % 50 == 0)
			ok = check_usage();
		if (!ok)
			tap_diag("step %u: sector %llu, count %u, kind %u", i,
				 (unsigned long long)sector, count, what);
	}
	for (i = 0; ok && i < DISK_SECTORS; i += REQUEST_MAX)
		ok = do_read(i, min_t(u32, REQUEST_MAX, DISK_SECTORS - i));
	vdisk_overlay_destroy(ov);
	rcu_barrier();
	return ok && !kshim_bytes && !kshim_warnings;
}

static void test_model(void)
{
	tap_ok(random_round(20000, 1ULL << 40, 0), "20000 random operations agree with the model");
	tap_ok(random_round(20000, 2 << 20, 0), "so they do with a hard limit of 2 MiB");
	tap_ok(random_round(20000, 100 << 10, 0), "and of 100 KiB");
	tap_ok(random_round(20000, 1ULL << 40, 5), "and when one allocation in five fails");
	tap_ok(random_round(20000, 2 << 20, 3), "and with both");
}

static void test_full(void)
{
	u64 b, blocks = 0;
	u32 i;
	bool ok;

	create(1 << 20);
	for (b = 0; b < DISK_BLOCKS - 1; b++) {
		struct buffer *buf = make_request(8);
		u32 done = 0;

		fill_request(cursor_of(buf), b * 8, 8, 7);
		if (!vdisk_overlay_write(ov, b * 8, 8, cursor_of(buf), &done, GFP_NOWAIT)) {
			blocks++;
			model_write(b * 8, 8, 7);
		}
		}
	tap_ok(blocks > 240 && blocks < 256, "1 MiB holds %llu blocks", (unsigned long long)blocks);
	tap_ok(check_usage(), "the figures of a full overlay agree");
	fail_one_in = 1;
	for (i = 0, ok = true; ok && i < 100; i++)
		ok = do_write(rnd(blocks) * 8 + rnd(8), 1, 1000 + i);
	fail_one_in = 0;
	tap_ok(ok, "it can be rewritten, without any memory");
	tap_ok(do_read(0, REQUEST_MAX), "and be read");
	for (i = 0, ok = true; ok && i < blocks; i += 2) {
		ok = do_zero(i * 8, 8);
		ok = ok && hidden[i] && !block_present(i);
	}
	tap_ok(ok, "it can be trimmed, block by block");
	tap_ok(check_usage(), "and the figures agree again");
	tap_ok(do_write(8 * blocks, 8, 5) && data[8 * blocks], "then there is room");
	vdisk_overlay_set_limit(ov, 4096);
	tap_ok(!do_write(8 * blocks + 800, 8, 5) || !data[8 * blocks + 800],
	       "a limit that was lowered below the use stops growth");
	tap_ok(do_write(8 * blocks, 8, 6) && do_read(8 * blocks, 8), "but not rewrites");
	ok = do_zero(0, DISK_SECTORS);
	vdisk_overlay_set_limit(ov, 1 << 20);
	ok = ok && do_zero(0, DISK_SECTORS) && check_usage();
	tap_ok(ok && to_ram(ov)->ov.zero.root.rb_node && ov->zero.blocks == DISK_BLOCKS,
	       "zeroing all leaves one extent and no block");
	vdisk_overlay_destroy(ov);
	rcu_barrier();
	tap_ok(!kshim_bytes && !kshim_warnings, "nothing is left");
}

static void write_blocks(u64 from, u64 to)
{
	for (; from < to; from++)
		do_write(from * 8, 8, 3);
}

/* A limit that blocks and index would meet to the byte, if there were no headroom. */
static void test_trim_at_limit(void)
{
	u64 limit = sizeof(void *) + PAGE_SIZE + 2 * LEAF_COST + 100 * PAGE_SIZE;
	u64 b;
	bool ok = true;

	create(limit);
	for (b = 0; b < 100; b++)
		do_write(b * 8, 8, 4);
	tap_ok(block_present(98) && !block_present(99) && check_usage(),
	       "the last block is not given away");
	for (b = 0; b < 99; b += 2)
		ok = ok && do_zero(b * 8, 8) && hidden[b];
	tap_ok(ok && check_usage(), "so that trims can hide the base");
	vdisk_overlay_destroy(ov);
	rcu_barrier();
}

static void test_levels(void)
{
	create(1 << 20);
	write_blocks(0, 180);
	tap_ok(nr_events == 0, "no level at 70 %%");
	write_blocks(180, 210);
	tap_ok(nr_events == 1 && events[80] == 1, "80 %% is told once");
	write_blocks(210, 235);
	tap_ok(nr_events == 2 && events[90] == 1, "then 90 %%");
	write_blocks(235, 260);
	tap_ok(nr_events == 3 && events[95] == 1, "then 95 %%");
	do_zero(200 * 8, 480);
	write_blocks(200, 260);
	tap_ok(nr_events == 5 && events[95] == 2 && events[90] == 2 && events[80] == 1,
	       "those it fell 5 %% below are told again");
	vdisk_overlay_set_limit(ov, 4 << 20);
	vdisk_overlay_set_limit(ov, 1 << 20);
	tap_ok(nr_events == 8 && events[80] == 2, "a changed limit counts too");
	vdisk_overlay_destroy(ov);
	rcu_barrier();
}

static void test_create(void)
{
	struct vdisk_overlay_params p = { .kind = 77, .limit = 1 << 20, .sectors = 8 };
	struct vdisk_overlay_usage u;

	tap_ok(PTR_ERR(vdisk_overlay_create(&p)) == -EOPNOTSUPP, "an unknown kind is refused");
	p.kind = VDISK_OVERLAY_NONE;
	tap_ok(PTR_ERR(vdisk_overlay_create(&p)) == -EOPNOTSUPP, "so is none");
	p.kind = VDISK_OVERLAY_RAM;
	p.sectors = U64_MAX >> SECTOR_SHIFT;
	tap_ok(PTR_ERR(vdisk_overlay_create(&p)) == -ENOMEM,
	       "a disk whose index is beyond the limit is refused");
	create(1 << 20);
	vdisk_overlay_usage(ov, &u);
	tap_ok(u.limit == 1 << 20 && u.used < 64 && !u.blocks && !u.zero_bytes,
	       "a new overlay is empty");
	vdisk_overlay_destroy(ov);
	vdisk_overlay_destroy(NULL);
	tap_ok(!kshim_bytes && !kshim_warnings, "nothing is left");
}

/*----- threads -----*/

enum { THREADS = 4, THREAD_STEPS = 20000 };
static bool thread_bad;

/*
 * Threads write one number or zero the same blocks.  A whole block that is read
 * must be of one kind: all from one write, zero, or base before the first one.
 */
static void *thread(void *arg)
{
	u32 me = (u32)(uintptr_t)arg, i;

	for (i = 0; i < 17 * me; i++)
		rnd(2);
	for (i = 1; i <= THREAD_STEPS; i++) {
		u64 sector = (u64)rnd(64 * 3) * 8;
		struct buffer *b = make_request(8);
		struct vdisk_run run[2];
		bool joined = false;
		u32 what = rnd(100), zeroes = 8 * (1 + rnd(40)), done = 0;
		s64 used = atomic64_read(&ov->used);

		if (used > (s64)ov->limit)
			thread_bad = true;
		if (rnd(2)) {	/* the only block of its leaf, which comes and goes */
			sector = LEAF_SECTORS * (8 + rnd(2));
			zeroes = 8;
		}
		if (what < 50) {
			fill_request(cursor_of(b), sector, 8, me * 1000000 + i);
			vdisk_overlay_write(ov, sector, 8, cursor_of(b), &done, GFP_NOWAIT);
		} else if (what < 80) {
			vdisk_overlay_zero(ov, sector, zeroes, &done, GFP_NOWAIT);
		} else {
			u8 first[SECTOR_SIZE], last[SECTOR_SIZE];
			struct vdisk_cursor cur = cursor_of(b);
			unsigned int nr = vdisk_overlay_read(ov, sector, 8, cur, run, 2, &joined);
			u64 a, z;

			vdisk_cursor_drain(&cur, first, SECTOR_SIZE);
			vdisk_cursor_advance(&cur, 6 * SECTOR_SIZE);
			vdisk_cursor_drain(&cur, last, SECTOR_SIZE);
			memcpy(&a, first, 8);
			memcpy(&z, last, 8);
			if (nr ? run[0].count != 8 || nr != 1 || joined :
			    a && ((a ^ z) & 0xffffffff) != 0)
				thread_bad = true;
		}
		}
	free(mine);
	return NULL;
}

static void test_threads(void)
{
	pthread_t id[THREADS];
	uintptr_t i;
	u32 done = 0;

	create(400 << 10);
	for (i = 0; i < THREADS; i++)
		pthread_create(&id[i], NULL, thread, (void *)(i + 1));
	for (i = 0; i < THREADS; i++)
		pthread_join(id[i], NULL);
	tap_ok(!thread_bad, "%d threads see whole blocks, within the limit", THREADS);
	/* Nothing but one extent is left then. */
	model_zero(0, DISK_SECTORS);
	tap_ok(!vdisk_overlay_zero(ov, 0, DISK_SECTORS, &done, GFP_NOWAIT),
	       "what they left can be trimmed");
	tap_ok(check_usage(), "and the figures agree");
	vdisk_overlay_destroy(ov);
	rcu_barrier();
	tap_ok(!kshim_bytes && !kshim_warnings, "nothing is left");
}

int main(void)
{
	if (vdisk_overlay_init())
		return 1;
	if (!THREADS_ONLY) {
		test_create();
		test_model();
		test_full();
		test_trim_at_limit();
		test_levels();
	}
	test_threads();
	vdisk_overlay_uninit();
	free(mine);
	return tap_done();
}
