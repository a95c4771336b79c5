#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Random reads, writes, discards and write-zeroes of all sizes and alignments,
# direct and buffered, give what a model in memory says.
# group: quick
# timeout: 240
. ./lib.sh

OPS=${VDISK_TEST_OPS:-1500}
SEED=${VDISK_TEST_SEED:-$RANDOM}
slow && OPS=$((OPS / 4))
note "seed $SEED, $OPS operations"

make_image image 48M
start_vdiskd
must_attach "$(uri image)" --overlay ram:128M
ok "mixed" io_model --image "$STORE/image.img" --seed "$SEED" --ops "$OPS" "$DEV"
ok "direct, four that meet inside blocks" \
	io_model --direct --jobs 4 --seed $((SEED + 1)) --ops $((OPS / 3)) "$DEV"
ok "buffered" io_model --buffered --jobs 2 --seed $((SEED + 2)) --ops $((OPS / 4)) "$DEV"
ok "large operations" io_model --max $((4 << 20)) --seed $((SEED + 3)) --ops $((OPS / 10)) "$DEV"
must detach "$DEV"

must_attach "$(uri image)"
ok "read-only: the image is as it was" \
	io_model --read-only --image "$STORE/image.img" --seed "$SEED" --ops $((OPS / 4)) "$DEV"
ok "detach" detach "$DEV"
finish
