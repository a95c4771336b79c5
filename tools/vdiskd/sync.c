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

int sync_error(const struct connection *c)
{
	return atomic_load(&c->image->write_error);
}

static void sync_done(struct request *request, int result)
{
	struct connection *c = request->c;

	if (result < 0)
		sync_failed(c, -result);
	/* Another sync may have been told what this one wasn't. */
	if (!c->dead)
		reply_simple(c, request->cookie, request_error(sync_error(c)));
	request_free(request);
}

void sync_begin(struct request *request)
{
	const struct image *image = request->c->image;
	struct io_uring_sqe *sqe;

	/* In memory there is nothing to wait for, read-only nothing to store. */
	if (image->in_memory || !image->writable) {
		sync_done(request, 0);
		return;
	}
	request->file_done = sync_done;
	sqe = loop_sqe(request->c->loop);
	io_uring_prep_fsync(sqe, image->fd, IORING_FSYNC_DATASYNC);
	/* Of a FLUSH both are 0, which means all. */
	sqe->off = request->offset;
	sqe->len = request->length;
	io_uring_sqe_set_data64(sqe, ring_encode(request, RING_FILE));
}

bool flush_begin(struct connection *c, const struct request_header *header)
{
	/* Writes are answered when the kernel has them, from any connection: one sync is for all. */
	struct request *request = request_alloc(c, header);

	if (request)
		sync_begin(request);
	return true;
}
