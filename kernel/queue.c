// SPDX-License-Identifier: GPL-2.0
/*
 * Block requests.
 *
 * queue_rq() never sleeps and hands nothing to another thread: what the overlay
 * has is copied here, what it has not becomes wire requests.  Only a write that
 * meets a full overlay, or finds no memory without waiting, is parked; a worker
 * tries it again, in the order of arrival.
 */
#include <linux/blk-mq.h>
#include <linux/sched/mm.h>
#include "device_priv.h"
#include "stream.h"
#include "wire.h"

static struct vdisk_device *rq_device(struct request *rq)
{
	return rq->q->queuedata;
}

/*----- completion -----*/

/* The overlay's sectors between joined runs go over what was fetched. */
static void overlay_again(struct vdisk_device *dev, struct request *rq)
{
	struct vdisk_cursor cur;

	vdisk_cursor_init(&cur, rq);
	vdisk_overlay_read(dev->overlay, blk_rq_pos(rq), blk_rq_sectors(rq), cur, NULL, 0, NULL);
}

static void end_request(struct vdisk_device *dev, struct request *rq, blk_status_t status)
{
	if (unlikely(status))
		vdisk_stats_add(dev->stats, VDISK_STATS_A_ERRORS, 1);
	blk_mq_end_request(rq, status);
}

void vdisk_io_part_done(struct vdisk_io *io, blk_status_t status)
{
	struct vdisk_device *dev;
	struct request *rq;

	if (unlikely(status))
		WRITE_ONCE(io->status, status);
	if (!atomic_dec_and_test(&io->pending))
		return;
	if (io->done_fn) {
		io->done_fn(io, io->status);
		return;
	}
	rq = blk_mq_rq_from_pdu(io);
	dev = rq_device(rq);
	if (unlikely(READ_ONCE(io->again))) {
		blk_mq_requeue_request(rq, false);
		blk_mq_delay_kick_requeue_list(rq->q, VDISK_AGAIN_MS);
		return;
	}
	if (io->joined && !io->status)
		overlay_again(dev, rq);
	end_request(dev, rq, io->status);
}

/*----- wire requests -----*/

void vdisk_queue_free_wires(struct vdisk_device *dev, struct list_head *list)
{
	struct vdisk_wire *wire, *next;

	list_for_each_entry_safe(wire, next, list, link)
		vdisk_wire_free(dev->src->pool, wire);
}

static void submit_wires(struct vdisk_device *dev, struct vdisk_io *io,
			 struct list_head *list, unsigned int nr)
{
	atomic_add(nr, &io->pending);
	vdisk_source_submit(dev->src, list);
	vdisk_io_part_done(io, BLK_STS_OK);
}

int vdisk_queue_make_reads(struct vdisk_device *dev, struct vdisk_io *io, u64 pos, u32 len,
			   struct vdisk_cursor *cur, struct list_head *list)
{
	const struct vdisk_export *ex = &dev->src->ex;
	int nr = 0;

	while (len) {
		u64 begin = round_down(pos, (u64)ex->block_min);
		u64 end = min3(round_up(pos + len, (u64)ex->block_min),
			       begin + ex->block_max, ex->size);
		u32 n = min_t(u64, len, end - pos);
		struct vdisk_wire *wire;

		wire = vdisk_wire_alloc(dev->src->pool, io, NBD_CMD_READ, begin, end - begin);
		if (!wire)
			return -ENOMEM;
		wire->keep_at = pos - begin;
		wire->keep_len = n;
		wire->cur = *cur;
		wire->rx = *cur;
		list_add_tail(&wire->link, list);
		vdisk_cursor_advance(cur, n);
		pos += n;
		len -= n;
		nr++;
	}
	return nr;
}

/* Before parts are made: one is held until all are handed over. */
static void io_begin(struct vdisk_io *io)
{
	io->status = BLK_STS_OK;
	io->joined = false;
	io->again = false;
	atomic_set(&io->pending, 1);
}

/*
 * What one run of a read needs of the base: read ahead, or now.  Returns the
 * number of wire requests put into @list, or -ENOMEM.
 */
static int read_run(struct vdisk_device *dev, struct vdisk_io *io, u64 pos, u32 len,
		    struct vdisk_cursor *cur, struct list_head *list)
{
	u32 got = dev->streams ? vdisk_stream_read(dev->streams, io, pos, len, cur) : 0;

