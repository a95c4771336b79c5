// SPDX-License-Identifier: GPL-2.0
/*
 * A device's life.
 *
 * One kernel thread a device runs it from attach to gone, so that nothing has
 * to wait in netlink and no two callers can take it apart at once:
 *
 *   CONNECTING --(a server's GO)--> publish --> READY <--> LOST --(lost.c)--> FAILED, ENDED
 *       |                                         |  ^       |                | |
 *       |                                         |  +-------|-(a server's GO)+ |
 *       +--(all refuse, patience over)--> FAILED  +----------+--(detach)--------+
 *                                            |                                 |
 *                                            +-----------> DETACHING <---------+
 *                                                             |
 *                                                  disk gone, number freed, GONE
 *
 * dev->state is changed under dev->lock, and stays once it is DETACHING.
 * Failing the I/O (fail_io()) is done by whoever asks for the detach: the thread
 * may be waiting for that I/O itself, in the partition scan.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include "device_priv.h"
#include "netlink.h"
#include "path.h"
#include "stream.h"

struct workqueue_struct *vdisk_wq;
struct workqueue_struct *vdisk_submit_wq;

/* All devices by number.  An entry is there from attach to gone. */
static DEFINE_XARRAY_ALLOC(devices);

/*----- references -----*/

static void device_release(struct kref *ref)
{
	struct vdisk_device *dev = container_of(ref, struct vdisk_device, ref);

	free_percpu(dev->stats);
	put_net(dev->net);
	kvfree(dev);
}

static void device_put(struct vdisk_device *dev)
{
	kref_put(&dev->ref, device_release);
}

static struct vdisk_device *device_get(u32 number)
{
	struct vdisk_device *dev;

	xa_lock(&devices);
	dev = xa_load(&devices, number);
	if (dev)
		kref_get(&dev->ref);
	xa_unlock(&devices);
	return dev;
}

u32 vdisk_device_number(const struct vdisk_device *dev)
{
	return dev->number;
}

/*----- events and state -----*/

void vdisk_device_event(struct vdisk_device *dev, u32 event, const char *reason)
{
	struct vdisk_event_data data = { .reason = reason };

	vdisk_netlink_event(dev->net, event, dev->number, &data, false);
}

static void set_state(struct vdisk_device *dev, u32 state)
{
	spin_lock_bh(&dev->lock);
	if (dev->state != VDISK_STATE_DETACHING)
		dev->state = state;
	spin_unlock_bh(&dev->lock);
}

void vdisk_device_path_event(struct vdisk_device *dev, u32 event,
			     const struct vdisk_server_config *server, const char *reason)
{
	struct vdisk_event_data data = { .server = server, .reason = reason };
	char words[VDISK_HS_TEXT];

	if (reason) {
		spin_lock_bh(&dev->lock);
		strscpy(dev->reason, reason, sizeof(dev->reason));
		spin_unlock_bh(&dev->lock);
		vdisk_netlink_clean(words, sizeof(words), reason, false);
		pr_info("vdisk%u: %s port %u: %s\n", dev->number, server->host, server->port,
			words);
	} else {
		pr_info("vdisk%u: %s port %u: connected\n", dev->number, server->host,
			server->port);
	}
	vdisk_netlink_event(dev->net, event, dev->number, &data, false);
	wake_up(&dev->wait);
}

static void overlay_level(void *ctx, unsigned int percent)
{
	struct vdisk_device *dev = ctx;
	struct vdisk_event_data data = { .percent = percent };

	pr_warn_ratelimited("vdisk%u: overlay is %u %% full\n", dev->number, percent);
	vdisk_netlink_event(dev->net, VDISK_EVENT_OVERLAY_LEVEL, dev->number, &data, true);
}

/* One event of a kind a second is enough for anyone. */
void vdisk_device_overlay_event(struct vdisk_device *dev, u32 event)
{
	unsigned long *told = event == VDISK_EVENT_OVERLAY_NOMEM ? &dev->told_nomem :
			      event == VDISK_EVENT_OVERLAY_FULL ? &dev->told_full :
			      &dev->told_enospc;
	unsigned long before = READ_ONCE(*told), now = jiffies | 1;

	if ((before && time_before(now, before + HZ)) || cmpxchg(told, before, now) != before)
		return;
	if (event == VDISK_EVENT_OVERLAY_ENOSPC)
		pr_warn("vdisk%u: overlay: a write was failed for want of space\n", dev->number);
	vdisk_netlink_event(dev->net, event, dev->number, NULL, true);
}

