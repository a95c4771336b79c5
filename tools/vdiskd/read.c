// SPDX-License-Identifier: GPL-2.0
/*
 * READ.  Three ways, by what is known before anything is read:
 *
 *   small and in memory	copied at once, behind other replies
 *   large and in memory	spliced: page cache, pipe, socket
 *   anything else		read on the ring, which nobody waits for
 *
 * A reply's header is written when its data is at hand, so a read error is
 * always told by the protocol.  A long structured read goes out as several
 * chunks, begun one after another in the order of their offsets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "buffer.h"
#include "config.h"
#include "connection.h"
#include "image.h"
#include "log.h"
#include "loop.h"
#include "nbd.h"
#include "reply.h"
#include "request.h"
#include "ring.h"
#include "server.h"
#include "share.h"
#include "util.h"

enum {
	PAGE = 4096,
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
	io_uring_sqe_set_data64(sqe, ring_encode(request, RING_FILE));
}

static void finish_whole(struct request *whole)
{
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
	return true;
}

/* Splices [offset, +length) into a pipe: bytes, 0 when it can't, or -errno. */
static ssize_t splice_to_pipe(struct connection *c, struct buffer *buffer, uint64_t offset,
			      size_t length)
{
	off_t position = offset;
	ssize_t n;

	while (buffer->piped < length) {
		n = splice(c->image->fd, &position, buffer->pipe[1], NULL, length - buffer->piped,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n > 0) {
			buffer->piped += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			return -EIO;	/* the file is shorter than it was */
		if (errno == EAGAIN)
			break;		/* the pipe is full of smaller pieces */
		return errno == EINVAL ? 0 : -errno;
	}
	return buffer->piped;
}

/*
 * Sends the next @length bytes of @whole by a pipe; all of them, or as many as
 * fit when the rest may follow as another chunk.  Return as splice_to_pipe().
 */
static ssize_t read_spliced(struct request *whole, size_t length, bool chunks)
{
	struct connection *c = whole->c;
	uint64_t offset = whole->offset + whole->done;
	struct buffer *buffer = share_take_pipe(c);
	ssize_t n;

	if (!buffer)
		return 0;
	n = splice_to_pipe(c, buffer, offset, length);
	if (n <= 0 || (!chunks && (size_t)n < length)) {
		share_return(c, buffer);
		return n < 0 ? n : 0;
	}
	whole->done += n;
	reply_data_header(c, buffer->data, whole->cookie, offset, n, is_last(whole));
	buffer->end = reply_data_header_size(c);
	reply_queue(c, buffer);
	return n;
}

/* Begins the next part of @whole; false without a buffer. */
static bool read_part(struct request *whole)
{
	struct connection *c = whole->c;
	bool chunks = c->structured && !(whole->flags & NBD_CMD_FLAG_DF);
	struct request_header part = {
		.cookie = whole->cookie,
		.offset = whole->offset + whole->done,
		.length = whole->length - whole->done,
	};
	size_t most = c->loop->pool.pipe_bytes;
	ssize_t n;

	/* A piece that begins inside a page needs one slot of the pipe more. */
	if (most && part.offset % PAGE)
		most -= PAGE;
	if (chunks)
		part.length = MIN(part.length, most ? most : (size_t)BUFFER_LARGE_SIZE);
	if (part.length <= most && image_resident(c->image, part.offset, part.length)) {
		n = read_spliced(whole, part.length, chunks);
		if (n > 0)
			return true;
		if (n < 0) {
			report_error(c, -n);
			whole->error = request_error(-n);
			whole->error_offset = part.offset;
			whole->done = whole->length;
			return true;
		}
	}
	if (!read_later(c, &part, whole))
		return false;
	whole->done += part.length;
	return true;
}

bool read_continue(struct connection *c)
{
	struct request *whole = c->reading;

	while (whole->done < whole->length) {
		if (!read_part(whole))
			return false;
		/* With the socket full the rest stays in the page cache. */
		if (c->held >= TURN_BYTES && whole->done < whole->length)
			return false;
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
	if (header->length <= c->loop->server->config->splice_above)
		return read_small(c, header);
	c->reading = request_alloc(c, header);
	/* In memory or not, request_progress() goes on with it at once. */
	return true;
}
