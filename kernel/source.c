// SPDX-License-Identifier: GPL-2.0
/*
 * The source: which connection a wire request goes to, what becomes of it when
 * none is there, and which errors go up (see vdisk_source_reply()).
 */
#include <linux/slab.h>
#include <net/net_namespace.h>
#include "device_priv.h"
#include "path.h"
#include "wire.h"

/*----- handing out -----*/

static void fail_wire(struct vdisk_source *src, struct vdisk_wire *wire, blk_status_t status)
{
	if (vdisk_wire_finish(wire, status))
		vdisk_wire_free(src->pool, wire);
}

static void fail_list(struct vdisk_source *src, struct list_head *list, blk_status_t status)
{
	struct vdisk_wire *wire, *next;

	list_for_each_entry_safe(wire, next, list, link) {
		list_del_init(&wire->link);
		fail_wire(src, wire, status);
	}
}

/*
 * The connection with the least to do, on a path not in @tried.  With @spare,
 * the first is left to others: what is large would be in their way there, in
 * the server's buffers and in TCP's.
 */
static struct vdisk_conn *pick(struct vdisk_source *src, u8 tried, bool spare)
{
	struct vdisk_conn *best = NULL, *spared = NULL;
	unsigned int least = UINT_MAX, i;

	for (i = 0; i < src->nr_conns; i++) {
		struct vdisk_conn *conn = src->conn[i];
		unsigned int load;

		if (!READ_ONCE(conn->up) || tried & BIT(conn->path->index))
			continue;
		if (spare && !spared) {
			spared = conn;
			continue;
		}
		load = vdisk_conn_load(conn);
		if (load < least) {
			least = load;
			best = conn;
		}
	}
	return best ?: spared;
}

/* Is @wire large, while small ones are on their way, too? */
static bool must_spare(struct vdisk_source *src, const struct vdisk_wire *wire)
{
	unsigned long now = jiffies;

	if (wire->rq.length > VDISK_SMALL)
		return time_before(now, READ_ONCE(src->last_small) + HZ);
	if (READ_ONCE(src->last_small) != now)
		WRITE_ONCE(src->last_small, now);
	return false;
}

static void wake_all(struct vdisk_source *src)
{
	unsigned int i;

	for (i = 0; i < src->nr_conns; i++)
		vdisk_conn_wake(src->conn[i]);
}

/*
 * Puts @wire on the waiting list.  Returns false when a connection has come up
 * meanwhile: vdisk_source_conn_up() empties the list after it set ->up, so one
 * of the two sees the other.
 */
static bool wait_for_conn(struct vdisk_source *src, struct vdisk_wire *wire)
{
	bool offline, dead, first;

	spin_lock_bh(&src->lock);
	dead = src->dead;
	offline = src->offline;
	if (!dead && pick(src, 0, false)) {
		spin_unlock_bh(&src->lock);
		return false;
	}
	first = list_empty(&src->waiting);
	if (!dead && !offline)
		list_add_tail(&wire->link, &src->waiting);
	spin_unlock_bh(&src->lock);
	if (dead || offline)
		fail_wire(src, wire, dead ? BLK_STS_IOERR : BLK_STS_OFFLINE);
	else if (first)
		wake_all(src);	/* someone waits: shorter pauses from now on */
	return true;
}

static void submit_one(struct vdisk_source *src, struct vdisk_wire *wire)
{
	bool spare = must_spare(src, wire);

	for (;;) {
		struct vdisk_conn *conn;

		if (unlikely(READ_ONCE(src->dead))) {
			fail_wire(src, wire, BLK_STS_IOERR);
			return;
		}
		conn = pick(src, wire->tried, spare);
		if (!conn && wire->tried) {
			wire->tried = 0;
			continue;
		}
		if (conn && vdisk_conn_submit(conn, wire))
			return;
		if (!conn && wait_for_conn(src, wire))
			return;
	}
}

