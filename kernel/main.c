// SPDX-License-Identifier: GPL-2.0
/* vdisk: a block device that streams its image from NBD servers. */
#include <linux/module.h>
#include "device.h"
#include "netlink.h"
#include "overlay.h"
#include "path.h"
#include "wire.h"

static int __init vdisk_init(void)
{
	int ret;

	ret = vdisk_overlay_init();
	if (ret < 0)
		goto err_overlay;
	ret = vdisk_wire_init();
	if (ret < 0)
		goto err_wire;
	ret = vdisk_socket_init();
	if (ret < 0)
		goto err_socket;
	ret = vdisk_device_init();
	if (ret < 0)
		goto err_device;
	ret = vdisk_netlink_init();
	if (ret < 0)
		goto err_netlink;
	return 0;

err_netlink:
	vdisk_device_uninit();
err_device:
	vdisk_socket_uninit();
err_socket:
	vdisk_wire_uninit();
err_wire:
	vdisk_overlay_uninit();
err_overlay:
	return ret;
}

static void __exit vdisk_exit(void)
{
	vdisk_netlink_uninit();
	vdisk_device_uninit();
	vdisk_socket_uninit();
	vdisk_wire_uninit();
	vdisk_overlay_uninit();
}

module_init(vdisk_init);
module_exit(vdisk_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Block device streamed over NBD, with a copy-on-write overlay");
MODULE_ALIAS("net-pf-16-proto-16-family-vdisk");
