#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An overlay larger than the memory that is free is refused, unless --overcommit says so.
# group: quick
# timeout: 60
. ./lib.sh
. ./overlay_lib.sh

serve_image 8M
total=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)

if attach "$(uri image)" --overlay "ram:$((total + 1024))K"; then
	fail "an overlay larger than the memory is refused"
else
	pass "an overlay larger than the memory is refused"
fi
ok "with the reason" grep -qi 'overcommit' <<< "$ERR"
is "no device is left" "$(vdiskctl status --json | jq '.devices | length')" 0

must_attach "$(uri image)" --overlay "ram:$((total + 1024))K" --overcommit
is "--overcommit allows it" "$(overlay limit)" $(((total + 1024) * 1024))
ok "it works" put 0 100
ok "and reads back" reads_as_model 0 200
ok "detach" detach "$DEV"

must_attach "$(uri image)" --overlay ram:4M
fails "a limit beyond the memory is refused" vdiskctl overlay resize "$DEV" "$((total + 1024))K"
is "and the old one stays" "$(overlay limit)" $((4 << 20))
ok "unless --overcommit" vdiskctl overlay resize "$DEV" "$((total + 1024))K" --overcommit
is "says so" "$(overlay limit)" $(((total + 1024) * 1024))
ok "detach" detach "$DEV"
must_attach "$(uri image)" --overlay ram:10%
ok "a share of the memory" [ "$(overlay limit)" -ge $((total * 1024 / 10 - 4096)) ]
ok "detach" detach "$DEV"
finish
