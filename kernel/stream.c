// SPDX-License-Identifier: GPL-2.0
/*
 * Detection of streams and their read-ahead.
 *
 * A stream is a place where the next read is expected.  When reads have
 * followed one another for STREAM_PROVEN bytes it is read ahead; how far grows
 * with what it has delivered (a STREAM_SHARE of it, up to the limit), so what is
 * read for nothing when it ends is never more than that share.
 *
 * Chunks lie one behind the other, from the first the demand still needs to
 * ->ahead.  A chunk is
 *
 *   PENDING   its wire requests are out; readers wait in ->waiters
 *   READY     its pages are filled and do not change any more
 *   FAILED    the read failed; readers, those who waited too, fetch for themselves
 *
 * and is freed with its last reference: the stream's, that of its wire
 * requests, and one of each reader that copies from it.
 */
#include <linux/slab.h>
#include "device_priv.h"
#include "stream.h"
#include "wire.h"

enum stream_limits {
	STREAMS			= 16,
	STREAM_PROVEN		= 512 << 10,	/* bytes in sequence before any is read ahead */
	STREAM_SHARE		= 6,		/* ahead: a sixth of what it delivered */
	STREAM_AHEAD_MIN	= 128 << 10,	/* a window smaller than this is not worth it */
	STREAM_IDLE_SECONDS	= 10,		/* unread chunks are kept this long */
	CHUNK_PAGES		= 64,
	CHUNK_BYTES		= CHUNK_PAGES << PAGE_SHIFT,
	PIECES			= 8,		/* ready chunks one read may take from at once */
};

enum chunk_state {
	CHUNK_PENDING,
	CHUNK_READY,
	CHUNK_FAILED,
};

/* A reader that waits for a part of a chunk. */
struct waiter {
	struct list_head link;
	struct vdisk_io *io;
	struct vdisk_cursor cur;
	u32 at, len;			/* of the chunk */
};

struct chunk {
	struct list_head link;		/* of its stream, or of those to be sent */
	struct kref ref;
	struct vdisk_streams *streams;
	enum chunk_state state;		/* streams->lock */
	struct list_head waiters;	/* streams->lock */
	u64 pos;
	u32 len;
	struct vdisk_io io;		/* of its wire requests */
	struct bio bio;			/* never submitted: it holds the pages for cursors */
	struct bio_vec vec[CHUNK_PAGES];
};

struct stream {
	u64 next;			/* where the next read should begin */
	u64 seen;			/* bytes read in sequence */
	u64 ahead;			/* end of the last chunk; 0: there is none */
	unsigned long used;		/* jiffies */
	struct list_head chunks;
};

struct vdisk_streams {
	struct vdisk_device *dev;
	spinlock_t lock;		/* all below; softirq takes it too; innermost */
	struct stream stream[STREAMS];
	struct stream *hungry;		/* may read further ahead */
	unsigned int nr_chunks;
	bool dead;
	struct delayed_work idle_work;
};

/*----- chunks -----*/

static void chunk_release(struct kref *ref)
{
	struct chunk *chunk = container_of(ref, struct chunk, ref);
	unsigned int i;

	for (i = 0; i < chunk->bio.bi_vcnt; i++)
		__free_page(chunk->vec[i].bv_page);
	kfree(chunk);
}

static void chunk_put(struct chunk *chunk)
{
	kref_put(&chunk->ref, chunk_release);
}

/* Takes a chunk off its stream; the caller puts those in @list without the lock. */
static void chunk_drop(struct vdisk_streams *st, struct chunk *chunk, struct list_head *list)
{
	list_move_tail(&chunk->link, list);
	st->nr_chunks--;
}

static void put_list(struct list_head *list)
{
	struct chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, list, link) {
		list_del_init(&chunk->link);
		chunk_put(chunk);
	}
}

static void chunk_copy(const struct chunk *chunk, u32 at, u32 len, struct vdisk_cursor *cur)
{
	while (len) {
		u32 off = offset_in_page(at);
		u32 n = min_t(u32, len, PAGE_SIZE - off);
		void *from = kmap_local_page(chunk->vec[at >> PAGE_SHIFT].bv_page);

		vdisk_cursor_fill(cur, from + off, n);
		kunmap_local(from);
		at += n;
		len -= n;
	}
}