	return vdisk_queue_make_reads(dev, io, pos + got, len - got, cur, list);
}

static blk_status_t queue_read(struct vdisk_device *dev, struct request *rq)
{
	struct vdisk_io *io = blk_mq_rq_to_pdu(rq);
	u64 sector = blk_rq_pos(rq);
	struct vdisk_run run[VDISK_RUNS_MAX] = { { .count = blk_rq_sectors(rq) } };
	unsigned int runs = 1, nr = 0, i;
	u32 missing = 0, at = 0;
	struct vdisk_cursor cur;
	LIST_HEAD(list);

	/* what is queued anew was counted before */
	if (likely(!io->again)) {
		vdisk_stats_add(dev->stats, VDISK_STATS_A_READS, 1);
		vdisk_stats_add(dev->stats, VDISK_STATS_A_READ_BYTES, blk_rq_bytes(rq));
	}
	vdisk_cursor_init(&cur, rq);
	io_begin(io);
	if (dev->overlay)
		runs = vdisk_overlay_read(dev->overlay, sector, blk_rq_sectors(rq), cur,
					  run, ARRAY_SIZE(run), &io->joined);
	if (!runs) {
		vdisk_stats_add(dev->stats, VDISK_STATS_A_OVERLAY_READ_BYTES, blk_rq_bytes(rq));
		end_request(dev, rq, BLK_STS_OK);
		return BLK_STS_OK;
	}
	for (i = 0; i < runs; i++) {
		int made;

		vdisk_cursor_advance(&cur, (run[i].start - at) << SECTOR_SHIFT);
		made = read_run(dev, io, (sector + run[i].start) << SECTOR_SHIFT,
				run[i].count << SECTOR_SHIFT, &cur, &list);
		if (made < 0) {
			/* parts may be on their way already: again when they are through */
			vdisk_queue_free_wires(dev, &list);
			vdisk_io_again(io);
			vdisk_io_part_done(io, BLK_STS_OK);
			return BLK_STS_OK;
		}
		nr += made;
		at = run[i].start + run[i].count;
		missing += run[i].count;
	}
	vdisk_stats_add(dev->stats, VDISK_STATS_A_OVERLAY_READ_BYTES,
			(u64)(blk_rq_sectors(rq) - missing) << SECTOR_SHIFT);
	submit_wires(dev, io, &list, nr);
	if (dev->streams)
		vdisk_stream_ahead(dev->streams);
	return BLK_STS_OK;
}

/* A write, trim, zeroes or flush that goes to the server. */
static blk_status_t queue_through(struct vdisk_device *dev, struct request *rq,
				  u16 command, u16 flags)
{
	const struct vdisk_export *ex = &dev->src->ex;
	struct vdisk_io *io = blk_mq_rq_to_pdu(rq);
	u64 pos = (u64)blk_rq_pos(rq) << SECTOR_SHIFT;
	u32 len = blk_rq_bytes(rq);
	struct vdisk_cursor cur;
	unsigned int nr = 0;
	LIST_HEAD(list);

	if (command == NBD_CMD_FLUSH)
		pos = 0;
	else if ((rq->cmd_flags & REQ_FUA) && (ex->flags & NBD_FLAG_SEND_FUA))
		flags |= NBD_CMD_FLAG_FUA;
	io_begin(io);
	vdisk_cursor_init(&cur, rq);
	do {
		u32 n = min(len, command == NBD_CMD_WRITE ? ex->block_max : VDISK_WIRE_ZERO);
		struct vdisk_wire *wire = vdisk_wire_alloc(dev->src->pool, io, command, pos, n);

		if (!wire) {
			vdisk_queue_free_wires(dev, &list);
			io->again = true;
			return BLK_STS_RESOURCE;
		}
		wire->flags = flags;
		if (command == NBD_CMD_WRITE) {
			wire->cur = cur;
			vdisk_cursor_advance(&cur, n);
		}
		list_add_tail(&wire->link, &list);
		pos += n;
		len -= n;
		nr++;
	} while (len);
	submit_wires(dev, io, &list, nr);
	return BLK_STS_OK;
}

/*----- the overlay -----*/

