#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# After a restart the server must offer the same: an image of another size, or
# none any more, is refused, and the device waits for the right one.
# group: quick
# timeout: 180
. ./lib.sh

make_image image 16M
start_vdiskd
must_attach "$(uri image)" --overlay ram:16M
ok "reads" cmp -n 65536 "$STORE/image.img" "$DEV"

path_state() {
	status "$DEV" '.devices[0].servers[0].state'
}

kill_server
mv "$STORE/image.img" "$T/kept"
again
start_vdiskd
ok "the export is gone: refused" wait_for "$(patience 60)" "[ \"\$(path_state)\" = refused ]"
ok "the server's words are shown" eval "vdiskctl status $DEV | grep -i 'image'"

kill_server
mv "$T/kept" "$STORE/image.img"
truncate -s 8M "$STORE/image.img"
again
start_vdiskd
is "an image of another size is never used" \
	"$(blockdev --getsize64 "$DEV")" $((16 << 20))
kill_server
detach --force "$DEV" > /dev/null || fail "detach"
finish