/* All wire requests of a chunk are through; those who wait get their part. */
static void chunk_done(struct vdisk_io *io, blk_status_t status)
{
	struct chunk *chunk = container_of(io, struct chunk, io);
	struct vdisk_streams *st = chunk->streams;
	struct waiter *w, *next;
	LIST_HEAD(waiters);

	spin_lock_bh(&st->lock);
	chunk->state = status ? CHUNK_FAILED : CHUNK_READY;
	list_splice_init(&chunk->waiters, &waiters);
	spin_unlock_bh(&st->lock);
	list_for_each_entry_safe(w, next, &waiters, link) {
		if (!status)
			chunk_copy(chunk, w->at, w->len, &w->cur);
		else
			vdisk_io_again(w->io);
		vdisk_io_part_done(w->io, BLK_STS_OK);
		kfree(w);
	}
	chunk_put(chunk);
}

static struct chunk *chunk_alloc(struct vdisk_streams *st, u64 pos, u32 len)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC;
	struct chunk *chunk = kzalloc(sizeof(*chunk), gfp);
	u32 have = 0;

	if (!chunk)
		return NULL;
	kref_init(&chunk->ref);
	chunk->streams = st;
	chunk->pos = pos;
	chunk->len = len;
	INIT_LIST_HEAD(&chunk->link);
	INIT_LIST_HEAD(&chunk->waiters);
	bio_init(&chunk->bio, NULL, chunk->vec, CHUNK_PAGES, 0);
	while (have < len) {
		u32 n = min_t(u32, len - have, PAGE_SIZE);
		struct page *page = alloc_page(gfp);

		if (!page) {
			chunk_put(chunk);
			return NULL;
		}
		__bio_add_page(&chunk->bio, page, n, 0);
		have += n;
	}
	return chunk;
}

/* Sends a chunk's wire requests.  It has the reference of its wire requests. */
static void chunk_submit(struct vdisk_streams *st, struct chunk *chunk)
{
	struct vdisk_cursor cur = { .bio = &chunk->bio, .iter = chunk->bio.bi_iter };
	LIST_HEAD(list);
	int nr;

	chunk->io.done_fn = chunk_done;
	atomic_set(&chunk->io.pending, 1);
	nr = vdisk_queue_make_reads(st->dev, &chunk->io, chunk->pos, chunk->len, &cur, &list);
	if (nr < 0) {
		vdisk_queue_free_wires(st->dev, &list);
		vdisk_io_part_done(&chunk->io, BLK_STS_RESOURCE);
		return;
	}
	vdisk_stats_add(st->dev->stats, VDISK_STATS_A_PREFETCH_BYTES, chunk->len);
	atomic_add(nr, &chunk->io.pending);
	vdisk_source_submit(st->dev->src, &list);
	vdisk_io_part_done(&chunk->io, BLK_STS_OK);
}

/*----- detection -----*/

/* The stream that expects @pos, or has it read ahead. */
static struct stream *stream_find(struct vdisk_streams *st, u64 pos)
{
	unsigned int i;

	for (i = 0; i < STREAMS; i++) {
		struct stream *s = &st->stream[i];
		struct chunk *first = list_first_entry_or_null(&s->chunks, struct chunk, link);

		if (s->seen && (pos == s->next ||
				(first && pos >= first->pos && pos < s->ahead)))
			return s;
	}
	return NULL;
}

/*
 * A place to note a read that follows none: the longest unused; a proven stream
 * only when it has been quiet for a while, or random reads would end them all.
 */
static struct stream *stream_victim(struct vdisk_streams *st)
{
	struct stream *victim = NULL;
	unsigned int i;

	for (i = 0; i < STREAMS; i++) {
		struct stream *s = &st->stream[i];

		if (s->seen >= STREAM_PROVEN && time_before(jiffies, s->used + 2 * HZ))
			continue;
		if (!victim || time_before(s->used, victim->used))
			victim = s;
	}
	return victim;
}