static int overlay_step(struct vdisk_device *dev, struct request *rq, gfp_t gfp)
{
	struct vdisk_io *io = blk_mq_rq_to_pdu(rq);
	struct vdisk_cursor cur;

	if (req_op(rq) != REQ_OP_WRITE)
		return vdisk_overlay_zero(dev->overlay, blk_rq_pos(rq), blk_rq_sectors(rq),
					  &io->done, gfp);
	vdisk_cursor_init(&cur, rq);
	return vdisk_overlay_write(dev->overlay, blk_rq_pos(rq), blk_rq_sectors(rq), cur,
				   &io->done, gfp);
}

/* Takes the bios of a request to wait without it. */
static void park_bios(struct vdisk_park *park, struct request *rq)
{
	struct bio *bio;

	lockdep_assert_held(&park->lock);
	__rq_for_each_bio(bio, rq) {
		bio->bi_opf &= ~REQ_NOWAIT;	/* the worker may wait for a tag */
		park->nr++;
	}
	blk_steal_bios(&park->more, rq);
}

/* Its bios come again, and are counted then. */
static void uncount(struct vdisk_device *dev, struct request *rq, unsigned int bytes)
{
	if (req_op(rq) != REQ_OP_WRITE) {
		vdisk_stats_sub(dev->stats, VDISK_STATS_A_DISCARDS, 1);
		return;
	}
	vdisk_stats_sub(dev->stats, VDISK_STATS_A_WRITES, 1);
	vdisk_stats_sub(dev->stats, VDISK_STATS_A_WRITE_BYTES, bytes);
}

/* Takes the request to wait; false when it may not. */
static bool park(struct vdisk_device *dev, struct request *rq, int why)
{
	struct vdisk_park *park = &dev->park;
	struct vdisk_io *io = blk_mq_rq_to_pdu(rq);
	unsigned int queue = rq->mq_hctx->queue_num;
	unsigned int bytes = blk_rq_bytes(rq);	/* a request without its bios has none */
	bool taken, stolen = false;

	io->nomem = why == -ENOMEM;
	io->since = jiffies;
	spin_lock(&park->lock);
	taken = !park->closed;
	if (taken && park->per_queue[queue] < VDISK_PARKED_MAX) {
		list_add_tail(&io->parked, &park->list);
		park->per_queue[queue]++;
		park->nr++;
	} else if (taken) {
		park_bios(park, rq);
		stolen = true;
	}
	spin_unlock(&park->lock);
	if (stolen) {
		uncount(dev, rq, bytes);
		blk_mq_end_request(rq, BLK_STS_OK);
	} else if (taken) {
		mod_delayed_work(vdisk_wq, &park->work, 0);
	}
	return taken;
}

/* A discard is a wish: where the base can't be hidden for want of space it stays. */
static void fail_write(struct vdisk_device *dev, struct request *rq)
{
	if (req_op(rq) == REQ_OP_DISCARD) {
		end_request(dev, rq, BLK_STS_OK);
		return;
	}
	vdisk_device_overlay_event(dev, VDISK_EVENT_OVERLAY_ENOSPC);
	end_request(dev, rq, BLK_STS_NOSPC);
}

static void queue_overlay(struct vdisk_device *dev, struct request *rq)
{
	struct vdisk_io *io = blk_mq_rq_to_pdu(rq);
	int ret;

	io->done = 0;
	ret = overlay_step(dev, rq, GFP_NOWAIT | __GFP_NOWARN);
	if (likely(!ret)) {
		if (req_op(rq) != REQ_OP_WRITE && READ_ONCE(dev->park.nr))
			vdisk_park_kick(&dev->park);
		end_request(dev, rq, BLK_STS_OK);
		return;
	}
	if (ret == -ENOSPC && req_op(rq) == REQ_OP_DISCARD) {
		fail_write(dev, rq);	/* an fstrim goes on to what frees space */
		return;
	}
	if (ret == -ENOSPC) {
		atomic64_inc(&dev->full_count);
		vdisk_device_overlay_event(dev, VDISK_EVENT_OVERLAY_FULL);
		if (READ_ONCE(dev->cfg.overlay.full) == VDISK_FULL_ERROR) {
			fail_write(dev, rq);
			return;
		}
	}
	/* memory may be had by one who can wait for it */
	if (!park(dev, rq, ret))
		end_request(dev, rq, BLK_STS_IOERR);	/* all is over */
}

/*----- parked requests -----*/

