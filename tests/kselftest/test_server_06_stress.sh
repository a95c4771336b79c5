#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once: devices come, are used, and are taken away by force in the
# middle of it, while the server dies, freezes and returns.  What is read right
# is what the image has; nothing hangs, nothing is left.
# group: quick
# timeout: 300
. ./lib.sh

ROUNDS=${VDISK_TEST_ROUNDS:-6}
WORKERS=3
slow && ROUNDS=$((ROUNDS / 2))
allow_log 'I/O error|Buffer I/O error'

make_image image 16M
start_vdiskd

# use DEV ID: what is read is compared; a forced detach gives errors, or an end
# of the device behind which nothing is
use() {
	local at got="$T/got.$2" n
	while [ -b "$1" ]; do
		at=$((RANDOM % 240))
		dd if="$1" bs=64k skip=$at count=16 iflag=direct of="$got" status=none 2> /dev/null ||
			return 0
		n=$(stat -c %s "$got")
		cmp -n "$n" "$got" <(dd if="$STORE/image.img" bs=64k skip=$at count=16 status=none) ||
			{ echo "wrong bytes at block $at of $1"; return 1; }
		[ "$n" -eq $((1 << 20)) ] || return 0
		echo "$1" >> "$T/progress"
	done
}

worker() {
	local id=$1 i=0 dev user
	for ((i = 0; i < ROUNDS; i++)); do
		# Each has a number of its own: no other's new device is ever taken.
		dev=$(vdiskctl attach "$(uri image)" --device $((id * 100 + i % 3)) \
			--wait "$(patience 30)") || { echo "round $i: attach failed"; return 1; }
		use "$dev" "$id" &
		user=$!
		wait_for "$(patience 20)" "[ \$(awk '{ print \$1 }' /sys/block/${dev##*/}/stat) -gt $((RANDOM % 40)) ]" ||
			true	# the server may be away just now
		detach --force "$dev" || { echo "round $i: detach"; return 1; }
		wait $user || return 1
	done
	[ $i -eq "$ROUNDS" ]
}

pids=()
for ((w = 1; w <= WORKERS; w++)); do
	worker $w > "$T/worker$w" 2>&1 &
	pids+=($!)
done
alive() {
	kill -0 "${pids[@]}" 2> /dev/null
}
reads() {
	wc -l < "$T/progress"
}
waiting() {
	cat /sys/block/vdisk*/inflight 2> /dev/null | grep -q '[1-9]'
}
turns=0
: > "$T/progress"
while alive; do
	wait_for "$(patience 20)" "[ \$(reads) -gt $(($(reads) + 20)) ] || ! alive"
	if [ $((turns++ % 2)) -eq 0 ]; then
		kill_server
		again
		start_vdiskd
	else
		freeze_server
		wait_for "$(patience 2)" "waiting || ! alive"
		thaw_server
	fi
done
note "the server was killed or frozen $turns times"
for ((w = 1; w <= WORKERS; w++)); do
	if wait "${pids[w - 1]}"; then
		pass "worker $w"
	else
		fail "worker $w" "$(cat "$T/worker$w")"
	fi
done
ok "nothing is attached" wait_for "$(patience 10)" none_attached
must_attach "$(uri image)"
ok "a new device reads as the image" same "$STORE/image.img" "$DEV"
ok "detach" detach "$DEV"
finish
