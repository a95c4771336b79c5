// SPDX-License-Identifier: GPL-2.0
/*
 * READ.  Three ways, by what is known before anything is read:
 *
 *   image in memory	sent from where it is, uncopied
 *   in the page cache	copied at once: small ones behind other replies
 *   anything else	read on the ring, which nobody waits for
 *
 * A reply's header is written when its data is at hand, so a read error is
 * always told by the protocol.  A long structured read goes out as several
 * chunks, begun one after another in the order of their offsets.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "buffer.h"
#include "connection.h"
#include "counters.h"
#include "image.h"
#include "log.h"
#include "loop.h"
#include "nbd.h"
#include "reply.h"
#include "request.h"
#include "ring.h"
#include "share.h"
#include "util.h"

enum {
	SMALL_MOST = 64 << 10,		/* such replies share a buffer */
	COPY_MOST = TURN_BYTES,		/* a chunk */
	/*
	 * For a client that nobody else waits behind: each chunk costs it a wake-up.
	 * Longer ones would leave the processor's cache before they are sent.
	 */
	COPY_MOST_ALONE = BUFFER_CHUNK_SIZE,
	/*
	 * Sent from the mapping; larger ones are copied first: through pages of 4K
	 * a virtual machine finds its way so slowly that two copies take less.
	 */
	MAPPED_MOST = TURN_BYTES,
	NOT_NOW = 1,
};

static void report_error(const struct connection *c, int error)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", error);
	log_limited(LOG_LEVEL_ERROR, "image cannot be read", "image",
		    c->claim.export ? c->claim.export->name : NULL, "errno", number);
}

/* Reads without waiting: 0, NOT_NOW, or -errno. */
static int read_now(const struct connection *c, void *to, size_t length, uint64_t offset)
{
	struct iovec iov = { .iov_base = to, .iov_len = length };
	struct image *image = c->image;
	ssize_t n;

	if (image->in_memory) {
		n = pread(image->fd, to, length, offset);
		/* Less than there was: it has been cut off under us. */
		if (n >= 0 && (size_t)n < length)
			return -EIO;
	} else {
		if (atomic_load_explicit(&image->no_nowait, memory_order_relaxed))
			return NOT_NOW;
		/* RWF_NOWAIT begins to read ahead, and waits for where the blocks are. */
		if (!image_resident(image, offset, length))
			return NOT_NOW;
		n = preadv2(image->fd, &iov, 1, offset, RWF_NOWAIT);
		if (n < 0 && errno == EOPNOTSUPP)
			atomic_store(&image->no_nowait, true);
		if (n < (ssize_t)length)
			image_not_resident(image, offset);
		if (n >= 0 && (size_t)n < length)
			return NOT_NOW;
	}
	if (n >= 0)
		return 0;
	return errno == EAGAIN || errno == EOPNOTSUPP || errno == EINTR ? NOT_NOW : -errno;
}

/* Reads into the request's buffer, behind the room for the header. */
static void submit(struct request *request)
{
	struct io_uring_sqe *sqe = loop_sqe(request->c->loop);
	uint8_t *data = request->buffer->data + reply_data_header_size(request->c);

	io_uring_prep_read(sqe, request->c->image->fd, data + request->done,
			   request->length - request->done, request->offset + request->done);
	/* For the same reason not even the ring may try it at once. */
	if (!request->c->image->in_memory)
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	request_to_file(request, sqe);
}

static void finish_whole(struct request *whole)
{
	/* One that began in this turn is over when the turn is. */
	if (whole->began == counters_now(whole->c->loop))
		counters_read(whole->c);
	else
		counters_read_since(whole->c, whole->began);
	if (whole->error && !whole->c->dead)
		reply_error_at(whole->c, whole->cookie, whole->error, whole->error_offset);
	request_free(whole);
}

static void fail(struct request *request, int error)
{
	struct request *whole = request->whole;

	if (!request->c->dead)
		report_error(request->c, error);
	if (!whole) {
		if (!request->c->dead)
			reply_error(request->c, request->cookie, request_error(error));
	} else if (!whole->error) {
		whole->error = request_error(error);
		whole->error_offset = request->offset;
	}
	request_free(request);
}

/* Whether the chunk that is queued now is the last of its request. */
static bool is_last(const struct request *whole)
{
	return !whole || (whole->done == whole->length && !whole->parts && !whole->error);
}

static void succeed(struct request *request)
{
	struct connection *c = request->c;
	struct buffer *buffer = request->buffer;

	if (!c->dead) {
		reply_data_header(c, buffer->data, request->cookie, request->offset,
				  request->length, is_last(request->whole));
		buffer->end = reply_data_header_size(c) + request->length;
		reply_queue(c, buffer);
		request->buffer = NULL;
	}
	request_free(request);
}

