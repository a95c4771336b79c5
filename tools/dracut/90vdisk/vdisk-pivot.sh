#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# pre-pivot hook, sourced by dracut: what the real system must know.

if [ -e /run/vdisk/done ]; then
	# shellcheck disable=SC2154 # dracut's
	/bin/sh /usr/lib/vdisk/vdisk-handover.sh "$NEWROOT"
fi
