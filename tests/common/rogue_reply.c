// SPDX-License-Identifier: GPL-2.0
/*
 * rogue: the transmission phase.  Requests that are there at the same time are
 * answered as one batch: cut into pieces, the pieces put in any order.
 */
#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rogue.h"

struct request {
	uint16_t flags, command;
	uint64_t cookie, offset;
	uint32_t length;
	uint32_t pieces;	/* not sent yet */
	bool failed;
};

struct piece {
	struct request *rq;
	uint64_t offset;
	uint32_t length;
	bool hole;
};

struct batch {
	unsigned int n;
	struct request request[ROGUE_BATCH];
	unsigned int pieces;
	struct piece piece[ROGUE_PIECES];
};

/*----- sending -----*/

static bool send_simple(struct conn *c, uint64_t cookie, uint32_t error)
{
	struct nbd_simple_reply s = {
		.magic = htobe32(NBD_MAGIC_SIMPLE_REPLY), .error = htobe32(error),
		.cookie = htobe64(cookie),
	};

	return conn_send(c, &s, sizeof(s));
}

static bool send_chunk(struct conn *c, uint64_t cookie, uint16_t type, bool done, uint32_t length)
{
	struct nbd_chunk_header h = {
		.magic = htobe32(NBD_MAGIC_CHUNK), .flags = htobe16(done ? NBD_CHUNK_FLAG_DONE : 0),
		.type = htobe16(type), .cookie = htobe64(cookie), .length = htobe32(length),
	};

	return conn_send(c, &h, sizeof(h));
}

static bool send_bytes(struct conn *c, uint64_t offset, uint32_t length)
{
	image_read(c->rogue, offset, c->data, length);
	return conn_send(c, c->data, length);
}

static bool send_data(struct conn *c, uint64_t cookie, bool done, uint64_t offset,
		      uint32_t length)
{
	uint64_t at = htobe64(offset);

	return send_chunk(c, cookie, NBD_CHUNK_OFFSET_DATA, done, 8 + length) &&
	       conn_send(c, &at, sizeof(at)) && send_bytes(c, offset, length);
}

static bool send_hole(struct conn *c, uint64_t cookie, bool done, uint64_t offset,
		      uint32_t length)
{
	struct {
		uint64_t offset;
		uint32_t length;
	} __attribute__((packed)) hole = { htobe64(offset), htobe32(length) };

	return send_chunk(c, cookie, NBD_CHUNK_OFFSET_HOLE, done, sizeof(hole)) &&
	       conn_send(c, &hole, sizeof(hole));
}

static bool send_error(struct conn *c, const struct request *rq, uint32_t error, bool at_offset)
{
	static const char text[] = "rogue's\n $(error)";
	uint32_t value = htobe32(error);
	uint16_t len = htobe16(sizeof(text) - 1);
	uint64_t at = htobe64(rq->offset);

	if (!c->structured)
		return send_simple(c, rq->cookie, error);
	return send_chunk(c, rq->cookie, at_offset ? NBD_CHUNK_ERROR_OFFSET : NBD_CHUNK_ERROR, true,
			  6 + sizeof(text) - 1 + (at_offset ? 8 : 0)) &&
	       conn_send(c, &value, 4) && conn_send(c, &len, 2) &&
	       conn_send(c, text, sizeof(text) - 1) && (!at_offset || conn_send(c, &at, 8));
}

/*----- a reply as it should be -----*/

/* Cuts [offset, offset + length) into data and holes. */
static void add_holes(struct conn *c, struct batch *b, struct request *rq, uint64_t offset,
		      uint32_t length)
{
	while (length) {
		uint64_t end = offset;
		bool hole = c->how.holes && image_zero(c->rogue, offset / 512);

		do
			end = (end / 512 + 1) * 512;
		while (end < offset + length &&
		       (!c->how.holes || hole == image_zero(c->rogue, end / 512)));
		if (end > offset + length || b->pieces == ROGUE_PIECES - 1)
			end = offset + length;
		/* the last place takes all that is left: data and holes */
		b->piece[b->pieces] = (struct piece){ rq, offset, end - offset,
				hole && b->pieces + 1 < ROGUE_PIECES };
		b->pieces++;
		rq->pieces++;
		length -= end - offset;
		offset = end;
	}
}

static void add_pieces(struct conn *c, struct batch *b, struct request *rq)
{
	uint32_t most = 2 * (rq->length / ROGUE_PIECES_OF) + 700;
	uint64_t offset = rq->offset;
	uint32_t left = rq->length, n;

	for (; left; offset += n, left -= n) {
		n = c->how.tiny && !(rq->flags & NBD_CMD_FLAG_DF) ? 1 + conn_random(c, most) : left;
		if (n > left || b->pieces > ROGUE_PIECES / 2)
			n = left;
		if (rq->flags & NBD_CMD_FLAG_DF) {
			b->piece[b->pieces++] = (struct piece){ rq, offset, n, false };
			rq->pieces++;
		} else {
			add_holes(c, b, rq, offset, n);
		}
	}
}

