// SPDX-License-Identifier: GPL-2.0
#include "extents.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "buffer.h"
#include "connection.h"
#include "handshake.h"
#include "image.h"
#include "nbd.h"
#include "reply.h"
#include "request.h"
#include "util.h"
#include "wire.h"

/* The hole or the data at @offset, from there on; at most to @end where nothing is known of it. */
static struct image_extent look(const struct image *image, uint64_t offset, uint64_t end)
{
	struct image_extent extent = { .from = offset, .to = end };
	off_t at = lseek(image->fd, offset, SEEK_DATA);

	if (at < 0 && errno == ENXIO) {
		extent.state = NBD_STATE_HOLE | NBD_STATE_ZERO;
	} else if (at >= 0 && (uint64_t)at > offset) {
		extent.state = NBD_STATE_HOLE | NBD_STATE_ZERO;
		extent.to = at;
	} else if (at >= 0) {
		/* Where holes can't be asked for, all is data. */
		at = lseek(image->fd, offset, SEEK_HOLE);
		if (at >= 0 && (uint64_t)at > offset)
			extent.to = at;
	}
	return extent;
}

/*
 * How far the hole or the data at @offset goes; at most to @end.  The last one is
 * remembered, for a client asks from piece to piece, and a filesystem may look
 * through a long extent from its beginning to its end each time.  What can be
 * written to changes.
 */
static uint64_t next_change(struct image *image, uint64_t offset, uint64_t end, uint32_t *state)
{
	struct image_extent extent;

	pthread_mutex_lock(&image->extent_lock);
	extent = image->extent;
	pthread_mutex_unlock(&image->extent_lock);
	if (image->writable || offset < extent.from || offset >= extent.to) {
		extent = look(image, offset, end);
		pthread_mutex_lock(&image->extent_lock);
		image->extent = extent;
		pthread_mutex_unlock(&image->extent_lock);
	}
	*state = extent.state;
	return MIN(extent.to, end);
}

size_t extents_find(struct image *image, uint64_t offset, uint32_t length,
		    struct extent *extents, size_t most)
{
	uint64_t end = offset + length, next;
	size_t count = 0;
	uint32_t state;

	while (offset < end) {
		next = next_change(image, offset, end, &state);
		if (!count || extents[count - 1].state != state) {
			if (count == most)
				break;
			extents[count++].state = state;
			extents[count - 1].length = 0;
		}
		extents[count - 1].length += next - offset;
		offset = next;
	}
	return count;
}

static uint8_t *put_chunk(uint8_t *p, const struct request *request, uint32_t context, bool last,
			  const struct extent *extents, size_t count)
{
	size_t i;

	reply_chunk_header(p, last ? NBD_CHUNK_FLAG_DONE : 0, NBD_CHUNK_BLOCK_STATUS,
			   request->cookie, 4 + count * 8);
	p += REPLY_CHUNK;
	put_be32(p, context);
	p += 4;
	for (i = 0; i < count; i++, p += 8) {
		put_be32(p, extents[i].length);
		put_be32(p + 4, extents[i].state);
	}
	return p;
}

static void extents_work(struct job *job)
{
	struct request *request = container_of(job, struct request, job);
	struct connection *c = request->c;
	struct extent extents[EXTENTS_MOST];
	struct extent all = { .length = request->length };
	bool one = request->flags & NBD_CMD_FLAG_REQ_ONE;
	size_t count = 0;
	uint8_t *p;

	if (c->contexts & 1 << META_ALLOCATION)
		count = extents_find(c->image, request->offset, request->length, extents,
				     one ? 1 : EXTENTS_MOST);
	p = request->buffer->data;
	if (c->contexts & 1 << META_ALLOCATION)
		p = put_chunk(p, request, META_ALLOCATION + 1, !(c->contexts & 1 << META_STAMP),
			      extents, count);
	/* The stamp says all in its name; its blocks have no state. */
	if (c->contexts & 1 << META_STAMP)
		p = put_chunk(p, request, META_STAMP + 1, true, &all, 1);
	request->buffer->end = p - request->buffer->data;
}

static void extents_worked(struct request *request)
{
	struct connection *c = request->c;

	if (!c->dead && !reply_append(c, request->buffer)) {
		reply_queue(c, request->buffer);
		request->buffer = NULL;
	}
	request_free(request);
}

bool extents_begin(struct connection *c, const struct request_header *header)
{
	size_t most = header->flags & NBD_CMD_FLAG_REQ_ONE ? 1 : EXTENTS_MOST;
	struct request *request;

	request = request_alloc_buffer(c, header, 2 * (REPLY_CHUNK + 4) + (most + 1) * 8);
	if (!request)
		return c->dead;
	request_work(request, extents_work, extents_worked);
	return true;
}
