// SPDX-License-Identifier: GPL-2.0
/*
 * Parser of what an NBD server sends in the transmission phase.
 *
 *	HEAD, a simple reply:	[DATA of a read]
 *	HEAD, a chunk:		FIXED, then DATA (OFFSET_DATA),
 *				nothing more (OFFSET_HOLE), or
 *				TEXT, WHERE, SKIP (an error; each may be missing)
 *
 * and back to HEAD.  A state in which nothing is to come is never entered, so
 * each turn of the loop in vdisk_reply_feed() takes at least one byte.  DEAD is
 * for ever.
 *
 * What of a read has come is [0, in_order) and, only if the server goes out of
 * order, a sorted list of extents beyond it.  A piece is checked against that,
 * and entered, before its first byte is passed on.
 */
#include "wire_env.h"
#include "reply.h"

enum reply_state {
	REPLY_HEAD,
	REPLY_FIXED,		/* the fixed fields of a chunk's payload */
	REPLY_DATA,
	REPLY_TEXT,		/* an error's words */
	REPLY_WHERE,		/* an error's offset */
	REPLY_SKIP,		/* what we don't know, after an error's known fields */
	REPLY_DEAD,
};

enum reply_error_limits {
	REPLY_ERROR_MAX = 64 << 10, /* payload of an error chunk of a kind we don't know */
};

struct vdisk_reply_extent {
	u32 from, to;		/* bytes from the start of the request, @to excluded */
};

struct chunk_data {
	__be64 offset;
} __packed;

struct chunk_hole {
	__be64 offset;
	__be32 length;
} __packed;

struct chunk_error {
	__be32 error;
	__be16 text_length;
} __packed;

static int refuse(struct vdisk_reply *r, int err, const char *why)
{
	r->state = REPLY_DEAD;
	r->rq = NULL;
	r->why = why;
	return err;
}

static void gather(struct vdisk_reply *r, enum reply_state state, u32 want)
{
	r->state = state;
	r->have = 0;
	r->want = want;
}

static void start(struct vdisk_reply *r)
{
	r->rq = NULL;
	gather(r, REPLY_HEAD, sizeof(struct nbd_simple_reply));
}

/*
 * Enters [at, end), of which nothing has come, beyond a gap after in_order.
 * @i: the first extent behind it.
 */
static void insert(struct vdisk_reply_request *rq, u32 i, u32 at, u32 end)
{
	struct vdisk_reply_extent *e = rq->extents + i;
	bool before = i > 0 && e[-1].to == at;
	bool behind = i < rq->nr_extents && e->from == end;

	if (before && behind) {
		e[-1].to = e->to;
		memmove(e, e + 1, (--rq->nr_extents - i) * sizeof(*e));
	} else if (before) {
		e[-1].to = end;
	} else if (behind) {
		e->from = at;
	} else {
		memmove(e + 1, e, (rq->nr_extents++ - i) * sizeof(*e));
		e->from = at;
		e->to = end;
	}
}

static int enter_out_of_order(struct vdisk_reply *r, u32 at, u32 end)
{
	struct vdisk_reply_request *rq = r->rq;
	u32 i = rq->nr_extents;

	if (!rq->extents)
		rq->extents = kmalloc_array(VDISK_REPLY_EXTENTS, sizeof(*rq->extents),
					    GFP_ATOMIC);
	if (!rq->extents)
		return refuse(r, -ENOMEM, "no memory for a read that comes out of order");

	/* From the end: most servers that go out of order still go upwards. */
	while (i > 0 && rq->extents[i - 1].from > at)
		i--;
	if ((i > 0 && rq->extents[i - 1].to > at) ||
	    (i < rq->nr_extents && rq->extents[i].from < end))
		return refuse(r, -EPROTO, "the same data twice");
	/* Full: only a piece that touches another could still be entered. */
	if (rq->nr_extents == VDISK_REPLY_EXTENTS &&
	    !(i > 0 && rq->extents[i - 1].to == at) &&
	    !(i < rq->nr_extents && rq->extents[i].from == end))
		return refuse(r, -E2BIG, "a read comes in too many disjoint pieces");
	insert(rq, i, at, end);
	return 0;
}

