// SPDX-License-Identifier: GPL-2.0
/* TRIM, WRITE_ZEROES and CACHE: ranges without payload, carried out by workers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config.h"
#include "connection.h"
#include "image.h"
#include "log.h"
#include "loop.h"
#include "nbd.h"
#include "reply.h"
#include "request.h"
#include "server.h"
#include "util.h"

enum { ZEROES = 64 << 10 };

static bool is_unsupported(int error)
{
	return error == -EOPNOTSUPP || error == -ENOSYS || error == -ENODEV || error == -ENOTTY;
}

static int allocate(const struct image *image, int mode, uint64_t offset, uint64_t length)
{
	while (fallocate(image->fd, mode, offset, length))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int write_zeroes(const struct image *image, uint64_t offset, uint64_t length)
{
	static const uint8_t zeroes[ZEROES];
	ssize_t n;

	while (length) {
		n = pwrite(image->fd, zeroes, MIN(length, (uint64_t)ZEROES), offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		offset += n;
		length -= n;
	}
	return 0;
}

/* Splits off what doesn't fill whole sectors of a block device. */
struct span {
	uint64_t head, middle, tail;	/* lengths */
};

static struct span split(const struct image *image, uint64_t offset, uint64_t length)
{
	uint64_t unit = image->sector;
	uint64_t first = (offset + unit - 1) / unit * unit, end = (offset + length) / unit * unit;

	if (first >= end)
		return (struct span) { .head = length };
	return (struct span) {
		.head = first - offset,
		.middle = end - first,
		.tail = offset + length - end,
	};
}

static int trim(const struct image *image, uint64_t offset, uint64_t length)
{
	struct span span = split(image, offset, length);
	uint64_t range[2] = { offset + span.head, span.middle };
	int error = 0;

	if (!span.middle)
		return 0;
	if (!image->block_device)
		error = allocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
	else if (ioctl(image->fd, BLKDISCARD, range))
		error = -errno;
	/* Advice that cannot be taken is no error. */
	return is_unsupported(error) ? 0 : error;
}

/* Zeroes whole sectors without writing them. */
static int zero_fast(const struct image *image, uint64_t offset, uint64_t length, bool keep)
{
	int error;

	if (!keep)
		return allocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
	/* A block device that provisions may have to write all of it. */
	if (image->block_device)
		return -EOPNOTSUPP;
	error = allocate(image, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
	if (!is_unsupported(error))
		return error;
	/* tmpfs: make a hole, then fill it with pages of zeroes. */
	error = allocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
	return error ? error : allocate(image, FALLOC_FL_KEEP_SIZE, offset, length);
}

static int zero(const struct image *image, uint64_t offset, uint64_t length, uint16_t flags)
{
	struct span span = split(image, offset, length);
	bool fast = flags & NBD_CMD_FLAG_FAST_ZERO;
	int error = 0;

	if (span.middle) {
		error = zero_fast(image, offset + span.head, span.middle,
				  flags & NBD_CMD_FLAG_NO_HOLE);
		if (is_unsupported(error) && fast)
			return -ENOTSUP;
		if (is_unsupported(error))
			error = write_zeroes(image, offset + span.head, span.middle);
	}
	if (!error && span.head)
		error = write_zeroes(image, offset, span.head);
	if (!error && span.tail)
		error = write_zeroes(image, offset + span.head + span.middle, span.tail);
	return error;
}

static bool has_sync(const struct request *request)
{
	return request->flags & NBD_CMD_FLAG_FUA && request->command != NBD_CMD_CACHE;
}

static void range_work(struct job *job)
{
	struct request *request = container_of(job, struct request, job);
	const struct image *image = request->c->image;
	int error = 0;

	switch (request->command) {
	case NBD_CMD_TRIM:
		error = trim(image, request->offset, request->length);
		break;
	case NBD_CMD_WRITE_ZEROES:
		error = zero(image, request->offset, request->length, request->flags);
		break;
	case NBD_CMD_CACHE:
		/* A hint: what cannot be cached is read when it is wanted. */
		posix_fadvise(image->fd, request->offset, request->length, POSIX_FADV_WILLNEED);
		break;
	}
	/* Known to all others before this request is answered. */
	if (!error && has_sync(request) && fdatasync(image->fd))
		sync_failed(request->c, errno);
	request->result = error;
}

static void range_worked(struct request *request)
{
	struct connection *c = request->c;
	int error = -request->result;

	if (error && error != ENOTSUP)
		log_limited(LOG_LEVEL_ERROR, "image cannot be zeroed or trimmed", "image",
			    c->claim.export->name, "reason", strerror(error));
	request->error = error == ENOTSUP ? NBD_ENOTSUP : request_error(error);
	if (has_sync(request)) {
		sync_finish(request);
		return;
	}
	if (!c->dead)
		reply_simple(c, request->cookie, request->error);
	request_free(request);
}

static void start(struct request *request)
{
	if (has_sync(request))
		sync_start(request);
	request_work(request, range_work, range_worked);
}

bool range_begin(struct connection *c, const struct request_header *header)
{
	unsigned int ms = c->loop->server->config->test_delay_write;
	struct request *request;

	if (header->command == NBD_CMD_CACHE && c->image->in_memory) {
		reply_simple(c, header->cookie, 0);
		return true;
	}
	request = request_alloc(c, header);
	if (!request)
		return true;
	if (ms && header->command != NBD_CMD_CACHE)
		request_delay(request, ms, start);
	else
		start(request);
	return true;
}
