/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A place in the data of a block request: the bio and where in it.
 *
 * Copying it is cheap; a copy moves on its own.  A cursor must not be used
 * after the request it came from was completed.
 */
#ifndef VDISK_CURSOR_H
#define VDISK_CURSOR_H

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/highmem.h>

struct vdisk_cursor {
	struct bio *bio;
	struct bvec_iter iter;
};

static inline void vdisk_cursor_init(struct vdisk_cursor *c, struct request *rq)
{
	c->bio = rq->bio;
	if (c->bio)
		c->iter = c->bio->bi_iter;
}

/* The rest of the current page-sized segment; never crosses a page. */
static inline struct bio_vec vdisk_cursor_segment(const struct vdisk_cursor *c)
{
	return bio_iter_iovec(c->bio, c->iter);
}

/* Moves on by @len bytes, which the request must still have. */
static inline void vdisk_cursor_advance(struct vdisk_cursor *c, unsigned int len)
{
	while (len) {
		unsigned int step = min(len, c->iter.bi_size);

		bio_advance_iter(c->bio, &c->iter, step);
		len -= step;
		if (!c->iter.bi_size) {
			c->bio = c->bio->bi_next;
			if (!c->bio)
				return;
			c->iter = c->bio->bi_iter;
		}
	}
}

/* Copies @len bytes into the request and moves on.  Never sleeps. */
static inline void vdisk_cursor_fill(struct vdisk_cursor *c, const void *from, unsigned int len)
{
	while (len && c->bio) {
		struct bio_vec bv = vdisk_cursor_segment(c);
		unsigned int n = min(len, bv.bv_len);

		memcpy_to_page(bv.bv_page, bv.bv_offset, from, n);
		from += n;
		len -= n;
		vdisk_cursor_advance(c, n);
	}
}

/* Copies @len bytes out of the request and moves on.  Never sleeps. */
static inline void vdisk_cursor_drain(struct vdisk_cursor *c, void *to, unsigned int len)
{
	while (len && c->bio) {
		struct bio_vec bv = vdisk_cursor_segment(c);
		unsigned int n = min(len, bv.bv_len);

		memcpy_from_page(to, bv.bv_page, bv.bv_offset, n);
		to += n;
		len -= n;
		vdisk_cursor_advance(c, n);
	}
}

/* Writes @len zero bytes into the request and moves on.  Never sleeps. */
static inline void vdisk_cursor_zero(struct vdisk_cursor *c, unsigned int len)
{
	while (len && c->bio) {
		struct bio_vec bv = vdisk_cursor_segment(c);
		unsigned int n = min(len, bv.bv_len);

		memzero_page(bv.bv_page, bv.bv_offset, n);
		len -= n;
		vdisk_cursor_advance(c, n);
	}
}

#endif