static void shuffle(struct conn *c, struct batch *b)
{
	unsigned int i, k;

	for (i = b->pieces; i > 1; i--) {
		struct piece p = b->piece[i - 1];

		k = conn_random(c, i);
		b->piece[i - 1] = b->piece[k];
		b->piece[k] = p;
	}
}

static bool send_pieces(struct conn *c, struct batch *b)
{
	unsigned int i;

	for (i = 0; i < b->pieces; i++) {
		struct piece *p = &b->piece[i];
		bool last = !--p->rq->pieces;
		/* "done" comes with the last chunk, or as one of its own */
		bool own = last && c->how.tiny && conn_random(c, 2);

		if (!(p->hole ? send_hole : send_data)(c, p->rq->cookie, last && !own, p->offset,
						      p->length))
			return false;
		if (own && !send_chunk(c, p->rq->cookie, NBD_CHUNK_NONE, true, 0))
			return false;
	}
	return true;
}

static bool touches(const struct behaviour *how, const struct request *rq)
{
	return how->error && how->error_left && rq->offset < how->error_at + how->error_len &&
	       rq->offset + rq->length > how->error_at;
}

/* What the request breaks of what was negotiated. */
static const char *violation(const struct conn *c, const struct request *rq)
{
	const struct behaviour *how = &c->how;

	if (rq->command == NBD_CMD_FLUSH)
		return rq->offset || rq->length ? "a flush with a range" : NULL;
	if (!rq->length)
		return "an empty request";
	if (rq->offset > c->size || rq->length > c->size - rq->offset)
		return "beyond the end";
	if (rq->length > ROGUE_PAYLOAD || (how->max && rq->length > how->max))
		return "too long";
	if (how->min && (rq->offset % how->min || rq->length % how->min))
		return "not aligned to the smallest block";
	if (rq->command != NBD_CMD_READ && !c->rogue->memory)
		return "a write to a read-only export";
	return NULL;
}

static bool send_ok(struct conn *c, const struct request *rq)
{
	if (c->structured && conn_random(c, 2))
		return send_chunk(c, rq->cookie, NBD_CHUNK_NONE, true, 0);
	return send_simple(c, rq->cookie, 0);
}

static bool answer_one(struct conn *c, struct batch *b, struct request *rq)
{
	const char *wrong = violation(c, rq);

	c->replies++;
	if (c->how.delay_ms)
		usleep(c->how.delay_ms * 1000);
	if (wrong) {
		conn_log(c, "VIOLATION: %s: command %u, offset %llu, length %u", wrong, rq->command,
			 (unsigned long long)rq->offset, rq->length);
		return send_error(c, rq, NBD_EINVAL, false);
	}
	if (touches(&c->how, rq)) {
		c->how.error_left--;
		return send_error(c, rq, c->how.error, c->how.error_offset);
	}
	if (rq->command != NBD_CMD_READ)
		return send_ok(c, rq);
	if (c->structured) {
		add_pieces(c, b, rq);
		return true;
	}
	return send_simple(c, rq->cookie, 0) && send_bytes(c, rq->offset, rq->length);
}

static bool answer(struct conn *c, struct batch *b)
{
	unsigned int i;

	b->pieces = 0;
	if (!c->structured && c->how.shuffle && b->n > 1) {
		struct request rq = b->request[0];

		/* simple replies can only be sent in another order */
		b->request[0] = b->request[b->n - 1];
		b->request[b->n - 1] = rq;
	}
	for (i = 0; i < b->n; i++)
		if (!answer_one(c, b, &b->request[i]))
			return false;
	if (c->how.shuffle)
		shuffle(c, b);
	return send_pieces(c, b);
}

/*----- a reply as it should not be -----*/

static void half_an_answer(struct conn *c, const struct request *rq)
{
	uint64_t at = htobe64(rq->offset);

	if (rq->command != NBD_CMD_READ) {
		conn_send(c, &at, 3);
		return;
	}
	if (c->structured) {
		send_chunk(c, rq->cookie, NBD_CHUNK_OFFSET_DATA, true, 8 + rq->length);
		conn_send(c, &at, sizeof(at));
	} else {
		send_simple(c, rq->cookie, 0);
	}
	send_bytes(c, rq->offset, rq->length / 2);
}

static void garbage(struct conn *c)
{
	unsigned int i;

	for (i = 0; i < 4096; i++)
		c->data[i] = conn_random(c, 256);
	conn_send(c, c->data, 4096);
}

