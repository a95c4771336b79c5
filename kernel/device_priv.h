/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of a device, for device.c and queue.c only. */
#ifndef VDISK_DEVICE_PRIV_H
#define VDISK_DEVICE_PRIV_H

#include <linux/blk-mq.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include "device.h"
#include "overlay.h"
#include "queue.h"
#include "source.h"
#include "stats.h"

struct vdisk_streams;

/* For all delayed work of the driver: unbound, with a rescuer. */
extern struct workqueue_struct *vdisk_wq;
/* For submitting bios again: may wait for a queue that work on vdisk_wq unfreezes. */
extern struct workqueue_struct *vdisk_submit_wq;

struct vdisk_device {
	u32 number;
	struct kref ref;		/* the thread, the disk's openers, netlink */
	struct vdisk_config cfg;	/* what SET changes: lock */
	struct net *net;		/* a reference; events go there */
	struct task_struct *thread;
	wait_queue_head_t wait;		/* the thread waits here */

	struct vdisk_source *src;
	struct vdisk_overlay *overlay;	/* or NULL */
	struct vdisk_streams *streams;	/* or NULL */
	struct vdisk_stats __percpu *stats;
	struct vdisk_park park;
	atomic64_t full_count, nomem_count;
	unsigned long told_full, told_nomem, told_enospc; /* jiffies of the last event */

	struct blk_mq_tag_set tags;
	struct gendisk *disk;		/* of the thread */
	u64 size;			/* bytes */

	/*
	 * Who holds alive_lock for reading and finds alive set may use src and
	 * overlay; the thread takes it for writing, for a moment, before it
	 * takes them down.  Nobody waits for I/O or memory of others inside.
	 */
	struct rw_semaphore alive_lock;
	bool alive;

	struct mutex news;		/* orders LOST, BACK, ... as the state had them */
	spinlock_t lock;		/* protects all below and cfg's changes */
	u32 state;			/* enum vdisk_state */
	bool published;			/* add_disk() is through */
	bool stopping;			/* detach began; no new opener */
	u32 openers;
	bool lost;			/* no server answers, since lost_since */
	unsigned long lost_since;	/* jiffies */
	bool given_up;			/* the policy has failed its I/O */
	bool ended;			/* its session has, as told in ended_words */
	char ended_words[VDISK_HS_TEXT];
	char reason[VDISK_HS_TEXT];	/* the last path's words */
	struct delayed_work lost_work;	/* of lost.c */
};

u32 vdisk_device_number(const struct vdisk_device *dev);
/* Tells those who listen.  Process context. */
void vdisk_device_event(struct vdisk_device *dev, u32 event, const char *reason);
/* Called by the source after each change of src->up; sleeps. */
void vdisk_device_source_changed(struct vdisk_device *dev);
/* A path's state changed, or was found to be as before: who waits looks again. */
void vdisk_device_path_changed(struct vdisk_device *dev);
/* A path changed; @event: enum vdisk_event, path kinds. Process context. */
void vdisk_device_path_event(struct vdisk_device *dev, u32 event,
			     const struct vdisk_server_config *server, const char *reason);
/* A write met a full overlay or no memory; any process context. */
void vdisk_device_overlay_event(struct vdisk_device *dev, u32 event);

/* lost.c: what becomes of a device without servers */
void vdisk_lost_init(struct vdisk_device *dev);
/* No connection thread may be left. */
void vdisk_lost_stop(struct vdisk_device *dev);
/* The policy or the words of a server changed: has the work run when it is due; dev->lock. */
void vdisk_lost_arm(struct vdisk_device *dev);
/* The paths have a new token. */
void vdisk_lost_renewed(struct vdisk_device *dev);
/* READY, LOST or ENDED, once it is published; dev->lock. */
u32 vdisk_lost_state(const struct vdisk_device *dev);

#endif
