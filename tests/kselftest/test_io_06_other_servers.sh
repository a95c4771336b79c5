#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Servers that are not ours: nbdkit in several moods, nbd-server.
# group: quick
# timeout: 240
. ./lib.sh

OPS=300
make_image image 32M
I=$STORE/image.img

try() {
	local name=$1
	must_attach "nbd://127.0.0.1:$PORT/${2-image}" --overlay ram:64M
	ok "$name" io_model --image "$I" --ops "$OPS" "$DEV"
	must detach "$DEV"
	kill_server
}

start_nbdkit -r file "$I"
try "nbdkit"
start_nbdkit -r --no-sr file "$I"
try "nbdkit without structured replies"
start_nbdkit -r --filter=blocksize-policy file "$I" blocksize-minimum=4096 \
	blocksize-preferred=65536 blocksize-maximum=262144
try "a minimum block of 4096, a maximum of 256K"
start_nbdkit -r --filter=blocksize-policy file "$I" blocksize-minimum=512 \
	blocksize-preferred=4096 blocksize-maximum=4096
try "a maximum of 4096"
start_nbdkit -r --filter=multi-conn file "$I" multi-conn-mode=disable
try "one connection only"
start_nbdkit -r --filter=delay file "$I" rdelay=5ms
try "slow answers, out of order"
start_nbdkit -r --filter=noparallel file "$I"
try "one request at a time"

cat > "$T/nbd.conf" << EOF
[generic]
	allowlist = true
	listenaddr = 127.0.0.1
	port = 11809
[image]
	exportname = $I
	readonly = true
EOF
PORT=11809
must nbd-server -C "$T/nbd.conf" -p "$T/nbd.pid"
must wait_for "$(patience 10)" "listening $PORT && [ -s $T/nbd.pid ]"
SERVER=$(cat "$T/nbd.pid")
_pids+=("$SERVER")
try "nbd-server"
must wait_for "$(patience 10)" "! listening $PORT"

PORT=11810
_serve qemu-nbd -r -t -e 8 -f raw -x image -b 127.0.0.1 -p $PORT "$I"
try "qemu-nbd"
PORT=11811
_serve qemu-nbd -r -t -e 1 -f raw -x image -b 127.0.0.1 -p $PORT "$I"
try "qemu-nbd that accepts one connection and lets others wait"
finish
