#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Filesystems live on it: made, filled, trimmed, checked, remounted.
# group: quick
# timeout: 300
. ./lib.sh

make_sparse blank 320M
start_vdiskd

# try FS MKFS CHECK
try() {
	local fs=$1 i
	if ! modprobe "$fs" 2>/dev/null && ! grep -qw "$fs" /proc/filesystems; then
		skip "$fs" "this kernel has no $fs"
		return
	fi
	must_attach "$(uri blank)" --overlay ram:128M
	# shellcheck disable=SC2086 # words
	must $2 "$DEV"
	must mount -t "$fs" "$DEV" "$T/mnt"
	for i in 1 2 3 4; do
		head -c 3M /dev/urandom > "$T/mnt/file$i"
	done
	sha256sum "$T/mnt"/file* > "$T/sums"
	ok "$fs: files after the cache is dropped" \
		eval "sync; echo 3 > /proc/sys/vm/drop_caches; sha256sum -c --quiet $T/sums"
	rm "$T/mnt/file1" "$T/mnt/file2"
	ok "$fs: trim" fstrim "$T/mnt"
	must umount "$T/mnt"
	must mount -t "$fs" "$DEV" "$T/mnt"
	ok "$fs: files after a remount" eval "grep 'file[34]' $T/sums | sha256sum -c --quiet"
	must umount "$T/mnt"
	# shellcheck disable=SC2086
	ok "$fs: check" $3 "$DEV"
	must detach "$DEV"
}

try ext4 "mkfs.ext4 -q" "e2fsck -fn"
try xfs "mkfs.xfs -q" "xfs_repair -n"
try btrfs "mkfs.btrfs -q" "btrfs check --readonly"
finish
