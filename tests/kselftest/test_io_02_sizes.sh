#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Images whose size is no multiple of 4 KiB or of 512, and the very small.
# group: quick
# timeout: 120
. ./lib.sh

SIZES="512 1024 4096 4608 1048576 1049088 5243392"
for size in $SIZES; do
	make_image "s$size" "$size"
done
start_vdiskd
for size in $SIZES; do
	must_attach "$(uri "s$size")" --overlay ram:16M
	is "$size: capacity" "$(blockdev --getsize64 "$DEV")" "$size"
	ok "$size: content" cmp "$STORE/s$size.img" "$DEV"
	# The last sector, which shares its block with nothing.
	cp "$STORE/s$size.img" "$T/model"
	must dd if=/dev/urandom of="$T/model" bs=512 seek=$((size / 512 - 1)) count=1 \
		conv=notrunc status=none
	must dd if="$T/model" of="$DEV" bs=512 seek=$((size / 512 - 1)) \
		skip=$((size / 512 - 1)) count=1 oflag=direct status=none
	ok "$size: last sector written" same "$T/model" "$DEV"
	must detach "$DEV"
done

# A tail of less than a sector can't be a block device's.
make_image odd 1000000
again
stop_server
start_vdiskd
if attach "$(uri odd)" --wait 5; then
	is "1000000: whole sectors" "$(blockdev --getsize64 "$DEV")" $((1000000 / 512 * 512))
	ok "1000000: content" cmp -n $((1000000 / 512 * 512)) "$STORE/odd.img" "$DEV"
	must detach "$DEV"
else
	ok "1000000: refused with a reason" test -n "$ERR"
fi
finish
