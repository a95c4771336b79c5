#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As test_server_06_stress, a hundred rounds.
# group: long
# timeout: 3600
VDISK_TEST_ROUNDS=100 exec ./test_server_06_stress.sh