/* The piece [at, end) is about to come; it lies within the request. */
static int enter(struct vdisk_reply *r, u32 at, u32 end)
{
	struct vdisk_reply_request *rq = r->rq;

	if (rq->df && (rq->in_order || rq->nr_extents))
		return refuse(r, -EPROTO, "a read in pieces that was not to be fragmented");
	if (at > rq->in_order)
		return enter_out_of_order(r, at, end);
	if (at < rq->in_order || (rq->nr_extents && rq->extents[0].from < end))
		return refuse(r, -EPROTO, "the same data twice");
	return 0;
}

/* [at, at + len) has come. */
static void advance(struct vdisk_reply_request *rq, u32 at, u32 len)
{
	if (at == rq->in_order)
		rq->in_order += len;
}

/* After a piece: the extent that follows it without a gap is in order now. */
static void absorb(struct vdisk_reply_request *rq)
{
	if (likely(!rq->nr_extents) || rq->extents[0].from != rq->in_order)
		return;
	rq->in_order = rq->extents[0].to;
	memmove(rq->extents, rq->extents + 1, --rq->nr_extents * sizeof(*rq->extents));
}

static void answered(struct vdisk_reply *r)
{
	struct vdisk_reply_request *rq = r->rq;

	start(r);
	vdisk_reply_done(r->ctx, rq);
}

static int chunk_end(struct vdisk_reply *r)
{
	struct vdisk_reply_request *rq = r->rq;

	if (!(r->flags & NBD_CHUNK_FLAG_DONE)) {
		start(r);
		return 0;
	}
	if (rq->command == NBD_CMD_READ && !rq->error && rq->in_order != rq->length)
		return refuse(r, -EPROTO, "a read was answered in part only");
	answered(r);
	return 0;
}

static int simple_reply(struct vdisk_reply *r, const struct nbd_simple_reply *s)
{
	u32 error = be32_to_cpu(s->error);

	r->rq = vdisk_reply_find(r->ctx, be64_to_cpu(s->cookie));
	if (!r->rq)
		return refuse(r, -ENOENT, "a reply to a request that was not sent");
	if (r->structured && r->rq->command == NBD_CMD_READ)
		return refuse(r, -EPROTO, "a simple reply to a read, with structured replies on");
	if (r->rq->chunks)
		return refuse(r, -EPROTO, "a simple reply amid chunks");

	if (error)
		r->rq->error = error;
	if (error || r->rq->command != NBD_CMD_READ || !r->rq->length) {
		answered(r);
		return 0;
	}
	r->flags = NBD_CHUNK_FLAG_DONE;
	r->at = 0;
	r->left = r->rq->length;
	r->state = REPLY_DATA;
	return 0;
}

static int chunk_none(struct vdisk_reply *r)
{
	if (r->left)
		return refuse(r, -EPROTO, "a chunk NONE with a payload");
	if (!(r->flags & NBD_CHUNK_FLAG_DONE))
		return refuse(r, -EPROTO, "a chunk NONE that is not the last");
	return chunk_end(r);
}

static int chunk_content(struct vdisk_reply *r)
{
	if (r->rq->command != NBD_CMD_READ)
		return refuse(r, -EPROTO, "data for a request that is no read");
	if (r->type == NBD_CHUNK_OFFSET_HOLE) {
		if (r->left != sizeof(struct chunk_hole))
			return refuse(r, -EPROTO, "a hole chunk of a wrong length");
	} else if (r->left <= sizeof(struct chunk_data)) {
		return refuse(r, -EPROTO, "a data chunk without data");
	} else if (r->left - sizeof(struct chunk_data) > r->rq->length) {
		return refuse(r, -EPROTO, "a data chunk longer than its request");
	}
	gather(r, REPLY_FIXED, r->type == NBD_CHUNK_OFFSET_HOLE ?
	       sizeof(struct chunk_hole) : sizeof(struct chunk_data));
	return 0;
}

/* The rest of an error chunk, from whichever of its parts is not empty. */
static int error_rest(struct vdisk_reply *r)
{
	if (r->text_left) {
		r->state = REPLY_TEXT;
		return 0;
	}
	if (r->text_have) {
		vdisk_reply_text(r->ctx, r->rq, r->text, r->text_have);
		r->text_have = 0;
	}
	if (r->type == NBD_CHUNK_ERROR_OFFSET && r->left >= sizeof(__be64)) {
		gather(r, REPLY_WHERE, sizeof(__be64));
		return 0;
	}
	if (r->left) {
		r->state = REPLY_SKIP;
		return 0;
	}
	return chunk_end(r);
}