/* One more try; returns whether the request is through. */
static bool unpark(struct vdisk_device *dev, struct vdisk_io *io, bool closed)
{
	struct request *rq = blk_mq_rq_from_pdu(io);
	int ret = closed ? -EIO : overlay_step(dev, rq, GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	bool wait = READ_ONCE(dev->cfg.overlay.full) == VDISK_FULL_WAIT &&
		    time_before(jiffies, io->since +
				READ_ONCE(dev->cfg.overlay.full_seconds) * HZ);

	if (!ret) {
		end_request(dev, rq, BLK_STS_OK);
		return true;
	}
	if (ret == -EIO) {
		end_request(dev, rq, BLK_STS_IOERR);
		return true;
	}
	if (ret == -ENOMEM) {
		atomic64_inc(&dev->nomem_count);
		vdisk_device_overlay_event(dev, VDISK_EVENT_OVERLAY_NOMEM);
	} else if (io->nomem) {
		io->nomem = false;
		atomic64_inc(&dev->full_count);
		vdisk_device_overlay_event(dev, VDISK_EVENT_OVERLAY_FULL);
	}
	if (wait)
		return false;
	fail_write(dev, rq);
	return true;
}

/* How many bios may get a request again, and wait with it if need be. */
static unsigned int park_room(const struct vdisk_park *park)
{
	unsigned int most = 0, i;

	lockdep_assert_held(&park->lock);
	if (park->closed)
		return UINT_MAX;
	for (i = 0; i < VDISK_QUEUES_MAX; i++)
		most = max(most, park->per_queue[i]);
	return VDISK_PARKED_MAX - most;
}

/* Takes bios that wait without a request, as many as there is room for. */
static bool take_more(struct vdisk_park *park, struct bio_list *list)
{
	unsigned int room;
	struct bio *bio;
	bool closed;

	spin_lock(&park->lock);
	closed = park->closed;
	for (room = park_room(park); room && !bio_list_empty(&park->more); room--) {
		bio = bio_list_pop(&park->more);
		bio_list_add(list, bio);
		park->nr--;
	}
	spin_unlock(&park->lock);
	return closed;
}

/* Submits them again, or fails them when all is over. */
static void more_worker(struct work_struct *work)
{
	struct vdisk_park *park = container_of(work, struct vdisk_park, more_work);
	unsigned int noio = memalloc_noio_save();
	struct bio_list list;
	struct blk_plug plug;
	struct bio *bio;
	bool closed;

	for (;;) {
		bio_list_init(&list);
		closed = take_more(park, &list);
		if (bio_list_empty(&list))
			break;
		blk_start_plug(&plug);
		while ((bio = bio_list_pop(&list))) {
			if (closed)
				bio_io_error(bio);
			else
				submit_bio_noacct(bio);
		}
		blk_finish_plug(&plug);
		cond_resched();
	}
	memalloc_noio_restore(noio);
}

/*
 * Tries all that are parked, oldest first.  Those that must wait on keep their
 * place; new ones are behind them.
 */
static void park_worker(struct work_struct *work)
{
	struct vdisk_park *park = container_of(work, struct vdisk_park, work.work);
	struct vdisk_device *dev = container_of(park, struct vdisk_device, park);
	unsigned int noio = memalloc_noio_save();
	struct vdisk_io *io, *next;
	unsigned int left;
	bool closed;
	LIST_HEAD(todo);
	LIST_HEAD(wait);

	spin_lock(&park->lock);
	list_splice_init(&park->list, &todo);
	closed = park->closed;
	spin_unlock(&park->lock);
	list_for_each_entry_safe(io, next, &todo, parked) {
		unsigned int queue = blk_mq_rq_from_pdu(io)->mq_hctx->queue_num;

		list_del(&io->parked);
		if (!unpark(dev, io, closed)) {
			list_add_tail(&io->parked, &wait);
			continue;
		}
		spin_lock(&park->lock);
		park->per_queue[queue]--;
		park->nr--;
		spin_unlock(&park->lock);
		cond_resched();
	}
	spin_lock(&park->lock);
	list_splice(&wait, &park->list);
	left = park->nr;
	if (!bio_list_empty(&park->more))
		queue_work(vdisk_submit_wq, &park->more_work);
	spin_unlock(&park->lock);
	memalloc_noio_restore(noio);
	if (left)
		queue_delayed_work(vdisk_wq, &park->work, HZ / 10);
}

void vdisk_park_kick(struct vdisk_park *park)
{
	mod_delayed_work(vdisk_wq, &park->work, 0);
}

void vdisk_park_close(struct vdisk_park *park)
{
	spin_lock(&park->lock);
	park->closed = true;
	spin_unlock(&park->lock);
	vdisk_park_kick(park);
}

void vdisk_park_init(struct vdisk_park *park)
{
	spin_lock_init(&park->lock);
	INIT_LIST_HEAD(&park->list);
	bio_list_init(&park->more);
	INIT_DELAYED_WORK(&park->work, park_worker);
	INIT_WORK(&park->more_work, more_worker);
}

void vdisk_park_uninit(struct vdisk_park *park)
{
	cancel_delayed_work_sync(&park->work);
	cancel_work_sync(&park->more_work);
	more_worker(&park->more_work);	/* closed by now: what is left fails */
}

/*----- blk-mq -----*/

static u16 zero_flags(const struct request *rq)
{
	return rq->cmd_flags & REQ_NOUNMAP ? NBD_CMD_FLAG_NO_HOLE : 0;
}

static void count_write(struct vdisk_device *dev, struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_WRITE:
		vdisk_stats_add(dev->stats, VDISK_STATS_A_WRITES, 1);
		vdisk_stats_add(dev->stats, VDISK_STATS_A_WRITE_BYTES, blk_rq_bytes(rq));
		break;
	case REQ_OP_FLUSH:
		vdisk_stats_add(dev->stats, VDISK_STATS_A_FLUSHES, 1);
		break;
	default:
		vdisk_stats_add(dev->stats, VDISK_STATS_A_DISCARDS, 1);
	}
}

