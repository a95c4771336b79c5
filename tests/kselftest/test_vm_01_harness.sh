#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test machine itself: what other tests need is there.
# group: quick
# timeout: 60
. ./lib.sh

for name in fio nbdkit nbd-client mke2fs e2fsck ip tc ss jq socat blkdiscard dmsetup; do
	ok "program $name" command -v $name
done
start_nbdkit memory 16M
ok "nbdkit answers" nbdinfo "nbd://127.0.0.1:$PORT"
ok "wait_for sees a condition come" wait_for 5 true
fails "wait_for ends without it" wait_for 0 false
kill_server
fails "a server that was killed is gone" listening "$PORT"
ok "module" test -d /sys/module/vdisk
finish
