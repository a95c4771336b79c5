#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# systemd generator, in the initramfs: systemd's own takes root=vdisk:URI for a
# path of its kind or leaves it; the mount it would have made is made here.
# The URI is not looked at: the device's name is known without it.

normal_dir=${1:-/run/systemd/generator}

vdisk_root=
rootfstype=auto
rootflags=
mode=ro
set -f
# shellcheck disable=SC2013
for word in $(cat /proc/cmdline); do
	case $word in
	root=vdisk:*) vdisk_root=yes ;;
	root=*) vdisk_root= ;;
	rootfstype=*) rootfstype=${word#*=} ;;
	rootflags=*) rootflags=,${word#*=} ;;
	ro | rw) mode=$word ;;
	esac
done
[ -n "$vdisk_root" ] || exit 0

mkdir -p "$normal_dir/initrd-root-fs.target.requires" \
	"$normal_dir/dev-vdisk\\x2droot.device.d"
# Options end at the line's end; a word of the command line has none in it,
# and systemd reads '%' as the start of a specifier.
printf '%s\n' '[Unit]' 'SourcePath=/proc/cmdline' \
	'Before=initrd-root-fs.target' \
	'Requires=systemd-fsck@dev-vdisk\x2droot.service' \
	'After=systemd-fsck@dev-vdisk\x2droot.service' \
	'[Mount]' 'What=/dev/vdisk-root' 'Where=/sysroot' \
	"Type=$(printf '%s' "$rootfstype" | sed 's/%/%%/g')" \
	"Options=$mode$(printf '%s' "$rootflags" | sed 's/%/%%/g')" \
	>"$normal_dir/sysroot.mount"
ln -sf ../sysroot.mount \
	"$normal_dir/initrd-root-fs.target.requires/sysroot.mount"
# vdisk and dracut have time limits of their own.
printf '%s\n' '[Unit]' 'JobTimeoutSec=infinity' 'JobRunningTimeoutSec=infinity' \
	>"$normal_dir/dev-vdisk\\x2droot.device.d/50-vdisk.conf"