static void stream_clear(struct vdisk_streams *st, struct stream *s, struct list_head *drop)
{
	while (!list_empty(&s->chunks))
		chunk_drop(st, list_first_entry(&s->chunks, struct chunk, link), drop);
	s->seen = 0;
	s->ahead = 0;
	if (st->hungry == s)
		st->hungry = NULL;
}

static void stream_begin(struct vdisk_streams *st, u64 pos, u32 len, struct list_head *drop)
{
	struct stream *s = stream_victim(st);

	if (!s)
		return;
	stream_clear(st, s, drop);
	s->next = pos + len;
	s->seen = len;
	s->used = jiffies;
}

/* The demand has come to @end: chunks before it are used up. */
static void stream_advance(struct vdisk_streams *st, struct stream *s, u64 pos, u32 len,
			   struct list_head *drop)
{
	struct chunk *chunk, *next;

	if (pos + len > s->next) {
		s->seen += pos + len - s->next;
		s->next = pos + len;
	}
	s->used = jiffies;
	list_for_each_entry_safe(chunk, next, &s->chunks, link) {
		if (chunk->pos + chunk->len > s->next)
			break;
		chunk_drop(st, chunk, drop);
	}
	if (list_empty(&s->chunks))
		s->ahead = 0;
	if (s->seen >= STREAM_PROVEN)
		st->hungry = s;
}

/*----- the demand -----*/

/* A part of a chunk that is ready; copied without the lock. */
struct piece {
	struct chunk *chunk;
	struct vdisk_cursor cur;
	u32 at, len;
};

static bool wait_for_chunk(struct chunk *chunk, struct vdisk_io *io, u32 at, u32 len,
			   const struct vdisk_cursor *cur)
{
	struct waiter *w = kmalloc(sizeof(*w), GFP_NOWAIT | __GFP_NOWARN);

	if (!w)
		return false;
	*w = (struct waiter){ .io = io, .cur = *cur, .at = at, .len = len };
	atomic_inc(&io->pending);
	list_add_tail(&w->link, &chunk->waiters);
	return true;
}

/* Gathers what the chunks of @s have of the demand; returns the bytes taken care of. */
static u32 take(struct stream *s, struct vdisk_io *io, u64 pos, u32 len,
		struct vdisk_cursor *cur, struct piece *piece, unsigned int *pieces)
{
	struct chunk *chunk;
	u32 got = 0;

	list_for_each_entry(chunk, &s->chunks, link) {
		u32 at, n;

		if (pos < chunk->pos || got == len)
			break;
		if (pos >= chunk->pos + chunk->len)
			continue;
		at = pos - chunk->pos;
		n = min(len - got, chunk->len - at);
		if (chunk->state == CHUNK_FAILED)
			break;
		if (chunk->state == CHUNK_PENDING) {
			if (!wait_for_chunk(chunk, io, at, n, cur))
				break;
		} else {
			if (*pieces == PIECES)
				break;
			kref_get(&chunk->ref);
			piece[(*pieces)++] = (struct piece){
				.chunk = chunk, .cur = *cur, .at = at, .len = n };
		}
		vdisk_cursor_advance(cur, n);
		pos += n;
		got += n;
	}
	return got;
}

u32 vdisk_stream_read(struct vdisk_streams *st, struct vdisk_io *io, u64 pos, u32 len,
		      struct vdisk_cursor *cur)
{
	struct piece piece[PIECES];
	unsigned int pieces = 0, i;
	struct stream *s;
	LIST_HEAD(drop);
	u32 got = 0;

	if (!READ_ONCE(st->dev->cfg.readahead_kb))
		return 0;
	spin_lock_bh(&st->lock);
	s = stream_find(st, pos);
	if (s) {
		got = take(s, io, pos, len, cur, piece, &pieces);
		stream_advance(st, s, pos, len, &drop);
	} else {
		stream_begin(st, pos, len, &drop);
	}
	spin_unlock_bh(&st->lock);

