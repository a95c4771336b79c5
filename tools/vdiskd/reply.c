// SPDX-License-Identifier: GPL-2.0
#include "reply.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "buffer.h"
#include "connection.h"
#include "counters.h"
#include "loop.h"
#include "nbd.h"
#include "ring.h"
#include "share.h"
#include "util.h"
#include "wire.h"

enum { SEND_PIECES = 64 };

void reply_chunk_header(uint8_t *p, uint16_t flags, uint16_t type, uint64_t cookie, uint32_t length)
{
	put_be32(p, NBD_MAGIC_CHUNK);
	put_be16(p + 4, flags);
	put_be16(p + 6, type);
	put_be64(p + 8, cookie);
	put_be32(p + 16, length);
}

static void simple_header(uint8_t *p, uint64_t cookie, uint32_t error)
{
	put_be32(p, NBD_MAGIC_SIMPLE_REPLY);
	put_be32(p + 4, error);
	put_be64(p + 8, cookie);
}

size_t reply_data_header_size(const struct connection *c)
{
	return c->structured ? REPLY_DATA : REPLY_SIMPLE;
}

void reply_data_header(const struct connection *c, uint8_t *p, uint64_t cookie, uint64_t offset,
		       uint32_t length, bool done)
{
	if (!c->structured) {
		simple_header(p, cookie, 0);
		return;
	}
	reply_chunk_header(p, done ? NBD_CHUNK_FLAG_DONE : 0, NBD_CHUNK_OFFSET_DATA, cookie,
			   length + 8);
	put_be64(p + REPLY_CHUNK, offset);
}

void reply_queue(struct connection *c, struct buffer *buffer)
{
	buffer->next = NULL;
	*c->out_last = buffer;
	c->out_last = &buffer->next;
}

static struct buffer *last_buffer(const struct connection *c)
{
	return c->out ? container_of(c->out_last, struct buffer, next) : NULL;
}

static uint8_t *room_in_last(const struct connection *c, size_t size)
{
	struct buffer *last = last_buffer(c);

	/* Behind what is mapped nothing of its own buffer may follow. */
	if (!last || last->mapped || last->size - last->end < size)
		return NULL;
	return last->data + last->end;
}

uint8_t *reply_room(struct connection *c, size_t size)
{
	uint8_t *room = room_in_last(c, size);
	struct buffer *buffer;

	if (room)
		return room;
	buffer = share_take(c, MAX(size, (size_t)BUFFER_SMALL_SIZE) - REPLY_DATA);
	if (!buffer)
		return NULL;
	reply_queue(c, buffer);
	return buffer->data;
}

void reply_commit(struct connection *c, size_t size)
{
	last_buffer(c)->end += size;
}

/* Room for the few bytes that end a request: always there. */
static uint8_t *urgent_room(struct connection *c, size_t size)
{
	uint8_t *room = room_in_last(c, size);
	struct buffer *buffer;

	if (room)
		return room;
	buffer = share_take_urgent(c, size);
	if (!buffer) {
		connection_kill(c, "no memory for a reply");
		return NULL;
	}
	reply_queue(c, buffer);
	return buffer->data;
}

static void count_error(struct connection *c, uint32_t error)
{
	if (error && c->counters)
		counters_add(&c->counters->errors, 1);
}

void reply_simple(struct connection *c, uint64_t cookie, uint32_t error)
{
	uint8_t *p = urgent_room(c, REPLY_SIMPLE);

	if (!p)
		return;
	simple_header(p, cookie, error);
	reply_commit(c, REPLY_SIMPLE);
	count_error(c, error);
}

void reply_error(struct connection *c, uint64_t cookie, uint32_t error)
{
	uint8_t *p;

	if (!c->structured) {
		reply_simple(c, cookie, error);
		return;
	}
	p = urgent_room(c, REPLY_CHUNK + 6);
	if (!p)
		return;
	reply_chunk_header(p, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_ERROR, cookie, 6);
	put_be32(p + REPLY_CHUNK, error);
	put_be16(p + REPLY_CHUNK + 4, 0);
	reply_commit(c, REPLY_CHUNK + 6);
	count_error(c, error);
}

void reply_error_at(struct connection *c, uint64_t cookie, uint32_t error, uint64_t offset)
{
	uint8_t *p;

	if (!c->structured) {
		reply_simple(c, cookie, error);
		return;
	}
	p = urgent_room(c, REPLY_CHUNK + 14);
	if (!p)
		return;
	reply_chunk_header(p, NBD_CHUNK_FLAG_DONE, NBD_CHUNK_ERROR_OFFSET, cookie, 14);
	put_be32(p + REPLY_CHUNK, error);
	put_be16(p + REPLY_CHUNK + 4, 0);
	put_be64(p + REPLY_CHUNK + 6, offset);
	reply_commit(c, REPLY_CHUNK + 14);
	count_error(c, error);
}

