#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# --write-through: writes reach the image on the server, with FUA and flush.
# group: quick
# timeout: 180
. ./lib.sh

OPS=1000
slow && OPS=200

make_image image 32M
cp "$STORE/image.img" "$T/before"
start_vdiskd --writable image --allow 127.0.0.1/32

must_attach "$(uri image)" --write-through
is "writable" "$(blockdev --getro "$DEV")" 0
ok "model" io_model --image "$T/before" --ops "$OPS" "$DEV"
ok "model, direct, four jobs" io_model --direct --jobs 4 --ops $((OPS / 3)) "$DEV"
must blockdev --flushbufs "$DEV"
ok "the image holds what the device shows" same "$STORE/image.img" "$DEV"
fails "it is not what it was" cmp -s "$T/before" "$STORE/image.img"
ok "detach" detach "$DEV"

must_attach "$(uri image)" --write-through
ok "again: the same" same "$STORE/image.img" "$DEV"
ok "detach" detach "$DEV"
finish
