// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: what TCP has is parsed and copied into the block requests' pages
 * where it arrives, in softirq context, or under the socket's lock when the
 * sending thread held it.  There is no thread to wake for a reply.
 *
 * The socket's lock makes this the only receiver of the connection; bottom
 * halves are off (socket_data_ready()), so a claim is never held for long.
 */
#include <net/tcp.h>
#include "path.h"
#include "source.h"
#include "wire.h"

static struct vdisk_wire *wire_of(struct vdisk_reply_request *rq)
{
	return container_of(rq, struct vdisk_wire, rq);
}

/*----- the parser's world -----*/

/*
 * Only the receiver takes requests out of the table while the connection is
 * up, so what is found stays; no lock.
 */
struct vdisk_reply_request *vdisk_reply_find(void *ctx, u64 cookie)
{
	struct vdisk_conn *conn = ctx;
	u32 slot = lower_32_bits(cookie);
	struct vdisk_wire *wire;

	if (slot >= VDISK_CONN_DEPTH)
		return NULL;
	/* pairs with slot_take() */
	wire = smp_load_acquire(&conn->slot[slot]);
	return wire && wire->cookie == cookie ? &wire->rq : NULL;
}

/*
 * Cuts [*at, *at + *len) down to what the block request wants of the aligned
 * range, makes *at relative to that, and returns how much was cut in front.
 */
static u32 clip(const struct vdisk_wire *wire, u32 *at, u32 *len)
{
	u32 end = min(*at + *len, wire->keep_at + wire->keep_len);
	u32 begin = max(*at, wire->keep_at);
	u32 cut = begin - *at;

	*at = begin - wire->keep_at;
	*len = end > begin ? end - begin : 0;
	return cut;
}

/* The cursor for the byte @at of what is wanted; pieces in order cost nothing. */
static struct vdisk_cursor *seek(struct vdisk_wire *wire, u32 at)
{
	if (wire->rx_at != at) {
		wire->rx = wire->cur;
		vdisk_cursor_advance(&wire->rx, at);
		wire->rx_at = at;
	}
	return &wire->rx;
}

void vdisk_reply_data(void *ctx, struct vdisk_reply_request *rq, u32 at, const void *from,
		      u32 len)
{
	struct vdisk_wire *wire = wire_of(rq);
	u32 cut = clip(wire, &at, &len);

	if (!len || !vdisk_wire_claim(wire))
		return;
	vdisk_cursor_fill(seek(wire, at), from + cut, len);
	wire->rx_at += len;
	/* never the one that frees: only the receiver, here, finishes a wire request */
	vdisk_wire_unclaim(wire);
}

void vdisk_reply_zero(void *ctx, struct vdisk_reply_request *rq, u32 at, u32 len)
{
	struct vdisk_wire *wire = wire_of(rq);

	clip(wire, &at, &len);
	if (!len || !vdisk_wire_claim(wire))
		return;
	vdisk_cursor_zero(seek(wire, at), len);
	wire->rx_at += len;
	vdisk_wire_unclaim(wire);
}

void vdisk_reply_text(void *ctx, struct vdisk_reply_request *rq, const char *text, u32 len)
{
	pr_debug_ratelimited("vdisk: the server says: %*pE\n", (int)len, text);
}

void vdisk_reply_done(void *ctx, struct vdisk_reply_request *rq)
{
	struct vdisk_wire *wire = wire_of(rq);
	struct vdisk_conn *conn = ctx;
	bool wake;

	spin_lock_bh(&conn->slot_lock);
	conn->slot[wire->slot] = NULL;
	__set_bit(wire->slot, conn->free);
	WRITE_ONCE(conn->inflight, conn->inflight - 1);
	wake = conn->starved;
	conn->starved = false;
	spin_unlock_bh(&conn->slot_lock);
	if (unlikely(wake))
		vdisk_conn_wake(conn);
	WRITE_ONCE(conn->requests, conn->requests + 1);
	if (unlikely(rq->error))
		WRITE_ONCE(conn->errors, conn->errors + 1);
	vdisk_source_reply(conn->src, conn, wire);
}

/*----- the socket's data -----*/

static int receive_actor(read_descriptor_t *desc, struct sk_buff *skb, unsigned int offset,
			 size_t len)
{
	struct vdisk_conn *conn = desc->arg.data;
	struct skb_seq_state seq;
	unsigned int used = 0, n;
	const u8 *data;
	int ret;

	/* after an error the rest is of no use; the thread closes the socket */
	if (unlikely(READ_ONCE(conn->error)))
		return len;
	skb_prepare_seq_read(skb, offset, offset + len, &seq);
	while ((n = skb_seq_read(used, &data, &seq))) {
		ret = vdisk_reply_feed(&conn->reply, data, n);
		if (unlikely(ret < 0)) {
			skb_abort_seq_read(&seq);
			vdisk_conn_end(conn, ret, conn->reply.why);
			break;
		}
		used += n;
	}
	WRITE_ONCE(conn->rx_bytes, conn->rx_bytes + len);
	return len;
}

/**
 * vdisk_receive - takes and parses all that has come.
 * @conn: streaming.
 *
 * Context: sk_data_ready, bottom halves off, the socket's lock held.
 */
void vdisk_receive(struct vdisk_conn *conn)
{
	read_descriptor_t desc = { .arg.data = conn, .count = 1 };

	conn->last_rx = jiffies;
	tcp_read_sock(conn->sock->sk, &desc, receive_actor);
}

/**
 * vdisk_receive_start - a connection enters the transmission phase.
 * @structured: structured replies were negotiated.
 */
void vdisk_receive_start(struct vdisk_conn *conn, bool structured)
{
	conn->last_rx = jiffies;
	vdisk_reply_init(&conn->reply, conn, structured);
}
