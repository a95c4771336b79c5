# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# wire.sh - for the tests of the NBD client: rogue, a server that misbehaves as
# it is told.  Sourced behind lib.sh.

# start_rogue [OPTION]... BEHAVIOUR...: sets SERVER and PORT; "rogue --help" tells more
start_rogue() {
	_choose_port
	_serve rogue --port "$PORT" "$@"
}

# rogue_log [PATTERN]: how often it said so
rogue_log() {
	grep -c -e "${1:-.}" "$T/server-$PORT.log"
}

# rogue_image FILE [OPTION]...: what a rogue with these options serves
rogue_image() {
	local file=$1
	shift
	rogue --image "$@" > "$file" || die "can't make the image"
}

# reads_right NAME FILE: the device has the bytes of FILE, through the page cache
# (many requests at a time) and past it
reads_right() {
	blockdev --flushbufs "$DEV"
	if ! cmp "$2" "$DEV" 2> "$T/cmp.err"; then
		fail "$1" "through the page cache: $(cat "$T/cmp.err")"
	elif ! same "$2" "$DEV" 2> "$T/cmp.err"; then
		fail "$1" "past the page cache: $(cat "$T/cmp.err")"
	else
		pass "$1"
	fi
}

# obeyed NAME: the driver broke none of the rules it had agreed on
obeyed() {
	if grep -q VIOLATION "$T/server-$PORT.log"; then
		fail "$1" "$(grep VIOLATION "$T/server-$PORT.log" | head -n 5)"
	else
		pass "$1"
	fi
}

# path_state STATE: does the device's first server have it?
path_state() {
	[ "$(status "$DEV" '.devices[0].servers[0].state')" = "$1" ]
}

path_reason() {
	status "$DEV" '.devices[0].servers[0].reason'
}

# gone_in_time NAME ARG...: "vdiskctl detach ARG..." of $DEV ends, and the device
# with it, well before any time limit of the network's could have helped
gone_in_time() {
	local name=$1 start end
	shift
	start=${EPOCHREALTIME/./}
	if ! timeout "$(patience 4)" vdiskctl detach "$DEV" "$@" 2> "$T/detach.err"; then
		fail "$name" "detach $*: $(cat "$T/detach.err")"
		return
	fi
	end=${EPOCHREALTIME/./}
	note "$name: detached in $(((end - start) / 1000)) ms"
	ok "$name" wait_for 2 "[ ! -e /sys/block/${DEV##*/} ]"
}

# detached [NAME]: the device goes away in the ordinary way
detached() {
	ok "${1:-detach}" detach "$DEV"
}