static blk_status_t queue_write(struct vdisk_device *dev, struct request *rq)
{
	struct vdisk_io *io = blk_mq_rq_to_pdu(rq);

	/* what is queued anew was counted before */
	if (likely(!io->again))
		count_write(dev, rq);
	if (dev->overlay) {
		/* memory is as safe as it gets: a flush has nothing to do */
		if (req_op(rq) == REQ_OP_FLUSH)
			end_request(dev, rq, BLK_STS_OK);
		else
			queue_overlay(dev, rq);
		return BLK_STS_OK;
	}
	/* kernels before 6.4 only warn of writes to a read-only disk */
	if (unlikely(!dev->src->writable))
		return BLK_STS_IOERR;
	switch (req_op(rq)) {
	case REQ_OP_WRITE:
		return queue_through(dev, rq, NBD_CMD_WRITE, 0);
	case REQ_OP_FLUSH:
		return queue_through(dev, rq, NBD_CMD_FLUSH, 0);
	case REQ_OP_DISCARD:
		return queue_through(dev, rq, NBD_CMD_TRIM, 0);
	default:
		return queue_through(dev, rq, NBD_CMD_WRITE_ZEROES, zero_flags(rq));
	}
}

static blk_status_t queue_any(struct vdisk_device *dev, struct request *rq)
{
	blk_mq_start_request(rq);
	switch (req_op(rq)) {
	case REQ_OP_READ:
		return queue_read(dev, rq);
	case REQ_OP_WRITE:
	case REQ_OP_FLUSH:
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		return queue_write(dev, rq);
	default:
		return BLK_STS_NOTSUPP;
	}
}

static blk_status_t vdisk_queue_rq(struct blk_mq_hw_ctx *hctx,
				   const struct blk_mq_queue_data *bd)
{
	struct vdisk_device *dev = hctx->queue->queuedata;
	blk_status_t status = queue_any(dev, bd->rq);

	/*
	 * The senders wake once a batch.  Also when the last one had nothing
	 * to send: those before it may have.
	 */
	if (bd->last)
		vdisk_source_kick(dev->src);
	return status;
}

static void vdisk_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct vdisk_device *dev = hctx->queue->queuedata;

	vdisk_source_kick(dev->src);
}

/*
 * How long a request may take is the business of the source and of the policy
 * for lost servers, not of the block layer's clock.
 */
static enum blk_eh_timer_return queue_timeout(struct request *rq)
{
	return BLK_EH_RESET_TIMER;
}

const struct blk_mq_ops vdisk_queue_ops = {
	.queue_rq = vdisk_queue_rq,
	.commit_rqs = vdisk_commit_rqs,
	.timeout = queue_timeout,
};
