// SPDX-License-Identifier: GPL-2.0
/*
 * Paths and the threads of their connections.
 *
 * Invariants
 *  1. A connection's thread is the only one that opens, closes or sends on its
 *     socket; nobody else makes a socket call.  No call blocks: the thread
 *     waits on conn->wait, so ->stop is always heard.
 *  2. conn->up is true only while the thread is in vdisk_send_loop(); who finds
 *     it false under tx_lock must not queue.
 *  3. When conn_down() has closed the socket no receiver runs, and what is in
 *     the table and in tx goes back to the source.
 *  4. The lead connection (index 0) goes first; the others begin once it is up
 *     and several are safe.  What is written through has one connection only:
 *     a write goes out again after a new GO, before which the server is done
 *     with all it got earlier, and on no connection that was there already.
 *  5. A path is UP as long as a connection is: ->connected and ->state change
 *     under one lock.  ->news orders a change and the event that tells of it.
 *
 *  state of a path          who                         why
 *  DOWN -> CONNECTING       conn_connect(), lead        time for the next try
 *  CONNECTING -> UP         conn_up()                   GO answered, export accepted
 *  CONNECTING -> DOWN       conn_failed(), lead         no answer, broken protocol
 *  CONNECTING -> REFUSED    conn_failed(), lead         the server's no, or another image
 *  UP -> DOWN               conn_down(), last one       connection lost
 */
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "device_priv.h"
#include "path.h"
#include "wire.h"

/*----- state of the path -----*/

/* Returns whether it is worth telling: each try of a server that is away is not. */
static bool path_set(struct vdisk_path *path, u32 state, const char *reason)
{
	bool news = false;

	lockdep_assert_held(&path->lock);
	/* one connection may be trying, or failing, while others are up */
	if (state != VDISK_PATH_UP && path->connected)
		return false;
	if (path->state != state)
		path->since = jiffies;
	path->state = state;
	if (state != VDISK_PATH_CONNECTING) {
		news = path->told != state || strcmp(path->reason, reason);
		path->told = state;
		strscpy(path->reason, reason, sizeof(path->reason));
	}
	return news;
}

static void path_event(struct vdisk_path *path, u32 event, const char *reason)
{
	vdisk_device_path_event(path->src->dev, event, path->config, reason);
}

/* What to ask for as long as the server named no version; the lock is held. */
static const char *__path_export(const struct vdisk_path *path)
{
	return path->token[0] ? path->token : path->config->export;
}

void vdisk_path_info(struct vdisk_path *path, struct vdisk_path_info *info)
{
	unsigned long now = jiffies;
	unsigned int i;

	info->config = path->config;
	spin_lock_bh(&path->lock);
	info->state = path->state;
	info->since_ms = jiffies_to_msecs(now - path->since);
	if (path->state != VDISK_PATH_UP && !READ_ONCE(path->src->ended) &&
	    time_after(path->next_try, now))
		info->next_try_ms = jiffies_to_msecs(path->next_try - now);
	info->attempts = path->attempts;
	info->connected = path->connected;
	info->reconnects = path->reconnects;
	strscpy(info->reason, path->reason, sizeof(info->reason));
	strscpy(info->name, path->name, sizeof(info->name));
	strscpy(info->export, __path_export(path), sizeof(info->export));
	spin_unlock_bh(&path->lock);
	for (i = 0; i < path->nr_conns; i++) {
		const struct vdisk_conn *conn = path->conn[i];

		info->inflight += vdisk_conn_load(conn);
		info->rx_bytes += READ_ONCE(conn->rx_bytes);
		info->tx_bytes += READ_ONCE(conn->tx_bytes);
		info->requests += READ_ONCE(conn->requests);
		info->errors += READ_ONCE(conn->errors);
	}
}

void vdisk_path_renew(struct vdisk_path *path, const char *token)
{
	unsigned int i;
	bool same;

	if (path->config->export[0] != '~')
		return;
	spin_lock_bh(&path->lock);
	same = !strcmp(__path_export(path), token);
	if (!same) {
		strscpy(path->token, token, sizeof(path->token));
		WRITE_ONCE(path->renewals, path->renewals + 1);
		path->ended = false;
	}
	spin_unlock_bh(&path->lock);
	for (i = 0; !same && i < path->nr_conns; i++)
		vdisk_conn_wake(path->conn[i]);
}

