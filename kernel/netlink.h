/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink: the family's life, and the events the driver sends. */
#ifndef VDISK_NETLINK_H
#define VDISK_NETLINK_H

#include <linux/types.h>

struct net;
struct vdisk_server_config;

/* What an event carries beside its kind and the device's number. */
struct vdisk_event_data {
	const struct vdisk_server_config *server;	/* or NULL */
	const char *reason;				/* or NULL */
	u32 percent;					/* of OVERLAY_LEVEL */
};

int vdisk_netlink_init(void);
void vdisk_netlink_uninit(void);

/*
 * vdisk_netlink_event - tells the listeners of the group "events" in @net.
 * @kind: enum vdisk_event.
 * @data: may be NULL.
 *
 * Never waits for I/O (GFP_NOIO, or GFP_ATOMIC when @atomic); an event that
 * can't be allocated is lost and counted in the log once: the state is what GET says.
 */
void vdisk_netlink_event(struct net *net, u32 kind, u32 number,
			 const struct vdisk_event_data *data, bool atomic);

/*
 * vdisk_netlink_clean - copies a server's words without the tokens in them.
 * @to, @size: gets at most that many bytes; the rest is filled with zeroes.
 * @admin: leaves the tokens in.
 */
void vdisk_netlink_clean(char *to, size_t size, const char *from, bool admin);

#endif
