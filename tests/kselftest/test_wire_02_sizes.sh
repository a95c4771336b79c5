#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Block sizes and image sizes of all kinds: requests keep to them, the data is
# right, the tail included; what can't be a disk is refused with words.
# group: quick
# timeout: 180
. ./lib.sh
. ./wire.sh

# try SIZE BEHAVIOUR [BLOCK]: the device has the whole blocks of the image, of
# 512 bytes or the server's smallest: nothing less can be asked for
try() {
	local bytes whole
	bytes=$(numeric "$1")
	whole=$((bytes / ${3-512} * ${3-512}))
	start_rogue --size "$bytes" "$2"
	rogue_image "$T/image" --size $whole
	must_attach "$(uri x)"
	is "$1 bytes, $2: size" "$(blockdev --getsize64 "$DEV")" $whole
	reads_right "$1 bytes, $2: data" "$T/image"
	obeyed "$1 bytes, $2: within the rules"
	detached "$1 bytes, $2: detach"
	stop_server
}

try 4M min=512,max=4096
try 4M min=4096,max=4096
try 4M min=4096,max=65536,tiny,shuffle,holes
try 4M min=65536,preferred=65536
try 4M min=65536,preferred=65536,max=65536,holes
try 4M min=1,max=12800
try 4M min=2048,preferred=8192,max=10240,no-structured
try $((4194304 + 512)) good
try $((4194304 + 512)) min=4096,max=65536 4096
try $((4194304 + 3584)) min=4096,shuffle,holes 4096
try $((4194304 + 700)) good
try $((4194304 + 700)) min=4096 4096
try 512 good
try 1024 tiny,holes

# refused SIZE BEHAVIOUR WORDS
refused() {
	start_rogue --size "$1" "$2"
	if attach "$(uri x)" --wait 1; then
		fail "refused: $3" "it was attached"
	else
		is "refused: $3" "$(grep -c -e "$3" <<< "$ERR")" 1
		note "$ERR"
	fi
	stop_server
}

refused 511 good "less than a block"
refused 1M size=9223372036854775808 "larger than a disk"
refused 1M min=3,max=30 "power of two"
refused 1M min=4096,max=100 "largest block"

# The last sectors of a very large disk.
start_rogue --size 1024G good
must_attach "$(uri x)"
rogue --image --size 1024G 2>/dev/null | head -c 65536 > "$T/front"
ok "1 TiB: the first bytes" cmp "$T/front" <(head -c 65536 "$DEV")
is "1 TiB: the last sector can be read" \
	"$(dd if="$DEV" bs=512 skip=$(((1 << 31) - 1)) iflag=direct status=none | wc -c)" 512
fails "1 TiB: and nothing behind it" \
	bash -c "dd if=$DEV bs=512 skip=$((1 << 31)) count=1 iflag=direct status=none | grep -q ."
obeyed "1 TiB: within the rules"
detached
finish
