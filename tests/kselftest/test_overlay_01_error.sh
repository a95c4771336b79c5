#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# --full error: a full overlay fails new blocks at once; reads and rewrites go on.
# group: quick
# timeout: 90
. ./lib.sh
. ./overlay_lib.sh

serve_image 32M
must_attach "$(uri image)" --overlay ram:8M --full error
must put 0 1024
is "blocks of 4 MiB" "$(overlay blocks)" 1024

fill 4096 2048
is "more than the limit is refused" $? 1
ok "with ENOSPC" no_space
ok "and the limit holds" within_limit
held=$(overlay blocks)
ok "nearly all of it was used" [ "$held" -gt 2020 ]
ok "the status counts it" [ "$(overlay full_count)" -gt 0 ]
is "nothing waits" "$(overlay waiting)" 0

ok "what is there can be written again" put 0 1024
ok "part of a block too" dd if=/dev/zero of="$DEV" bs=512 seek=9 count=3 oflag=direct status=none
must dd if=/dev/zero of="$MODEL" bs=512 seek=9 count=3 conv=notrunc status=none
is "without growth" "$(overlay blocks)" "$held"
ok "it can be read" reads_as_model 0 1024
ok "the base can be read" reads_as_model 2048 2048

fill 7000 1
is "a new block is refused still" $? 1
ok "a trim frees space" blkdiscard -f -o $((4096 * 4096)) -l $((100 * 4096)) "$DEV"
is "blocks went" "$(overlay blocks)" $((held - 100))
ok "then there is room for new ones" put 7000 90
ok "which read back" reads_as_model 7000 90

ok "the limit can be raised" vdiskctl overlay resize "$DEV" 16M
is "the status tells" "$(overlay limit)" $((16 << 20))
ok "and more is taken" put 2048 1500
ok "which reads back" reads_as_model 2048 1500
ok "the limit can be lowered below the use" vdiskctl overlay resize "$DEV" 4M
fill 6500 1
is "then nothing new is taken" $? 1
ok "rewrites are" put 2048 1500
ok "all reads as it should" reads_as_model 0 3548
ok "detach" detach "$DEV"
finish