static void read_done(struct request *request, int result)
{
	struct request *whole = request->whole;

	if (result > 0) {
		request->done += result;
		if (request->done < request->length) {
			submit(request);
			return;
		}
	} else if (result == -EINTR || result == -EAGAIN) {
		submit(request);
		return;
	}
	if (whole)
		whole->parts--;
	if (!whole)
		counters_read_since(request->c, request->began);
	if (result > 0)
		succeed(request);
	else
		fail(request, result ? -result : EIO);
	if (whole && whole->done == whole->length && !whole->parts)
		finish_whole(whole);
}

/* Begins a read that may wait; false without a buffer. */
static bool read_later(struct connection *c, const struct request_header *header,
		       struct request *whole)
{
	struct request *request = request_alloc_buffer(c, header, header->length);

	if (!request)
		return c->dead;
	request->whole = whole;
	request->began = counters_now(c->loop);
	request->file_done = read_done;
	if (whole)
		whole->parts++;
	submit(request);
	return true;
}

static bool read_small(struct connection *c, const struct request_header *header)
{
	size_t head = reply_data_header_size(c);
	uint8_t *room;
	int ret;

	room = reply_room(c, head + header->length);
	if (!room)
		return false;
	ret = read_now(c, room + head, header->length, header->offset);
	if (ret) {
		reply_commit(c, 0);
		if (ret == NOT_NOW)
			return read_later(c, header, NULL);
		report_error(c, -ret);
		reply_error(c, header->cookie, request_error(-ret));
		return true;
	}
	reply_data_header(c, room, header->cookie, header->offset, header->length, true);
	reply_commit(c, head + header->length);
	counters_read(c);
	return true;
}

/* Queues a header, and behind it @length bytes of the mapped image; false without a buffer. */
static bool queue_mapped(struct connection *c, uint64_t cookie, uint64_t offset, size_t length,
			 bool last)
{
	struct buffer *buffer = share_take(c, 0);

	if (!buffer)
		return false;
	reply_data_header(c, buffer->data, cookie, offset, length, last);
	buffer->end = reply_data_header_size(c);
	buffer->map = c->image->bytes + offset;
	buffer->mapped = length;
	reply_queue(c, buffer);
	return true;
}

/* The parts of a long read: each counts itself in @whole->done; false without a buffer. */

static bool part_later(struct request *whole, const struct request_header *part)
{
	if (!read_later(whole->c, part, whole))
		return false;
	whole->done += part->length;
	return true;
}

/* Copies what is in the page cache. */
static bool part_copied(struct request *whole, const struct request_header *part)
{
	struct connection *c = whole->c;
	size_t head = reply_data_header_size(c);
	struct buffer *buffer = share_take(c, part->length);
	int ret;

	if (!buffer)
		return false;
	ret = read_now(c, buffer->data + head, part->length, part->offset);
	if (ret) {
		share_return(c, buffer);
		if (ret == NOT_NOW)
			return part_later(whole, part);
		report_error(c, -ret);
		whole->error = request_error(-ret);
		whole->error_offset = part->offset;
		whole->done = whole->length;
		return true;
	}
	whole->done += part->length;
	reply_data_header(c, buffer->data, part->cookie, part->offset, part->length, is_last(whole));
	buffer->end = head + part->length;
	reply_queue(c, buffer);
	/* Now, so that the next part gets this buffer, still in the processor's cache. */
	reply_flush(c);
	return true;
}

static bool read_part(struct request *whole)
{
	struct connection *c = whole->c;
	bool chunks = c->structured && !(whole->flags & NBD_CMD_FLAG_DF);
	uint32_t most = loop_serves_one(c->loop) ? COPY_MOST_ALONE : COPY_MOST;
	struct request_header part = {
		.cookie = whole->cookie,
		.offset = whole->offset + whole->done,
		.length = whole->length - whole->done,
	};

	if (chunks)
		part.length = MIN(part.length, most);
	/* A longer one that can't be divided is read where nobody waits for it. */
	if (part.length > most)
		return part_later(whole, &part);
	return part_copied(whole, &part);
}

bool read_continue(struct connection *c)
{
	struct request *whole = c->reading;
	uint32_t start = whole->done;

	while (whole->done < whole->length) {
		if (!read_part(whole))
			return false;
		/* The rest when some of it is sent: others have their turn. */
		if (whole->done - start >= TURN_BYTES && whole->done < whole->length)
			return false;
		/* part_copied() sends. */
		if (c->dead)
			return true;
	}
	c->reading = NULL;
	if (!whole->parts)
		finish_whole(whole);
	return true;
}

void read_abandon(struct connection *c)
{
	struct request *whole = c->reading;

	c->reading = NULL;
	whole->done = whole->length;
	if (!whole->parts)
		request_free(whole);
}

bool read_begin(struct connection *c, const struct request_header *header)
{
	if (c->image->bytes && header->length <= MAPPED_MOST) {
		if (!queue_mapped(c, header->cookie, header->offset, header->length, true))
			return false;
		counters_read(c);
		return true;
	}
	if (header->length <= SMALL_MOST)
		return read_small(c, header);
	c->reading = request_alloc(c, header);
	if (c->reading)
		c->reading->began = counters_now(c->loop);
	/* In memory or not, request_progress() goes on with it at once. */
	return true;
}