/*----- the disk -----*/

static int disk_open(VDISK_OPEN_ARGS(d))
{
	struct vdisk_device *dev = vdisk_open_disk(d)->private_data;
	int ret = 0;

	spin_lock_bh(&dev->lock);
	if (dev->stopping)
		ret = -ENXIO;
	else
		dev->openers++;
	spin_unlock_bh(&dev->lock);
	return ret;
}

static void disk_release(VDISK_RELEASE_ARGS(d))
{
	struct vdisk_device *dev = d->private_data;

	spin_lock_bh(&dev->lock);
	dev->openers--;
	spin_unlock_bh(&dev->lock);
}

static void disk_free(struct gendisk *disk)
{
	device_put(disk->private_data);
}

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
	.open = disk_open,
	.release = disk_release,
	.free_disk = disk_free,
};

static void disk_limits(struct vdisk_device *dev, struct vdisk_limits *lim)
{
	const struct vdisk_export *ex = &dev->src->ex;
	bool through = dev->src->writable;

	*lim = (struct vdisk_limits){
		.logical = through ? max_t(u32, ex->block_min, SECTOR_SIZE) : SECTOR_SIZE,
		.physical = VDISK_BLOCK_SIZE,
		.max_hw_sectors = VDISK_IO_SECTORS,
		.write_cache = through && ex->flags & NBD_FLAG_SEND_FLUSH,
		.fua = through && ex->flags & NBD_FLAG_SEND_FUA,
	};
	if (dev->overlay || (through && ex->flags & NBD_FLAG_SEND_TRIM))
		lim->discard_sectors = VDISK_ZERO_SECTORS;
	if (dev->overlay || (through && ex->flags & NBD_FLAG_SEND_WRITE_ZEROES))
		lim->zeroes_sectors = VDISK_ZERO_SECTORS;
}

/* Bytes of the disk: whole blocks of the server's. */
static u64 disk_size(const struct vdisk_export *ex)
{
	return round_down(ex->size, (u64)max_t(u32, ex->block_min, SECTOR_SIZE));
}

/* The overlay's index is as large as the disk, so it is made when that is known. */
static int overlay_create(struct vdisk_device *dev)
{
	struct vdisk_overlay_params params = {
		.kind = dev->cfg.overlay.kind,
		.limit = READ_ONCE(dev->cfg.overlay.limit),
		.sectors = disk_size(&dev->src->ex) >> SECTOR_SHIFT,
		.level = overlay_level,
		.ctx = dev,
	};
	struct vdisk_overlay *ov;

	if (params.kind == VDISK_OVERLAY_NONE)
		return 0;
	ov = vdisk_overlay_create(&params);
	if (IS_ERR(ov))
		return PTR_ERR(ov);
	/* others look at it under alive_lock only */
	smp_store_release(&dev->overlay, ov);
	/* SET may have come in between: it finds the overlay or we its limit */
	smp_mb();
	vdisk_overlay_set_limit(ov, READ_ONCE(dev->cfg.overlay.limit));
	return 0;
}

