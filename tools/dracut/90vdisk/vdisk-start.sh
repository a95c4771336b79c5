#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# initqueue hook, sourced in each turn of dracut's main loop.  The attaching
# goes on beside the loop, which has other NICs to bring up meanwhile.

if [ -d /run/vdisk ] && [ ! -e /run/vdisk/started ]; then
	: >/run/vdisk/started
	/sbin/vdisk-attach </dev/null &
elif [ -e /run/vdisk/failed ] && [ ! -e /run/vdisk/reported ]; then
	: >/run/vdisk/reported
	( . /usr/lib/vdisk/vdisk-lib.sh && vdisk_restart_if_closed )
	# Fixed words: what servers said stands in the kernel's log already.
	emergency_shell "vdisk: no disk from the network; the reasons stand above, and in dmesg"
fi