void vdisk_source_submit(struct vdisk_source *src, struct list_head *list)
{
	struct vdisk_wire *wire, *next;

	list_for_each_entry_safe(wire, next, list, link) {
		list_del_init(&wire->link);
		submit_one(src, wire);
	}
}

void vdisk_source_kick(struct vdisk_source *src)
{
	unsigned int i;

	for (i = 0; i < src->nr_conns; i++)
		vdisk_conn_kick(src->conn[i]);
}

void vdisk_source_requeue(struct vdisk_source *src, struct list_head *list)
{
	struct vdisk_wire *wire, *next;

	list_for_each_entry_safe(wire, next, list, link) {
		list_del_init(&wire->link);
		if (vdisk_wire_revoked(wire)) {
			vdisk_wire_free(src->pool, wire);
			continue;
		}
		vdisk_wire_rewind(wire);
		vdisk_stats_add(src->stats, VDISK_STATS_A_RETRIES, 1);
		submit_one(src, wire);
	}
	vdisk_source_kick(src);
}

/*----- replies -----*/

void vdisk_source_delay(struct vdisk_source *src, struct vdisk_wire *wire)
{
	bool dead;

	spin_lock_bh(&src->lock);
	dead = src->dead;
	if (!dead)
		list_add_tail(&wire->link, &src->delayed);
	spin_unlock_bh(&src->lock);
	if (dead) {
		fail_wire(src, wire, BLK_STS_IOERR);
		return;
	}
	queue_delayed_work(vdisk_wq, &src->retry_work, msecs_to_jiffies(VDISK_RETRY_MS));
}

/*
 * Goes out again, but not while the sender still has a claim on it: the answer
 * may be here before the call that sent the request has returned.
 */
static void retry_wire(struct vdisk_source *src, struct vdisk_wire *wire)
{
	LIST_HEAD(list);

	if (atomic_read(&wire->state)) {
		vdisk_source_delay(src, wire);
		return;
	}
	list_add(&wire->link, &list);
	vdisk_source_requeue(src, &list);
}

static blk_status_t status_of(u32 error)
{
	switch (error) {
	case NBD_SUCCESS:
		return BLK_STS_OK;
	case NBD_ENOSPC:
		return BLK_STS_NOSPC;
	case NBD_ENOTSUP:
		return BLK_STS_NOTSUPP;
	default:
		return BLK_STS_IOERR;
	}
}

static void retry_worker(struct work_struct *work)
{
	struct vdisk_source *src = container_of(work, struct vdisk_source, retry_work.work);
	LIST_HEAD(list);

	spin_lock_bh(&src->lock);
	list_splice_init(&src->delayed, &list);
	spin_unlock_bh(&src->lock);
	vdisk_source_requeue(src, &list);
}

/*
 * What is a matter of the server's moment goes out again; EIO may be of one
 * server only, so each other one is asked once; the rest would be the same
 * everywhere.
 */
void vdisk_source_reply(struct vdisk_source *src, struct vdisk_conn *conn,
			struct vdisk_wire *wire)
{
	switch (likely(!vdisk_wire_revoked(wire)) ? wire->rq.error : NBD_SUCCESS) {
	case NBD_ESHUTDOWN:
		vdisk_conn_end(conn, -ESHUTDOWN, "the server shuts down");
		retry_wire(src, wire);
		return;
	case NBD_ENOMEM:
		vdisk_source_delay(src, wire);
		return;
	case NBD_EIO:
		wire->tried |= BIT(conn->path->index);
		if (!pick(src, wire->tried, false))
			break;
		retry_wire(src, wire);
		return;
	}
	if (vdisk_wire_finish(wire, status_of(wire->rq.error)))
		vdisk_wire_free(src->pool, wire);
}

/*----- which servers may serve -----*/