/* Makes /dev/vdiskN.  Reads the partition table: may wait for the network. */
static int disk_publish(struct vdisk_device *dev)
{
	u64 size = disk_size(&dev->src->ex);
	struct vdisk_limits lim;
	struct gendisk *disk;
	int ret;

	/* what is written through may change what was read ahead */
	if (!dev->src->writable) {
		dev->streams = vdisk_streams_create(dev);
		if (!dev->streams)
			return -ENOMEM;
	}
	dev->tags.ops = &vdisk_queue_ops;
	dev->tags.nr_hw_queues = min_t(unsigned int, num_possible_cpus(), VDISK_QUEUES_MAX);
	dev->tags.queue_depth = VDISK_QUEUE_DEPTH;
	dev->tags.numa_node = NUMA_NO_NODE;
	dev->tags.cmd_size = sizeof(struct vdisk_io);
	dev->tags.flags = VDISK_F_MERGE | BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	ret = blk_mq_alloc_tag_set(&dev->tags);
	if (ret < 0)
		return ret;
	disk_limits(dev, &lim);
	disk = vdisk_alloc_disk(&dev->tags, &lim, dev);
	if (IS_ERR(disk)) {
		ret = PTR_ERR(disk);
		goto err_free_tags;
	}
	disk->fops = &disk_ops;
	disk->private_data = dev;
	dev->disk = disk;
	snprintf(disk->disk_name, DISK_NAME_LEN, "vdisk%u", dev->number);
	set_capacity(disk, size >> SECTOR_SHIFT);
	if (dev->cfg.flags & VDISK_F_READ_ONLY)
		set_disk_ro(disk, true);
	WRITE_ONCE(dev->size, size);
	ret = add_disk(disk);
	if (ret < 0)
		goto err_put_disk;
	kref_get(&dev->ref);	/* disk_free(), which is called for disks that were added */
	return 0;

err_put_disk:
	dev->disk = NULL;
	put_disk(disk);
err_free_tags:
	blk_mq_free_tag_set(&dev->tags);
	return ret;
}

static void disk_remove(struct vdisk_device *dev)
{
	if (!dev->disk)
		return;
	/* no flushing of what is dirty: its writes would only fail, one by one */
	blk_mark_disk_dead(dev->disk);
	del_gendisk(dev->disk);
	blk_mq_free_tag_set(&dev->tags);
	put_disk(dev->disk);
	dev->disk = NULL;
}

/*----- the thread -----*/

static bool all_refused(struct vdisk_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->src->nr_paths; i++)
		if (READ_ONCE(dev->src->path[i]->state) != VDISK_PATH_REFUSED)
			return false;
	return true;
}

/* Waits for the first server.  Returns 0 or why there is none. */
static int wait_for_server(struct vdisk_device *dev)
{
	struct vdisk_source *src = dev->src;
	long left = dev->cfg.patience ? dev->cfg.patience * HZ : MAX_SCHEDULE_TIMEOUT;

	left = wait_event_idle_timeout(dev->wait, READ_ONCE(dev->stopping) ||
				       vdisk_source_known(src) || all_refused(dev), left);
	if (READ_ONCE(dev->stopping))
		return -EINTR;
	if (vdisk_source_known(src))
		return 0;
	return left ? -EACCES : -ETIMEDOUT;
}

static void device_ready(struct vdisk_device *dev)
{
	spin_lock_bh(&dev->lock);
	dev->published = true;
	if (dev->state != VDISK_STATE_DETACHING)
		dev->state = vdisk_lost_state(dev);
	spin_unlock_bh(&dev->lock);
	vdisk_device_event(dev, VDISK_EVENT_READY, NULL);
}

static void device_failed(struct vdisk_device *dev, int error)
{
	char *text;

	set_state(dev, VDISK_STATE_FAILED);
	spin_lock_bh(&dev->lock);
	if (error == -EINTR)
		strscpy(dev->reason, "detached before it was ready", sizeof(dev->reason));
	else if (error != -EACCES && error != -ETIMEDOUT)
		snprintf(dev->reason, sizeof(dev->reason), "cannot make the disk: %s (error %d)",
			 error == -ENOMEM ? "no memory, or an overlay too small for its index" :
			 "the kernel refused", -error);
	else if (!dev->reason[0])
		strscpy(dev->reason, "no answer in time", sizeof(dev->reason));
	text = kstrdup(dev->reason, GFP_ATOMIC);
	spin_unlock_bh(&dev->lock);
	vdisk_device_event(dev, VDISK_EVENT_FAILED, text);
	kfree(text);
}

/* All I/O fails from now on.  Never sleeps. */
static void fail_io(struct vdisk_device *dev)
{
	vdisk_source_fail_now(dev->src);
	vdisk_park_close(&dev->park);
}

