#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Attach and detach a hundred times: numbers, memory and threads come back.
# group: quick
# timeout: 180
. ./lib.sh

ROUNDS=${VDISK_TEST_ROUNDS:-100}
slow && ROUNDS=$((ROUNDS / 4))

# A worker of the pool keeps the name of what it did last: not counted.
threads() {
	ps -e -o comm= 2>/dev/null | grep -c '^vdisk[0-9]' || true
}

make_image image 4M
start_vdiskd
must_attach "$(uri image)" --overlay ram:4M
must detach "$DEV"
wait_for 5 "[ ! -e /sys/block/vdisk0 ]"
before=$(threads)

bad=
for ((i = 0; i < ROUNDS; i++)); do
	if ! attach "$(uri image)" --overlay ram:4M; then
		bad="round $i: $ERR"
		break
	fi
	[ "$DEV" = /dev/vdisk0 ] || { bad="round $i: $DEV"; break; }
	# Some rounds write, some read, some do nothing at all.
	case $((i % 3)) in
	0) dd if=/dev/zero of="$DEV" bs=64k count=2 oflag=direct status=none || bad="round $i: write" ;;
	1) dd if="$DEV" of=/dev/null bs=64k count=2 iflag=direct status=none || bad="round $i: read" ;;
	esac
	detach "$DEV" > "$T/out" 2>&1 || { bad="round $i: $(cat "$T/out")"; break; }
done
is "$ROUNDS rounds" "$i$bad" "$ROUNDS"
ok "its threads are gone" wait_for 10 "[ \$(threads) -le $before ]"
ok "nothing is attached" none_attached
is "the server lives" "$(kill -0 "$SERVER" && echo y)" y
finish
