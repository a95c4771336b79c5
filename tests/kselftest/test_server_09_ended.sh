#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A session that was fenced is over: its device fails, at once, whatever --lost says;
# a new token brings it back.  What is no final word leaves it waiting.
# group: quick
# timeout: 300
. ./lib.sh
. ./wire.sh

allow_log 'I/O error|Buffer I/O error'
rogue_image "$T/image"
state() {
	status "$DEV" '.devices[0].state'
}

# events KIND: how many came of this device
events() {
	jq -se --arg dev "$DEV" --arg kind "$1" \
		'map(select(.device == $dev and .event == $kind)) | length' "$T/events"
}

# read_at MIB: a piece of the base
read_at() {
	dd if="$DEV" of="$T/read" bs=64k skip=$(($1 * 16)) count=1 iflag=direct status=none 2> "$T/dd.err"
}

# reader MIB: one that waits for its server, which is frozen or gone; sets READER
reader() {
	dd if="$DEV" of=/dev/null bs=64k skip=$(($1 * 16)) count=8 iflag=direct status=none 2> /dev/null &
	READER=$!
}

# reader_ends NAME 0|1: with, or without an error
reader_ends() {
	if ! wait_for "$(patience 30)" "! kill -0 $READER 2>/dev/null"; then
		fail "$1" "it still waits: $(vdiskctl status)"
		return
	fi
	wait "$READER"
	is "$1" "$([ $? -eq 0 ] && echo 0 || echo 1)" "$2"
}

is_state() {
	[ "$(state)" = "$1" ]
}

becomes() {
	ok "$1" wait_for "$(patience "${3-20}")" "is_state $2"
}

# other_server BEHAVIOUR...: in place of the one there is
other_server() {
	# first of all, or a frozen one would answer
	kill -KILL "$SERVER"
	kill_server
	again
	start_rogue "$@"
}

renew() {
	vdisk_nl set "number=${DEV#/dev/vdisk}" "token=$1"
}

# log_since PATTERN: how many lines of the kernel's log since the attach have it
log_since() {
	dmesg | sed -n "/ended-test: $LOG_MARK/,\$p" | grep -c -E -e "$1"
}

# attached [OPTION]...: a device of a session on a good server
attached() {
	LOG_MARK=$RANDOM.$RANDOM
	mark "ended-test: $LOG_MARK"
	start_rogue good
	must_attach "$(uri '~first')" --overlay ram:8M "$@"
}

: > "$T/events"
vdiskctl monitor --json > "$T/events" &
heard() {
	vdisk_nl attach number=9 'server{' host=h port=1 export=e 'address{' ipv4=7f000001 '}' '}' > /dev/null
	vdiskctl detach 9
	[ -s "$T/events" ]
}
must wait_for "$(patience 10)" heard

# Fenced while requests are under way.
attached
head -c 64k /dev/urandom > "$T/mine"
must dd if="$T/mine" of="$DEV" bs=64k seek=16 oflag=direct status=none
freeze_server
reader 4
wait_for "$(patience 10)" "[ \"\$(status \"\$DEV\" '.devices[0].servers[0].inflight')\" -gt 0 ]"
other_server "go-error=policy,words=[ended]fenced by ~first; this is final"
reader_ends "fenced: what was under way fails" 1
becomes "fenced: the state tells" ended
is "with the server's words" "$(status "$DEV" '.devices[0].reason')" \
	"session ended: fenced by ~first; this is final"
is "nobody is asked again" "$(status "$DEV" '.devices[0].servers[0].next_try_ms')" 0
ok "for people, too" grep -q 'session ended: fenced' <(vdiskctl status "$DEV")
fails "a read fails at once" timeout "$(patience 5)" dd if="$DEV" of=/dev/null bs=64k skip=160 count=1 \
	iflag=direct status=none
ok "what was written is readable" cmp "$T/mine" \
	<(dd if="$DEV" bs=64k skip=16 count=1 iflag=direct status=none)
ok "and may be written over" dd if="$T/mine" of="$DEV" bs=64k seek=48 oflag=direct status=none
wait_for 5 "[ \$(events ended) -gt 0 ]"
is "one event" "$(events ended)" 1
is "with the words, without the token" "$(jq -r 'select(.event == "ended") | .reason' "$T/events")" \
	"session ended: fenced by ~; this is final"
