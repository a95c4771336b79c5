/* SPDX-License-Identifier: GPL-2.0 */
/* Requests of the transmission phase: parsing, checking, carrying out. */
#ifndef VDISKD_REQUEST_H
#define VDISKD_REQUEST_H

#include <linux/time_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker.h"

struct buffer;
struct connection;
struct image;
struct io_uring_sqe;
struct loop;

enum request_limits { REQUEST_PAYLOAD_MAX = 64 << 20 };

/* A part of a request that is under way on its own. */
struct request {
	struct request *next;		/* in the loop's list of free ones, or its client's jobs */
	struct connection *c;
	struct request *whole;		/* the one this is a part of, or NULL */
	struct buffer *buffer;
	uint64_t cookie, offset;
	uint64_t began;			/* its loop's time */
	uint32_t length;
	uint32_t done;			/* bytes of @length */
	uint16_t command, flags;
	uint32_t parts;			/* that refer to this one as their whole */
	uint32_t error;			/* NBD error */
	uint64_t error_offset;
	int result;			/* of a job; 0 or -errno */
	struct request *part;		/* of a write: what is being received */
	struct request *next_sync;
	uint64_t sync_number;		/* when done: of the first that it doesn't wait for */
	void (*file_done)(struct request *request, int result);
	void (*resume)(struct request *request);
	void (*worked)(struct request *request);
	struct job job;
	struct __kernel_timespec delay;
};

/* What a client asks for, taken off the wire. */
struct request_header {
	uint64_t cookie, offset;
	uint32_t length;
	uint16_t command, flags;
};

/** request_parse - read a header; false: not the right magic */
bool request_parse(const uint8_t *wire, struct request_header *header);

/**
 * request_check - every reason to refuse a request before anything is done
 * @contexts: whether the client chose any meta context
 *
 * Return: 0 or an NBD error.
 */
uint32_t request_check(const struct image *image, const struct request_header *header,
		       bool structured, bool contexts);

/** request_progress - begin requests as long as there are any, and room */
void request_progress(struct connection *c);

/** request_abandon - @c is dead: let go what is only half there */
void request_abandon(struct connection *c);

/** request_alloc - one that is under way from now on; NULL without memory */
struct request *request_alloc(struct connection *c, const struct request_header *header);

/**
 * request_alloc_buffer - the same, with a buffer for @size bytes
 *
 * NULL without memory, and then @c is dead; or for want of a buffer: be hungry.
 */
struct request *request_alloc_buffer(struct connection *c, const struct request_header *header,
				     size_t size);

/** request_free - the opposite; gives its buffer back */
void request_free(struct request *request);

/** request_to_file - give @sqe, an operation on the image, to the ring; ends in request_file_done() */
void request_to_file(struct request *request, struct io_uring_sqe *sqe);

/** request_file_done - RING_FILE: an operation on the image ended with @result */
void request_file_done(struct request *request, int result);

/** request_delay - call @resume in @ms milliseconds; for tests of slow storage */
void request_delay(struct request *request, unsigned int ms, void (*resume)(struct request *));

/**
 * request_work - have a worker do @work, then the loop @worked
 *
 * A few at a time of each connection, so that others get their turn.  What would
 * change nothing isn't done for a client that is gone.
 */
void request_work(struct request *request, void (*work)(struct job *job),
		  void (*worked)(struct request *request));

/** request_delayed - RING_DELAYED: a test's delay is over */
void request_delayed(struct request *request);

/** request_error - the NBD error that stands for @error (positive errno) */
uint32_t request_error(int error);

/*
 * The commands.  Each returns false when it lacks a buffer now: nothing has
 * happened then, and it is called again later.
 */

/* read.c */
bool read_begin(struct connection *c, const struct request_header *header);
bool read_continue(struct connection *c);
void read_abandon(struct connection *c);

/* write.c */
bool write_begin(struct connection *c, const struct request_header *header);
bool write_continue(struct connection *c);
uint8_t *write_target(struct connection *c, size_t *room);
void write_received(struct connection *c, size_t bytes);
void write_abandon(struct connection *c);

/* sync.c */
bool flush_begin(struct connection *c, const struct request_header *header);

/** sync_begin - store what @request has written, all if it has no length; then answer it */
void sync_begin(struct request *request);

/** sync_failed - data of @c's image was lost: from any thread */
void sync_failed(struct connection *c, int error);

/** sync_start - @request, which isn't on the ring, is going to sync the image */
void sync_start(struct request *request);

/** sync_finish - it has; answer it, with its own error or that of any sync so far */
void sync_finish(struct request *request);

/* range.c */
bool range_begin(struct connection *c, const struct request_header *header);

/* extents.c */
bool extents_begin(struct connection *c, const struct request_header *header);

#endif