bool vdisk_path_ended(struct vdisk_path *path, char *words)
{
	bool ended;

	spin_lock_bh(&path->lock);
	ended = path->ended;
	if (ended && words)
		strscpy(words, path->reason, VDISK_HS_TEXT);
	spin_unlock_bh(&path->lock);
	return ended;
}

/*----- what others do with a connection -----*/

bool vdisk_conn_submit(struct vdisk_conn *conn, struct vdisk_wire *wire)
{
	bool taken;

	spin_lock_bh(&conn->tx_lock);
	taken = conn->up && !READ_ONCE(conn->src->dead);
	if (taken) {
		list_add_tail(&wire->link, &conn->tx);
		WRITE_ONCE(conn->queued, conn->queued + 1);
	}
	spin_unlock_bh(&conn->tx_lock);
	return taken;
}

void vdisk_conn_end(struct vdisk_conn *conn, int error, const char *why)
{
	spin_lock_bh(&conn->tx_lock);
	WRITE_ONCE(conn->up, false);
	if (!conn->error) {
		conn->why = why;
		WRITE_ONCE(conn->error, error);
	}
	spin_unlock_bh(&conn->tx_lock);
	vdisk_conn_wake(conn);
}

void vdisk_conn_fail_now(struct vdisk_conn *conn, blk_status_t status)
{
	struct vdisk_wire *wire, *next;
	unsigned int i;
	LIST_HEAD(list);

	spin_lock_bh(&conn->tx_lock);
	list_splice_init(&conn->tx, &list);
	WRITE_ONCE(conn->queued, 0);
	spin_unlock_bh(&conn->tx_lock);
	list_for_each_entry_safe(wire, next, &list, link) {
		list_del_init(&wire->link);
		if (vdisk_wire_finish(wire, status))
			vdisk_wire_free(conn->src->pool, wire);
	}
	spin_lock_bh(&conn->slot_lock);
	for (i = 0; i < VDISK_CONN_DEPTH; i++)
		if (conn->slot[i])
			vdisk_wire_revoke(conn->slot[i], status);
	spin_unlock_bh(&conn->slot_lock);
	vdisk_conn_wake(conn);
}

/*----- the thread -----*/

/* Whether this connection is wanted now. */
static bool conn_wanted(struct vdisk_conn *conn)
{
	struct vdisk_source *src = conn->src;

	if (READ_ONCE(src->ended))
		return false;
	if (!conn->index)
		return true;
	return !src->writable && READ_ONCE(conn->path->state) == VDISK_PATH_UP &&
	       vdisk_source_known(src) && (src->ex.flags & NBD_FLAG_CAN_MULTI_CONN);
}

int vdisk_handshake_send(void *ctx, const void *buf, size_t len)
{
	return vdisk_socket_send(ctx, buf, len);
}

int vdisk_handshake_recv(void *ctx, void *buf, size_t len)
{
	return vdisk_socket_recv(ctx, buf, len);
}

static const char *errno_text(int error)
{
	switch (error) {
	case -ECONNREFUSED:
		return "connection refused";
	case -ETIMEDOUT:
		return "no answer in time";
	case -ENETUNREACH:
		return "network is unreachable";
	case -EHOSTUNREACH:
		return "host is unreachable";
	case -ECONNRESET:
	case -EPIPE:
		return "the connection was closed";
	case -EADDRNOTAVAIL:
		return "no address to connect from";
	case -ENOMEM:
		return "out of memory";
	case -EINTR:
		return "being stopped";
	case -ENODATA:
		return "no answer to requests";
	default:
		return "the connection failed";
	}
}

/*
 * The name to ask for: what the user gave until the server said which version
 * it stands for, then that one: publishing a new version never meets us.
 */
static void conn_export_name(struct vdisk_conn *conn)
{
	struct vdisk_path *path = conn->path;

	spin_lock_bh(&path->lock);
	strscpy(conn->ask, path->name[0] ? path->name : __path_export(path),
		sizeof(conn->ask));
	spin_unlock_bh(&path->lock);
}

