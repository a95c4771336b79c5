#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vdiskctl detach: in use, by whom, by force, all of them.
# group: quick
# timeout: 180
. ./lib.sh

# busy NAME WORDS: detaching $DEV fails and says so
busy() {
	ERR=$(vdiskctl detach "$DEV" 2>&1)
	is "$1: status" $? 1
	ok "$1: says by what" grep -qF "$2" <<< "$ERR"
}

make_image image 16M
start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
must mke2fs -q -t ext4 "$DEV"
must mount "$DEV" "$T/mnt"
busy "mounted" "the mount on $T/mnt"
ok "the filesystem still works" eval "echo x > $T/mnt/x && sync"
must umount "$T/mnt"
sleep 60 7< "$DEV" &
sleeper=$!
busy "open" "process $sleeper (sleep)"
kill $sleeper
wait $sleeper 2> /dev/null
must dmsetup create vdisktest --table "0 2048 linear $DEV 0"
busy "below device mapper" "the device dm-"
must dmsetup remove vdisktest

# somebody like udev, who looks at a new disk for a moment
mkfifo "$T/enough"
(exec 7< "$DEV"; read -r _ < "$T/enough") &
must wait_for "$(patience 5)" "[ \$(vdiskctl status $DEV --json | jq '.devices[].openers') -gt 0 ]"
vdiskctl detach "$DEV" > "$T/out" 2>&1 &
detaching=$!
# between two tries it is in poll(NULL, 0, …)
ok "a short-lived opener is waited for" \
	wait_for "$(patience 5)" "grep -q '^7 0x0 0x0 ' /proc/$detaching/syscall"
echo > "$T/enough"
wait $detaching
is "and then it is gone" "$?$(cat "$T/out")" 0

must_attach "$(uri image)" --overlay ram:16M
must mke2fs -q -t ext4 "$DEV"
must mount "$DEV" "$T/mnt"
allow_log 'EXT4-fs|JBD2|Buffer I/O error'
ok "by force" detach --force "$DEV"
fails "the filesystem is dead" eval "echo y > $T/mnt/y && sync -f $T/mnt/y"
umount -l "$T/mnt"
ok "its number is free" wait_for 5 "[ ! -e /sys/block/${DEV##*/} ]"

# --all leaves the root filesystem's device alone, though forced, also below
# device mapper.
# holds_root DEVICE NAME: with DEVICE, which $DEV is below, as the root of a chroot
holds_root() {
	local dir
	must mke2fs -q -t ext4 "$1"
	must mount "$1" "$T/mnt"
	for dir in usr bin lib lib64 opt proc sys dev; do
		mkdir "$T/mnt/$dir"
		must mount --bind "/$dir" "$T/mnt/$dir"
	done
	ERR=$(chroot "$T/mnt" vdiskctl detach --all --force 2>&1)
	is "$2: status" $? 0
	is "$2: says so" "$ERR" "vdiskctl: detach: ${DEV##*/} holds /: left alone"
	ok "$2: it is still there" eval "echo z > $T/mnt/z && sync -f $T/mnt/z"
	for dir in usr bin lib lib64 opt proc sys dev; do
		umount -l "$T/mnt/$dir"
	done
	must umount "$T/mnt"
}

must_attach "$(uri image)" --overlay ram:16M
holds_root "$DEV" "root filesystem"
must dmsetup create vdisktest --table "0 $(blockdev --getsz "$DEV") linear $DEV 0"
dmsetup mknodes vdisktest
holds_root /dev/mapper/vdisktest "root filesystem below device mapper"
must dmsetup remove vdisktest
must detach "$DEV"

# SIGINT while it waits for a server takes the device away.
vdiskctl attach nbd://127.0.0.1:9/x --wait 0 2> "$T/err" &
waiting=$!
ok "attach waits" wait_for 5 "vdiskctl status --json | jq -e '.devices | length == 1' > /dev/null"
kill -INT $waiting
wait $waiting
is "interrupted: status" $? 1
ok "interrupted: says so" grep -q "interrupted: nbd://127.0.0.1:9/x: " "$T/err"
is "interrupted: no device" "$(vdiskctl status --json | jq '.devices | length')" 0

# fail-now, by the tool for shutdown: what waits for a dead server ends.
must_attach "$(uri image)"
freeze_server
dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct 2> /dev/null &
reader=$!
ok "a reader waits" wait_for 5 "grep -q '[1-9]' /sys/block/${DEV##*/}/inflight"
allow_log 'I/O error|Buffer I/O'
ok "set --fail-now" vdiskctl set "$DEV" --fail-now
wait $reader
is "the reader got an error" $? 1
thaw_server
vdiskctl set 77 --fail-now 2> /dev/null
is "set --fail-now of no device" $? 1

must_attach "$(uri image)"
must_attach "$(uri image)" --device 20
sleep 60 7< "$DEV" &
sleeper=$!
wait_for 5 "[ \$(vdiskctl status 20 --json | jq '.devices[].openers') -gt 0 ]"
fails "--all tells of those in use" vdiskctl detach --all
is "--all took the others" "$(vdiskctl status --json | jq -c '[.devices[].number]')" "[20]"
ok "--all --force" vdiskctl detach --all --force
kill $sleeper
wait $sleeper 2> /dev/null
is "no device is left" "$(vdiskctl status --json | jq '.devices | length')" 0
finish
