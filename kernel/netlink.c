// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "vdisk": its commands and its events.
 *
 * Commands run in parallel (parallel_ops): the devices have their own locks,
 * and one slow caller must not hold up another.  No handler waits for the
 * network: attach and detach only begin what the device's thread then does.
 *
 * Changing anything needs CAP_SYS_ADMIN, checked with netlink_capable(), so
 * that a socket handed to a privileged process gains nothing by it.  The flag
 * GENL_ADMIN_PERM would be content with CAP_NET_ADMIN.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include "device.h"
#include "netlink.h"
#include "netlink_message.h"

static struct genl_family vdisk_family;

static int require_admin(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "changing a vdisk needs CAP_SYS_ADMIN");
	return -EPERM;
}

static int require_number(struct genl_info *info, u32 *number)
{
	if (!info->attrs[VDISK_A_NUMBER]) {
		NL_SET_ERR_MSG(info->extack, "which device? the attribute NUMBER is missing");
		return -EINVAL;
	}
	*number = nla_get_u32(info->attrs[VDISK_A_NUMBER]);
	return 0;
}

/*
 * The reply is made before the device, so that nothing can fail once the device
 * exists, but for delivery: a caller that can't be told its device's number
 * gets an error and no device.
 */
static int attach_reply(struct vdisk_config *cfg, struct genl_info *info)
{
	struct sk_buff *reply;
	u32 number;
	void *head;
	int ret = -ENOMEM;

	reply = genlmsg_new(nla_total_size(sizeof(u32)), GFP_KERNEL);
	if (!reply)
		return ret;
	head = genlmsg_put_reply(reply, info, &vdisk_family, 0, VDISK_CMD_ATTACH);
	if (!head)
		goto err_free;

	ret = vdisk_device_attach(cfg, genl_info_net(info), &number, info->extack);
	if (ret < 0)
		goto err_free;
	ret = nla_put_u32(reply, VDISK_A_NUMBER, number);
	if (WARN_ON_ONCE(ret < 0))
		goto err_detach;
	genlmsg_end(reply, head);

	ret = genlmsg_reply(reply, info);
	reply = NULL;
	if (ret < 0)
		goto err_detach;
	return 0;

err_detach:
	vdisk_device_detach(number, true, NULL);
err_free:
	nlmsg_free(reply);
	return ret;
}

static int attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdisk_config *cfg;
	int ret;

	ret = require_admin(skb, info->extack);
	if (ret < 0)
		return ret;

	cfg = kvzalloc(sizeof(*cfg), GFP_KERNEL);
	if (!cfg)
		return -ENOMEM;
	ret = vdisk_parse_attach(info, cfg);
	if (!ret)
		ret = attach_reply(cfg, info);
	kvfree_sensitive(cfg, sizeof(*cfg));
	return ret;
}

static int detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 number;
	int ret;

	ret = require_admin(skb, info->extack);
	if (ret < 0)
		return ret;
	ret = require_number(info, &number);
	if (ret < 0)
		return ret;
	ret = vdisk_device_detach(number, nla_get_flag(info->attrs[VDISK_A_FORCE]),
				  info->extack);
	if (ret == -ENODEV && !info->extack->_msg)
		NL_SET_ERR_MSG(info->extack, "no such device");
	return ret;
}

static int set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdisk_config *cfg;
	u32 number, what = 0;
	int ret;

	ret = require_admin(skb, info->extack);
	if (ret < 0)
		return ret;
	ret = require_number(info, &number);
	if (ret < 0)
		return ret;

	cfg = kvzalloc(sizeof(*cfg), GFP_KERNEL);
	if (!cfg)
		return -ENOMEM;
	ret = vdisk_parse_set(info, cfg, &what);
	if (!ret)
		ret = vdisk_device_set(number, cfg, what, info->extack);
	if (ret == -ENODEV && !info->extack->_msg)
		NL_SET_ERR_MSG(info->extack, "no such device");
	kvfree(cfg);
	return ret;
}

/* Appends one device's message; leaves the buffer as it was when it has no room. */
static int put_message(struct sk_buff *skb, u32 portid, u32 seq, int flags,
		       const struct vdisk_info *dev_info, bool admin)
{
	void *head;

	head = genlmsg_put(skb, portid, seq, &vdisk_family, flags, VDISK_CMD_GET);
	if (!head)
		return -EMSGSIZE;
	if (vdisk_fill_info(skb, dev_info, admin) < 0) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* A snapshot of the device @number and no other. */
static int info_of(u32 number, struct vdisk_info *dev_info, struct vdisk_device **dev)
{
	int ret = vdisk_device_info(number, dev_info, dev);

	if (ret < 0)
		return ret;
	if (dev_info->number == number)
		return 0;
	vdisk_device_info_put(*dev);
	return -ENODEV;
}

static int get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdisk_info *dev_info;
	struct vdisk_device *dev;
	struct sk_buff *reply;
	u32 number;
	int ret;

	ret = require_number(info, &number);
	if (ret < 0)
		return ret;

	ret = -ENOMEM;
	dev_info = kvzalloc(sizeof(*dev_info), GFP_KERNEL);
	if (!dev_info)
		return ret;
	reply = genlmsg_new(VDISK_MESSAGE_MAX, GFP_KERNEL);
	if (!reply)
		goto out_free_info;

	ret = info_of(number, dev_info, &dev);
	if (ret < 0) {
		NL_SET_ERR_MSG(info->extack, "no such device");
		goto out_free_reply;
	}
	ret = put_message(reply, info->snd_portid, info->snd_seq, 0, dev_info,
			  netlink_capable(skb, CAP_SYS_ADMIN));
	vdisk_device_info_put(dev);
	if (WARN_ON_ONCE(ret < 0))
		goto out_free_reply;
	ret = genlmsg_reply(reply, info);
	reply = NULL;

out_free_reply:
	nlmsg_free(reply);
out_free_info:
	kvfree(dev_info);
	return ret;
}

