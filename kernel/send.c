// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: the thread of a connection takes what is queued, gives each request
 * a place in the table, and sends many headers, and the data of writes, at once.
 */
#include <net/sock.h>
#include "path.h"
#include "source.h"
#include "wire.h"

enum send_limits {
	VDISK_NOMEM_JIFFIES	= 1 + HZ / 200,
	/*
	 * With so many requests under way the sender is polite: to those who
	 * submit, on a processor that has nothing to spare, it gives way until
	 * they have submitted what they have, and so sends more at once.  (At
	 * this nice value a wake-up never preempts a task of nice 0.)  With few,
	 * somebody waits for each of them, and it comes first.
	 */
	VDISK_DEEP		= 8,
	VDISK_POLITE_NICE	= 5,
};

/* What one batch has gathered. */
struct batch {
	unsigned int headers;	/* in tx_page */
	unsigned int vecs;	/* in tx_vec, not sent yet */
	unsigned int bytes;	/* of those */
	unsigned int writes;	/* in tx_write, claimed */
};

static bool send_must_end(struct vdisk_conn *conn)
{
	return READ_ONCE(conn->stop) || READ_ONCE(conn->error) || vdisk_socket_failed(conn);
}

/* Why the connection ends, when send_must_end(). */
static int send_end(struct vdisk_conn *conn)
{
	if (READ_ONCE(conn->stop))
		return -EINTR;
	if (READ_ONCE(conn->error))
		return conn->error;
	return sock_error(conn->sock->sk) ?: -ECONNRESET;
}

/*----- the table -----*/

static void put_header(struct nbd_request *h, const struct vdisk_wire *wire)
{
	h->magic = cpu_to_be32(NBD_MAGIC_REQUEST);
	h->flags = cpu_to_be16(wire->flags);
	h->command = cpu_to_be16(wire->rq.command);
	h->cookie = cpu_to_be64(wire->cookie);
	h->offset = cpu_to_be64(wire->rq.offset);
	h->length = cpu_to_be32(wire->rq.length);
}

/*
 * Puts @wire into the table, and its header at @h.  From then on a server that
 * guesses the cookie may answer what it was not asked yet, and the receiver
 * frees a wire request that has no claim: don't look at it any more.
 */
static void slot_take(struct vdisk_conn *conn, struct vdisk_wire *wire, struct nbd_request *h)
{
	unsigned int i;

	spin_lock_bh(&conn->slot_lock);
	i = find_first_bit(conn->free, VDISK_CONN_DEPTH);
	__clear_bit(i, conn->free);
	wire->slot = i;
	conn->generation[i]++;
	wire->cookie = (u64)conn->generation[i] << 32 | i;
	put_header(h, wire);
	/* the receiver looks without the lock */
	smp_store_release(&conn->slot[i], wire);
	if (!conn->inflight)
		conn->last_rx = jiffies;
	WRITE_ONCE(conn->inflight, conn->inflight + 1);
	/*
	 * fail-now sets ->dead before it walks the table: either it finds
	 * this request there or we find that it has begun
	 */
	if (unlikely(READ_ONCE(conn->src->dead)))
		vdisk_wire_revoke(wire, BLK_STS_IOERR);
	spin_unlock_bh(&conn->slot_lock);
}

/* Is there a free place?  Only the thread takes them. */
static bool slot_free(struct vdisk_conn *conn)
{
	bool any;

	if (likely(READ_ONCE(conn->inflight) < VDISK_CONN_DEPTH))
		return true;
	spin_lock_bh(&conn->slot_lock);
	any = conn->inflight < VDISK_CONN_DEPTH;
	conn->starved = !any;
	spin_unlock_bh(&conn->slot_lock);
	return any;
}

/*
 * Takes up to @most of the queued requests, at once: submitters want the lock,
 * too.  Each must go to the table, where it is seen whether fail-now was here,
 * or back by put_queued().
 */
static void take_queued(struct vdisk_conn *conn, struct list_head *list, unsigned int most)
{
	struct list_head *last = &conn->tx;
	unsigned int taken;

	spin_lock_bh(&conn->tx_lock);
	if (conn->queued <= most) {
		list_splice_init(&conn->tx, list);
		WRITE_ONCE(conn->queued, 0);
	} else {
		for (taken = 0; taken < most; taken++)
			last = last->next;
		list_cut_position(list, &conn->tx, last);
		WRITE_ONCE(conn->queued, conn->queued - most);
	}
	spin_unlock_bh(&conn->tx_lock);
}

