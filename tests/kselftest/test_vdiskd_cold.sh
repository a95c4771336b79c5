#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An image on a disk that doesn't answer: who reads what vdiskd has to get from
# there waits, and nobody else, though all share one event loop.
# group: quick
# timeout: 120
. ./lib.sh
. ./cold_lib.sh

make_disk
make_image fast 8M
make_image cold 24M
make_image unopened 1M
must mv "$STORE/cold.img" "$STORE/unopened.img" "$T/slow/"
serve_from_disk cold unopened

client cold
A=$DEV
client cold
B=$DEV
client fast
C=$DEV
right "before: the part that gets warm" "$B" "$T/cold.img" 1M 0 4

# others WHEN: who doesn't need the disk reads on
others() {
	right "$1: small reads of what is in memory" "$B" "$T/cold.img" 4k 0 256
	right "$1: large reads of what is in memory" "$B" "$T/cold.img" 1M 0 4
	right "$1: small reads of another image" "$C" "$STORE/fast.img" 4k 0 256
	right "$1: large reads of another image" "$C" "$STORE/fast.img" 1M 0 8
}

suspend_disk
cold "a small cold read" "$A" "$T/cold.img" 4k 2048 1
others "with a small cold read"
cold "a large cold read" "$A" "$T/cold.img" 1M 12 4
others "with a large cold read"
vdiskctl attach "$(uri unopened)" --wait 0 > "$T/device" &
attaching=$!
ok "an attach to an image that isn't open" wait_for "$(patience 10)" \
	"vdiskctl status --json | jq -e '.devices | length == 4' > /dev/null"
others "with that attach"
client fast
right "who comes new is served" "$DEV" "$STORE/fast.img" 1M 0 8

ok "all who need the disk have waited" eval "cold_reads_wait && kill -0 $attaching"
ok "the disk answers again" resume_disk
cold_reads_right
wait $attaching
is "the attach has come to its end" $? 0
cat "$T/device" >> "$T/devices"
ok "what it attached is right" same "$T/unopened.img" "$(cat "$T/device")"
finish
