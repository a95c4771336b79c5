#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An image appears as a block device, reads as the image, and goes away.
# group: quick
# timeout: 60
. ./lib.sh

make_image image 24M
start_vdiskd

must_attach "$(uri image)"
is "size" "$(blockdev --getsize64 "$DEV")" $((24 << 20))
is "logical block" "$(blockdev --getss "$DEV")" 512
is "physical block" "$(blockdev --getpbsz "$DEV")" 4096
is "read-only without an overlay" "$(blockdev --getro "$DEV")" 1
ok "the device reads as the image" same "$STORE/image.img" "$DEV"
fails "a write is refused" dd if=/dev/zero of="$DEV" bs=4k count=1 oflag=direct
is "state" "$(status "$DEV" '.devices[0].state')" ready
ok "detach" detach "$DEV"
ok "the device is gone" wait_for 5 "[ ! -e /sys/block/${DEV##*/} ]"

must_attach "$(uri image)" --overlay ram:16M
is "writable with an overlay" "$(blockdev --getro "$DEV")" 0
sum=$(sha256sum < "$STORE/image.img")
cp "$STORE/image.img" "$T/model"
head -c 1M /dev/urandom > "$T/data"
must dd if="$T/data" of="$T/model" bs=64k seek=5 conv=notrunc status=none
ok "write" dd if="$T/data" of="$DEV" bs=64k seek=5 oflag=direct status=none
ok "what was written reads back, the rest is the image" same "$T/model" "$DEV"
is "the image is as it was" "$(sha256sum < "$STORE/image.img")" "$sum"
ok "detach" detach "$DEV"

must_attach "$(uri image)" --overlay ram:16M
ok "a new overlay is empty" same "$STORE/image.img" "$DEV"
ok "detach" detach "$DEV"
finish