static bool first_export(struct vdisk_source *src, struct vdisk_conn *conn,
			 const struct vdisk_export *ex, char *text)
{
	u32 max = min_t(u32, ex->block_max, VDISK_IO_SECTORS << SECTOR_SHIFT);

	if (ex->size < SECTOR_SIZE || ex->size < ex->block_min) {
		scnprintf(text, VDISK_HS_TEXT, "the export has %llu bytes, less than a block",
			  ex->size);
		return false;
	}
	if (src->writable && ex->block_min > PAGE_SIZE) {
		scnprintf(text, VDISK_HS_TEXT,
			  "its smallest block, %u bytes, is too large for a disk that is written through",
			  ex->block_min);
		return false;
	}
	src->ex = *ex;
	src->ex.block_max = max(round_down(max, ex->block_min), ex->block_min);
	src->first = conn->path;
	/* who sees it, without the lock, sees the export too */
	smp_store_release(&src->known, true);
	return true;
}

/* Tokens of a session differ from one renewal to the next, for the same version. */
static bool same_name(const char *a, const char *b)
{
	return (a[0] == '~' && b[0] == '~') || !strcmp(a, b);
}

static bool same_export(struct vdisk_source *src, struct vdisk_conn *conn,
			const struct vdisk_export *ex, char *text)
{
	const struct vdisk_export *old = &src->ex;

	if (ex->size != old->size)
		scnprintf(text, VDISK_HS_TEXT, "the export has %llu bytes now, not %llu",
			  ex->size, old->size);
	else if (old->stamp[0] && strcmp(ex->stamp, old->stamp))
		scnprintf(text, VDISK_HS_TEXT, "another image: its stamp is '%.96s'", ex->stamp);
	else if (!old->stamp[0] && conn->path != src->first)
		strscpy(text, "no stamp: can't be proved to be the same image", VDISK_HS_TEXT);
	else if (conn->path == src->first && !same_name(ex->name, old->name))
		scnprintf(text, VDISK_HS_TEXT, "it serves '%.96s' now", ex->name);
	else if (old->block_min % ex->block_min || ex->block_max < old->block_max)
		scnprintf(text, VDISK_HS_TEXT, "its block sizes %u to %u do not hold %u to %u",
			  ex->block_min, ex->block_max, old->block_min, old->block_max);
	else if (old->flags & ~ex->flags & (NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
					    NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES) &&
		 src->writable)
		strscpy(text, "it no longer offers all commands it did", VDISK_HS_TEXT);
	else
		return true;
	return false;
}

int vdisk_source_check(struct vdisk_source *src, struct vdisk_conn *conn,
		       const struct vdisk_export *ex, char *text)
{
	bool ok;

	if (src->writable && (ex->flags & NBD_FLAG_READ_ONLY)) {
		strscpy(text, "the export is read-only, and --write-through was asked for",
			VDISK_HS_TEXT);
		return -EINVAL;
	}
	spin_lock_bh(&src->lock);
	ok = src->known ? same_export(src, conn, ex, text) : first_export(src, conn, ex, text);
	spin_unlock_bh(&src->lock);
	return ok ? 0 : -EINVAL;
}

/*----- up and down -----*/

void vdisk_source_conn_up(struct vdisk_source *src)
{
	LIST_HEAD(list);
	bool ended;

	spin_lock_bh(&src->lock);
	WRITE_ONCE(src->up, src->up + 1);
	src->offline = false;
	ended = src->ended;
	WRITE_ONCE(src->ended, false);
	list_splice_init(&src->waiting, &list);
	spin_unlock_bh(&src->lock);
	if (ended)
		wake_all(src);
	vdisk_device_source_changed(src->dev);
	vdisk_source_submit(src, &list);
	vdisk_source_kick(src);
}

void vdisk_source_conn_down(struct vdisk_source *src)
{
	spin_lock_bh(&src->lock);
	WRITE_ONCE(src->up, src->up - 1);
	spin_unlock_bh(&src->lock);
	vdisk_device_source_changed(src->dev);
}

bool vdisk_source_hungry(struct vdisk_source *src)
{
	return !list_empty_careful(&src->waiting);
}

