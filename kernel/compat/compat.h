/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sources are written for the newest kernel; what older ones lack is made
 * here.  Included by force before every file.
 */
#ifndef VDISK_COMPAT_H
#define VDISK_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/timer.h>

#ifdef HAVE_LINUX_UNALIGNED
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#ifndef HAVE_TIMER_CONTAINER_OF
#define timer_container_of from_timer
#endif

#ifdef HAVE_F_SHOULD_MERGE
#define VDISK_F_MERGE BLK_MQ_F_SHOULD_MERGE
#else
#define VDISK_F_MERGE 0
#endif

/* open and release of a disk; @d is the name the body uses */
#ifdef HAVE_BLK_MODE_T
#define VDISK_OPEN_ARGS(d) struct gendisk *d, blk_mode_t mode
#define VDISK_RELEASE_ARGS(d) struct gendisk *d
#define vdisk_open_disk(d) (d)
#else
#define VDISK_OPEN_ARGS(d) struct block_device *d, fmode_t mode
#define VDISK_RELEASE_ARGS(d) struct gendisk *d, fmode_t mode
#define vdisk_open_disk(d) ((d)->bd_disk)
#endif

/* The limits of the disk in the driver's own words. */
struct vdisk_limits {
	unsigned int logical, physical;	/* bytes */
	unsigned int max_hw_sectors;
	unsigned int discard_sectors;	/* 0: no discard */
	unsigned int zeroes_sectors;	/* 0: no write-zeroes */
	bool write_cache, fua;
};

#ifdef HAVE_BLK_FEATURES
static inline struct gendisk *vdisk_alloc_disk(struct blk_mq_tag_set *set,
					       const struct vdisk_limits *v, void *qd)
{
	struct queue_limits l = {
		.logical_block_size = v->logical,
		.physical_block_size = v->physical,
		.io_min = v->physical,
		.max_hw_sectors = v->max_hw_sectors,
		.max_segments = USHRT_MAX,
		.max_segment_size = UINT_MAX,
		.max_hw_discard_sectors = v->discard_sectors,
		.discard_granularity = v->discard_sectors ? v->physical : 0,
		.max_write_zeroes_sectors = v->zeroes_sectors,
		.features = (v->write_cache ? BLK_FEAT_WRITE_CACHE : 0) |
			    (v->write_cache && v->fua ? BLK_FEAT_FUA : 0),
	};

	return blk_mq_alloc_disk(set, &l, qd);
}
#else
static inline struct gendisk *vdisk_alloc_disk(struct blk_mq_tag_set *set,
					       const struct vdisk_limits *v, void *qd)
{
	struct request_queue *q;
	struct gendisk *d;

#ifdef HAVE_MQ_DISK_LIMITS	/* 6.9, 6.10 */
	d = blk_mq_alloc_disk(set, NULL, qd);
#else
	d = blk_mq_alloc_disk(set, qd);
#endif
	if (IS_ERR(d))
		return d;
	q = d->queue;
	blk_queue_logical_block_size(q, v->logical);
	blk_queue_physical_block_size(q, v->physical);
	blk_queue_io_min(q, v->physical);
	blk_queue_max_hw_sectors(q, v->max_hw_sectors);
	blk_queue_max_segments(q, USHRT_MAX);
	blk_queue_max_segment_size(q, UINT_MAX);
	blk_queue_max_discard_sectors(q, v->discard_sectors);
	q->limits.discard_granularity = v->discard_sectors ? v->physical : 0;
	blk_queue_max_write_zeroes_sectors(q, v->zeroes_sectors);
	blk_queue_write_cache(q, v->write_cache, v->write_cache && v->fua);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, q);
	return d;
}
#endif

#endif