static void device_take_down(struct vdisk_device *dev)
{
	spin_lock_bh(&dev->lock);
	dev->stopping = true;
	dev->state = VDISK_STATE_DETACHING;
	spin_unlock_bh(&dev->lock);
	fail_io(dev);
	disk_remove(dev);
	vdisk_source_stop(dev->src);
	vdisk_lost_stop(dev);
	vdisk_park_uninit(&dev->park);
	if (dev->streams)
		vdisk_streams_destroy(dev->streams);
	vdisk_source_destroy(dev->src);
	if (dev->overlay)
		vdisk_overlay_destroy(dev->overlay);
}

/* From here on nobody else looks at what will be taken down. */
static void device_bury(struct vdisk_device *dev)
{
	down_write(&dev->alive_lock);
	dev->alive = false;
	up_write(&dev->alive_lock);
}

static int device_thread(void *data)
{
	struct vdisk_device *dev = data;
	int ret;

	ret = vdisk_source_start(dev->src);
	if (!ret)
		ret = wait_for_server(dev);
	if (!ret)
		ret = overlay_create(dev);
	if (!ret)
		ret = disk_publish(dev);
	if (!ret) {
		device_ready(dev);
		wait_event_idle(dev->wait, READ_ONCE(dev->stopping));
	} else {
		device_failed(dev, ret);
	}
	device_bury(dev);
	device_take_down(dev);
	xa_erase(&devices, dev->number);
	pr_info("vdisk%u: gone\n", dev->number);
	vdisk_device_event(dev, VDISK_EVENT_GONE, NULL);
	device_put(dev);
	module_put_and_kthread_exit(0);
}

/* The overlay, once there is one; under alive_lock. */
static struct vdisk_overlay *device_overlay(struct vdisk_device *dev)
{
	/* pairs with overlay_create() */
	return smp_load_acquire(&dev->overlay);
}

/*----- what netlink calls -----*/

static int check_overlay(const struct vdisk_overlay_config *o, struct netlink_ext_ack *extack)
{
	u64 available = max_t(long, si_mem_available(), 0);

	if (o->kind == VDISK_OVERLAY_NONE || o->overcommit ||
	    o->limit <= available << PAGE_SHIFT)
		return 0;
	NL_SET_ERR_MSG(extack,
		       "the overlay is larger than the memory this machine has free; --overcommit allows it");
	return -ENOMEM;
}

static int device_number(struct vdisk_device *dev, s32 wanted, struct netlink_ext_ack *extack)
{
	int ret;

	if (wanted < 0) {
		ret = xa_alloc(&devices, &dev->number, dev, XA_LIMIT(0, VDISK_NUMBER_MAX),
			       GFP_KERNEL);
		if (ret == -EBUSY) {
			NL_SET_ERR_MSG(extack, "no device number is free");
			ret = -ENOSPC;
		}
		return ret;
	}
	dev->number = wanted;
	ret = xa_insert(&devices, wanted, dev, GFP_KERNEL);
	if (ret == -EBUSY)
		NL_SET_ERR_MSG(extack, "the device number is taken");
	return ret;
}

static struct vdisk_device *device_alloc(const struct vdisk_config *cfg, struct net *net)
{
	struct vdisk_device *dev = kvzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return NULL;
	dev->stats = alloc_percpu(struct vdisk_stats);
	if (!dev->stats) {
		kvfree(dev);
		return NULL;
	}
	kref_init(&dev->ref);
	dev->cfg = *cfg;
	dev->net = get_net(net);
	init_waitqueue_head(&dev->wait);
	mutex_init(&dev->news);
	spin_lock_init(&dev->lock);
	init_rwsem(&dev->alive_lock);
	dev->alive = true;
	dev->state = VDISK_STATE_CONNECTING;
	vdisk_lost_init(dev);
	vdisk_park_init(&dev->park);
	return dev;
}

int vdisk_device_attach(const struct vdisk_config *cfg, struct net *net, u32 *number,
			struct netlink_ext_ack *extack)
{
	struct vdisk_device *dev;
	int ret;

