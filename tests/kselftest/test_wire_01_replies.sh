#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Replies in every shape that is allowed: the data is right, and no connection
# is given up.
# group: quick
# timeout: 180
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 6M

try() {
	local how=$1
	shift
	start_rogue --size 6M "$how"
	must_attach "$(uri x)" "$@"
	reads_right "$how" "$T/image"
	obeyed "$how: within the rules"
	is "$how: reconnects" "$(status "$DEV" '.devices[0].servers[0].reconnects')" 0
	detached "$how: detach"
	stop_server
}

try good
try tiny
try shuffle
try holes
try tiny,shuffle,holes,multi-conn --connections 4
try no-structured
try no-structured,tiny,shuffle
try no-go
try no-go,no-structured,zeroes
try delay=3,shuffle,multi-conn --connections 2
finish