is "one line in the log" "$(log_since "${DEV#/dev/}: session ended: fenced by ~; this is final$")" 1
is "no token in it" "$(log_since '~first')" 0

# The same token again says nothing new; another one does.
asked=$(rogue_log export)
ok "the token it has is set again" renew '~first'
ok "another one is" renew '~second'
ok "which the server is asked for" wait_for "$(patience 10)" "[ \$(rogue_log '~second') -gt 0 ]"
is "and not for the old one" "$(rogue_log export)" $((asked + 1))
becomes "ended again" ended
wait_for 5 "[ \$(events ended) -gt 1 ]"
is "it was lost in between" "$(events ended) $(events lost)" "2 2"
other_server want=~third
ok "a token that is good" renew '~third'
becomes "brings it back" ready
wait_for 5 "[ \$(events back) -gt 0 ]"
is "one event tells" "$(events back)" 1
ok "it reads" read_at 8
ok "right" cmp "$T/read" <(dd if="$T/image" bs=64k skip=128 count=1 status=none)
ok "what was written is still there" cmp "$T/mine" \
	<(dd if="$DEV" bs=64k skip=16 count=1 iflag=direct status=none)
detached

# The policy's patience is for servers that may come back.
attached --lost fail:3600
other_server "go-error=policy,words=[ended]logged out"
becomes "the policy fail:3600: ended" ended
fails "reads fail" read_at 2
other_server good
ok "it is renewed" renew '~second'
becomes "the policy fail:3600: back" ready
ok "reads" read_at 2
detached "a device that was back goes"

# Given up by its policy, and then ended, and back: its policy holds as before.
attached --lost fail:0
other_server "go-error=policy,words=not today"
becomes "given up" failed
other_server "go-error=policy,words=[ended]replaced"
ok "asked with a new token" renew '~second'
becomes "given up, then ended" ended
ok "and with another" renew '~third'
wait_for "$(patience 10)" "[ \$(rogue_log '~third') -gt 0 ]"
becomes "ended again" ended
other_server silent-go
ok "and with one that is not answered" renew '~fourth'
becomes "given up again" failed
detached "a device that was given up goes"

# No final words: it waits, and is asked again for a new token.
attached
freeze_server
reader 4
n=0
other_server "go-error=policy,words=session 1 is not known here" \
	"go-error=policy,words=the session has expired" \
	"go-error=policy,words=Session ended: another letter" \
	"go-error=policy,words=oh session ended: further on" \
	"go-error=policy,words=[ended]" \
	"go-error=unknown,words=[ended]another error" \
	"go-error=policy,words=[ended]@longer" \
	"go-error=policy,words=[ended]@controls" \
	"go-error=policy,words=[ended]@long" \
	good
for words in 'not known here' expired Session 'oh session' 'session ended: $' 'another error' www; do
	ok "not final: '$words'" wait_for "$(patience 20)" "path_reason | grep -q 'refuses.*$words\|no such.*$words'"
	is "not final: '$words': it waits" "$(state) $(kill -0 "$READER" && echo waits)" "lost waits"
	n=$((n + 1))
	must renew "~renewed$n"
done
reader_ends "the words are final: what waits fails" 1
becomes "final, with controls" ended
is "as text" "$(status "$DEV" '.devices[0].reason')" "session ended: no????[2J?]0;owned? way???"
ok "and 4096 bytes of them" renew '~long'
wait_for "$(patience 20)" "status \"\$DEV\" '.devices[0].reason' | grep -q www"
becomes "are final" ended
is "and cut" "$(status "$DEV" '.devices[0].reason | length')" 255
must renew '~good'
becomes "back" ready
detached

# Words for what is no session's token.
start_rogue good
must_attach "$(uri plain)" --overlay ram:8M
freeze_server
reader 4
other_server "go-error=policy,words=[ended]fenced"
ok "no token: refused" wait_for "$(patience 20)" "path_reason | grep -q 'refuses.*fenced'"
is "no token: it waits" "$(state) $(kill -0 "$READER" && echo waits)" "lost waits"
ok "detach" detach "$DEV" --force
reader_ends "the detach ends it" 1

# Two servers.  One says that it is over, while the other one serves: it isn't.
S=stamp=u:1:a
start_rogue "$S,close=1" "go-error=policy,words=[ended]of one"
FIRST=$SERVER FIRST_PORT=$PORT
start_rogue "$S,want=~first"
must_attach "$(uri '~first' "$FIRST_PORT")" "$(uri '~first')" --overlay ram:8M
first_ended() {
	read_at 1
	path_reason | grep -q 'ended: of one'
}
ok "one says that it ended" wait_for "$(patience 20)" first_ended
is "the other one serves" "$(state)" ready
ok "reads" read_at 3

# The other one is restarted: nobody notices.
kill_server
reader 6
again
start_rogue "$S,want=~first"
reader_ends "the other one was restarted: no error" 0
is "and no end" "$(state)" ready

# The other one stays away.
kill_server
reader 10
becomes "the other one is gone" lost
reader_ends "one word is enough, after a while" 1
becomes "one word is enough" ended
is "of the first" "$(status "$DEV" '.devices[0].reason')" "session ended: of one"

# It comes back, and nobody asks it without a new token.
again
start_rogue "$S,want=~second"
is "nobody asks it" "$(rogue_log export)" 0
ok "renewed" renew '~second'
becomes "it serves" ready
ok "reads" read_at 12
stop_server "$FIRST"
detached

# A device that is written through: no write is taken for done.
start_rogue --writable good
must_attach "$(uri '~first')" --write-through
must dd if="$T/mine" of="$DEV" bs=64k oflag=direct status=none
freeze_server
dd if="$T/mine" of="$DEV" bs=64k seek=5 oflag=direct status=none 2> /dev/null &
READER=$!
wait_for "$(patience 10)" "[ \"\$(status \"\$DEV\" '.devices[0].servers[0].inflight')\" -gt 0 ]"
kill -KILL "$SERVER"
kill_server
again
start_rogue --writable "go-error=policy,words=[ended]fenced"
reader_ends "a write fails" 1
becomes "written through: ended" ended
fails "and the next one" dd if="$T/mine" of="$DEV" bs=64k oflag=direct status=none
detached

# Connections that break in mid-reply, and then the end, many times.
for ((i = 0; i < 2; i++)); do
	start_rogue multi-conn,rst=$((20 + i)) "go-error=policy,words=[ended]round $i"
	must_attach "$(uri '~first')" --overlay ram:8M --connections 2
	fio --name=r --filename="$DEV" --ioengine=libaio --direct=1 --rw=randread --bs=16k \
		--iodepth=32 --size=8M --output="$T/fio" > /dev/null 2>&1 &
	READER=$!
	wait_for "$(patience 30)" "is_state ended" || break
	wait_for "$(patience 30)" "! kill -0 $READER 2>/dev/null" || break
	detach "$DEV" || break
	stop_server
done
is "ended under load, in 2 rounds" "$i" 2
none_attached
finish
