#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Many attach, use and detach at once; they share a server and nothing else.
# group: quick
# timeout: 180
. ./lib.sh

WORKERS=6
ROUNDS=8
slow && ROUNDS=3

make_image image 8M
start_vdiskd
sum=$(sha256sum < "$STORE/image.img")

worker() {
	local id=$1 i=0 dev out
	for ((i = 0; i < ROUNDS; i++)); do
		dev=$(vdiskctl attach "$(uri image)" --overlay ram:4M --wait 60) || return 1
		[ "$(sha256sum < "$dev")" = "$sum" ] || { echo "$dev: not the image"; return 1; }
		head -c 64k /dev/urandom > "$T/w$id"
		dd if="$T/w$id" of="$dev" bs=4k seek="$id" oflag=direct status=none || return 1
		cmp -n 65536 "$T/w$id" <(dd if="$dev" bs=4k skip="$id" count=16 iflag=direct status=none) || {
			echo "$dev: another's data"
			return 1
		}
		# A prober of new devices can have it open for a moment.
		out=$(wait_for "$(patience 20)" "detach $dev 2>&1") || { echo "$dev: $out"; return 1; }
	done
	[ "$i" -eq $ROUNDS ]
}

pids=()
for ((w = 0; w < WORKERS; w++)); do
	worker $w > "$T/out$w" 2>&1 &
	pids+=($!)
done
for ((w = 0; w < WORKERS; w++)); do
	if wait "${pids[w]}"; then
		pass "worker $w"
	else
		fail "worker $w" "$(cat "$T/out$w")"
	fi
done
ok "nothing is attached" none_attached
finish
