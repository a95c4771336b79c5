#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server breaks the protocol or the connection, in every way, then is good:
# the driver notices, connects again, and nobody reads a wrong byte.
# group: quick
# timeout: 240
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 3M

# try FAULT [BEHAVIOUR]: on the first two connections
try() {
	local name=$1${2:+, }${2-} lost
	start_rogue --size 3M "${2:-good},$1=2" "${2:-good},$1=7" "${2:-good}"
	must_attach "$(uri x)"
	reads_right "$name: data" "$T/image"
	lost=$(status "$DEV" '.devices[0].servers[0].reconnects')
	case $name in
	*multi-conn*)
		# which of them come as far as their fault depends on the load
		ok "$name: connections were given up" [ "$lost" -ge 1 ] ;;
	*)	is "$name: the connections that were given up" "$lost" 2 ;;
	esac
	obeyed "$name: within the rules"
	detached "$name: detach"
	stop_server
}

for fault in close truncate rst garbage cookie length short twice outside simple type huge \
	empty comb; do
	try $fault
done
for fault in close truncate rst garbage simple; do
	try $fault no-structured
done
try truncate tiny,shuffle,holes
try rst tiny,multi-conn
finish
