#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Random I/O against a model, while the server cuts, mixes up and breaks off what
# it sends: reads below an overlay, and reads and writes that go to the server.
# group: long
# timeout: 400
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 8M
OPS=300
slow && OPS=100

MODEL="--jobs 4 --direct"
# try BEHAVIOUR ROGUE-OPTIONS ATTACH-ARG...
try() {
	local how=$1 options=$2
	shift 2
	# shellcheck disable=SC2086 # several, or none
	start_rogue --size 8M $options "$how"
	must_attach "$(uri x)" "$@"
	# shellcheck disable=SC2086
	# in the background: "wait" hears a signal, and then the device is freed
	io_model --image "$T/image" --ops $OPS $MODEL "$DEV" > "$T/model" 2>&1 &
	wait $!
	is "$how $*" "$?$(cat "$T/model")" 0
	obeyed "$how $*: within the rules"
	note "reconnects: $(status "$DEV" '.devices[0].servers[0].reconnects')"
	detached "$how $*: detach"
	stop_server
}

try tiny,shuffle,holes,multi-conn,rst=40 "" --overlay ram:16M --connections 3
try no-structured,truncate=50 "" --overlay ram:16M
try min=4096,max=16384,shuffle,holes,garbage=60 "" --overlay ram:16M
try tiny,shuffle --writable --write-through
try close=60 --writable --write-through
try rst=60 --writable --write-through
try no-structured,truncate=60 --writable --write-through
# its smallest block is the disk's then
MODEL="--buffered --no-discard"
try min=4096,max=16384 --writable --write-through
finish
