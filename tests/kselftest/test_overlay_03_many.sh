#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Many writers wait for space: reads, rewrites and trims go on beside them.
# group: quick
# timeout: 150
. ./lib.sh
. ./overlay_lib.sh

serve_image 32M
must_attach "$(uri image)" --overlay ram:8M --full wait:600
must put 0 512

# four times the tags of a queue; neighbours may be merged and wait as one
fio --name=writers --filename="$DEV" --rw=randwrite --bs=4k --ioengine=libaio --direct=1 \
	--iodepth=256 --numjobs=4 --offset=16M --offset_increment=3M --size=3M --randseed=7 \
	--output="$T/fio" &
FIO=$!
all_wait() {
	[ "$(overlay waiting)" -gt 600 ]
}
ok "a thousand writers wait" wait_for "$(patience 60)" all_wait
ok "within the limit" within_limit
ok "the overlay is read" reads_as_model 0 512
ok "the base is read" reads_as_model 2048 2000
ok "what is there is written again" put 0 512
ok "and reads back" reads_as_model 0 512
ok "they wait still" all_wait
ok "a trim of what is there is done" clear discard 0 4096
ok "it reads as zeroes" reads_as_model 0 512
ok "the limit is raised" vdiskctl overlay resize "$DEV" 24M
wait "$FIO"
is "all writers come through" $? 0
is "nothing waits" "$(overlay waiting)" 0
is "all their blocks are there" "$(overlay blocks)" 3072
ok "without an error" [ "$(grep -c 'err= 0' "$T/fio")" -eq 4 ]

ok "verified writes beside trims" fio --name=mix --filename="$DEV" --rw=randwrite \
	--ioengine=libaio --direct=1 --iodepth=32 \
	--offset=16M --size=8M --verify=crc32c --randseed=3 \
	--bssplit=512/20:4k/40:5k/20:64k/20 --blockalign=512 \
	--name=trim --filename="$DEV" --rw=randtrim --bs=64k --ioengine=psync --direct=1 \
	--offset=28M --size=4M

must vdiskctl overlay resize "$DEV" 4M
fio --name=writers --filename="$DEV" --rw=randwrite --bs=4k --ioengine=libaio --direct=1 \
	--iodepth=256 --numjobs=4 --offset_increment=3M --size=3M --randseed=8 \
	--output="$T/fio" 2> /dev/null &
FIO=$!
ok "again a thousand wait" wait_for "$(patience 60)" all_wait
ok "a detach by force ends them all" timeout "$(patience 10)" vdiskctl detach --force "$DEV"
wait "$FIO"
is "all four failed" $? 4
finish
