#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A session's token is renewed: the next connect asks for the new one.
# group: quick
# timeout: 180
# shellcheck disable=SC1083 # braces are words of vdisk_nl
. ./lib.sh

export_of() {
	status "$DEV" '.devices[0].servers[0].export'
}

make_image "~first" 8M
make_image plain 8M
ln "$STORE/~first.img" "$STORE/~first"
ln "$STORE/plain.img" "$STORE/plain"
start_nbdkit file dir="$STORE"
must_attach "$(uri '~first')" --overlay ram:1M
number=${DEV#/dev/vdisk}

for bad in plain '' '~'; do
	out=$(vdisk_nl set "number=$number" "token=$bad" 2>&1)
	is "a token '$bad' is refused" "${out%%:*}" EINVAL
done
ok "a token is set" vdisk_nl set "number=$number" 'token=~second'
is "and shown to the privileged" "$(export_of)" '~second'
ok "the connection goes on" dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct status=none

# Only the new one is there when the server comes back.
mv "$STORE/~first" "$STORE/~second"
kill_server
again
start_nbdkit file dir="$STORE"
ok "it comes back by the new one" dd if="$DEV" of="$T/read" bs=64k skip=32 count=4 iflag=direct status=none
ok "with the same image" cmp "$T/read" \
	<(dd if="$STORE/~first.img" bs=64k skip=32 count=4 status=none)
ok "no token in the kernel's log" eval '! dmesg | grep -E "~(first|second)"'
ok "detach" detach "$DEV"

# What is no session's keeps its name.
must_attach "$(uri plain)" --overlay ram:1M
ok "a token for a device without one" vdisk_nl set "number=${DEV#/dev/vdisk}" 'token=~second'
is "changes nothing" "$(export_of)" plain
ok "detach" detach "$DEV"
none_attached
finish
