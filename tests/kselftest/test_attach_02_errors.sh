#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What cannot be attached says why, leaves nothing, and harms nobody.
# group: quick
# timeout: 90
. ./lib.sh

# says NAME REGEX: about the error line of the last attach
says() {
	if [[ $ERR =~ $2 ]] && [ "$(printf '%s\n' "$ERR" | wc -l)" -eq 1 ]; then
		pass "$1"
	else
		fail "$1" "stderr was: '$ERR'"
	fi
}

make_image image 8M
start_vdiskd

fails "an unknown export" attach "$(uri nothing)" --wait 3
says "the error names the export" nothing
fails "nobody listens" attach nbd://127.0.0.1:9/image --wait 2
says "the error names the server" "127\.0\.0\.1"
ok "nothing is left of them" wait_for 5 none_attached

must_attach "$(uri image)" --device 7
is "the number asked for" "$DEV" /dev/vdisk7
fails "a number that is taken" attach "$(uri image)" --device 7
says "the error names the number" 7
must_attach "$(uri image)"
is "the lowest that is free" "$DEV" /dev/vdisk0
ok "detach by name" detach vdisk0
ok "detach by number" detach 7
fails "detach of nothing" detach /dev/vdisk7

must_attach "$(uri image)" --overlay ram:8M
exec 7< "$DEV"
fails "an open device is not detached" detach "$DEV"
ok "it still works" dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct status=none
exec 7<&-
ok "a closed one is" detach "$DEV"

fails "an overlay larger than the memory" attach "$(uri image)" --overlay ram:100G
vdiskctl attach --nonsense 2> /dev/null
is "wrong usage" $? 2
vdiskctl attach "http://x/y" 2> /dev/null
is "a URI of another kind" $? 2
finish
