#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# group: quick
# timeout: 60
#
# A batch whose last request the overlay has must still send those before it:
# nothing else comes that would wake the sender.
. ./lib.sh

make_image image 32M
start_vdiskd
must_attach "$(uri image)" --overlay ram:20M --overcommit --read-ahead 0
must dd if=/dev/zero of="$DEV" bs=4k count=1 seek=4000 oflag=direct

# Three blocks of the server's and one of the overlay's, which is issued last:
# some kernels issue a batch in its order, some in the other.
own=$((4000 * 4096))
for i in 1 2 3; do
	ok "batch $i, the overlay's block behind" batch_read "$DEV" \
		$((i << 20)) $(((i + 8) << 20)) $(((i + 4) << 20)) $own
	ok "batch $i, the overlay's block in front" batch_read "$DEV" \
		$own $(((i + 16) << 20)) $(((i + 24) << 20)) $(((i + 20) << 20))
done
is "the overlay gave its part" "$(status "$DEV" .devices[0].stats.overlay_read_bytes)" $((6 * 4096))
finish
