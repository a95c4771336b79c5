/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Paths and connections.  A path is one server; it has one or more TCP
 * connections, each with a thread of its own that connects, negotiates, sends,
 * and connects again.  Replies are received in softirq context (receive.c).
 */
#ifndef VDISK_PATH_H
#define VDISK_PATH_H

#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <net/sock.h>
#include "device.h"
#include "handshake.h"
#include "reply.h"

struct vdisk_source;
struct vdisk_wire;

enum vdisk_path_limits {
	VDISK_CONN_DEPTH	= 128,	/* wire requests under way on a connection */
	VDISK_TX_HEADERS	= 64,	/* headers in one send */
	VDISK_TX_VECS		= 128,	/* pieces in one send */
	VDISK_CONNECT_MS	= 3000,	/* TCP connect, one address */
	VDISK_HANDSHAKE_MS	= 5000,	/* from connected to GO answered */
	VDISK_DRAIN_MS		= 30000,/* the same for writes: the server drains first */
	VDISK_RETRY_BUSY_MS	= 800,	/* longest pause while I/O waits */
	VDISK_RETRY_IDLE_MS	= 30000,/* longest pause else */
	VDISK_RETRY_FIRST_MS	= 50,
	VDISK_RETRY_REFUSED_MS	= 60000,
	VDISK_STALL_MS		= 20000,/* no byte while requests are out: reconnect */
	VDISK_STALL_OTHER_MS	= 2000,	/* the same when another server is up */
	VDISK_KEEPALIVE_S	= 5,
	VDISK_GOOD_S		= 10,	/* a connection that lasted was a good one */
	VDISK_FIN_MS		= 100,	/* wait this long for the answer to a good-bye */
};

struct vdisk_conn {
	struct vdisk_path *path;
	struct vdisk_source *src;
	unsigned int index;		/* in the path; 0 leads: it finds out if more may follow */
	struct task_struct *thread;
	wait_queue_head_t wait;		/* the thread waits here for everything */
	bool stop;			/* ... and for this */

	/* of the thread */
	struct socket *sock;
	unsigned long deadline;		/* jiffies, of the handshake */
	unsigned int failures;		/* in a row */
	unsigned long last_try;		/* jiffies */
	bool refused;			/* the last try: by the server's own word */
	unsigned int renewals;		/* of the path, when the last try began */
	bool polite;			/* see VDISK_DEEP */

	/* The socket's callbacks, and what they were; sk_callback_lock. */
	void (*saved_data_ready)(struct sock *sk);
	void (*saved_write_space)(struct sock *sk);
	void (*saved_state_change)(struct sock *sk);
	void (*saved_error_report)(struct sock *sk);
	bool streaming;			/* replies are parsed as they come */

	/*
	 * What is to be sent.  tx_lock is taken by submitters (any context) and
	 * the thread; the table's lock is not taken inside.
	 */
	spinlock_t tx_lock;
	bool up;			/* takes requests; tx_lock to change */
	struct list_head tx;
	unsigned int queued;		/* in it */

	/*
	 * The table of requests that are out.  slot_lock is taken by the thread,
	 * by the receiver (softirq) and by fail-now, inside nothing.
	 */
	spinlock_t slot_lock;
	struct vdisk_wire *slot[VDISK_CONN_DEPTH];
	u32 generation[VDISK_CONN_DEPTH];
	unsigned long free[BITS_TO_LONGS(VDISK_CONN_DEPTH)];
	unsigned int inflight;
	bool starved;			/* the thread waits for a slot */

	/* of the receiver */
	struct vdisk_reply reply;
	unsigned long last_rx;		/* jiffies, of the last progress */
	struct timer_list stall_timer;	/* armed while up */
	int error;			/* why the connection must end */
	const char *why;		/* a constant, or NULL */
	u64 rx_bytes, requests, errors;	/* written by the receiver only */

	u64 tx_bytes;			/* written by the thread only */

	/* of the sender: one send */
	struct page *tx_page;		/* headers */
	struct bio_vec tx_vec[VDISK_TX_VECS];
	struct vdisk_wire *tx_write[VDISK_TX_HEADERS];	/* writes in it, claimed while copied */

