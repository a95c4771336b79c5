// SPDX-License-Identifier: GPL-2.0
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "connection.h"
#include "counters.h"
#include "image.h"
#include "loop.h"
#include "nbd.h"
#include "reply.h"
#include "ring.h"
#include "server.h"
#include "share.h"
#include "util.h"
#include "wire.h"

/* Flags that a command may have. */
static const uint16_t command_flags[] = {
	[NBD_CMD_READ] = NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_DF,
	[NBD_CMD_WRITE] = NBD_CMD_FLAG_FUA,
	[NBD_CMD_DISC] = 0xffff,
	[NBD_CMD_FLUSH] = NBD_CMD_FLAG_FUA,
	[NBD_CMD_TRIM] = NBD_CMD_FLAG_FUA,
	[NBD_CMD_CACHE] = NBD_CMD_FLAG_FUA,
	[NBD_CMD_WRITE_ZEROES] = NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO,
	[NBD_CMD_BLOCK_STATUS] = NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_REQ_ONE,
};

bool request_parse(const uint8_t *wire, struct request_header *header)
{
	header->flags = get_be16(wire + 4);
	header->command = get_be16(wire + 6);
	header->cookie = get_be64(wire + 8);
	header->offset = get_be64(wire + 16);
	header->length = get_be32(wire + 24);
	return get_be32(wire) == NBD_MAGIC_REQUEST;
}

static bool changes(uint16_t command)
{
	return command == NBD_CMD_WRITE || command == NBD_CMD_TRIM ||
	       command == NBD_CMD_WRITE_ZEROES;
}

static bool has_payload(uint16_t command)
{
	return command == NBD_CMD_READ || command == NBD_CMD_WRITE;
}

uint32_t request_check(const struct image *image, const struct request_header *header,
		       bool structured, bool contexts)
{
	uint16_t command = header->command;

	if (command > NBD_CMD_BLOCK_STATUS || (header->flags & ~command_flags[command]))
		return NBD_EINVAL;
	if (command == NBD_CMD_DISC)
		return 0;
	if ((header->flags & NBD_CMD_FLAG_DF) && !structured)
		return NBD_EINVAL;
	if (command == NBD_CMD_BLOCK_STATUS && !contexts)
		return NBD_EINVAL;
	if (command == NBD_CMD_FLUSH && (header->offset || header->length))
		return NBD_EINVAL;
	if (changes(command) && !image->writable)
		return NBD_EPERM;
	if ((changes(command) || command == NBD_CMD_FLUSH) && atomic_load(&image->write_error))
		return NBD_EIO;
	if (command == NBD_CMD_FLUSH)
		return 0;
	if (!header->length || (has_payload(command) && header->length > REQUEST_PAYLOAD_MAX))
		return NBD_EINVAL;
	if (header->offset > image->size || header->length > image->size - header->offset)
		return command == NBD_CMD_WRITE || command == NBD_CMD_WRITE_ZEROES ?
		       NBD_ENOSPC : NBD_EINVAL;
	return 0;
}

uint32_t request_error(int error)
{
	switch (error) {
	case 0:
		return NBD_SUCCESS;
	case EPERM:
	case EROFS:
	case EACCES:
		return NBD_EPERM;
	case ENOMEM:
		return NBD_ENOMEM;
	case EINVAL:
		return NBD_EINVAL;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return NBD_ENOSPC;
	default:
		return NBD_EIO;
	}
}

struct request *request_alloc(struct connection *c, const struct request_header *header)
{
	struct request *request = c->loop->free_requests;

	if (request)
		c->loop->free_requests = request->next;
	else
		request = malloc(sizeof(*request));
	if (!request) {
		connection_kill(c, "no memory for a request");
		return NULL;
	}
	*request = (struct request) {
		.c = c,
		.cookie = header->cookie,
		.offset = header->offset,
		.length = header->length,
		.command = header->command,
		.flags = header->flags,
	};
	c->requests++;
	return request;
}

struct request *request_alloc_buffer(struct connection *c, const struct request_header *header,
				     size_t size)
{
	struct buffer *buffer = share_take(c, size);
	struct request *request;

	if (!buffer)
		return NULL;
	request = request_alloc(c, header);
	if (request)
		request->buffer = buffer;
	else
		share_return(c, buffer);
	return request;
}

void request_free(struct request *request)
{
	struct connection *c = request->c;
	struct loop *loop = c->loop;

	if (request->buffer)
		share_return(c, request->buffer);
	c->requests--;
	request->next = loop->free_requests;
	loop->free_requests = request;
}

void request_to_file(struct request *request, struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_data64(sqe, ring_encode(request, RING_FILE));
	request->c->loop->at_files++;
}

void request_file_done(struct request *request, int result)
{
	struct connection *c = request->c;

	c->loop->at_files--;
	request->file_done(request, result);
	connection_make_ready(c);
}

