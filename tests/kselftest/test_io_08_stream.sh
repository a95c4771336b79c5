#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# group: quick
# timeout: 120
#
# Read-ahead of streams: what is read in sequence is asked for ahead of demand
# and is right; what is read here and there is not, and no stream costs more
# than a fifth above what was read.
. ./lib.sh
. ./wire.sh

stat_of() {
	status "$DEV" ".devices[0].stats.$1"
}

received() {
	status "$DEV" '[.devices[0].servers[].rx_bytes] | add'
}

# at_most BEFORE LIMIT: no more than LIMIT bytes were received since BEFORE
at_most() {
	local rise=$(($(received) - $1))
	[ "$rise" -le "$2" ] || { echo "$rise bytes were received"; return 1; }
}

make_image image 96M
start_vdiskd
must_attach "$(uri image)" --overlay ram:64M --overcommit

ok "a stream through the page cache is right" cmp "$DEV" "$STORE/image.img"
ok "most of it was read ahead" [ "$(stat_of prefetch_hit_bytes)" -gt $((64 << 20)) ]
ok "nothing was fetched twice" at_most 0 $(((96 << 20) * 6 / 5))

before=$(received)
ahead=$(stat_of prefetch_bytes)
fio --name=r --filename="$DEV" --rw=randread --bs=128k --direct=1 --ioengine=libaio \
	--iodepth=4 --number_ios=200 --randseed=7 --output=/dev/null || fail "fio"
is "random reads are not read ahead" "$(stat_of prefetch_bytes)" "$ahead"
ok "they fetch what they read" at_most "$before" $((200 * (128 << 10) + (1 << 20)))

# Many streams at once, and overlay data in the middle of them.
before=$(received)
for i in 0 1 2 3; do
	dd if=/dev/zero of="$DEV" bs=4k count=3 seek=$((i * 6000 + 700)) oflag=direct status=none
	dd if="$STORE/image.img" of="$T/want.$i" bs=4k skip=$((i * 6000)) count=4000 status=none
	dd if=/dev/zero of="$T/want.$i" bs=4k seek=700 count=3 conv=notrunc status=none
done
for i in 0 1 2 3; do
	dd if="$DEV" of="$T/got.$i" bs=64k iflag=direct,skip_bytes,count_bytes \
		skip=$((i * 6000 * 4096)) count=$((4000 * 4096)) status=none &
	readers[i]=$!
done
for i in 0 1 2 3; do
	wait "${readers[i]}"
	ok "stream $i of four is right" cmp "$T/got.$i" "$T/want.$i"
done
ok "four streams cost no more than a fifth above" at_most "$before" $((4 * 4000 * 4096 * 6 / 5))

# The server dies under a stream.
dd if="$DEV" of="$T/got" bs=1M iflag=direct status=none &
reader=$!
wait_for 20 "[ \$(stat -c %s $T/got 2> /dev/null || echo 0) -gt $((8 << 20)) ]"
kill_server
again
start_vdiskd
wait $reader
is "a stream survives its server" $? 0
cp "$STORE/image.img" "$T/want"
for i in 0 1 2 3; do
	dd if=/dev/zero of="$T/want" bs=4k seek=$((i * 6000 + 700)) count=3 conv=notrunc status=none
done
ok "and is right" cmp "$T/got" "$T/want"

# Detached while chunks are under way and readers wait for them.
dd if="$DEV" of=/dev/null bs=1M iflag=direct 2> /dev/null &
wait_for 5 "[ \$(status $DEV .devices[0].servers[0].inflight) -gt 0 ]"
freeze_server
allow_log 'I/O error|Buffer I/O'
ok "detach under a stream" detach --force "$DEV"

# Switched off.
thaw_server
must_attach "$(uri image)" --read-ahead 0
ok "without read-ahead it is right, too" cmp "$DEV" "$STORE/image.img"
is "and nothing is read ahead" "$(stat_of prefetch_bytes)" 0
detach "$DEV"

# A sector that can't be read is an error for who reads it, not for its neighbours
# that were read ahead with it: in blocks of 64 KiB it is in number 306.
allow_log 'I/O error'
# (A slow server that answers in order, so that the reader waits for what is being
# read ahead.)
start_rogue --size 32M "error=5@20100000+512,delay=10,no-structured"
rogue_image "$T/want" --size 32M
must_attach "$(uri x)"
ok "a stream up to a bad sector" dd if="$DEV" of="$T/got" bs=64k count=306 iflag=direct status=none
ok "is right" cmp -n $((306 << 16)) "$T/got" "$T/want"
ok "and was read ahead" [ "$(stat_of prefetch_hit_bytes)" -gt $((8 << 20)) ]
fails "the bad sector" dd if="$DEV" of=/dev/null bs=64k skip=306 count=1 iflag=direct status=none
ok "behind it" dd if="$DEV" of="$T/got" bs=64k skip=307 iflag=direct status=none
ok "is right, too" cmp "$T/got" <(tail -c +$(((307 << 16) + 1)) "$T/want")
ok "detach" detach "$DEV"
finish
