#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An allocation that fails below the limit is handled as a full overlay is, and told apart.
# group: quick
# timeout: 90
. ./lib.sh
. ./overlay_lib.sh

grep -q ' /sys/kernel/debug ' /proc/mounts || must mount -t debugfs debugfs /sys/kernel/debug
inject=/sys/kernel/debug/vdisk_fail_block
[ -d $inject ] || skip_all "the kernel has no fault injection (CONFIG_FAULT_INJECTION_DEBUG_FS)"
echo -1 > $inject/times
echo 0 > $inject/verbose

# memory is short|there
memory() {
	if [ "$1" = short ]; then echo 100; else echo 0; fi > $inject/probability
}

memory there
serve_image 16M
must_attach "$(uri image)" --overlay ram:8M --full error
vdiskctl monitor --json > "$T/events" &
_pids+=($!)
must wait_for "$(patience 10)" "in_poll $!"
must put 0 100

memory short
fill 1000 1
is "without memory a new block fails" $? 1
ok "with ENOSPC" no_space
is "the limit was not met" "$(overlay full_count)" 0
ok "the failed allocation is counted" [ "$(overlay nomem_count)" -gt 0 ]
ok "and told" wait_for "$(patience 5)" "grep -q overlay-nomem $T/events"
is "the level of the overlay is not" "$(grep -c overlay-level "$T/events")" 0
ok "reads go on" reads_as_model 0 200
ok "rewrites go on" put 0 100
ok "a trim too" clear discard 0 160
is "which frees its blocks" "$(overlay blocks)" 80

must vdiskctl set "$DEV" --full wait:600
fill 1000 10 &
FILL=$!
ok "with --full wait it waits" wait_for "$(patience 20)" "[ \"\$(overlay waiting)\" -gt 0 ]"
ok "reads go on" reads_as_model 0 200
memory there
wait "$FILL"
is "until there is memory" $? 0
is "then the blocks are there" "$(overlay blocks)" 90
ok "detach" detach "$DEV"
finish