bool reply_append(struct connection *c, const struct buffer *buffer)
{
	uint8_t *room = room_in_last(c, buffer->end);

	if (!room)
		return false;
	memcpy(room, buffer->data, buffer->end);
	reply_commit(c, buffer->end);
	return true;
}

void reply_queue_bytes(struct connection *c, const void *data, size_t length)
{
	struct buffer *buffer = share_take_urgent(c, length);

	if (!buffer) {
		connection_kill(c, "no memory for an answer");
		return;
	}
	memcpy(buffer->data, data, length);
	buffer->end = length;
	reply_queue(c, buffer);
}

static void drop_first(struct connection *c)
{
	struct buffer *buffer = c->out;

	c->out = buffer->next;
	if (!c->out)
		c->out_last = &c->out;
	share_return(c, buffer);
}

void reply_drop(struct connection *c)
{
	while (c->out)
		drop_first(c);
}

static void count_sent(struct connection *c, size_t sent)
{
	c->sent += sent;
	c->loop->sent += sent;
	/* This thread alone writes it. */
	if (c->transmission)
		atomic_store_explicit(&c->sent_ever, atomic_load_explicit(&c->sent_ever,
				      memory_order_relaxed) + sent, memory_order_relaxed);
}

/* Takes @sent bytes off the front of the queue. */
static void account_sent(struct connection *c, size_t sent)
{
	struct buffer *buffer;

	while ((buffer = c->out)) {
		size_t part = MIN(sent, (size_t)(buffer->end - buffer->start));

		buffer->start += part;
		sent -= part;
		part = MIN(sent, (size_t)buffer->mapped);
		buffer->map += part;
		buffer->mapped -= part;
		sent -= part;
		if (buffer->start < buffer->end || buffer->mapped)
			return;
		drop_first(c);
	}
}

static void add_piece(struct msghdr *message, const void *data, size_t length)
{
	if (!length)
		return;
	message->msg_iov[message->msg_iovlen].iov_base = (void *)data;
	message->msg_iov[message->msg_iovlen++].iov_len = length;
}

/*
 * Sends what there is, as far as the socket takes it; <0: -errno.  -EFAULT: a
 * mapped image has been cut off under us.
 */
static ssize_t send_some(struct connection *c)
{
	struct iovec pieces[SEND_PIECES];
	struct msghdr message = { .msg_iov = pieces };
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct buffer *buffer;
	size_t total = 0, part;
	ssize_t sent;

	for (buffer = c->out; buffer && message.msg_iovlen + 2 <= SEND_PIECES && total < TURN_BYTES;
	     buffer = buffer->next) {
		add_piece(&message, buffer->data + buffer->start, buffer->end - buffer->start);
		part = MIN(buffer->mapped, (uint32_t)TURN_BYTES);
		add_piece(&message, buffer->map, part);
		total += buffer->end - buffer->start + part;
		if (part < buffer->mapped)
			break;
	}
	/* A reply that was taken back leaves an empty buffer: after MSG_MORE nothing would come. */
	for (; buffer && !(flags & MSG_MORE); buffer = buffer->next)
		if (buffer->start < buffer->end || buffer->mapped)
			flags |= MSG_MORE;
	if (!total)
		sent = 0;
	else if (message.msg_iovlen == 1)
		sent = send(c->fd, pieces[0].iov_base, pieces[0].iov_len, flags);
	else
		sent = sendmsg(c->fd, &message, flags);
	if (sent < 0)
		return -errno;
	count_sent(c, sent);
	account_sent(c, sent);
	return (size_t)sent < total ? -EAGAIN : sent;
}

static void wait_for_room(struct connection *c)
{
	struct io_uring_sqe *sqe = loop_sqe(c->loop);

	io_uring_prep_poll_add(sqe, c->fd, POLLOUT);
	io_uring_sqe_set_data64(sqe, ring_encode(c, RING_WRITABLE));
	c->polling = true;
}

void reply_flush(struct connection *c)
{
	size_t sent = 0;
	ssize_t ret;

	if (c->polling)
		return;
	while (c->out && !c->dead) {
		if (sent >= TURN_BYTES) {
			connection_make_ready(c);
			return;
		}
		ret = send_some(c);
		if (ret > 0)
			sent += ret;
		if (ret == -EAGAIN) {
			wait_for_room(c);
			return;
		}
		if (ret == -EFAULT)
			connection_kill(c, "the image has become shorter");
		else if (ret < 0 && ret != -EINTR)
			connection_kill(c, "its socket cannot be written to");
	}
}