static bool error_known(const struct vdisk_reply *r)
{
	return r->type == NBD_CHUNK_ERROR || r->type == NBD_CHUNK_ERROR_OFFSET;
}

static u32 error_tail(const struct vdisk_reply *r)
{
	return r->type == NBD_CHUNK_ERROR_OFFSET ? sizeof(__be64) : 0;
}

static int chunk_error(struct vdisk_reply *r)
{
	u32 least = sizeof(struct chunk_error) + error_tail(r);

	r->text_left = 0;
	r->text_have = 0;
	if (error_known(r) && r->left < least)
		return refuse(r, -EPROTO, "an error chunk that is too short");
	if (r->left > (error_known(r) ? least + NBD_STRING_MAX : REPLY_ERROR_MAX))
		return refuse(r, -EPROTO, "an error chunk that is too long");
	if (r->left >= sizeof(struct chunk_error)) {
		gather(r, REPLY_FIXED, sizeof(struct chunk_error));
		return 0;
	}
	if (!r->rq->error)
		r->rq->error = NBD_EIO;
	return error_rest(r);
}

static int chunk_reply(struct vdisk_reply *r, const struct nbd_chunk_header *c)
{
	r->flags = be16_to_cpu(c->flags);
	r->type = be16_to_cpu(c->type);
	r->cookie = be64_to_cpu(c->cookie);
	r->left = be32_to_cpu(c->length);
	r->rq = vdisk_reply_find(r->ctx, r->cookie);
	if (!r->rq)
		return refuse(r, -ENOENT, "a chunk for a request that was not sent");
	if (r->rq->chunks >= VDISK_REPLY_CHUNKS)
		return refuse(r, -EPROTO, "a request was answered by too many chunks");
	r->rq->chunks++;

	if (r->type & NBD_CHUNK_FLAG_ERROR)
		return chunk_error(r);
	switch (r->type) {
	case NBD_CHUNK_OFFSET_DATA:
	case NBD_CHUNK_OFFSET_HOLE:
		return chunk_content(r);
	case NBD_CHUNK_NONE:
		return chunk_none(r);
	}
	return refuse(r, -EPROTO, "a chunk of a type that was not negotiated");
}

/* Checks that @len bytes at @offset are the request's, and enters them. */
static int content_place(struct vdisk_reply *r, u64 offset, u32 len)
{
	const struct vdisk_reply_request *rq = r->rq;

	if (!len)
		return refuse(r, -EPROTO, "an empty hole");
	if (len > rq->length || offset < rq->offset ||
	    offset - rq->offset > rq->length - len)
		return refuse(r, -EPROTO, "data that was not asked for");
	r->at = offset - rq->offset;
	return enter(r, r->at, r->at + len);
}

static int fixed_data(struct vdisk_reply *r, const struct chunk_data *d)
{
	r->left -= sizeof(*d);
	r->state = REPLY_DATA;
	return content_place(r, be64_to_cpu(d->offset), r->left);
}

static int fixed_hole(struct vdisk_reply *r, const struct chunk_hole *h)
{
	u32 len = be32_to_cpu(h->length);
	int ret = content_place(r, be64_to_cpu(h->offset), len);

	if (ret)
		return ret;
	vdisk_reply_zero(r->ctx, r->rq, r->at, len);
	advance(r->rq, r->at, len);
	absorb(r->rq);
	return chunk_end(r);
}

static int fixed_error(struct vdisk_reply *r, const struct chunk_error *e)
{
	u32 error = be32_to_cpu(e->error);

	r->left -= sizeof(*e);
	if (error_known(r)) {
		if (!error)
			return refuse(r, -EPROTO, "an error chunk without an error");
		r->text_left = be16_to_cpu(e->text_length);
		if (r->text_left > NBD_STRING_MAX || r->text_left > r->left - error_tail(r))
			return refuse(r, -EPROTO, "an error text longer than its chunk");
	}
	/* The first error told is the request's. */
	if (!r->rq->error)
		r->rq->error = error ? error : NBD_EIO;
	return error_rest(r);
}

