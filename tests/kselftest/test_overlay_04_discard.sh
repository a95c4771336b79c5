#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Discard and write-zeroes free memory, and read back as zeroes, of data and base alike.
# group: quick
# timeout: 120
. ./lib.sh
. ./overlay_lib.sh

SECTORS=$(((24 << 11) + 5))	# the last block is short
serve_image $((SECTORS * 512))
must_attach "$(uri image)" --overlay ram:32M
name=${DEV##*/}
ok "discard is offered" [ "$(cat "/sys/block/$name/queue/discard_max_bytes")" -gt 0 ]
ok "write-zeroes is" [ "$(cat "/sys/block/$name/queue/write_zeroes_max_bytes")" -gt 0 ]
is "discards are of 4 KiB" "$(cat "/sys/block/$name/queue/discard_granularity")" 4096

empty=$(overlay used)
must put 100 1000
full=$(overlay used)
ok "1000 blocks count with their index" [ $((full - empty)) -ge 4096000 ]
ok "which is small" [ $((full - empty)) -lt 4150000 ]

for how in discard zeroes; do
	must put 100 1000
	ok "$how of data" clear "$how" $((200 * 8)) $((300 * 8))
	is "frees its blocks" "$(overlay blocks)" 700
	ok "and reads as zeroes" reads_as_model 0 1200
	ok "$how of the base" clear "$how" $((2000 * 8)) 800
	is "takes no block" "$(overlay blocks)" 700
	ok "and reads as zeroes" reads_as_model 1900 300
	ok "$how of all that was written" clear "$how" $((100 * 8)) $((1000 * 8))
	is "leaves no block" "$(overlay blocks)" 0
	ok "frees the index too" [ $(($(overlay used) - empty)) -le 8192 ]
	ok "and reads as zeroes" reads_as_model 0 1200
done
ok "zero extents are told" [ "$(overlay zero_bytes)" -eq $(((1000 + 100) * 4096)) ]

ok "write-zeroes of single sectors" clear zeroes 43 1
ok "over a block's edge" clear zeroes 51 11
ok "of data in a zeroed block" put 300 2
ok "in part" clear zeroes $((300 * 8 + 3)) 10
ok "all reads as it should" reads_as_model 0 2400

ok "write into zeroes" put 2010 5
ok "and zeroes around it" reads_as_model 2000 30
ok "write-zeroes at the end of the disk" clear zeroes $((SECTORS - 7)) 7
ok "sectors of the last block" dd if="$STORE/image.img" of="$DEV" bs=512 count=3 \
	seek=$((SECTORS - 4)) oflag=direct status=none
must dd if="$STORE/image.img" of="$MODEL" bs=512 count=3 seek=$((SECTORS - 4)) conv=notrunc status=none
ok "the whole disk reads as it should" same "$MODEL" "$DEV"

ok "discard of the whole disk" blkdiscard -f "$DEV"
is "leaves no block" "$(overlay blocks)" 0
ok "and next to nothing" [ $(($(overlay used) - empty)) -le 8192 ]
must truncate -s 0 "$MODEL"
must truncate -s $((SECTORS * 512)) "$MODEL"
ok "the whole disk is zeroes" same "$MODEL" "$DEV"
ok "detach" detach "$DEV"
finish
