#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device can be taken away in every state, at once.
# group: quick
# timeout: 180
. ./lib.sh
. ./wire.sh

NUMBER=7

# attach_behind NAME BEHAVIOUR...: an attach that can't come to an end
attach_behind() {
	start_rogue --size 4M "$@"
	DEV=/dev/vdisk$NUMBER
	echo "$DEV" >> "$T/devices"
	vdiskctl attach "$(uri x)" --device $NUMBER --wait 0 > /dev/null 2> "$T/attach.err" &
	ATTACH=$!
	_pids+=("$ATTACH")
}

attached_no_more() {
	ok "$1: attach ends with it" wait_for "$(patience 10)" "! kill -0 $ATTACH 2>/dev/null"
	stop_server
}

known() {
	vdiskctl status "$NUMBER" > /dev/null 2>&1
}

no_number() {
	ok "$1: the number is free" wait_for "$(patience 5)" "! known"
}

# while it connects: nobody there, silent, silent after GO
attach_behind silent-accept
must wait_for "$(patience 10)" "known && [ \$(rogue_log ready || true) = 0 ]"
gone_in_time "a server that says nothing"
no_number "a server that says nothing"
attached_no_more "a server that says nothing"

attach_behind silent-go
must wait_for "$(patience 10)" "rogue_log \"export 'x'\" > /dev/null"
gone_in_time "silent after GO"
no_number "silent after GO"
attached_no_more "silent after GO"

attach_behind close-accept
must wait_for "$(patience 10)" "[ \$(rogue_log end) -ge 3 ]"
gone_in_time "closes always"
no_number "closes always"
attached_no_more "closes always"

attach_behind close-accept
kill_server
must wait_for "$(patience 10)" known
gone_in_time "nobody there"
no_number "nobody there"
ok "nobody there: attach ends" wait_for "$(patience 10)" "! kill -0 $ATTACH 2>/dev/null"

# while partitions are scanned
attach_behind silent=0
must wait_for "$(patience 10)" "[ -e /sys/block/vdisk$NUMBER ] && rogue_log ready > /dev/null"
gone_in_time "silent in the partition scan" --force
no_number "silent in the partition scan"
attached_no_more "silent in the partition scan"

attach_behind trickle=1/10
must wait_for "$(patience 30)" "[ -e /sys/block/vdisk$NUMBER ]"
gone_in_time "a trickle in the partition scan" --force
no_number "a trickle in the partition scan"
attached_no_more "a trickle in the partition scan"

# readers: starts some; they must end with an error, each reading more than rogue
# answers on two connections
readers() {
	local i
	READERS=()
	for i in 0 1 2 3; do
		dd if="$DEV" iflag=direct bs=32k skip=$((i * 32)) count=32 > /dev/null 2>&1 &
		READERS+=($!)
		_pids+=($!)
	done
}

readers_end() {
	local pid good=0
	for pid in "${READERS[@]}"; do
		wait_for "$(patience 10)" "! kill -0 $pid 2>/dev/null"
		wait "$pid" && good=$((good + 1))
	done
	is "$1: readers that saw no error" $good 0
}

busy() {
	[ "$(status "$DEV" '.devices[0].servers[0].inflight')" -ge 3 ]
}

# with I/O on the wire
for fault in silent stall; do
	start_rogue --size 4M "$fault=12,multi-conn"
	must_attach "$(uri x)" --connections 2
	readers
	must wait_for "$(patience 10)" busy
	fails "$fault: without force it is in use" timeout 10 vdiskctl detach "$DEV"
	gone_in_time "$fault: I/O in flight" --force
	readers_end "$fault"
	stop_server
done

# with I/O that waits for a server
start_rogue --size 4M good
must_attach "$(uri x)"
kill_server
readers
must wait_for "$(patience 10)" "path_state down"
gone_in_time "server gone: I/O waits" --force
readers_end "server gone"

# nobody uses it, the server has gone
start_rogue --size 4M good
must_attach "$(uri x)"
kill_server
gone_in_time "server gone, not in use"

# mounted
truncate -s 24M "$T/fs.img"
must mke2fs -q -t ext4 -d /etc "$T/fs.img"
# mounted BEHAVIOUR: with a filesystem in use on it
mounted() {
	local writer
	start_rogue --file "$T/fs.img" "$1"
	must_attach "$(uri x)" --overlay ram:16M
	must mount "$DEV" "$T/mnt"
	fails "mounted, $1: not without force" timeout 10 vdiskctl detach "$DEV"
	[ "$1" = good ] && kill_server
	(
		cat "$T/mnt"/* > /dev/null
		for i in 1 2 3 4 5 6 7 8; do head -c 200k /dev/urandom > "$T/mnt/f$i"; done
		sync -f "$T/mnt"
	) > /dev/null 2>&1 &
	writer=$!
	_pids+=("$writer")
	gone_in_time "mounted, $1: detach" --force
	wait_for "$(patience 20)" "! kill -0 $writer 2>/dev/null" ||
		fail "mounted, $1: the writer hangs" "$(cat /proc/$writer/stack 2>/dev/null)"
	ok "mounted, $1: umount" timeout 20 umount "$T/mnt"
	[ "$1" = good ] || stop_server
}
mounted good
mounted silent=60
mounted delay=30
finish
