/* SPDX-License-Identifier: GPL-2.0 */
/* Replies: how they look, and the queue in which they wait for the socket. */
#ifndef VDISKD_REPLY_H
#define VDISKD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct connection;

enum reply_sizes {
	REPLY_SIMPLE = 16,
	REPLY_CHUNK = 20,
	REPLY_DATA = REPLY_CHUNK + 8,	/* a data chunk's header */
};

/**
 * reply_simple - answer without data
 * @error: NBD error, or 0
 */
void reply_simple(struct connection *c, uint64_t cookie, uint32_t error);

/**
 * reply_error - answer a failed READ or BLOCK_STATUS
 *
 * A chunk when structured replies were negotiated, else simple.
 */
void reply_error(struct connection *c, uint64_t cookie, uint32_t error);

/** reply_error_at - the same; the part at @offset failed and others may have gone out */
void reply_error_at(struct connection *c, uint64_t cookie, uint32_t error, uint64_t offset);

/** reply_data_header_size - what stands before the data of a read */
size_t reply_data_header_size(const struct connection *c);

/** reply_data_header - write that header to @p */
void reply_data_header(const struct connection *c, uint8_t *p, uint64_t cookie, uint64_t offset,
		       uint32_t length, bool done);

/** reply_chunk_header - write the header of any chunk to @p */
void reply_chunk_header(uint8_t *p, uint16_t flags, uint16_t type, uint64_t cookie, uint32_t length);

/**
 * reply_room - room for a reply of @size bytes that will be whole at once
 *
 * Shares a buffer with other replies.  Return: NULL when buffers are out.
 */
uint8_t *reply_room(struct connection *c, size_t size);

/** reply_commit - the last reply_room() is filled; @size may be less, or 0 */
void reply_commit(struct connection *c, size_t size);

/** reply_queue - send @buffer after what is queued; counted in @c->held already */
void reply_queue(struct connection *c, struct buffer *buffer);

/** reply_append - copy @buffer behind what is queued; false: there is no room, queue it */
bool reply_append(struct connection *c, const struct buffer *buffer);

/** reply_queue_bytes - copy and queue; kills the connection without memory */
void reply_queue_bytes(struct connection *c, const void *data, size_t length);

/** reply_flush - send what the socket takes; asks for RING_WRITABLE if it is full */
void reply_flush(struct connection *c);

/** reply_drop - forget all that is queued */
void reply_drop(struct connection *c);

#endif
