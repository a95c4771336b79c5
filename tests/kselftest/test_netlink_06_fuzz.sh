#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Messages made from the family's specification: valid, nearly so, and random.
# group: quick
# timeout: 180
. ./lib.sh

trap 'status=$?; vdiskctl detach --all --force; (exit $status); _cleanup' EXIT
count=3000
# each device brings threads: the debug kernel takes long over them
slow && count=400
count=${VDISK_TEST_MESSAGES:-$count}
out=$(netlink_fuzz --messages "$count" ${VDISK_TEST_SEED:+--seed "$VDISK_TEST_SEED"})
status=$?
note "$out"
is "the fuzzer found nothing" $status 0
is "no device is left" "$(vdiskctl status --json | jq '.devices | length')" 0
make_image image 4M
start_vdiskd
must_attach "$(uri image)"
ok "the driver still works" same "$STORE/image.img" "$DEV"
ok "detach" detach "$DEV"
ok "the module can be unloaded" wait_for 10 "rmmod vdisk 2> /dev/null"
finish
