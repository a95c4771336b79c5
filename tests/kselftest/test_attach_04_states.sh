#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Detach works soon in every state a device can be in.
# group: quick
# timeout: 180
. ./lib.sh

# gone_soon NAME [OPTION]: detaches $DEV within the patience of a person
gone_soon() {
	local name=$1
	shift
	if detach "$@" "$DEV" > "$T/out" 2>&1 &&
		wait_for "$(patience 5)" "[ ! -e /sys/block/${DEV##*/} ]"; then
		pass "$name"
	else
		fail "$name" "$(cat "$T/out")"
	fi
}

make_image image 32M

start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
kill_server
gone_soon "server gone, idle"

start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
kill_server
dd if="$DEV" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null &
reader=$!
wait_for "$(patience 10)" "grep -q '[1-9]' /sys/block/${DEV##*/}/inflight"
fails "an open device needs --force" detach "$DEV"
gone_soon "server gone, reads wait" --force
wait $reader
is "the reader got an error" "$([ $? -ne 0 ] && echo y)" y

start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
freeze_server
dd if="$DEV" of=/dev/null bs=1M iflag=direct status=none 2> /dev/null &
reader=$!
wait_for "$(patience 10)" "grep -q '[1-9]' /sys/block/${DEV##*/}/inflight"
gone_soon "server frozen, reads in flight" --force
wait $reader
kill_server

start_vdiskd
must_attach "$(uri image)" --overlay ram:32M
fio --name=load --filename="$DEV" --rw=randrw --bs=4k --iodepth=16 --ioengine=io_uring \
	--direct=1 --time_based --runtime=60 > /dev/null 2>&1 &
load=$!
wait_for "$(patience 20)" "[ \$(awk '{ print \$1 + \$5 }' /sys/block/${DEV##*/}/stat) -gt 200 ]"
gone_soon "under load" --force
wait $load
kill_server

# A filesystem on it: the error reaches the filesystem, umount still works.
start_vdiskd
allow_log 'EXT4-fs|JBD2|Buffer I/O error|I/O error|lost async page write|Aborting journal'
must_attach "$(uri image)" --overlay ram:32M
must mkfs.ext4 -q "$DEV"
must mount "$DEV" "$T/mnt"
echo text > "$T/mnt/file"
fails "a mounted device needs --force" detach "$DEV"
gone_soon "mounted" --force
ok "umount afterwards" umount "$T/mnt"

# Nobody has answered yet: the tool waits, the device can be taken all the same.
freeze_server
vdiskctl attach "$(uri image)" --device 5 --wait 0 > "$T/out5" 2>&1 &
waiting=$!
ok "a device that connects is listed" wait_for "$(patience 5)" "vdiskctl status 5 > /dev/null 2>&1"
ok "and can be detached" detach --force 5
wait $waiting
is "its attach failed" "$([ $? -ne 0 ] && echo y)" y
thaw_server
must_attach "$(uri image)"
ok "the server answers again" same "$STORE/image.img" "$DEV"
gone_soon "in use no more"
finish