static int get_start(struct netlink_callback *cb)
{
	/* One device always fits, so that a dump can't get stuck on one. */
	cb->min_dump_alloc = VDISK_MESSAGE_MAX + NLMSG_HDRLEN + GENL_HDRLEN;
	return 0;
}

/* cb->args[0] is the lowest number that has not been shown yet. */
static int get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	bool admin = netlink_capable(cb->skb, CAP_SYS_ADMIN);
	struct vdisk_info *dev_info;
	struct vdisk_device *dev;
	int ret = 0;

	/* Not in get_start(): older kernels have no extack for it. */
	if (nlmsg_attrlen(cb->nlh, GENL_HDRLEN)) {
		NL_SET_ERR_MSG(cb->extack, "a dump takes no attributes");
		return -EINVAL;
	}
	dev_info = kvzalloc(sizeof(*dev_info), GFP_KERNEL);
	if (!dev_info)
		return -ENOMEM;
	while (!vdisk_device_info(cb->args[0], dev_info, &dev)) {
		ret = put_message(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  NLM_F_MULTI, dev_info, admin);
		vdisk_device_info_put(dev);
		if (ret < 0)
			break;
		cb->args[0] = dev_info->number + 1;
	}
	kvfree(dev_info);
	/* What is in the buffer is sent, and the dump goes on where it stopped. */
	return skb->len ? skb->len : ret;
}

static const struct genl_ops vdisk_ops[] = {
	{
		.cmd = VDISK_CMD_ATTACH,
		.doit = attach_doit,
		.policy = vdisk_attach_policy,
		.maxattr = VDISK_A_MAX,
	}, {
		.cmd = VDISK_CMD_DETACH,
		.doit = detach_doit,
		.policy = vdisk_detach_policy,
		.maxattr = VDISK_A_MAX,
	}, {
		.cmd = VDISK_CMD_GET,
		.doit = get_doit,
		.start = get_start,
		.dumpit = get_dumpit,
		.policy = vdisk_get_policy,
		.maxattr = VDISK_A_MAX,
	}, {
		.cmd = VDISK_CMD_SET,
		.doit = set_doit,
		.policy = vdisk_set_policy,
		.maxattr = VDISK_A_MAX,
	},
};

enum { VDISK_GROUP_EVENTS };

static const struct genl_multicast_group vdisk_groups[] = {
	[VDISK_GROUP_EVENTS] = { .name = VDISK_GENL_EVENTS },
};

static struct genl_family vdisk_family __ro_after_init = {
	.name = VDISK_GENL_NAME,
	.version = VDISK_GENL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.maxattr = VDISK_A_MAX,
	.ops = vdisk_ops,
	.n_ops = ARRAY_SIZE(vdisk_ops),
	.resv_start_op = VDISK_CMD_ATTACH,	/* all headers are checked */
	.mcgrps = vdisk_groups,
	.n_mcgrps = ARRAY_SIZE(vdisk_groups),
};

void vdisk_netlink_event(struct net *net, u32 kind, u32 number,
			 const struct vdisk_event_data *data, bool atomic)
{
	gfp_t gfp = atomic ? GFP_ATOMIC : GFP_NOIO;
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&vdisk_family, net, VDISK_GROUP_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE - GENL_HDRLEN, gfp);
	if (!skb) {
		pr_warn_once("vdisk: no memory for an event, listeners miss it\n");
		return;
	}
	head = genlmsg_put(skb, 0, 0, &vdisk_family, 0, VDISK_CMD_EVENT);
	if (WARN_ON_ONCE(!head || vdisk_fill_event(skb, kind, number, data) < 0)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	/* A listener whose buffer is full gets ENOBUFS and reads the state anew. */
	genlmsg_multicast_netns(&vdisk_family, net, skb, 0, VDISK_GROUP_EVENTS, gfp);
}

int vdisk_netlink_init(void)
{
	return genl_register_family(&vdisk_family);
}

void vdisk_netlink_uninit(void)
{
	genl_unregister_family(&vdisk_family);
}