	if ((cfg->flags & VDISK_F_WRITE_THROUGH) && cfg->nr_servers > 1) {
		NL_SET_ERR_MSG(extack, "writes go to one server only: name one");
		return -EINVAL;
	}
	ret = check_overlay(&cfg->overlay, extack);
	if (ret < 0)
		return ret;
	dev = device_alloc(cfg, net);
	if (!dev)
		return -ENOMEM;
	dev->src = vdisk_source_create(dev, net, &dev->cfg, dev->stats);
	if (IS_ERR(dev->src)) {
		ret = PTR_ERR(dev->src);
		goto err_put;
	}
	ret = device_number(dev, cfg->number, extack);
	if (ret < 0)
		goto err_source;
	dev->thread = kthread_create(device_thread, dev, "vdisk%u", dev->number);
	if (IS_ERR(dev->thread)) {
		ret = PTR_ERR(dev->thread);
		goto err_number;
	}
	__module_get(THIS_MODULE);	/* the thread's; it ends with the put */
	*number = dev->number;
	wake_up_process(dev->thread);
	return 0;

err_number:
	device_bury(dev);
	xa_erase(&devices, dev->number);
err_source:
	vdisk_source_destroy(dev->src);
err_put:
	device_put(dev);
	return ret;
}

int vdisk_device_detach(u32 number, bool force, struct netlink_ext_ack *extack)
{
	struct vdisk_device *dev = device_get(number);
	int ret = 0;

	if (!dev) {
		NL_SET_ERR_MSG(extack, "there is no such device");
		return -ENODEV;
	}
	down_read(&dev->alive_lock);
	spin_lock_bh(&dev->lock);
	/* until it is published only its own partition scan has it open */
	if (dev->published && dev->openers && !force && !dev->stopping)
		ret = -EBUSY;
	else
		dev->stopping = true;
	spin_unlock_bh(&dev->lock);
	if (ret < 0)
		NL_SET_ERR_MSG(extack, "the device is in use; --force fails its I/O");
	else if (dev->alive)
		fail_io(dev);
	up_read(&dev->alive_lock);
	wake_up(&dev->wait);
	device_put(dev);
	return ret;
}

static int set_limit(struct vdisk_device *dev, const struct vdisk_config *cfg,
		     struct netlink_ext_ack *extack)
{
	struct vdisk_overlay *ov = device_overlay(dev);
	struct vdisk_overlay_config o = cfg->overlay;
	struct vdisk_overlay_usage usage;
	u64 had = 0;
	int ret;

	if (dev->cfg.overlay.kind == VDISK_OVERLAY_NONE) {
		NL_SET_ERR_MSG(extack, "the device has no overlay");
		return -EINVAL;
	}
	if (ov) {
		vdisk_overlay_usage(ov, &usage);
		had = usage.used;
	}
	o.kind = VDISK_OVERLAY_RAM;
	o.limit = o.limit > had ? o.limit - had : 0;
	ret = check_overlay(&o, extack);
	if (ret < 0)
		return ret;
	WRITE_ONCE(dev->cfg.overlay.limit, cfg->overlay.limit);
	smp_mb();	/* pairs with overlay_create() */
	ov = device_overlay(dev);
	if (ov)
		vdisk_overlay_set_limit(ov, cfg->overlay.limit);
	return 0;
}

static int device_set(struct vdisk_device *dev, const struct vdisk_config *cfg, u32 what,
		      struct netlink_ext_ack *extack)
{
	unsigned int i;
	int ret;

	if (what & VDISK_SET_LIMIT) {
		ret = set_limit(dev, cfg, extack);
		if (ret < 0)
			return ret;
	}
	if (what & VDISK_SET_FULL) {
		WRITE_ONCE(dev->cfg.overlay.full_seconds, cfg->overlay.full_seconds);
		WRITE_ONCE(dev->cfg.overlay.full, cfg->overlay.full);
	}
	if (what & VDISK_SET_LOST) {
		spin_lock_bh(&dev->lock);
		dev->cfg.lost = cfg->lost;
		dev->cfg.lost_seconds = cfg->lost_seconds;
		dev->given_up = false;
		vdisk_lost_arm(dev);
		spin_unlock_bh(&dev->lock);
	}
	if (what & VDISK_SET_READAHEAD)
		WRITE_ONCE(dev->cfg.readahead_kb, cfg->readahead_kb);
	if (what & VDISK_SET_TOKEN) {
		for (i = 0; i < dev->src->nr_paths; i++)
			vdisk_path_renew(dev->src->path[i], cfg->token);
		vdisk_lost_renewed(dev);
	}
	if (what & VDISK_SET_FAIL_NOW)
		fail_io(dev);
	else
		vdisk_park_kick(&dev->park);
	return 0;
}

