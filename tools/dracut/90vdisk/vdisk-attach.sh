#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Attaches all devices of the command line; runs beside dracut's main loop.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
. /usr/lib/vdisk/vdisk-lib.sh

vdisk_attach_all || exit 1
# The farm allows a shell at this boot.
vdisk_is_closed || rm -f /etc/cmdline.d/61-vdisk-closed.conf
node=$(vdisk_get "$VDISK_RUN/root") || exit 0
mkdir -p /run/udev/rules.d
printf 'SUBSYSTEM=="block", KERNEL=="%s", SYMLINK+="vdisk-root", TAG+="systemd"\n' \
	"${node#/dev/}" >/run/udev/rules.d/61-vdisk-root.rules
udevadm control --reload
udevadm trigger --action=change "/sys/class/block/${node#/dev/}"
