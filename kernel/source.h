/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A source: one remote image version, its paths (servers), and the wire
 * requests that are on no connection.  A wire request is at any time either
 * in a list of the source, or with exactly one connection.
 */
#ifndef VDISK_SOURCE_H
#define VDISK_SOURCE_H

#include <linux/completion.h>
#include <linux/mempool.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "device.h"
#include "handshake.h"
#include "stats.h"

struct vdisk_conn;
struct vdisk_path;
struct vdisk_wire;

enum vdisk_source_limits {
	VDISK_WIRE_RESERVE	= 64,		/* wire requests kept for hard times */
	VDISK_RETRY_MS		= 100,		/* pause before what ENOMEM refused goes again */
	VDISK_SMALL		= 32 << 10,	/* bytes; longer ones don't get in its way */
	VDISK_CONNS_MAX		= VDISK_SERVERS_MAX * VDISK_CONNECTIONS_MAX,
};

struct vdisk_source {
	struct vdisk_device *dev;	/* is told of changes: vdisk_device_source_*() */
	struct net *net;		/* a reference */
	struct vdisk_stats __percpu *stats; /* the device's */
	mempool_t *pool;
	bool writable;			/* write requests go to the server */

	unsigned int nr_paths, nr_conns;
	struct vdisk_path *path[VDISK_SERVERS_MAX];
	struct vdisk_conn *conn[VDISK_CONNS_MAX];
	unsigned long last_small;	/* jiffies; written without a lock */

	/*
	 * Protects all below.  Taken inside nothing, never with a connection's
	 * locks; softirq takes it too.
	 */
	spinlock_t lock;
	struct list_head waiting;	/* wire requests without a connection */
	struct list_head delayed;	/* those that wait a moment before they go again */
	unsigned int up;		/* connections that are up */
	bool dead;			/* fail-now: everything fails, for good */
	bool offline;			/* the servers were given up, for now */
	bool ended;			/* ... for good: none is tried; read without the lock */
	bool known;			/* ex is valid, and does not change any more */
	struct vdisk_path *first;	/* whose export ex is */
	struct vdisk_export ex;
	struct delayed_work retry_work;	/* sends the delayed ones */
};

/* vdisk_source_create - the objects; connects nothing yet.  Sleeps.  ERR_PTR on failure. */
struct vdisk_source *vdisk_source_create(struct vdisk_device *dev, struct net *net,
					 const struct vdisk_config *cfg,
					 struct vdisk_stats __percpu *stats);
/* vdisk_source_start - starts the connections' threads.  Sleeps. */
int vdisk_source_start(struct vdisk_source *src);
/* vdisk_source_stop - ends the threads; fail-now must have come before.  Sleeps. */
void vdisk_source_stop(struct vdisk_source *src);
void vdisk_source_destroy(struct vdisk_source *src);

/*
 * vdisk_source_submit - takes over the wire requests in @list, in order.  They
 * may be finished before it returns.  Never sleeps.  vdisk_source_kick() wakes
 * the senders.
 */
void vdisk_source_submit(struct vdisk_source *src, struct list_head *list);
void vdisk_source_kick(struct vdisk_source *src);

/* vdisk_source_requeue - a connection gives back what it could not finish. */
void vdisk_source_requeue(struct vdisk_source *src, struct list_head *list);

/* vdisk_source_delay - keeps @wire for VDISK_RETRY_MS, then submits it again. */
void vdisk_source_delay(struct vdisk_source *src, struct vdisk_wire *wire);

/*
 * vdisk_source_reply - @wire was answered on @conn with rq.error; it is out of
 * the table.  Decides what goes up and what goes out again.  Softirq.
 */
void vdisk_source_reply(struct vdisk_source *src, struct vdisk_conn *conn,
			struct vdisk_wire *wire);

/*
 * vdisk_source_check - may @conn serve this source?  The first one's export
 * becomes the source's.  Returns 0 or -EINVAL with the reason in @text
 * (VDISK_HS_TEXT bytes).
 */
int vdisk_source_check(struct vdisk_source *src, struct vdisk_conn *conn,
		       const struct vdisk_export *ex, char *text);

/* Whether ex is valid; it may be read without the lock then. */
static inline bool vdisk_source_known(const struct vdisk_source *src)
{
	return smp_load_acquire(&src->known);	/* pairs with first_export() */
}

/* A connection is up, is down: counts, sends what waited, tells the device. */
void vdisk_source_conn_up(struct vdisk_source *src);
void vdisk_source_conn_down(struct vdisk_source *src);

/* Does I/O wait for a connection?  Decides how soon one is tried. */
bool vdisk_source_hungry(struct vdisk_source *src);

/*
 * vdisk_source_fail_now - fails all I/O, now and from now on.  Never sleeps;
 * may be called from any context, several times.
 */
void vdisk_source_fail_now(struct vdisk_source *src);

/*
 * vdisk_source_offline - fails what waits, and what comes until a server is back.
 * @ended: no server is tried any more.  vdisk_source_revive() is the opposite.
 */
void vdisk_source_offline(struct vdisk_source *src, bool ended);
void vdisk_source_revive(struct vdisk_source *src);

/*
 * vdisk_source_ended - of how many servers the last word is that the session is over.
 * @words: VDISK_HS_TEXT bytes for the first one's, unless it is 0; or NULL.
 */
unsigned int vdisk_source_ended(struct vdisk_source *src, char *words);

#endif