int vdisk_device_set(u32 number, const struct vdisk_config *cfg, u32 what,
		     struct netlink_ext_ack *extack)
{
	struct vdisk_device *dev = device_get(number);
	int ret = -ENODEV;

	if (!dev) {
		NL_SET_ERR_MSG(extack, "there is no such device");
		return ret;
	}
	down_read(&dev->alive_lock);
	if (dev->alive)
		ret = device_set(dev, cfg, what, extack);
	else
		NL_SET_ERR_MSG(extack, "the device is being detached");
	up_read(&dev->alive_lock);
	device_put(dev);
	return ret;
}

/*----- snapshots -----*/

static void info_overlay(struct vdisk_device *dev, struct vdisk_info *info)
{
	struct vdisk_overlay *ov = device_overlay(dev);
	struct vdisk_overlay_usage usage;

	info->overlay = dev->cfg.overlay;
	if (!ov)
		return;
	vdisk_overlay_usage(ov, &usage);
	info->overlay.limit = usage.limit;
	info->used = usage.used;
	info->peak = usage.peak;
	info->blocks = usage.blocks;
	info->zero_bytes = usage.zero_bytes;
	info->waiting = READ_ONCE(dev->park.nr);
	info->full_count = atomic64_read(&dev->full_count);
	info->nomem_count = atomic64_read(&dev->nomem_count);
}

static void info_paths(struct vdisk_device *dev, struct vdisk_info *info)
{
	unsigned int i;

	info->nr_paths = dev->src->nr_paths;
	for (i = 0; i < info->nr_paths; i++)
		vdisk_path_info(dev->src->path[i], &info->path[i]);
	if (vdisk_source_known(dev->src))
		strscpy(info->stamp, dev->src->ex.stamp, sizeof(info->stamp));
}

static void device_fill(struct vdisk_device *dev, struct vdisk_info *info)
{
	memset(info, 0, sizeof(*info));
	info->number = dev->number;
	info->flags = dev->cfg.flags;
	info->connections = dev->cfg.connections;
	info->readahead_kb = READ_ONCE(dev->cfg.readahead_kb);
	spin_lock_bh(&dev->lock);
	info->state = dev->stopping ? VDISK_STATE_DETACHING : dev->state;
	info->openers = dev->published ? dev->openers : 0;
	info->size = dev->published ? dev->size : 0;
	info->lost = dev->cfg.lost;
	info->lost_seconds = dev->cfg.lost_seconds;
	if (dev->ended)
		strscpy(info->reason, dev->ended_words, sizeof(info->reason));
	spin_unlock_bh(&dev->lock);
	vdisk_stats_sum(dev->stats, info->stats);
	down_read(&dev->alive_lock);
	if (dev->alive) {
		info_overlay(dev, info);
		info_paths(dev, info);
	}
	up_read(&dev->alive_lock);
}

int vdisk_device_info(u32 number, struct vdisk_info *info, struct vdisk_device **devp)
{
	unsigned long index = number;
	struct vdisk_device *dev;

	xa_lock(&devices);
	dev = xa_find(&devices, &index, VDISK_NUMBER_MAX, XA_PRESENT);
	if (dev)
		kref_get(&dev->ref);
	xa_unlock(&devices);
	if (!dev)
		return -ENODEV;
	device_fill(dev, info);
	*devp = dev;
	return 0;
}

void vdisk_device_info_put(struct vdisk_device *dev)
{
	device_put(dev);
}

/*----- the module -----*/

int vdisk_device_init(void)
{
	vdisk_wq = alloc_workqueue("vdisk", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!vdisk_wq)
		return -ENOMEM;
	vdisk_submit_wq = alloc_workqueue("vdisk-submit", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!vdisk_submit_wq) {
		destroy_workqueue(vdisk_wq);
		return -ENOMEM;
	}
	return 0;
}

void vdisk_device_uninit(void)
{
	/* a device holds a reference on the module: there is none left */
	WARN_ON(!xa_empty(&devices));
	destroy_workqueue(vdisk_submit_wq);
	destroy_workqueue(vdisk_wq);
}
