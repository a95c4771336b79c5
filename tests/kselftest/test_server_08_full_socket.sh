#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# group: quick
# timeout: 120
#
# The server takes nothing any more, the sender stands in the middle of a batch of
# large writes, more than fit into TCP; then the server dies.  What was sent, what
# was taken and not sent yet, and what still waits: all of it goes to the next one.
. ./lib.sh

make_image image 64M
start_vdiskd --writable image --allow 127.0.0.1/32
must_attach "$(uri image)" --write-through
under_way() {
	status "$DEV" '.devices[0].servers[0].inflight'
}

bad=
for round in 1 2 3; do
	kill -STOP "$SERVER"
	fio --name=w --filename="$DEV" --ioengine=libaio --direct=1 --rw=randwrite --bs=1m \
		--iodepth=64 --size=64M --verify=crc32c --do_verify=1 --verify_fatal=1 \
		--randseed=$round --output="$T/fio.$round" &
	fio=$!
	# in the socket, in the table, in the batch, in the queue
	wait_for "$(patience 30)" "[ \"\$(under_way)\" -ge 32 ]" ||
		{ bad="round $round: $(vdiskctl status)"; break; }
	kill_server
	again
	start_vdiskd --writable image --allow 127.0.0.1/32
	wait_for "$(patience 60)" "! kill -0 $fio 2>/dev/null" ||
		{ bad="round $round: writes were lost: $(vdiskctl status)"; kill $fio; break; }
	wait $fio || { bad="round $round: $(cat "$T/fio.$round")"; break; }
done
is "every write arrives, in $round rounds" "$bad" ""
must blockdev --flushbufs "$DEV"
ok "the image holds what the device shows" same "$STORE/image.img" "$DEV"
ok "detach" detach "$DEV"
finish
