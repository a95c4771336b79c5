#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vdiskctl monitor, and what it does when it can't keep up.
# group: quick
# timeout: 180
# shellcheck disable=SC1083 # braces are words of vdisk_nl
. ./lib.sh

rmem=$(cat /proc/sys/net/core/rmem_max)
trap 'status=$?; echo $rmem > /proc/sys/net/core/rmem_max; vdiskctl detach --all --force
	(exit $status); _cleanup' EXIT

make_image image 4M
start_vdiskd

vdiskctl monitor --json > "$T/json" &
json=$!
vdiskctl monitor > "$T/text" &
text=$!
# it listens when it tells of a device
heard() {
	vdisk_nl attach number=9 server{ host=h port=1 export=e address{ ipv4=7f000001 } } > /dev/null
	vdiskctl detach 9
	[ -s "$T/json" ] && [ -s "$T/text" ]
}
ok "both listen" wait_for 10 heard

must_attach "$(uri image)"
n=${DEV#/dev/vdisk}
ok "ready" wait_for 5 "jq -se 'any(.event == \"ready\" and .number == $n)' $T/json > /dev/null"
kill_server
ok "path-down with the server" wait_for 20 "jq -se 'any(.event == \"path-down\" and
	.server == { host: \"127.0.0.1\", port: $PORT } and .reason)' $T/json > /dev/null"
ok "lost" wait_for 20 "jq -se 'any(.event == \"lost\" and .device == \"$DEV\")' $T/json > /dev/null"
is "state" "$(vdiskctl status "$DEV" --json | jq -r '.devices[].state')" lost
again
start_vdiskd
ok "back" wait_for 40 "jq -se 'any(.event == \"back\")' $T/json > /dev/null"
must detach "$DEV"
ok "gone" wait_for 5 "jq -se '.[-1].event == \"gone\"' $T/json > /dev/null"
ok "each line has time, event, device and number" jq -se \
	'all((.time | test("^20[0-9-]+T[0-9:.]+Z$")) and .event and .device and (.number | type == "number"))' \
	"$T/json"
ok "the form for people" grep -Eq "^20[0-9TZ:.-]+ vdisk$n gone$" "$T/text"

# A reader that is frozen, and has little room: the kernel drops events, and says so.
kill $json
wait $json 2> /dev/null
echo 4096 > /proc/sys/net/core/rmem_max
: > "$T/json"
vdiskctl monitor --json > "$T/json" &
json=$!
ok "a reader with little room listens" wait_for 10 heard
kill -STOP $json
for ((i = 0; i < 12; i++)); do
	heard
done
must_attach "$(uri image)"
kill -CONT $json
ok "an overrun is told" wait_for 10 "grep -q '\"overrun\"' $T/json"
ok "and the state, read anew" wait_for 5 \
	"jq -se 'any(.event == \"state\" and .device == \"$DEV\" and .state == \"ready\")' $T/json"
must detach "$DEV"
ok "it goes on" wait_for 5 "jq -se '.[-1].event == \"gone\"' $T/json > /dev/null"
kill $json $text
finish
