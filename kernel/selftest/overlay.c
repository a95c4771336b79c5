// SPDX-License-Identifier: GPL-2.0
/*
 * Self-test of the overlay at module load, built with VDISK_DEBUG=y; included at
 * the end of overlay.c.  Real bios, real pages, the kernel's own locks: what
 * tests/unit/test_overlay.c can't have.
 */
#include <linux/bio.h>

enum selftest_limits {
	TEST_SECTORS	= 512 * 2 + 8 * 2 + 3,	/* two leaves, two blocks, 3 sectors of a third */
	TEST_PAGES	= 4,
	TEST_MAX	= TEST_PAGES * VDISK_BLOCK_SECTORS,
	TEST_LIMIT	= 256 << 10,
};

enum test_op { T_WRITE, T_ZERO, T_READ, T_USED };

/*
 * T_WRITE: stores @what[0] in all sectors.
 * T_READ:  a character a sector: what was written, '0' zeroes, 'b' of the base.
 * T_USED:  @count blocks are there.
 */
static const struct test_step {
	enum test_op op;
	u64 sector;
	u32 count;
	const char *what;
} test_steps[] = {
	{ T_READ, 0, 12, "bbbbbbbbbbbb" },
	{ T_WRITE, 0, 8, "A" },
	{ T_READ, 0, 12, "AAAAAAAAbbbb" },
	{ T_WRITE, 3, 7, "B" },
	{ T_READ, 0, 16, "AAABBBBBBBbbbbbb" },
	{ T_USED, 0, 2 },
	{ T_ZERO, 0, 8 },
	{ T_USED, 0, 1 },
	{ T_READ, 0, 16, "00000000BBbbbbbb" },
	{ T_WRITE, 1, 1, "C" },
	{ T_READ, 0, 9, "0C000000B" },
	{ T_ZERO, 1, 1 },
	{ T_USED, 0, 1 },
	{ T_READ, 0, 9, "00000000B" },
	{ T_ZERO, 9, 2 },
	{ T_READ, 7, 6, "0B00bb" },
	{ T_WRITE, 508, 8, "D" },
	{ T_READ, 506, 12, "bbDDDDDDDDbb" },
	{ T_ZERO, 504, 16 },
	{ T_READ, 503, 18, "b0000000000000000b" },
	{ T_USED, 0, 1 },
	{ T_WRITE, 1038, 5, "E" },
	{ T_READ, 1036, 7, "bbEEEEE" },
	{ T_ZERO, 1040, 3 },
	{ T_READ, 1036, 7, "bbEE000" },
	{ T_USED, 0, 2 },
	{ T_ZERO, 0, TEST_SECTORS },
	{ T_USED, 0, 0 },
	{ T_READ, 1036, 7, "0000000" },
	{ T_READ, 0, 32, "00000000000000000000000000000000" },
};

struct test_request {
	struct page *page[TEST_PAGES];
	struct bio_vec vec[TEST_PAGES];
	struct bio bio;
};

static struct vdisk_cursor test_cursor(struct test_request *rq, u32 sectors)
{
	u32 left = min_t(u32, sectors, TEST_MAX) << SECTOR_SHIFT, i;
	struct vdisk_cursor cur;

	bio_init(&rq->bio, NULL, rq->vec, TEST_PAGES, REQ_OP_READ);
	for (i = 0; left; i++) {
		u32 n = min_t(u32, left, VDISK_BLOCK_SIZE);

		WARN_ON_ONCE(bio_add_page(&rq->bio, rq->page[i], n, 0) != n);
		left -= n;
	}
	cur.bio = &rq->bio;
	cur.iter = rq->bio.bi_iter;
	return cur;
}

static void test_fill(struct test_request *rq, char c)
{
	unsigned int i;

	for (i = 0; i < TEST_PAGES; i++)
		memset(page_address(rq->page[i]), c, VDISK_BLOCK_SIZE);
}

