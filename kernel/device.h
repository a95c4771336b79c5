/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vdisk device: /dev/vdiskN, its overlay, its source, and its life from
 * attach to gone.  device.c runs that life in one kernel thread a device;
 * queue.c has the block requests.
 */
#ifndef VDISK_DEVICE_H
#define VDISK_DEVICE_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kref.h>
#include <linux/types.h>
#include "uapi/linux/vdisk.h"

struct net;
struct netlink_ext_ack;
struct vdisk_device;

struct vdisk_address {
	u16 family;			/* AF_INET, AF_INET6 */
	u32 scope;			/* interface, of link-local IPv6 */
	union {
		struct in_addr in4;
		struct in6_addr in6;
	};
};

/* A server as the user named it. */
struct vdisk_server_config {
	char host[VDISK_HOST_MAX + 1];
	char export[VDISK_EXPORT_MAX + 1];
	u16 port;			/* host order */
	u32 nr_addresses;
	struct vdisk_address address[VDISK_ADDRESSES_MAX];
};

struct vdisk_overlay_config {
	u32 kind;			/* enum vdisk_overlay_kind */
	u64 limit;			/* bytes */
	u32 full;			/* enum vdisk_overlay_full */
	u32 full_seconds;
	bool overcommit;
};

/* What attach was asked for; checked by netlink.c as far as one message can be. */
struct vdisk_config {
	s32 number;			/* wanted N, -1: the lowest that is free */
	u32 flags;			/* enum vdisk_flags */
	u32 connections;		/* to each server */
	u32 lost;			/* enum vdisk_lost */
	u32 lost_seconds;
	u32 patience;			/* seconds */
	u32 readahead_kb;
	struct vdisk_overlay_config overlay;
	char token[VDISK_EXPORT_MAX + 1]; /* of VDISK_SET_TOKEN */
	u32 nr_servers;
	struct vdisk_server_config server[VDISK_SERVERS_MAX];
};

/* Which parts of a vdisk_config vdisk_device_set() is to apply. */
enum vdisk_set {
	VDISK_SET_LIMIT		= 1 << 0,	/* overlay.limit, with overlay.overcommit */
	VDISK_SET_FULL		= 1 << 1,	/* overlay.full, overlay.full_seconds */
	VDISK_SET_LOST		= 1 << 2,	/* lost, lost_seconds */
	VDISK_SET_READAHEAD	= 1 << 3,
	VDISK_SET_FAIL_NOW	= 1 << 4,
	VDISK_SET_TOKEN		= 1 << 5,
};

struct vdisk_path_info {
	const struct vdisk_server_config *config; /* lives as long as the device */
	u32 state;			/* enum vdisk_path_state */
	u64 since_ms, next_try_ms;
	u32 attempts, connected, inflight;
	u64 rx_bytes, tx_bytes, requests, errors, reconnects;
	char reason[VDISK_REASON_MAX + 1];
	char name[VDISK_EXPORT_MAX + 1];
	char export[VDISK_EXPORT_MAX + 1]; /* config's, or the token that came later */
};

/* A snapshot of a device for netlink.  Large: allocate it. */
struct vdisk_info {
	u32 number;
	u32 state;			/* enum vdisk_state */
	u32 flags, connections, lost, lost_seconds, readahead_kb;
	u32 openers;
	u64 size;			/* bytes, 0 until published */
	char reason[VDISK_REASON_MAX + 1]; /* of VDISK_STATE_ENDED */
	char stamp[128];
	struct vdisk_overlay_config overlay;
	u64 used, peak, blocks, zero_bytes;
	u32 waiting;
	u64 full_count, nomem_count;
	u64 stats[VDISK_STATS_A_MAX + 1]; /* by enum vdisk_stats_attr */
	u32 nr_paths;
	struct vdisk_path_info path[VDISK_SERVERS_MAX];
};

/*
 * vdisk_device_attach - begins a device.
 * @cfg: copied.
 * @net: the caller's network namespace; a reference is taken.
 * @number: receives the device's number.
 *
 * Checks, makes the objects and starts the device's thread, which connects and
 * publishes: events ready or failed tell.  Sleeps for memory only, never for
 * the network.  Returns 0; -EBUSY the number is taken; -ENOSPC no number is
 * free; -EINVAL; -ENOMEM (also: the overlay is more than the machine has); each
 * with a reason in @extack.
 */
int vdisk_device_attach(const struct vdisk_config *cfg, struct net *net, u32 *number,
			struct netlink_ext_ack *extack);

/*
 * vdisk_device_detach - begins to take a device away; the event gone tells.
 * Returns 0 (also when it is already on its way); -ENODEV; -EBUSY it is open and @force is
 * false.  Never sleeps for the network.
 */
int vdisk_device_detach(u32 number, bool force, struct netlink_ext_ack *extack);

/* vdisk_device_set - changes a device; @what: enum vdisk_set. -ENODEV, -EINVAL, -ENOMEM. */
int vdisk_device_set(u32 number, const struct vdisk_config *cfg, u32 what,
		     struct netlink_ext_ack *extack);

/*
 * vdisk_device_info - a snapshot of the first device whose number is @number or
 * higher.  Returns 0, or -ENODEV when there is none.  May sleep for memory.
 * info->path[].config stays valid while the caller holds the device:
 * vdisk_device_info_put() ends that.
 */
int vdisk_device_info(u32 number, struct vdisk_info *info, struct vdisk_device **dev);
void vdisk_device_info_put(struct vdisk_device *dev);

int vdisk_device_init(void);
void vdisk_device_uninit(void);

#endif