static int conn_negotiate(struct vdisk_conn *conn)
{
	int ret;

	conn_export_name(conn);
	conn->deadline = jiffies + msecs_to_jiffies(conn->src->writable ? VDISK_DRAIN_MS :
						    VDISK_HANDSHAKE_MS);
	ret = vdisk_handshake(conn, conn->ask, &conn->ex, conn->text);
	if (!ret)
		ret = vdisk_source_check(conn->src, conn, &conn->ex, conn->text);
	/* from the network itself the same errors are no server's word */
	conn->refused = ret == -EACCES || ret == -ENOENT || ret == -EINVAL ||
			ret == -EKEYREVOKED;
	return ret;
}

/* The next try is made at another address of the server. */
static void next_address(struct vdisk_conn *conn)
{
	struct vdisk_path *path = conn->path;

	if (!conn->index)
		path->next_address = (path->next_address + 1) % path->config->nr_addresses;
}

/* Connects to an address of the server; GO is answered when it returns 0. */
static int conn_connect(struct vdisk_conn *conn)
{
	struct vdisk_path *path = conn->path;
	const struct vdisk_server_config *cfg = path->config;
	int ret;

	if (!conn->index) {
		spin_lock_bh(&path->lock);
		path_set(path, VDISK_PATH_CONNECTING, NULL);
		path->attempts++;
		spin_unlock_bh(&path->lock);
	}
	conn->last_try = jiffies;
	conn->renewals = READ_ONCE(path->renewals);
	conn->refused = false;
	ret = vdisk_socket_connect(conn, &cfg->address[path->next_address], cfg->port);
	if (ret < 0) {
		next_address(conn);
		strscpy(conn->text, errno_text(ret), sizeof(conn->text));
		return ret;
	}
	conn->text[0] = '\0';
	ret = conn_negotiate(conn);
	if (ret < 0) {
		if (!conn->text[0])
			strscpy(conn->text, errno_text(ret), sizeof(conn->text));
		vdisk_socket_close(conn, conn->refused || ret == -EINTR);
		if (!conn->refused)
			next_address(conn);
	}
	return ret;
}

static void conn_failed(struct vdisk_conn *conn, int error)
{
	const char *text = conn->text;
	struct vdisk_path *path = conn->path;
	bool news;

	conn->failures++;
	if (error == -EINTR)
		return;
	mutex_lock(&path->news);
	spin_lock_bh(&path->lock);
	news = path_set(path, conn->refused ? VDISK_PATH_REFUSED : VDISK_PATH_DOWN, text);
	/* what was said of a token that has been replaced meanwhile is void */
	path->ended = error == -EKEYREVOKED && !path->connected &&
		      conn->renewals == path->renewals;
	spin_unlock_bh(&path->lock);
	if (news)
		path_event(path, conn->refused ? VDISK_EVENT_PATH_REFUSED :
			   VDISK_EVENT_PATH_DOWN, text);
	mutex_unlock(&path->news);
	vdisk_device_path_changed(path->src->dev);
}

static void conn_up(struct vdisk_conn *conn)
{
	struct vdisk_path *path = conn->path;
	bool first;

	conn->error = 0;
	conn->why = NULL;
	vdisk_receive_start(conn, conn->ex.structured);
	vdisk_socket_stream(conn);

	mutex_lock(&path->news);
	spin_lock_bh(&path->lock);
	first = !path->connected++;
	path->attempts = 0;
	path->ended = false;
	/* A token names no version, and is renewed. */
	if (conn->ex.name[0] != '~')
		strscpy(path->name, conn->ex.name, sizeof(path->name));
	if (first)
		path_set(path, VDISK_PATH_UP, "");
	spin_unlock_bh(&path->lock);
	if (first)
		path_event(path, VDISK_EVENT_PATH_UP, NULL);
	mutex_unlock(&path->news);
	spin_lock_bh(&conn->tx_lock);
	WRITE_ONCE(conn->up, true);
	spin_unlock_bh(&conn->tx_lock);
	vdisk_source_conn_up(conn->src);
	if (first) {
		unsigned int i;

		for (i = 1; i < path->nr_conns; i++)
			vdisk_conn_wake(path->conn[i]);
	}
}