/* Reads with one run only, so that the second pass is made too. */
static bool test_read(struct vdisk_overlay *ov, struct test_request *rq,
		      const struct test_step *t)
{
	struct vdisk_cursor cur = test_cursor(rq, t->count);
	struct vdisk_run run = { 0 };
	bool joined = false;
	u32 i;

	test_fill(rq, 'b');
	vdisk_overlay_read(ov, t->sector, t->count, cur, &run, 1, &joined);
	if (joined) {
		for (i = 0; i < run.count; i++) {
			u32 at = run.start + i;

			memset(page_address(rq->page[at / VDISK_BLOCK_SECTORS]) +
			       at % VDISK_BLOCK_SECTORS * SECTOR_SIZE, 'b', SECTOR_SIZE);
		}
		vdisk_overlay_read(ov, t->sector, t->count, cur, NULL, 0, NULL);
	}
	for (i = 0; i < t->count; i++) {
		char want = t->what[i] == '0' ? 0 : t->what[i];
		const char *got = page_address(rq->page[i / VDISK_BLOCK_SECTORS]) +
				  i % VDISK_BLOCK_SECTORS * SECTOR_SIZE;

		if (got[0] != want || got[SECTOR_SIZE - 1] != want)
			return false;
	}
	return true;
}

static bool test_step(struct vdisk_overlay *ov, struct test_request *rq,
		      const struct test_step *t)
{
	struct vdisk_overlay_usage usage;
	u32 done = 0;

	switch (t->op) {
	case T_WRITE:
		test_fill(rq, t->what[0]);
		return !vdisk_overlay_write(ov, t->sector, t->count, test_cursor(rq, t->count),
					    &done, GFP_KERNEL) && done == t->count;
	case T_ZERO:
		return !vdisk_overlay_zero(ov, t->sector, t->count, &done, GFP_KERNEL) &&
		       done == t->count;
	case T_READ:
		return test_read(ov, rq, t);
	case T_USED:
		vdisk_overlay_usage(ov, &usage);
		return usage.blocks == t->count && usage.used <= usage.limit;
	}
	return false;
}

static unsigned int test_levels_seen;

static void test_level(void *ctx, unsigned int percent)
{
	test_levels_seen++;
}

/* Fills it to the limit: ENOSPC then, but not for what is there, nor after a trim. */
static bool test_full(struct vdisk_overlay *ov, struct test_request *rq)
{
	const struct test_step rewrite = { T_WRITE, 0, 8, "F" }, trim = { T_ZERO, 8, 8 };
	u32 done = 0;
	int ret;

	test_fill(rq, 'F');
	do {
		u32 one = 0;

		ret = vdisk_overlay_write(ov, done, 8, test_cursor(rq, 8), &one,
					  GFP_NOWAIT | __GFP_NOWARN);
		done += one;
	} while (!ret && done < TEST_SECTORS - 8);
	return ret == -ENOSPC && test_levels_seen == ARRAY_SIZE(levels) &&
	       test_step(ov, rq, &rewrite) && test_step(ov, rq, &trim) &&
	       test_step(ov, rq, &(struct test_step){ T_WRITE, done, 8, "G" });
}

static bool run_selftest(struct vdisk_overlay *ov, struct test_request *rq)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_steps); i++) {
		if (test_step(ov, rq, &test_steps[i]))
			continue;
		pr_err("vdisk: overlay self-test %u: FAIL\n", i);
		ok = false;
	}
	if (!test_full(ov, rq)) {
		pr_err("vdisk: overlay self-test full: FAIL\n");
		ok = false;
	}
	return ok;
}

static int vdisk_overlay_selftest(void)
{
	struct vdisk_overlay_params params = {
		.kind = VDISK_OVERLAY_RAM,
		.limit = TEST_LIMIT,
		.sectors = TEST_SECTORS,
		.level = test_level,
	};
	struct test_request *rq = kzalloc(sizeof(*rq), GFP_KERNEL);
	struct vdisk_overlay *ov = vdisk_overlay_create(&params);
	unsigned int i;
	bool ok = rq && !IS_ERR(ov);

	for (i = 0; ok && i < TEST_PAGES; i++) {
		rq->page[i] = alloc_page(GFP_KERNEL);
		ok = rq->page[i];
	}
	ok = ok && run_selftest(ov, rq);
	vdisk_overlay_destroy(ov);
	for (i = 0; rq && i < TEST_PAGES; i++) {
		if (rq->page[i])
			__free_page(rq->page[i]);
	}
	kfree(rq);
	pr_info("vdisk: overlay self-test: %s\n", ok ? "pass" : "FAIL");
	return ok ? 0 : -EINVAL;
}
