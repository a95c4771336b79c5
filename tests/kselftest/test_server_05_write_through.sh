#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Writes that go to the server: it is killed and started again in the middle of
# them, and what the device and the image hold in the end is what was written.
# group: quick
# timeout: 240
. ./lib.sh

KILLS=6
slow && KILLS=3

make_image image 32M
cp "$STORE/image.img" "$T/before"
start_vdiskd --writable image --allow 127.0.0.1/32
must_attach "$(uri image)" --write-through

setsid io_model --direct --jobs 4 --image "$T/before" --ops 1000000000 \
	--max $((64 << 10)) "$DEV" > "$T/model" 2>&1 &
model=$!

answered() {
	status "$DEV" '.devices[0].servers[0].requests'
}

bad=
for ((i = 0; i < KILLS; i++)); do
	before=$(answered)
	wait_for "$(patience 60)" "[ \"\$(answered)\" -gt $((before + 50)) ]" ||
		{ bad="round $i: no I/O: $(vdiskctl status)"; break; }
	kill_server
	again
	start_vdiskd --writable image --allow 127.0.0.1/32
	kill -0 $model 2>/dev/null || { bad="round $i: the model ended"; break; }
done
is "$KILLS times killed and started again" "$i$bad" "$KILLS"
kill -TERM -- -$model
ok "the model ends" wait_for "$(patience 60)" "! kill -0 $model 2>/dev/null"
wait $model
is "no wrong byte, no error" "$?$(cat "$T/model")" 0
must blockdev --flushbufs "$DEV"
ok "the image holds what the device shows" same "$STORE/image.img" "$DEV"
ok "detach" detach "$DEV"

# A write may only go out again after a new GO: so there is one connection, also
# to a server that would take several.
start_nbdkit memory 16M
must_attach "$(uri '')" --write-through --connections 4
ok "writes to a server that takes several connections" \
	dd if="$T/before" of="$DEV" bs=64k count=16 oflag=direct status=none
is "go over one" "$(status "$DEV" '.devices[0].servers[0].connected')" 1
ok "detach" detach "$DEV"
finish
