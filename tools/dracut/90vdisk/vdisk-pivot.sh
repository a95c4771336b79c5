#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# pre-pivot hook, sourced by dracut: what the real system must know.

if [ -e /run/vdisk/done ]; then
	/bin/sh /usr/lib/vdisk/vdisk-handover.sh
fi
