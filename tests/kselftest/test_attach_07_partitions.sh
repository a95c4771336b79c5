#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A partitioned image has its partitions at once; they are as they should be.
# group: quick
# timeout: 60
. ./lib.sh

make_image disk 32M
must sgdisk -Z -n 1:2048:+8M -n 2:0:0 "$STORE/disk.img"
start_vdiskd
must_attach "$(uri disk)" --overlay ram:48M
ok "first partition" test -b "${DEV}p1"
ok "second partition" test -b "${DEV}p2"
is "size of the first" "$(blockdev --getsize64 "${DEV}p1")" $((8 << 20))
ok "it is that part of the image" cmp "${DEV}p1" \
	<(dd if="$STORE/disk.img" bs=1M skip=1 count=8 status=none)
must mkfs.ext4 -q "${DEV}p2"
must mount "${DEV}p2" "$T/mnt"
head -c 8M /dev/urandom > "$T/mnt/f"
ok "sync" sync
fails "a mounted partition holds the disk" detach "$DEV"
must umount "$T/mnt"
ok "fsck" e2fsck -fn "${DEV}p2"
ok "detach" detach "$DEV"
fails "the partitions are gone" test -b "${DEV}p1"
finish
