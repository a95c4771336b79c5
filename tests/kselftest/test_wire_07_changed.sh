#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a server offers when the driver comes back: another image is refused and
# I/O waits; the image under the name it told is found again.
# group: quick
# timeout: 120
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 3M

# changed NAME FIRST LATER WORDS
changed() {
	local reader
	start_rogue --size 3M "$2,close=3" "$3"
	must_attach "$(uri x)"
	cat "$DEV" > "$T/out" 2> /dev/null &
	reader=$!
	_pids+=("$reader")
	ok "$1: refused" wait_for "$(patience 20)" "path_state refused"
	is "$1: the words" "$(path_reason | grep -c -e "$4")" 1
	note "$(path_reason)"
	ok "$1: the reader waits" kill -0 "$reader"
	ok "$1: what it got is right" cmp -n "$(stat -c %s "$T/out")" "$T/image" "$T/out"
	gone_in_time "$1: detach" --force
	wait "$reader"
	stop_server
}

changed "another size" good size=4M "3145728"
changed "another stamp" stamp=u:1:a stamp=u:2:b "u:2:b"
changed "no stamp any more" stamp=u:1:a good "stamp"
changed "another name" name=x@1 name=x@2 "x@2"
changed "a largest block that is smaller" max=65536 max=4096 "block sizes"
changed "unknown now" good go-error=unknown,words=gone "gone"

# A name that stays the same version
start_rogue --size 3M name=x@7,close=5 name=x@7,want=x@7
must_attach "$(uri x)"
reads_right "by the name it told: data" "$T/image"
is "by the name it told: asked for" "$(rogue_log "conn 2: export 'x@7'")" 1
detached
stop_server

# A stamp, on every connection
start_rogue --size 3M stamp=u:1:a,close=5,multi-conn stamp=u:1:a,multi-conn
must_attach "$(uri x)" --connections 4
reads_right "the same stamp: data" "$T/image"
is "the stamp is shown" "$(status "$DEV" '.devices[0].stamp')" u:1:a
detached
finish