/* Takes all requests off the connection; nobody receives or sends any more. */
static void conn_strip(struct vdisk_conn *conn, struct list_head *list)
{
	unsigned int i;

	spin_lock_bh(&conn->slot_lock);
	for (i = 0; i < VDISK_CONN_DEPTH; i++) {
		if (!conn->slot[i])
			continue;
		list_add_tail(&conn->slot[i]->link, list);
		conn->slot[i] = NULL;
	}
	bitmap_fill(conn->free, VDISK_CONN_DEPTH);
	WRITE_ONCE(conn->inflight, 0);
	conn->starved = false;
	spin_unlock_bh(&conn->slot_lock);

	spin_lock_bh(&conn->tx_lock);
	list_splice_tail_init(&conn->tx, list);
	WRITE_ONCE(conn->queued, 0);
	spin_unlock_bh(&conn->tx_lock);
}

static void conn_down(struct vdisk_conn *conn, int error)
{
	struct vdisk_path *path = conn->path;
	const char *why = conn->why ?: errno_text(error);
	LIST_HEAD(list);
	bool last;

	vdisk_conn_end(conn, error, why);
	vdisk_socket_close(conn, error == -EINTR);
	conn_strip(conn, &list);

	mutex_lock(&path->news);
	spin_lock_bh(&path->lock);
	last = !--path->connected && error != -EINTR;
	path->reconnects++;
	if (last)
		path_set(path, VDISK_PATH_DOWN, why);
	spin_unlock_bh(&path->lock);
	if (last)
		path_event(path, VDISK_EVENT_PATH_DOWN, why);
	mutex_unlock(&path->news);
	vdisk_source_conn_down(conn->src);
	vdisk_source_requeue(conn->src, &list);
}

/*
 * How long to pause before the next try, in jiffies: doubling, with jitter so
 * that a thousand clients that lost a server at one moment do not come back at
 * one moment.  @failures: in a row, at least 1.
 */
static unsigned long conn_pause(struct vdisk_conn *conn, bool hungry)
{
	u32 max = hungry ? VDISK_RETRY_BUSY_MS : VDISK_RETRY_IDLE_MS;
	u32 ms = VDISK_RETRY_FIRST_MS << min(conn->failures, 12u);

	if (conn->refused)
		return msecs_to_jiffies(VDISK_RETRY_REFUSED_MS / 2 +
					get_random_u32_below(VDISK_RETRY_REFUSED_MS));
	ms = min(ms, max);
	return msecs_to_jiffies(ms / 2 + get_random_u32() % (ms / 2 + 1));
}

/* Whether a pause has lost its reason. */
static bool conn_called(const struct vdisk_conn *conn)
{
	return READ_ONCE(conn->stop) || READ_ONCE(conn->src->ended) ||
	       (conn->refused && conn->renewals != READ_ONCE(conn->path->renewals));
}

/* Pauses after a failure; shorter as soon as I/O waits. */
static void conn_backoff(struct vdisk_conn *conn)
{
	struct vdisk_source *src = conn->src;
	bool hungry = vdisk_source_hungry(src);
	unsigned long until = jiffies + conn_pause(conn, hungry);
	struct vdisk_path *path = conn->path;

	do {
		if (!conn->index) {
			spin_lock_bh(&path->lock);
			path->next_try = until;
			spin_unlock_bh(&path->lock);
		}
		wait_event_idle_timeout(conn->wait, conn_called(conn) ||
					hungry != vdisk_source_hungry(src),
					max_t(long, until - jiffies, 0));
		if (conn_called(conn))
			return;
		if (!hungry && vdisk_source_hungry(src)) {
			unsigned long sooner = conn->last_try + conn_pause(conn, true);

			hungry = true;
			if (time_before(sooner, until))
				until = sooner;
		} else if (hungry && !vdisk_source_hungry(src)) {
			hungry = false;
		}
	} while (time_before(jiffies, until));
}

/*
 * A connection counts as good when something was answered on it, or it lasted:
 * a server that says yes to GO and then breaks is not asked ten times a second.
 */
