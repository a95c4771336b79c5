#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server refuses: its words reach the user, and do nothing on the way.
# group: quick
# timeout: 120
. ./lib.sh
. ./wire.sh

# refused BEHAVIOUR WORDS
refused() {
	start_rogue "$1"
	if attach "$(uri x)" --wait 1; then
		fail "$1" "it was attached"
		stop_server
		return
	fi
	is "$1: the words" "$(grep -cF -e "$2" <<< "$ERR")" 1
	note "$ERR"
	is "$1: on one line" "$(wc -l <<< "$ERR")" 1
	is "$1: nothing but text" "$(LC_ALL=C tr -d '\n\040-\176' <<< "$ERR" | wc -c)" 0
	ok "$1: no device stays" wait_for "$(patience 5)" "! ls /sys/block | grep -q vdisk"
	stop_server
}

refused go-error=unknown,words=rogue.knows.no.such "rogue.knows.no.such"
refused go-error=unknown "has no such export"
refused go-error=policy,words=not.you "not.you"
refused go-error=policy,words=@controls "no????[2J?]0;owned? way???"
# shellcheck disable=SC2016 # it must not be expanded
refused go-error=policy,words=@shell '$(reboot) `reboot`'
refused go-error=unknown,words=@long wwwwwwww
refused go-error=tls "wants TLS"
refused go-error=shutdown "shutting down"
refused go-error=invalid "invalid"
refused go-error=platform "platform"
refused go-error=block-size "block sizes"
refused not-nbd "no NBD server"
refused oldstyle "oldstyle"
refused not-fixed "fixed newstyle"
refused close-accept "closed before the greeting"
refused "stamp=a b" "stamp"

# The kernel's log has lines of text, too.
is "the kernel's log has no control characters" \
	"$(dmesg | grep vdisk | LC_ALL=C tr -d '\n\040-\176' | wc -c)" 0
finish
