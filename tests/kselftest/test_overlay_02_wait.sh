#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# --full wait: a write to a full overlay waits, until there is room or the time is over.
# group: quick
# timeout: 150
. ./lib.sh
. ./overlay_lib.sh

serve_image 32M
must_attach "$(uri image)" --overlay ram:8M --full wait:600

# waiting: a write does
waiting() {
	[ "$(overlay waiting)" -gt 0 ]
}

# starts_to_wait NAME BLOCK COUNT: fills in the background, until it waits; sets FILL
starts_to_wait() {
	fill "$2" "$3" &
	FILL=$!
	if wait_for "$(patience 30)" waiting; then
		pass "$1"
	else
		fail "$1" "$(cat "$T/fill")"
	fi
}

must put 0 512
starts_to_wait "a write to a full overlay waits" 4096 2048
ok "within the limit" within_limit
ok "meanwhile the overlay is read" reads_as_model 0 512
ok "and the base" reads_as_model 2048 512
ok "and what is there is written again" put 0 512
ok "a flush returns" blockdev --flushbufs "$DEV"
ok "the write waits still" waiting
ok "the limit is raised" vdiskctl overlay resize "$DEV" 12M
wait "$FILL"
is "then the write is through" $? 0
is "nothing waits" "$(overlay waiting)" 0

starts_to_wait "again one waits" 6144 1900
ok "a trim" clear discard $((4096 * 8)) $((1536 * 8))
wait "$FILL"
is "lets it go on" $? 0
ok "all reads as it should" reads_as_model 0 4096

starts_to_wait "again one waits" 2048 2048
ok "the wait is cut short" vdiskctl set "$DEV" --full wait:1
wait "$FILL"
is "then the write fails" $? 1
ok "with ENOSPC" no_space
fill 3800 1
is "so does the next one" $? 1
ok "with ENOSPC" no_space
ok "reads and rewrites go on" put 0 512
ok "and are right" reads_as_model 0 512

must vdiskctl set "$DEV" --full wait:600
starts_to_wait "again one waits" 3800 1
ok "until the policy says error" vdiskctl set "$DEV" --full error
wait "$FILL"
is "then it fails" $? 1
ok "with ENOSPC" no_space

must vdiskctl set "$DEV" --full wait:600
starts_to_wait "again one waits" 3800 1
ok "a detach by force does not" timeout "$(patience 10)" vdiskctl detach --force "$DEV"
wait "$FILL"
is "the write failed" $? 1
finish
