#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As test_io_01_model, thirty times as many operations.
# group: long
# timeout: 3600
VDISK_TEST_OPS=45000 exec ./test_io_01_model.sh