static void comb(struct conn *c, const struct request *rq)
{
	uint64_t i;

	for (i = 1; i < rq->length; i += 2)
		if (!send_data(c, rq->cookie, false, rq->offset + i, 1))
			return;
}

/* The last answer of the connection; @rq is a read. */
static void do_fault(struct conn *c, const struct request *rq)
{
	uint64_t cookie = rq->cookie, offset = rq->offset;
	uint32_t length = rq->length;

	switch (c->how.fault) {
	case FAULT_STALL:
	case FAULT_TRUNCATE:
	case FAULT_RST:
		half_an_answer(c, rq);
		break;
	case FAULT_GARBAGE:
		garbage(c);
		break;
	case FAULT_COOKIE:
		send_data(c, cookie ^ 1ULL << 40, true, offset, length);
		break;
	case FAULT_LENGTH:
		send_data(c, cookie, true, offset, length + 512);
		break;
	case FAULT_SHORT:
		send_data(c, cookie, true, offset, length / 2);
		break;
	case FAULT_TWICE:
		send_data(c, cookie, false, offset, length / 2);
		send_data(c, cookie, true, offset, length);
		break;
	case FAULT_OUTSIDE:
		send_data(c, cookie, true, offset + 512, length);
		break;
	case FAULT_SIMPLE:
		if (c->structured)
			send_simple(c, cookie, 0);
		else
			send_chunk(c, cookie, NBD_CHUNK_NONE, true, 0);
		break;
	case FAULT_TYPE:
		send_chunk(c, cookie, 1234, true, 16);
		garbage(c);
		break;
	case FAULT_HUGE:
		send_chunk(c, cookie, NBD_CHUNK_OFFSET_DATA, true, UINT32_MAX);
		garbage(c);
		break;
	case FAULT_EMPTY:
		send_chunk(c, cookie, NBD_CHUNK_NONE, true, 0);
		break;
	case FAULT_COMB:
		comb(c, rq);
		break;
	default:
		break;
	}
	conn_log(c, "fault done");
	if (c->how.fault == FAULT_RST)
		conn_reset(c);
	else if (c->how.fault != FAULT_CLOSE && c->how.fault != FAULT_TRUNCATE)
		conn_wait_for_end(c);
}

/*----- requests -----*/

static bool take_write(struct conn *c, const struct request *rq)
{
	uint32_t left = rq->length, n;
	bool good = !violation(c, rq);

	if (rq->command == NBD_CMD_WRITE && !good) {
		/* the data comes all the same */
		for (; left; left -= n) {
			n = left < ROGUE_PAYLOAD ? left : ROGUE_PAYLOAD;
			if (!conn_recv(c, c->data, n))
				return false;
		}
		return true;
	}
	if (rq->command == NBD_CMD_WRITE) {
		if (!conn_recv(c, c->data, rq->length))
			return false;
		memcpy(c->rogue->memory + rq->offset, c->data, rq->length);
	}
	if (good && (rq->command == NBD_CMD_WRITE_ZEROES || rq->command == NBD_CMD_TRIM))
		memset(c->rogue->memory + rq->offset, 0, rq->length);
	return true;
}

static bool take_request(struct conn *c, struct request *rq)
{
	struct nbd_request head;

	if (!conn_recv(c, &head, sizeof(head)))
		return false;
	if (be32toh(head.magic) != NBD_MAGIC_REQUEST) {
		conn_log(c, "VIOLATION: a request with a wrong magic number");
		return false;
	}
	*rq = (struct request){
		.flags = be16toh(head.flags), .command = be16toh(head.command),
		.cookie = be64toh(head.cookie), .offset = be64toh(head.offset),
		.length = be32toh(head.length),
	};
	if (rq->command == NBD_CMD_DISC) {
		conn_log(c, "DISC");
		return false;
	}
	return take_write(c, rq);
}

static bool fault_due(const struct conn *c)
{
	return c->how.fault && c->replies >= c->how.fault_after;
}

/* One request, and when they may be mixed those that come within 3 ms. */
static bool take_batch(struct conn *c, struct batch *b)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	unsigned int most = c->how.shuffle ? ROGUE_BATCH : 1;

	if (c->how.fault && c->replies + most > c->how.fault_after)
		most = 1;
	b->n = 0;
	do {
		if (!take_request(c, &b->request[b->n]))
			return false;
		b->n++;
	} while (b->n < most && poll(&pfd, 1, 3) > 0);
	return true;
}

void conn_serve(struct conn *c)
{
	struct batch *b = calloc(1, sizeof(*b));

	while (b && take_batch(c, b)) {
		if (fault_due(c) && (b->request[0].command == NBD_CMD_READ ||
				     c->how.fault <= FAULT_RST)) {
			do_fault(c, &b->request[0]);
			break;
		}
		if (!answer(c, b))
			break;
	}
	free(b);
}
