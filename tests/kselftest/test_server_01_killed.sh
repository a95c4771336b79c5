#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The server is killed and started again under load: two devices of one image,
# one read and compared with it, one under fio with verification, see neither an
# error nor a wrong byte.
# group: quick
# timeout: 300
. ./lib.sh

KILLS=${VDISK_TEST_KILLS:-8}
slow && KILLS=$((KILLS / 2))

make_image image 64M
start_vdiskd
must_attach "$(uri image)"
DEV1=$DEV
must_attach "$(uri image)" --overlay ram:32M
DEV2=$DEV

setsid io_model --read-only --direct --jobs 2 --image "$STORE/image.img" --ops 1000000000 \
	--max $((64 << 10)) "$DEV1" > "$T/model" 2>&1 &
model=$!
(
	while [ ! -e "$T/over" ]; do
		fio --name=verify --filename="$DEV2" --ioengine=io_uring --direct=1 \
			--rw=randrw --bsrange=512-32k --blockalign=512 --iodepth=16 \
			--size=16M --io_size=4M --verify=crc32c --verify_fatal=1 \
			--randrepeat=0 || exit 1
		cmp -n $((32 << 20)) -i $((32 << 20)) "$STORE/image.img" \
			<(dd if="$DEV2" bs=256k iflag=direct status=none) || exit 1
	done
) > "$T/fio" 2>&1 &
fio=$!

# answered: wire requests answered so far
answered() {
	status "$DEV1" '.devices[0].servers[0].requests'
}

bad=
for ((i = 0; i < KILLS; i++)); do
	before=$(answered)
	wait_for "$(patience 60)" "[ \"\$(answered)\" -gt $((before + 20)) ]" ||
		{ bad="round $i: no I/O: $(vdiskctl status)"; break; }
	kill_server
	again
	start_vdiskd
	before=$(answered)
	wait_for "$(patience 60)" "[ \"\$(answered)\" -gt $before ]" ||
		{ bad="round $i: no reply after the restart: $(vdiskctl status)"; break; }
	kill -0 $fio 2>/dev/null || { bad="round $i: fio ended"; break; }
	kill -0 $model 2>/dev/null || { bad="round $i: the model ended"; break; }
done
is "$KILLS times killed and started again" "$i$bad" "$KILLS"
touch "$T/over"
kill -TERM -- -$model
ok "the model ends" wait_for "$(patience 60)" "! kill -0 $model 2>/dev/null"
wait $model
is "no wrong byte, no error" "$?$(cat "$T/model")" 0
ok "fio ends" wait_for "$(patience 120)" "! kill -0 $fio 2>/dev/null"
wait $fio
is "fio: no error" "$?" 0
grep -E 'verify:.*fail|bad|err= *[1-9]|error|differ' "$T/fio" | tail -n 10 | sed 's/^/# /'
is "reconnects are counted" \
	"$(status "$DEV1" '.devices[0].servers[0].reconnects > 0')" true
ok "detach" detach "$DEV1"
ok "detach" detach "$DEV2"
finish
