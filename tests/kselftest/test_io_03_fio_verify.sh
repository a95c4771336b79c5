#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fio with verification: deep queues, many jobs, all block sizes.
# group: quick
# timeout: 240
. ./lib.sh

SIZE=24M
slow && SIZE=6M

make_image image 128M
start_vdiskd
must_attach "$(uri image)" --overlay ram:192M

verify() {
	local name=$1
	shift
	ok "$name" fio --name=verify --filename="$DEV" --ioengine=io_uring --direct=1 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --randrepeat=0 \
		--size="$SIZE" --output="$T/fio" "$@"
}

verify "random 4k, depth 32" --rw=randwrite --bs=4k --iodepth=32
verify "random 512 to 64k" --rw=randwrite --bsrange=512-64k --blockalign=512 --iodepth=16
verify "sequential 1m" --rw=write --bs=1m --iodepth=4
verify "four jobs, mixed" --rw=randrw --bs=8k --iodepth=8 --numjobs=4 --offset_increment="$SIZE"
verify "psync, buffered" --ioengine=psync --direct=0 --rw=randwrite --bs=4k
verify "with fsync" --rw=randwrite --bs=4k --iodepth=8 --fsync=16 --io_size=4M
ok "detach" detach "$DEV"
finish
