#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two servers of one image, one of which misbehaves: readers see right data and
# no error, as long as the other one has it.
# group: quick
# timeout: 180
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 4M

# two NAME FIRST SECOND: attaches to both; the log of the first is $FIRST's
two() {
	start_rogue --size 4M "$2"
	FIRST=$SERVER FIRST_PORT=$PORT
	start_rogue --size 4M "$3"
	must_attach "$(uri x "$FIRST_PORT")" "$(uri x)" --connections 2
}

end_two() {
	detached "$1: detach"
	stop_server "$FIRST"
	stop_server
}

server_state() {
	status "$DEV" ".devices[0].servers[$1].state"
}

both_up() {
	[ "$(server_state 0),$(server_state 1)" = up,up ]
}

# try NAME FIRST SECOND
try() {
	two "$@"
	must wait_for "$(patience 10)" both_up
	reads_right "$1: data" "$T/image"
	end_two "$1"
}

S=stamp=u:1:a,multi-conn
try "one can't read a part" "$S,error=5@1048576+65536" "$S"
try "each can't read another part" "$S,error=5@1048576+65536" "$S,error=5@2097152+65536"
try "one loses its connections all the time" "$S,rst=5" "$S"
try "one breaks the protocol all the time" "$S,garbage=5" "$S"
try "one has other block sizes" "$S" "$S,tiny,shuffle"
try "one is slow" "$S,delay=100" "$S"

# what neither can read is an error
two "neither" "$S,error=5@1048576+65536" "$S,error=5@1048576+65536"
must wait_for "$(patience 10)" both_up
fails "neither can read it: an error" dd if="$DEV" iflag=direct bs=4k skip=256 count=1
ok "neither: all else is right" cmp -n 65536 "$T/image" "$DEV"
end_two "neither"

# one falls silent: the other takes over what was asked of it
try "one falls silent" "$S,silent=4" "$S"
try "one falls silent amid a reply" "$S,stall=4" "$S"

# one goes, with requests on the wire
read_on() {
	until [ -e "$T/enough" ]; do
		cmp "$T/image" <(dd if="$DEV" iflag=direct bs=64k status=none) || return 1
	done
}

two "one goes" "$S,delay=50" "$S"
must wait_for "$(patience 10)" both_up
read_on > "$T/cmp.err" 2>&1 &
reader=$!
must wait_for "$(patience 20)" "[ \"\$(status $DEV '.devices[0].servers[0].requests')\" -ge 5 ]"
kill_server "$FIRST"
must wait_for "$(patience 10)" "[ \"\$(server_state 0)\" != up ]"
touch "$T/enough"
wait "$reader"
is "one goes: data" "$?$(cat "$T/cmp.err")" 0
ok "one goes: the other is used" [ "$(server_state 1)" = up ]
end_two "one goes"

# another image never serves
two "another image" "$S" stamp=u:2:b,multi-conn
ok "another image: refused" wait_for "$(patience 10)" \
	"[ \"\$(server_state 0)\$(server_state 1)\" = uprefused -o \
	\"\$(server_state 0)\$(server_state 1)\" = refusedup ]"
good=$([ "$(server_state 0)" = up ] && echo "$FIRST_PORT" || echo "$PORT")
PORT=$good reads_right "another image: data" "$T/image"
end_two "another image"

# without a stamp nothing proves that it is the same
two "no stamps" multi-conn multi-conn
ok "no stamps: one is refused" wait_for "$(patience 10)" \
	"[ \"\$(server_state 0)\$(server_state 1)\" = uprefused -o \
	\"\$(server_state 0)\$(server_state 1)\" = refusedup ]"
reads_right "no stamps: data" "$T/image"
end_two "no stamps"
finish