static void conn_once(struct vdisk_conn *conn)
{
	u64 answered = conn->requests;
	unsigned long since;
	int ret = conn_connect(conn);

	if (ret < 0) {
		conn_failed(conn, ret);
		conn_backoff(conn);
		return;
	}
	since = jiffies;
	conn_up(conn);
	ret = vdisk_send_loop(conn);
	conn_down(conn, ret);
	if (READ_ONCE(conn->stop))
		return;
	if (conn->requests != answered || time_after(jiffies, since + VDISK_GOOD_S * HZ))
		conn->failures = 0;
	conn->failures++;
	conn_backoff(conn);
}

static int conn_thread(void *data)
{
	/* the page that is to be written out may wait for what we need to allocate */
	unsigned int noio = memalloc_noio_save();
	unsigned int noreclaim = memalloc_noreclaim_save();
	struct vdisk_conn *conn = data;

	while (!READ_ONCE(conn->stop)) {
		if (conn_wanted(conn))
			conn_once(conn);
		else
			wait_event_idle(conn->wait, READ_ONCE(conn->stop) || conn_wanted(conn));
	}
	wait_event_idle(conn->wait, kthread_should_stop());
	memalloc_noreclaim_restore(noreclaim);
	memalloc_noio_restore(noio);
	return 0;
}

/*----- life -----*/

static struct vdisk_conn *conn_create(struct vdisk_path *path, unsigned int index)
{
	struct vdisk_conn *conn = kvzalloc(sizeof(*conn), GFP_KERNEL);

	if (!conn)
		return NULL;
	conn->tx_page = alloc_page(GFP_KERNEL);
	if (!conn->tx_page) {
		kvfree(conn);
		return NULL;
	}
	conn->path = path;
	conn->src = path->src;
	conn->index = index;
	conn->last_rx = jiffies;
	init_waitqueue_head(&conn->wait);
	spin_lock_init(&conn->tx_lock);
	INIT_LIST_HEAD(&conn->tx);
	spin_lock_init(&conn->slot_lock);
	bitmap_fill(conn->free, VDISK_CONN_DEPTH);
	return conn;
}

static void conn_destroy(struct vdisk_conn *conn)
{
	__free_page(conn->tx_page);
	kvfree(conn);
}

struct vdisk_path *vdisk_path_create(struct vdisk_source *src, unsigned int index,
				     const struct vdisk_server_config *cfg, unsigned int conns)
{
	struct vdisk_path *path = kzalloc(sizeof(*path), GFP_KERNEL);

	if (!path)
		return NULL;
	path->src = src;
	path->index = index;
	path->config = cfg;
	mutex_init(&path->news);
	spin_lock_init(&path->lock);
	path->since = jiffies;
	path->next_try = jiffies;
	while (path->nr_conns < conns) {
		struct vdisk_conn *conn = conn_create(path, path->nr_conns);

		if (!conn) {
			vdisk_path_destroy(path);
			return NULL;
		}
		path->conn[path->nr_conns++] = conn;
	}
	return path;
}

void vdisk_path_destroy(struct vdisk_path *path)
{
	unsigned int i;

	for (i = 0; i < path->nr_conns; i++)
		conn_destroy(path->conn[i]);
	kfree(path);
}

int vdisk_path_start(struct vdisk_path *path)
{
	unsigned int i;

	for (i = 0; i < path->nr_conns; i++) {
		struct vdisk_conn *conn = path->conn[i];
		struct task_struct *thread;

		thread = kthread_run(conn_thread, conn, "vdisk%u/%u.%u",
				     vdisk_device_number(path->src->dev), path->index, i);
		if (IS_ERR(thread))
			return PTR_ERR(thread);
		conn->thread = thread;
	}
	return 0;
}

void vdisk_path_ask_stop(struct vdisk_path *path)
{
	unsigned int i;

	for (i = 0; i < path->nr_conns; i++) {
		WRITE_ONCE(path->conn[i]->stop, true);
		vdisk_conn_wake(path->conn[i]);
	}
}

void vdisk_path_stop(struct vdisk_path *path)
{
	unsigned int i;

	for (i = 0; i < path->nr_conns; i++) {
		if (!path->conn[i]->thread)
			continue;
		kthread_stop(path->conn[i]->thread);
		path->conn[i]->thread = NULL;
	}
}
