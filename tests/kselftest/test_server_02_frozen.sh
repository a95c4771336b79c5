#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server that is stopped: reads wait, writes into the overlay don't, other
# devices don't; thawed, everything goes on.  Killed while frozen: the same.
# group: quick
# timeout: 240
. ./lib.sh

make_image one 32M
make_image two 32M
start_vdiskd
FROZEN=$SERVER
must_attach "$(uri one)" --overlay ram:32M
D1=$DEV
start_vdiskd
must_attach "$(uri two)" --overlay ram:32M
D2=$DEV

freeze_server "$FROZEN"
dd if="$D1" of="$T/read" bs=64k skip=100 count=32 iflag=direct status=none &
reader=$!
wait_for "$(patience 10)" "grep -q '[1-9]' /sys/block/${D1##*/}/inflight"
ok "a write into the overlay does not wait" timeout "$(patience 20)" \
	dd if=/dev/zero of="$D1" bs=64k count=8 oflag=direct status=none
ok "what was written is read" timeout "$(patience 20)" \
	cmp -n $((512 << 10)) /dev/zero <(dd if="$D1" bs=64k count=8 iflag=direct status=none)
ok "a flush does not wait" timeout "$(patience 20)" blockdev --flushbufs "$D1"
ok "status answers" timeout "$(patience 10)" vdiskctl status
ok "another device works" same "$STORE/two.img" "$D2"
ok "another attach works" attach "$(uri two)"
ok "another detach works" detach "$DEV"
is "the read waits" "$(kill -0 $reader && echo y)" y
thaw_server "$FROZEN"
ok "thawed, the read comes back" wait_for "$(patience 60)" "! kill -0 $reader 2>/dev/null"
wait $reader
is "the read had no error" "$?" 0
ok "it has what the image has" cmp "$T/read" \
	<(dd if="$STORE/one.img" bs=64k skip=100 count=32 status=none)

# Frozen for good: a new server takes its place at the same port.
PORT1=$((PORT - 1))
freeze_server "$FROZEN"
dd if="$D1" of="$T/read" bs=64k skip=200 count=32 iflag=direct status=none &
reader=$!
wait_for "$(patience 10)" "grep -q '[1-9]' /sys/block/${D1##*/}/inflight"
kill -KILL "$FROZEN"
wait "$FROZEN" 2>/dev/null
PORT=$PORT1
again
start_vdiskd
ok "a new server in its place: the read comes back" \
	wait_for "$(patience 60)" "! kill -0 $reader 2>/dev/null"
wait $reader
is "no error" "$?" 0
ok "it has what the image has" cmp "$T/read" \
	<(dd if="$STORE/one.img" bs=64k skip=200 count=32 status=none)
finish
