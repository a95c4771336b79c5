// SPDX-License-Identifier: GPL-2.0
/*
 * FLUSH and FUA: what is acknowledged is on the disk.
 *
 * The kernel tells a failed write-back once, to one of those who sync, and then
 * forgets it.  What wasn't stored can't be known any more; so the failure is
 * kept with the image, and nothing is acknowledged from there on.
 */
#include <string.h>

#include "connection.h"
#include "image.h"
#include "log.h"
#include "loop.h"
#include "reply.h"
#include "request.h"
#include "ring.h"

void sync_failed(struct connection *c, int error)
{
	int none = 0;

	if (atomic_compare_exchange_strong(&c->image->write_error, &none, error))
		log_event(LOG_LEVEL_ERROR, "image cannot be flushed; it takes no writes any more",
			  "image", c->claim.export->name, "reason", strerror(error));
}

static int sync_error(const struct connection *c)
{
	return atomic_load(&c->image->write_error);
}

static void answer(struct request *request)
{
	struct connection *c = request->c;
	uint32_t error = request->error ? request->error : request_error(sync_error(c));

	if (!c->dead)
		reply_simple(c, request->cookie, error);
	request_free(request);
}

static void append(struct request **list, struct request *request)
{
	while (*list)
		list = &(*list)->next_sync;
	request->next_sync = NULL;
	*list = request;
}

void sync_start(struct request *request)
{
	struct connection *c = request->c;

	request->sync_number = c->syncs_started++;
	append(&c->syncing, request);
}

/*
 * Any other sync that is under way may have been told what this one wasn't, and
 * we don't know it yet: so the answer waits for those, but not for later ones.
 * All of an image's are here, since what is writable has one connection.
 */
void sync_finish(struct request *request)
{
	struct connection *c = request->c;
	struct request **link = &c->syncing;

	while (*link != request)
		link = &(*link)->next_sync;
	*link = request->next_sync;
	request->sync_number = c->syncs_started;
	append(&c->synced, request);
	while ((request = c->synced) &&
	       (!c->syncing || c->syncing->sync_number >= request->sync_number)) {
		c->synced = request->next_sync;
		answer(request);
	}
}

static void ring_done(struct request *request, int result)
{
	if (result < 0)
		sync_failed(request->c, -result);
	sync_finish(request);
}

void sync_begin(struct request *request)
{
	const struct image *image = request->c->image;
	struct io_uring_sqe *sqe;

	/* In memory there is nothing to wait for, read-only nothing to store. */
	if (image->in_memory || !image->writable) {
		answer(request);
		return;
	}
	sync_start(request);
	request->file_done = ring_done;
	sqe = loop_sqe(request->c->loop);
	io_uring_prep_fsync(sqe, image->fd, IORING_FSYNC_DATASYNC);
	/* Of a FLUSH both are 0, which means all. */
	sqe->off = request->offset;
	sqe->len = request->length;
	request_to_file(request, sqe);
}

bool flush_begin(struct connection *c, const struct request_header *header)
{
	/* Writes are answered when the kernel has them, from any connection: one sync is for all. */
	struct request *request = request_alloc(c, header);

	if (request)
		sync_begin(request);
	return true;
}
