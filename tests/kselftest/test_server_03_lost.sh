#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# When every server is gone the policy decides: wait, or fail after a time.
# group: quick
# timeout: 180
. ./lib.sh

make_image image 32M
state() {
	status "$DEV" '.devices[0].state'
}

start_vdiskd
must_attach "$(uri image)" --overlay ram:16M --lost fail:3
allow_log 'I/O error|Buffer I/O error'
ok "reads" dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct status=none
kill_server
ok "the state tells" wait_for "$(patience 20)" "[ \"\$(state)\" = lost ] || [ \"\$(state)\" = failed ]"
fails "a read fails after the time" timeout "$(patience 60)" \
	dd if="$DEV" of=/dev/null bs=64k skip=100 count=4 iflag=direct status=none
ok "a write into the overlay succeeds" \
	dd if=/dev/zero of="$DEV" bs=4k count=4 oflag=direct status=none
ok "detach" detach "$DEV"

start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
kill_server
dd if="$DEV" of="$T/read" bs=64k skip=100 count=4 iflag=direct status=none &
reader=$!
ok "the policy queue: lost" wait_for "$(patience 20)" "[ \"\$(state)\" = lost ]"
again
start_vdiskd
ok "the server is back: ready" wait_for "$(patience 60)" "[ \"\$(state)\" = ready ]"
wait $reader
is "the read had no error" "$?" 0
ok "it has what the image has" cmp "$T/read" \
	<(dd if="$STORE/image.img" bs=64k skip=100 count=4 status=none)
ok "detach" detach "$DEV"

# fail-now, set on a living device: what waits fails at once.
start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
kill_server
dd if="$DEV" of=/dev/null bs=64k skip=100 count=4 iflag=direct status=none 2> /dev/null &
reader=$!
wait_for "$(patience 10)" "grep -q '[1-9]' /sys/block/${DEV##*/}/inflight"
ok "set --fail-now" vdiskctl set "$DEV" --fail-now
ok "what waited ended" wait_for "$(patience 20)" "! kill -0 $reader 2>/dev/null"
wait $reader
is "with an error" "$([ $? -ne 0 ] && echo y)" y
ok "detach" detach "$DEV"

# A detach ends the connections, too, and is no reason to restart the machine.
start_vdiskd
bad=
for ((i = 0; i < 20; i++)); do
	must_attach "$(uri image)" --lost reboot:0
	detach "$DEV" || bad="round $i"
done
is "detached with the policy reboot" "$bad" ""
finish
