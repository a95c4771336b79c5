#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Errors that a server tells: what is of the moment is asked for again and never
# seen by a reader; the others fail the read they belong to, and no other.
# group: quick
# timeout: 180
. ./lib.sh
. ./wire.sh

rogue_image "$T/image" --size 4M

# read_at OFFSET LENGTH: in sectors, past the page cache
read_at() {
	dd if="$DEV" iflag=direct bs=512 skip="$1" count="$2" status=none
}

right_at() {
	cmp <(tail -c +$(($1 * 512 + 1)) "$T/image" | head -c $(($2 * 512))) <(read_at "$1" "$2")
}

# fatal NUMBER WAY [BEHAVIOUR]: 64 KiB from 1 MiB on can't be read, all else can
fatal() {
	local name="error $1 by $2${3:+, }${3-}"
	start_rogue --size 4M "$2=$1@1048576+65536${3:+,}${3-}"
	must_attach "$(uri x)"
	fails "$name: the read fails" read_at 2048 8
	fails "$name: also over its end" read_at 2168 16
	ok "$name: in front of it" right_at 2040 8
	ok "$name: behind it" right_at 2176 8
	is "$name: reconnects" "$(status "$DEV" '.devices[0].servers[0].reconnects')" 0
	detached "$name: detach"
	stop_server
}

fatal 1 error			# EPERM
fatal 5 error			# EIO
fatal 5 error-offset
fatal 5 error no-structured
fatal 22 error			# EINVAL
fatal 28 error			# ENOSPC
fatal 75 error-offset		# EOVERFLOW
fatal 95 error			# ENOTSUP
fatal 4711 error		# unknown

# ENOMEM, ESHUTDOWN: once, then fine
for error in 12 108; do
	start_rogue --size 4M "once=$error@1048576+65536" good
	must_attach "$(uri x)"
	reads_right "error $error, once: data" "$T/image"
	detached "error $error: detach"
	stop_server
done

# ENOMEM for ever: the reader waits, the device can be taken away
start_rogue --size 4M "error=12@1048576+65536"
must_attach "$(uri x)"
read_at 2048 8 > /dev/null 2> "$T/reader.err" &
reader=$!
ok "the reader waits" wait_for "$(patience 20)" \
	"[ \"\$(status $DEV '.devices[0].servers[0].errors')\" -ge 3 ] && kill -0 $reader"
ok "all else can be read" right_at 0 8
gone_in_time "detach with a reader" --force
fails "the reader got an error" wait "$reader"
finish