/* Those that could not be sent, for the connection's end to find. */
static void put_queued(struct vdisk_conn *conn, struct list_head *list)
{
	if (list_empty(list))
		return;
	spin_lock_bh(&conn->tx_lock);
	WRITE_ONCE(conn->queued, conn->queued + list_count_nodes(list));
	list_splice(list, &conn->tx);
	spin_unlock_bh(&conn->tx_lock);
}

/*----- a batch -----*/

/* Waits until TCP takes more, not longer than the connection may live. */
static int wait_for_room(struct vdisk_conn *conn)
{
	/* there is room, but no memory: nobody will tell when there is */
	if (sk_stream_is_writeable(conn->sock->sk))
		wait_event_idle_timeout(conn->wait, send_must_end(conn) ||
					READ_ONCE(conn->src->dead), VDISK_NOMEM_JIFFIES);
	wait_event_idle(conn->wait, send_must_end(conn) || READ_ONCE(conn->src->dead) ||
			sk_stream_is_writeable(conn->sock->sk));
	if (send_must_end(conn))
		return send_end(conn);
	/* the pages of revoked writes must not be held: give up */
	return READ_ONCE(conn->src->dead) ? -ESHUTDOWN : 0;
}

/* Hands what is gathered to TCP; waits for room, not longer than the connection lives. */
static int flush_batch(struct vdisk_conn *conn, struct batch *b, bool more)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0) };

	if (!b->vecs)
		return 0;
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, conn->tx_vec, b->vecs, b->bytes);
	b->vecs = 0;
	b->bytes = 0;
	while (msg_data_left(&msg)) {
		int ret = sock_sendmsg(conn->sock, &msg);

		if (ret == -EAGAIN) {
			ret = wait_for_room(conn);
			/* what was sent before is arriving: as good as an answer */
			conn->last_rx = jiffies;
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int add_vec(struct vdisk_conn *conn, struct batch *b, struct bio_vec bv)
{
	if (b->vecs == VDISK_TX_VECS) {
		int ret = flush_batch(conn, b, true);

		if (ret < 0)
			return ret;
	}
	conn->tx_vec[b->vecs++] = bv;
	b->bytes += bv.bv_len;
	return 0;
}

static struct nbd_request *next_header(struct vdisk_conn *conn, const struct batch *b)
{
	return (struct nbd_request *)page_address(conn->tx_page) + b->headers;
}

/* The header at next_header() is filled. */
static int add_header(struct vdisk_conn *conn, struct batch *b)
{
	struct bio_vec *last = b->vecs ? &conn->tx_vec[b->vecs - 1] : NULL;
	unsigned int at = b->headers++ * sizeof(struct nbd_request);

	if (last && last->bv_page == conn->tx_page) {
		last->bv_len += sizeof(struct nbd_request);
		b->bytes += sizeof(struct nbd_request);
		return 0;
	}
	return add_vec(conn, b, (struct bio_vec){
		.bv_page = conn->tx_page, .bv_offset = at,
		.bv_len = sizeof(struct nbd_request) });
}

static int add_data(struct vdisk_conn *conn, struct batch *b, struct vdisk_wire *wire)
{
	struct vdisk_cursor cur = wire->cur;
	u32 left = wire->rq.length;

	while (left) {
		struct bio_vec bv = mp_bvec_iter_bvec(cur.bio->bi_io_vec, cur.iter);
		int ret;

		bv.bv_len = min3(bv.bv_len, left, cur.iter.bi_size);
		ret = add_vec(conn, b, bv);
		if (ret < 0)
			return ret;
		conn->tx_bytes += bv.bv_len;
		left -= bv.bv_len;
		vdisk_cursor_advance(&cur, bv.bv_len);
	}
	return 0;
}

/* Adds one request; its place in the table is taken from here on. */
static int add_wire(struct vdisk_conn *conn, struct batch *b, struct vdisk_wire *wire)
{
	bool write = wire->rq.command == NBD_CMD_WRITE;
	int ret;

	/* the data is read until the batch is sent; see wire.h */
	if (write && !vdisk_wire_claim(wire)) {
		if (vdisk_wire_revoked(wire))
			vdisk_wire_free(conn->src->pool, wire);
		else
			vdisk_source_delay(conn->src, wire);
		return 0;
	}
	if (write)
		conn->tx_write[b->writes++] = wire;
	slot_take(conn, wire, next_header(conn, b));
	ret = add_header(conn, b);
	if (!ret && write)
		ret = add_data(conn, b, wire);
	return ret;
}

/*
 * Once a header is with TCP its request is in the table, so whatever happens
 * here the connection's end gives it back to the source.
 */
static int send_batch(struct vdisk_conn *conn)
{
	struct vdisk_wire *wire;
	struct batch b = { };
	LIST_HEAD(list);
	unsigned int i;
	int ret = 0;

	while (!ret && b.headers < VDISK_TX_HEADERS && slot_free(conn)) {
		/* only this thread takes places in the table */
		take_queued(conn, &list, min_t(unsigned int, VDISK_TX_HEADERS - b.headers,
					       VDISK_CONN_DEPTH - READ_ONCE(conn->inflight)));
		if (list_empty(&list))
			break;
		while (!ret && (wire = list_first_entry_or_null(&list, struct vdisk_wire, link))) {
			list_del_init(&wire->link);
			ret = add_wire(conn, &b, wire);
		}
	}
	put_queued(conn, &list);
	if (!ret)
		ret = flush_batch(conn, &b, false);
	for (i = 0; i < b.writes; i++)
		if (vdisk_wire_unclaim(conn->tx_write[i]))
			vdisk_wire_free(conn->src->pool, conn->tx_write[i]);
	return ret;
}

/*----- the loop -----*/

static void be_polite(struct vdisk_conn *conn, bool polite)
{
	if (conn->polite == polite)
		return;
	conn->polite = polite;
	set_user_nice(current, polite ? VDISK_POLITE_NICE : 0);
}

static void mind_manners(struct vdisk_conn *conn)
{
	unsigned int load = vdisk_conn_load(conn);

	if (load >= VDISK_DEEP)
		be_polite(conn, true);
	else if (load < VDISK_DEEP / 2)
		be_polite(conn, false);
}

static bool send_ready(struct vdisk_conn *conn)
{
	return send_must_end(conn) || (READ_ONCE(conn->queued) && slot_free(conn));
}

/* Says good-bye; whether it arrives doesn't matter. */
static void send_disconnect(struct vdisk_conn *conn)
{
	struct nbd_request h = {
		.magic = cpu_to_be32(NBD_MAGIC_REQUEST),
		.command = cpu_to_be16(NBD_CMD_DISC),
	};
	struct kvec vec = { .iov_base = &h, .iov_len = sizeof(h) };
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

	kernel_sendmsg(conn->sock, &msg, &vec, 1, sizeof(h));
}

/* The last progress on any connection of the path. */
static unsigned long path_progress(const struct vdisk_path *path)
{
	unsigned long last = READ_ONCE(path->conn[0]->last_rx);
	unsigned int i;

	for (i = 1; i < path->nr_conns; i++)
		if (time_after(READ_ONCE(path->conn[i]->last_rx), last))
			last = READ_ONCE(path->conn[i]->last_rx);
	return last;
}

/*
 * A path on which bytes arrive is slow, one on which none do is dead: looked at
 * twice a second, by a timer, so that the hot paths carry no clock.  All its
 * connections end, or what was moved away would come back to an idle one.
 */
static void stall_timer(struct timer_list *t)
{
	struct vdisk_conn *conn = timer_container_of(conn, t, stall_timer);
	struct vdisk_path *path = conn->path;
	bool other = READ_ONCE(conn->src->up) > READ_ONCE(path->connected);
	unsigned long limit = msecs_to_jiffies(other ? VDISK_STALL_OTHER_MS : VDISK_STALL_MS);
	unsigned int i;

	if (READ_ONCE(conn->inflight) && time_after(jiffies, path_progress(path) + limit))
		for (i = 0; i < path->nr_conns; i++)
			vdisk_conn_end(path->conn[i], -ENODATA, "the server has stopped answering");
	mod_timer(t, jiffies + HZ / 2);
}

/**
 * vdisk_send_loop - sends until the connection must end.
 * @conn: up.
 *
 * Context: the connection's thread.  Returns why, a negative errno; -EINTR when
 * the thread is to stop.
 */
int vdisk_send_loop(struct vdisk_conn *conn)
{
	int ret = 0;

	timer_setup(&conn->stall_timer, stall_timer, 0);
	mod_timer(&conn->stall_timer, jiffies + HZ / 2);
	while (!ret) {
		wait_event_idle(conn->wait, send_ready(conn));
		mind_manners(conn);
		ret = send_must_end(conn) ? send_end(conn) : send_batch(conn);
	}
	timer_delete_sync(&conn->stall_timer);
	be_polite(conn, false);
	if (ret == -EINTR)
		send_disconnect(conn);
	return ret;
}
