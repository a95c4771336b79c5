#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Events tell that the overlay fills, is full, and that a write was failed.
# group: quick
# timeout: 60
. ./lib.sh
. ./overlay_lib.sh

serve_image 32M
must_attach "$(uri image)" --overlay ram:8M --full error
vdiskctl monitor --json > "$T/events" &
MONITOR=$!
_pids+=("$MONITOR")
must wait_for "$(patience 10)" "in_poll $MONITOR"

# told NAME [PERCENT]: how many such events there were
told() {
	jq -s "[.[] | select(.event == \"$1\" ${2:+and .percent == $2})] | length" "$T/events"
}
# becomes N NAME [PERCENT]
becomes() {
	wait_for "$(patience 5)" "[ \"\$(told ${*:2})\" = $1 ]" || { cat "$T/events"; false; }
}

must put 0 1500
is "none at 73 %" "$(told overlay-level)" 0
must put 1500 180
ok "80 % is told" becomes 1 overlay-level 80
must put 1680 180
ok "90 % is told" becomes 1 overlay-level 90
must put 1860 120
ok "95 % is told" becomes 1 overlay-level 95
is "each once" "$(told overlay-level)" 3
is "it is not full yet" "$(told overlay-full)" 0
fill 4096 200
ok "full is told" becomes 1 overlay-full
ok "and that a write failed" becomes 1 overlay-enospc
is "the levels not again" "$(told overlay-level)" 3

must clear discard 0 $((600 * 8))
must put 0 500
ok "after a trim they are told again" becomes 2 overlay-level 95
is "with those below" "$(told overlay-level)" 6
ok "detach" detach "$DEV"
finish
