# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# cold_lib.sh - a disk that doesn't answer, below images that vdiskd serves.
# Sourced behind lib.sh; a test begins with make_disk and ends in any way.

make_disk() {
	must modprobe brd rd_nr=1 rd_size=$((96 << 10))
	must dmsetup create vdiskslow --table "0 $(blockdev --getsz /dev/ram0) linear /dev/ram0 0"
	dmsetup mknodes vdiskslow
	mkdir "$T/slow"
	must mke2fs -q -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 /dev/mapper/vdiskslow
	must mount /dev/mapper/vdiskslow "$T/slow"
	trap _release EXIT
}

# The disk must answer before anything on it can be closed and unmounted.
_release() {
	local status=$?
	{
		resume_disk
		detach --all --force
		kill_server
		umount "$T/slow"
		dmsetup remove vdiskslow
		rmmod brd
	} > /dev/null 2>&1
	(exit "$status")
	_cleanup
}

# serve_from_disk NAME...: the images of these names that are on it by now, of
# which nothing stays in memory; copies to compare with are $T/NAME.img.  One
# event loop serves them all.
serve_from_disk() {
	local name
	for name in "$@"; do
		must cp "$T/slow/$name.img" "$T/$name.img"
		ln -s "$T/slow/$name.img" "$STORE/$name.img"
	done
	must umount "$T/slow"
	must mount -o ro /dev/mapper/vdiskslow "$T/slow"
	start_vdiskd --threads 1
}

suspend_disk() {
	must dmsetup suspend --noflush --nolockfs vdiskslow
}

resume_disk() {
	dmsetup resume vdiskslow
}

# client NAME: another client of an export; sets DEV
client() {
	must_attach "$(uri "$1")" --read-ahead 0
}

# right NAME DEVICE FILE BS SKIP COUNT: reads it now, and it is what FILE has
right() {
	ok "$1" timeout "$(patience 10)" \
		cmp <(dd if="$2" bs="$4" skip="$5" count="$6" iflag=direct status=none) \
		<(dd if="$3" bs="$4" skip="$5" count="$6" status=none)
}

# _sent DEVICE: its request is out, and nothing waits in any socket
_sent() {
	grep -q '[1-9]' "/sys/block/${1##*/}/inflight" &&
		! ss -Htn "( sport = :$PORT or dport = :$PORT )" | awk '$2 + $3' | grep -q .
}

_readers=()
_names=()

# cold NAME DEVICE FILE BS SKIP COUNT: a read that has to wait, in the background
cold() {
	local n=${#_readers[@]}
	dd if="$3" bs="$4" skip="$5" count="$6" status=none > "$T/wanted-$n"
	dd if="$2" bs="$4" skip="$5" count="$6" iflag=direct status=none > "$T/cold-$n" &
	_readers+=("$!")
	_names+=("$1")
	ok "$1: under way" wait_for "$(patience 10)" "_sent $2"
}

# cold_reads_wait: none has ended
cold_reads_wait() {
	local pid
	for pid in "${_readers[@]}"; do
		kill -0 "$pid" 2>/dev/null || return 1
	done
}

# cold_reads_right: waits for them to end and looks at what they have read
cold_reads_right() {
	local i
	for i in "${!_readers[@]}"; do
		wait "${_readers[i]}"
		is "${_names[i]}: no error" $? 0
		ok "${_names[i]}: the data is right" cmp "$T/cold-$i" "$T/wanted-$i"
	done
}