void request_delay(struct request *request, unsigned int ms, void (*resume)(struct request *))
{
	struct io_uring_sqe *sqe = loop_sqe(request->c->loop);

	request->resume = resume;
	request->delay.tv_sec = ms / 1000;
	request->delay.tv_nsec = ms % 1000 * 1000000L;
	io_uring_prep_timeout(sqe, &request->delay, 0, 0);
	io_uring_sqe_set_data64(sqe, ring_encode(request, RING_DELAYED));
}

void request_delayed(struct request *request)
{
	struct connection *c = request->c;

	request->resume(request);
	connection_make_ready(c);
}

static void start_job(struct request *request);

static void job_done(struct task *task)
{
	struct request *request = container_of(task, struct request, job.task), *next;
	struct connection *c = request->c;

	c->working--;
	while (c->working < JOBS_MOST && (next = c->jobs)) {
		c->jobs = next->next;
		if (!c->jobs)
			c->jobs_last = &c->jobs;
		if (c->dead && !changes(next->command))
			request_free(next);
		else
			start_job(next);
	}
	request->worked(request);
	connection_make_ready(c);
}

static void start_job(struct request *request)
{
	struct loop *loop = request->c->loop;

	request->c->working++;
	request->job.task.run = job_done;
	request->job.loop = loop;
	job_start(&loop->server->workers, &request->job);
}

void request_work(struct request *request, void (*work)(struct job *job),
		  void (*worked)(struct request *request))
{
	struct connection *c = request->c;

	request->job.work = work;
	request->worked = worked;
	if (c->working < JOBS_MOST) {
		start_job(request);
		return;
	}
	request->next = NULL;
	*c->jobs_last = request;
	c->jobs_last = &request->next;
}

static void refuse(struct connection *c, const struct request_header *header, uint32_t error)
{
	if (header->command == NBD_CMD_READ || header->command == NBD_CMD_BLOCK_STATUS)
		reply_error(c, header->cookie, error);
	else
		reply_simple(c, header->cookie, error);
	if (header->command == NBD_CMD_WRITE)
		c->skip = header->length;
}

/* False: it needs a buffer, and stays where it is. */
static bool begin(struct connection *c, const struct request_header *header)
{
	uint32_t error = request_check(c->image, header, c->structured, c->contexts);

	if (error) {
		refuse(c, header, error);
		return true;
	}
	switch (header->command) {
	case NBD_CMD_READ:
		return read_begin(c, header);
	case NBD_CMD_DISC:
		connection_end(c);
		return true;
	case NBD_CMD_WRITE:
		return write_begin(c, header);
	case NBD_CMD_FLUSH:
		return flush_begin(c, header);
	case NBD_CMD_BLOCK_STATUS:
		return extents_begin(c, header);
	default:
		return range_begin(c, header);
	}
}

/* What begin() looks at next; false: not all of it is here yet. */
static bool next_header(struct connection *c, struct request_header *header)
{
	size_t bytes;

	if (c->skip) {
		bytes = MIN((uint64_t)connection_available(c), c->skip);
		c->in_start += bytes;
		c->skip -= bytes;
	}
	if (connection_available(c) < sizeof(struct nbd_request)) {
		if (c->eof || (c->leaving && !c->leave_due))
			connection_end(c);
		return false;
	}
	if (request_parse(c->in + c->in_start, header))
		return true;
	connection_kill(c, "a request without its magic number");
	return false;
}

/* Whether the connection must first get rid of what it has. */
static bool is_full(const struct connection *c)
{
	return c->requests >= REQUESTS_MOST || (c->polling && c->held >= HELD_BLOCKED);
}

void request_progress(struct connection *c)
{
	unsigned int turn = TURN_REQUESTS;
	struct request_header header;
	uint64_t bytes = 0;

	if (c->in_wanted && !c->receiving) {
		if (!connection_resize_in(c, c->in_wanted))
			connection_kill(c, "no memory");
		c->in_wanted = 0;
	}
	while (!c->dead && !c->ending && !is_full(c)) {
		if (c->reading) {
			if (!read_continue(c)) {
				connection_make_hungry(c);
				return;
			}
			continue;
		}
		if (c->incoming) {
			if (!write_continue(c))
				return;
			continue;
		}
		if (!next_header(c, &header))
			return;
		if (!turn-- || bytes >= TURN_BYTES) {
			connection_make_ready(c);
			return;
		}
		if (c->loop->left && header.command == NBD_CMD_READ && header.length > SHORT_MOST) {
			connection_make_ready(c);
			return;
		}
		bytes += header.length;
		c->in_start += sizeof(struct nbd_request);
		if (!begin(c, &header)) {
			c->in_start -= sizeof(struct nbd_request);
			connection_make_hungry(c);
			return;
		}
		loop_asked(c->loop, c);
		counters_request(c, &header);
	}
}

void request_abandon(struct connection *c)
{
	if (c->reading)
		read_abandon(c);
	/* A receive may still be writing into its part. */
	if (c->incoming && !c->receiving)
		write_abandon(c);
}
