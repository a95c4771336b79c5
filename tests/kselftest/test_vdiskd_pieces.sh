#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As test_vdiskd_cold.sh, with an image in so many pieces that the filesystem
# must read where they are before it can begin to read them.
# group: quick
# timeout: 120
. ./lib.sh
. ./cold_lib.sh

make_disk
make_image fast 8M
must truncate -s 8M "$T/slow/pieces.img"
for i in $(seq 0 511); do
	echo "pwrite -q -S $((1 + i % 251)) $((i << 14)) 4k"
done > "$T/pieces"
must xfs_io "$T/slow/pieces.img" < "$T/pieces"
serve_from_disk pieces

client pieces
A=$DEV
client fast
C=$DEV
suspend_disk
cold "a small cold read" "$A" "$T/pieces.img" 4k 512 1
right "with a small cold read: another image" "$C" "$STORE/fast.img" 4k 0 256
cold "a large cold read" "$A" "$T/pieces.img" 1M 4 1
right "with a large cold read: another image" "$C" "$STORE/fast.img" 1M 0 8
ok "all who need the disk have waited" cold_reads_wait
ok "the disk answers again" resume_disk
cold_reads_right
finish
