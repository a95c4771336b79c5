#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As test_attach_03_loop, a thousand times.
# group: long
# timeout: 1800
VDISK_TEST_ROUNDS=1000 exec ./test_attach_03_loop.sh
