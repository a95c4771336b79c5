/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two halves of a netlink exchange: netlink_parse.c makes a configuration
 * out of a request, netlink_fill.c a message out of a device's state.
 */
#ifndef VDISK_NETLINK_MESSAGE_H
#define VDISK_NETLINK_MESSAGE_H

#include <net/netlink.h>
#include "uapi/linux/vdisk.h"

struct genl_info;
struct vdisk_config;
struct vdisk_event_data;
struct vdisk_info;

/* What each command takes; everything that is not in its policy is refused. */
extern const struct nla_policy vdisk_attach_policy[VDISK_A_MAX + 1];
extern const struct nla_policy vdisk_detach_policy[VDISK_A_MAX + 1];
extern const struct nla_policy vdisk_get_policy[VDISK_A_MAX + 1];
extern const struct nla_policy vdisk_set_policy[VDISK_A_MAX + 1];

/* The largest message that describes one device, its attributes only. */
#define VDISK_MESSAGE_MAX 31744

/*
 * vdisk_parse_attach - what ATTACH asks for, defaults filled in.
 * @cfg: zeroed by the caller.
 * Returns 0 or -EINVAL with a reason in the extack.
 */
int vdisk_parse_attach(struct genl_info *info, struct vdisk_config *cfg);

/*
 * vdisk_parse_set - what SET asks for.
 * @cfg: zeroed by the caller; only what @what names is filled in.
 * @what: receives enum vdisk_set.
 * Returns 0 or -EINVAL with a reason in the extack.
 */
int vdisk_parse_set(struct genl_info *info, struct vdisk_config *cfg, u32 *what);

/*
 * vdisk_fill_info - appends the attributes of a device.
 * @admin: whether the reader may see session tokens.
 * Returns 0, or -EMSGSIZE: the caller cancels the message.
 */
int vdisk_fill_info(struct sk_buff *skb, const struct vdisk_info *info, bool admin);

/* vdisk_fill_event - appends the attributes of an event. 0 or -EMSGSIZE. */
int vdisk_fill_event(struct sk_buff *skb, u32 kind, u32 number,
		     const struct vdisk_event_data *data);

#endif