	for (i = 0; i < pieces; i++) {
		chunk_copy(piece[i].chunk, piece[i].at, piece[i].len, &piece[i].cur);
		chunk_put(piece[i].chunk);
	}
	put_list(&drop);
	if (got)
		vdisk_stats_add(st->dev->stats, VDISK_STATS_A_PREFETCH_HIT_BYTES, got);
	return got;
}

/*----- reading ahead -----*/

/* Where the next chunk of the hungry stream goes; 0 bytes: none. */
static u32 next_chunk(struct vdisk_streams *st, u64 *pos)
{
	u64 end = get_capacity(st->dev->disk) << SECTOR_SHIFT;
	u64 most = (u64)READ_ONCE(st->dev->cfg.readahead_kb) << 10;
	struct stream *s = st->hungry;
	u64 window, ahead;

	if (!s || st->dead)
		return 0;
	window = min_t(u64, s->seen / STREAM_SHARE, most);
	if (window < STREAM_AHEAD_MIN)
		window = min_t(u64, most, s->seen >= 2 * STREAM_PROVEN ? STREAM_AHEAD_MIN : 0);
	ahead = max(s->ahead, s->next);
	*pos = ahead;
	if (ahead >= end || ahead - s->next >= window)
		return 0;
	return min3((u64)CHUNK_BYTES, round_up(s->next + window - ahead, (u64)SZ_64K), end - ahead);
}

void vdisk_stream_ahead(struct vdisk_streams *st)
{
	struct chunk *chunk;
	u64 pos;
	u32 len;

	while (READ_ONCE(st->hungry)) {
		struct stream *s;

		spin_lock_bh(&st->lock);
		s = st->hungry;
		len = next_chunk(st, &pos);
		/* no memory to spare, or enough: until the stream moves on */
		chunk = len ? chunk_alloc(st, pos, len) : NULL;
		if (!chunk) {
			st->hungry = NULL;
			spin_unlock_bh(&st->lock);
			break;
		}
		kref_get(&chunk->ref);	/* its wire requests' */
		list_add_tail(&chunk->link, &s->chunks);
		s->ahead = pos + len;
		if (!st->nr_chunks++)
			queue_delayed_work(vdisk_wq, &st->idle_work, STREAM_IDLE_SECONDS * HZ);
		spin_unlock_bh(&st->lock);
		chunk_submit(st, chunk);
	}
}

/* Streams that nobody goes on reading give their memory back. */
static void idle_worker(struct work_struct *work)
{
	struct vdisk_streams *st = container_of(work, struct vdisk_streams, idle_work.work);
	unsigned int i;
	LIST_HEAD(drop);

	spin_lock_bh(&st->lock);
	for (i = 0; i < STREAMS; i++)
		if (time_after_eq(jiffies, st->stream[i].used + STREAM_IDLE_SECONDS * HZ))
			stream_clear(st, &st->stream[i], &drop);
	if (st->nr_chunks)
		queue_delayed_work(vdisk_wq, &st->idle_work, STREAM_IDLE_SECONDS * HZ);
	spin_unlock_bh(&st->lock);
	put_list(&drop);
}

/*----- life -----*/

struct vdisk_streams *vdisk_streams_create(struct vdisk_device *dev)
{
	struct vdisk_streams *st = kzalloc(sizeof(*st), GFP_KERNEL);
	unsigned int i;

	if (!st)
		return NULL;
	st->dev = dev;
	spin_lock_init(&st->lock);
	for (i = 0; i < STREAMS; i++)
		INIT_LIST_HEAD(&st->stream[i].chunks);
	INIT_DELAYED_WORK(&st->idle_work, idle_worker);
	return st;
}

void vdisk_streams_destroy(struct vdisk_streams *st)
{
	unsigned int i;
	LIST_HEAD(drop);

	spin_lock_bh(&st->lock);
	st->dead = true;
	for (i = 0; i < STREAMS; i++)
		stream_clear(st, &st->stream[i], &drop);
	spin_unlock_bh(&st->lock);
	cancel_delayed_work_sync(&st->idle_work);
	put_list(&drop);
	kfree(st);
}
