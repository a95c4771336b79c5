#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# group: quick
# timeout: 90
#
# While small requests are on their way, large ones leave a connection to them:
# in one stream of TCP a small reply would come behind all large ones before it.
. ./lib.sh

make_image image 64M
start_vdiskd
must_attach "$(uri image)" --connections 4 --read-ahead 0
port=$(status "$DEV" .devices[0].servers[0].port)

# What each of the four connections has brought, ascending.
received() {
	ss -tinH "dport = :$port" | tr ' ' '\n' | sed -n 's/^bytes_received://p' | sort -n
}
is "four connections" "$(received | wc -l)" 4

# Large ones alone use them all
must fio --name=large --filename="$DEV" --ioengine=libaio --direct=1 --rw=randread --bs=128k \
	--iodepth=32 --size=64M --output="$T/fio"
least=$(received | head -n 1)
ok "large requests alone use every connection ($least bytes at least)" [ "$least" -gt $((4 << 20)) ]

# Beside small ones they don't: three get all of it
before=$(received | awk '{ n += $1 } END { print n }')
small_before=$least
must fio --filename="$DEV" --ioengine=libaio --direct=1 --rw=randread --time_based --runtime=3 \
	--output="$T/fio" --name=small --bs=4k --iodepth=1 --name=large --bs=128k --iodepth=32
after=$(received | awk '{ n += $1 } END { print n }')
for bytes in $(received); do
	note "a connection has brought $bytes bytes"
done
gained=$(($(received | head -n 1) - small_before))
ok "beside small ones one connection is left to those" \
	[ "$gained" -lt $(((after - before) / 8)) ]
finish
