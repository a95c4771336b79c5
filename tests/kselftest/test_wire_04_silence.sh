#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server that falls silent, between replies and in the middle of one, is given
# up after a while, and the next connection serves what was asked of it.
# group: long
# timeout: 180
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 3M

for fault in silent stall; do
	start_rogue --size 3M "$fault=3" good
	must_attach "$(uri x)"
	reads_right "$fault: data" "$T/image"
	is "$fault: reconnects" "$(status "$DEV" '.devices[0].servers[0].reconnects')" 1
	detached "$fault: detach"
	stop_server
done
finish
