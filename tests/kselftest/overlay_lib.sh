# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of the overlay share.

# serve_image SIZE: sets MODEL, a copy that the test keeps in step with the disk
serve_image() {
	make_image image "$1"
	MODEL=$T/model
	cp "$STORE/image.img" "$MODEL"
	start_nbdkit file "$STORE/image.img"
}

# overlay FIELD: a figure of the overlay, from the status
overlay() {
	status "$DEV" "[.. | .overlay? // empty | .$1][0]"
}

# put BLOCK COUNT: random 4 KiB blocks, to the disk and the model
put() {
	head -c $(($2 * 4096)) /dev/urandom > "$T/put"
	dd if="$T/put" of="$DEV" bs=4k seek="$1" oflag=direct status=none &&
		dd if="$T/put" of="$MODEL" bs=4k seek="$1" conv=notrunc status=none
}

# clear discard|zeroes SECTOR COUNT: on the disk; zeroes in the model
clear() {
	local option=
	[ "$1" = zeroes ] && option=-z
	blkdiscard -f $option -o $(($2 * 512)) -l $(($3 * 512)) "$DEV" &&
		dd if=/dev/zero of="$MODEL" bs=512 seek="$2" count="$3" conv=notrunc status=none
}

# fill BLOCK COUNT: as put, where it is to fail: what it says is in $T/fill
fill() {
	LC_ALL=C dd if=/dev/urandom of="$DEV" bs=4k seek="$1" count="$2" oflag=direct \
		iflag=fullblock 2> "$T/fill"
}

no_space() {
	grep -q 'No space left on device' "$T/fill"
}

within_limit() {
	[ "$(overlay used)" -le "$(overlay limit)" ]
}

# reads_as_model BLOCK COUNT
reads_as_model() {
	cmp <(dd if="$MODEL" bs=4k skip="$1" count="$2" status=none) \
		<(dd if="$DEV" bs=4k skip="$1" count="$2" iflag=direct status=none)
}