void vdisk_source_fail_now(struct vdisk_source *src)
{
	LIST_HEAD(list);
	unsigned int i;

	spin_lock_bh(&src->lock);
	WRITE_ONCE(src->dead, true);
	list_splice_init(&src->waiting, &list);
	list_splice_init(&src->delayed, &list);
	spin_unlock_bh(&src->lock);
	fail_list(src, &list, BLK_STS_IOERR);
	for (i = 0; i < src->nr_conns; i++)
		vdisk_conn_fail_now(src->conn[i], BLK_STS_IOERR);
}

void vdisk_source_offline(struct vdisk_source *src, bool ended)
{
	LIST_HEAD(list);

	spin_lock_bh(&src->lock);
	if (!src->up) {
		src->offline = true;
		WRITE_ONCE(src->ended, ended);
		list_splice_init(&src->waiting, &list);
	}
	spin_unlock_bh(&src->lock);
	fail_list(src, &list, BLK_STS_OFFLINE);
	if (ended)
		wake_all(src);
}

void vdisk_source_revive(struct vdisk_source *src)
{
	spin_lock_bh(&src->lock);
	src->offline = false;
	WRITE_ONCE(src->ended, false);
	spin_unlock_bh(&src->lock);
	wake_all(src);
}

unsigned int vdisk_source_ended(struct vdisk_source *src, char *words)
{
	unsigned int i, said = 0;

	for (i = 0; i < src->nr_paths; i++)
		said += vdisk_path_ended(src->path[i], said ? NULL : words);
	return said;
}

/*----- life -----*/

struct vdisk_source *vdisk_source_create(struct vdisk_device *dev, struct net *net,
					 const struct vdisk_config *cfg,
					 struct vdisk_stats __percpu *stats)
{
	struct vdisk_source *src = kzalloc(sizeof(*src), GFP_KERNEL);
	unsigned int i, j;

	if (!src)
		return ERR_PTR(-ENOMEM);
	src->dev = dev;
	src->stats = stats;
	src->last_small = jiffies - HZ;
	src->writable = cfg->flags & VDISK_F_WRITE_THROUGH;
	spin_lock_init(&src->lock);
	INIT_LIST_HEAD(&src->waiting);
	INIT_LIST_HEAD(&src->delayed);
	INIT_DELAYED_WORK(&src->retry_work, retry_worker);
	src->net = get_net(net);
	src->pool = vdisk_wire_pool_create(VDISK_WIRE_RESERVE);
	if (!src->pool)
		goto err;
	for (i = 0; i < cfg->nr_servers; i++) {
		struct vdisk_path *path = vdisk_path_create(src, i, &cfg->server[i],
							    cfg->connections);
		if (!path)
			goto err;
		src->path[src->nr_paths++] = path;
		for (j = 0; j < path->nr_conns; j++)
			src->conn[src->nr_conns++] = path->conn[j];
	}
	return src;

err:
	vdisk_source_destroy(src);
	return ERR_PTR(-ENOMEM);
}

int vdisk_source_start(struct vdisk_source *src)
{
	unsigned int i;
	int ret;

	for (i = 0; i < src->nr_paths; i++) {
		ret = vdisk_path_start(src->path[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

void vdisk_source_stop(struct vdisk_source *src)
{
	unsigned int i;

	for (i = 0; i < src->nr_paths; i++)
		vdisk_path_ask_stop(src->path[i]);
	for (i = 0; i < src->nr_paths; i++)
		vdisk_path_stop(src->path[i]);
	cancel_delayed_work_sync(&src->retry_work);
}

void vdisk_source_destroy(struct vdisk_source *src)
{
	unsigned int i;

	cancel_delayed_work_sync(&src->retry_work);
	for (i = 0; i < src->nr_paths; i++)
		vdisk_path_destroy(src->path[i]);
	mempool_destroy(src->pool);
	put_net(src->net);
	kfree(src);
}
