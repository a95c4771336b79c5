#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module goes only when no device is left, and comes again.
# group: quick
# timeout: 120
. ./lib.sh

make_image image 4M
start_vdiskd
must_attach "$(uri image)"
fails "rmmod with a device" rmmod vdisk
ok "the device still works" same "$STORE/image.img" "$DEV"
must detach "$DEV"
ok "rmmod" wait_for 10 "rmmod vdisk 2> /dev/null"
modprobe=$(cat /proc/sys/kernel/modprobe)
echo /bin/false > /proc/sys/kernel/modprobe
fails "without the module attach fails" attach "$(uri image)"
ok "it says so" grep -q module <<< "$ERR"
echo "$modprobe" > /proc/sys/kernel/modprobe
ok "the netlink family's name loads it" attach "$(uri image)"
ok "detach" detach "$DEV"
bad=
for ((i = 0; i < 10; i++)); do
	if ! attach "$(uri image)" --overlay ram:2M; then bad="attach: $ERR"; break; fi
	detach "$DEV" || { bad=detach; break; }
	wait_for 10 "rmmod vdisk 2> /dev/null" || { bad=rmmod; break; }
	modprobe vdisk || { bad=modprobe; break; }
done
is "ten times, with a device each time" "$i$bad" 10

# Unloading right behind a forced detach of a busy device.
must_attach "$(uri image)" --overlay ram:4M
freeze_server
dd if="$DEV" of=/dev/null bs=64k iflag=direct status=none 2> /dev/null &
reader=$!
wait_for 10 "grep -q '[1-9]' /sys/block/${DEV##*/}/inflight"
must detach --force "$DEV"
ok "rmmod behind a forced detach" wait_for 10 "rmmod vdisk 2> /dev/null"
wait $reader
thaw_server
ok "modprobe" modprobe vdisk
finish
