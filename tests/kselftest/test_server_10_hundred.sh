#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As test_server_01_killed, a hundred times.
# group: long
# timeout: 1800
VDISK_TEST_KILLS=100 exec ./test_server_01_killed.sh