	/* of the thread, while it connects */
	struct vdisk_export ex;		/* what the server offers */
	char ask[VDISK_HS_NAME];	/* the name asked for */
	char text[VDISK_HS_TEXT];	/* why it failed, for people */
};

struct vdisk_path {
	struct vdisk_source *src;
	unsigned int index;
	const struct vdisk_server_config *config; /* of the device */
	unsigned int nr_conns;
	struct vdisk_conn *conn[VDISK_CONNECTIONS_MAX];
	unsigned int next_address;	/* of the lead's thread */

	struct mutex news;		/* of the threads; outside lock, inside nothing */
	spinlock_t lock;		/* protects all below; innermost */
	u32 state;			/* enum vdisk_path_state */
	u32 told;			/* the state last told of, never CONNECTING */
	unsigned long since, next_try;	/* jiffies */
	unsigned int connected;
	u32 attempts;
	u64 reconnects;
	char reason[VDISK_HS_TEXT];
	char name[VDISK_HS_NAME];	/* NAME@N, asked for from the second time on */
	char token[VDISK_HS_NAME];	/* in place of config's, once it was renewed */
	unsigned int renewals;		/* how often it was; also read without the lock */
	bool ended;			/* the server's last word: the session is over */
};

struct vdisk_path *vdisk_path_create(struct vdisk_source *src, unsigned int index,
				     const struct vdisk_server_config *cfg, unsigned int conns);
void vdisk_path_destroy(struct vdisk_path *path);
int vdisk_path_start(struct vdisk_path *path);
/* Has the threads end; does not wait: all paths are asked before one is waited for. */
void vdisk_path_ask_stop(struct vdisk_path *path);
void vdisk_path_stop(struct vdisk_path *path);
void vdisk_path_info(struct vdisk_path *path, struct vdisk_path_info *info);

/*
 * vdisk_path_renew - a path of a session asks for @token from the next connect on.
 * What its server said of another token is void, and it is asked again at once.
 */
void vdisk_path_renew(struct vdisk_path *path, const char *token);

/* vdisk_path_ended - whether its server says that the session is over; @words: as told, or NULL */
bool vdisk_path_ended(struct vdisk_path *path, char *words);

/*
 * vdisk_conn_submit - queues @wire to be sent.  Returns false when the
 * connection takes none.  Never sleeps.
 */
bool vdisk_conn_submit(struct vdisk_conn *conn, struct vdisk_wire *wire);

/* How much it has to do; a hint. */
static inline unsigned int vdisk_conn_load(const struct vdisk_conn *conn)
{
	return READ_ONCE(conn->inflight) + READ_ONCE(conn->queued);
}

/* vdisk_conn_fail_now - revokes all it has; any context. */
void vdisk_conn_fail_now(struct vdisk_conn *conn, blk_status_t status);

static inline void vdisk_conn_wake(struct vdisk_conn *conn)
{
	wake_up(&conn->wait);
}

/* Wakes the thread if there is something to send. */
static inline void vdisk_conn_kick(struct vdisk_conn *conn)
{
	if (READ_ONCE(conn->queued) && wq_has_sleeper(&conn->wait))
		wake_up(&conn->wait);
}

/* vdisk_conn_end - the connection must end; any context, the first reason stays. */
void vdisk_conn_end(struct vdisk_conn *conn, int error, const char *why);

/* socket.c */
int vdisk_socket_init(void);
void vdisk_socket_uninit(void);
int vdisk_socket_connect(struct vdisk_conn *conn, const struct vdisk_address *addr, u16 port);
void vdisk_socket_close(struct vdisk_conn *conn, bool orderly);
int vdisk_socket_send(struct vdisk_conn *conn, const void *buf, size_t len);
int vdisk_socket_recv(struct vdisk_conn *conn, void *buf, size_t len);
void vdisk_socket_stream(struct vdisk_conn *conn);
bool vdisk_socket_failed(struct vdisk_conn *conn);

/* send.c: sends until the connection must end; returns why, a negative errno */
int vdisk_send_loop(struct vdisk_conn *conn);

/* receive.c: takes all that has come; the socket is locked by the caller's caller */
void vdisk_receive(struct vdisk_conn *conn);
void vdisk_receive_start(struct vdisk_conn *conn, bool structured);

#endif
