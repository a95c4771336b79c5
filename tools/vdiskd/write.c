// SPDX-License-Identifier: GPL-2.0
/*
 * WRITE.  A payload that is here already and goes to memory is written from where
 * it was received.  Any other is taken in parts, each in a buffer of its own that
 * is on its way to the image while the next part comes in; the request is
 * answered when its last part is written, and with FUA synced as well.
 */
#include <errno.h>
#include <string.h>
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
#include "util.h"

enum { PART_MOST = BUFFER_MEDIUM_SIZE, DIRECT_LEAST = 4096 };

static void report_error(const struct connection *c, int error)
{
	log_limited(LOG_LEVEL_ERROR, "image cannot be written", "image", c->claim.export->name,
		    "reason", strerror(error));
}

/* Every part is written, or has failed. */
static void finish_whole(struct request *whole)
{
	struct connection *c = whole->c;

	/*
	 * Synced on its own, not by RWF_DSYNC: a write that is refused, for want of
	 * space say, mustn't be taken for data that was lost.
	 */
	if (whole->flags & NBD_CMD_FLAG_FUA && !whole->error && !c->dead) {
		sync_begin(whole);
		return;
	}
	if (!c->dead)
		reply_simple(c, whole->cookie, whole->error);
	request_free(whole);
}

static void finish_part(struct request *part, int error)
{
	struct request *whole = part->whole;

	if (error) {
		report_error(part->c, error);
		if (!whole->error)
			whole->error = request_error(error);
	}
	whole->parts--;
	request_free(part);
	if (whole->done == whole->length && !whole->parts)
		finish_whole(whole);
}

static void submit(struct request *part);

static void write_done(struct request *part, int result)
{
	if (result > 0)
		part->done += result;
	else if (result != -EINTR && result != -EAGAIN) {
		finish_part(part, result ? -result : EIO);
		return;
	}
	if (part->done < part->length)
		submit(part);
	else
		finish_part(part, 0);
}

static int write_now(struct image *image, const uint8_t *from, size_t length, uint64_t offset)
{
	ssize_t n;

	while (length) {
		n = pwrite(image->fd, from, length, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : EIO;
		from += n;
		length -= n;
		offset += n;
	}
	return 0;
}

/* @part->done counts what is written, from here on. */
static void submit(struct request *part)
{
	struct image *image = part->c->image;
	uint8_t *data = part->buffer->data + part->done;
	uint32_t length = part->length - part->done;
	uint64_t offset = part->offset + part->done;
	struct io_uring_sqe *sqe;

	if (image->in_memory) {
		finish_part(part, write_now(image, data, length, offset));
		return;
	}
	sqe = loop_sqe(part->c->loop);
	io_uring_prep_write(sqe, image->fd, data, length, offset);
	request_to_file(part, sqe);
}

static unsigned int test_delay(const struct connection *c)
{
	return c->loop->server->config->test_delay_write;
}

/* A whole part has been received. */
static void start_part(struct request *part)
{
	unsigned int ms = test_delay(part->c);

	part->done = 0;
	if (ms)
		request_delay(part, ms, submit);
	else
		submit(part);
}

static struct request *make_part(struct request *whole)
{
	struct connection *c = whole->c;
	struct request_header header = {
		.cookie = whole->cookie,
		.offset = whole->offset + whole->done,
		.length = MIN(whole->length - whole->done, (uint32_t)PART_MOST),
		.command = whole->command,
		.flags = whole->flags,
	};
	struct request *part = request_alloc_buffer(c, &header, header.length);

	if (!part) {
		if (!c->dead)
			connection_make_hungry(c);
		return NULL;
	}
	part->whole = whole;
	part->file_done = write_done;
	whole->parts++;
	whole->part = part;
	return part;
}

bool write_continue(struct connection *c)
{
	struct request *whole = c->incoming, *part;
	size_t bytes;

	while (whole->done < whole->length) {
		part = whole->part;
		if (!part)
			part = make_part(whole);
		if (!part)
			return false;
		bytes = MIN(connection_available(c), (size_t)(part->length - part->done));
		memcpy(part->buffer->data + part->done, c->in + c->in_start, bytes);
		c->in_start += bytes;
		part->done += bytes;
		if (part->done < part->length) {
			if (c->eof)
				connection_kill(c, "its stream ended in a write");
			return false;
		}
		whole->part = NULL;
		whole->done += part->length;
		/* May be the last to refer to @whole. */
		if (whole->done == whole->length)
			c->incoming = NULL;
		start_part(part);
		if (!c->incoming)
			return true;
	}
	return true;
}

uint8_t *write_target(struct connection *c, size_t *room)
{
	struct request *part = c->incoming->part;

	if (!part || connection_available(c))
		return NULL;
	*room = part->length - part->done;
	/* The rest of a small one may as well come with what follows it. */
	return *room < DIRECT_LEAST ? NULL : part->buffer->data + part->done;
}

void write_received(struct connection *c, size_t bytes)
{
	c->incoming->part->done += bytes;
}

void write_abandon(struct connection *c)
{
	struct request *whole = c->incoming, *part = whole->part;

	c->incoming = NULL;
	if (part) {
		whole->parts--;
		request_free(part);
	}
	whole->done = whole->length;
	if (!whole->parts)
		request_free(whole);
}

bool write_begin(struct connection *c, const struct request_header *header)
{
	int error;

	if (c->image->in_memory && connection_available(c) >= header->length && !test_delay(c)) {
		error = write_now(c->image, c->in + c->in_start, header->length, header->offset);
		c->in_start += header->length;
		if (error)
			report_error(c, error);
		reply_simple(c, header->cookie, request_error(error));
		return true;
	}
	c->incoming = request_alloc(c, header);
	/* request_progress() goes on with it at once. */
	return true;
}