static int error_where(struct vdisk_reply *r, const struct chunk_data *d)
{
	const struct vdisk_reply_request *rq = r->rq;
	u64 offset = be64_to_cpu(d->offset);

	if (offset < rq->offset || offset - rq->offset >= rq->length)
		return refuse(r, -EPROTO, "an error at an offset that was not asked for");
	r->left -= sizeof(*d);
	r->type = NBD_CHUNK_ERROR;	/* what is left of the chunk has no more fields */
	return error_rest(r);
}

static int head_complete(struct vdisk_reply *r)
{
	const struct nbd_simple_reply *s = (void *)r->head;

	if (r->want == sizeof(struct nbd_chunk_header))
		return chunk_reply(r, (void *)r->head);
	if (s->magic == cpu_to_be32(NBD_MAGIC_SIMPLE_REPLY))
		return simple_reply(r, s);
	if (s->magic != cpu_to_be32(NBD_MAGIC_CHUNK))
		return refuse(r, -EPROTO, "a reply with a wrong magic number");
	if (!r->structured)
		return refuse(r, -EPROTO, "a structured reply that was not negotiated");
	r->want = sizeof(struct nbd_chunk_header);
	return 0;
}

static int gathered(struct vdisk_reply *r)
{
	switch (r->state) {
	case REPLY_HEAD:
		return head_complete(r);
	case REPLY_WHERE:
		return error_where(r, (void *)r->head);
	}
	switch (r->type) {
	case NBD_CHUNK_OFFSET_DATA:
		return fixed_data(r, (void *)r->head);
	case NBD_CHUNK_OFFSET_HOLE:
		return fixed_hole(r, (void *)r->head);
	}
	return fixed_error(r, (void *)r->head);
}

/* Each of these takes up to @len bytes of what its state waits for. */

static int take_data(struct vdisk_reply *r, const void *p, u32 len)
{
	vdisk_reply_data(r->ctx, r->rq, r->at, p, len);
	advance(r->rq, r->at, len);
	r->at += len;
	r->left -= len;
	if (r->left)
		return 0;
	absorb(r->rq);
	return chunk_end(r);
}

static int take_text(struct vdisk_reply *r, const void *p, u32 len)
{
	u32 room = sizeof(r->text) - r->text_have;

	memcpy(r->text + r->text_have, p, min_t(u32, len, room));
	r->text_have += min_t(u32, len, room);
	r->text_left -= len;
	r->left -= len;
	return r->text_left ? 0 : error_rest(r);
}

static int take_skip(struct vdisk_reply *r, u32 len)
{
	r->left -= len;
	return r->left ? 0 : chunk_end(r);
}

static int take_head(struct vdisk_reply *r, const void *p, u32 len)
{
	memcpy(r->head + r->have, p, len);
	r->have += len;
	return r->have < r->want ? 0 : gathered(r);
}

int vdisk_reply_feed(struct vdisk_reply *r, const void *data, u32 len)
{
	int ret = 0;
	u32 n;

	for (; len && !ret; data += n, len -= n) {
		switch (r->state) {
		case REPLY_DATA:
			n = min_t(u32, len, r->left);
			ret = take_data(r, data, n);
			break;
		case REPLY_TEXT:
			n = min_t(u32, len, r->text_left);
			ret = take_text(r, data, n);
			break;
		case REPLY_SKIP:
			n = min_t(u32, len, r->left);
			ret = take_skip(r, n);
			break;
		case REPLY_DEAD:
			return -EPROTO;
		default:
			n = min_t(u32, len, r->want - r->have);
			ret = take_head(r, data, n);
		}
	}
	return ret;
}

void vdisk_reply_init(struct vdisk_reply *r, void *ctx, bool structured)
{
	memset(r, 0, sizeof(*r));
	r->ctx = ctx;
	r->structured = structured;
	start(r);
}

void vdisk_reply_request_reset(struct vdisk_reply_request *rq)
{
	kfree(rq->extents);
	rq->extents = NULL;
	rq->nr_extents = 0;
	rq->in_order = 0;
	rq->chunks = 0;
	rq->error = 0;
}
