# SPDX-License-Identifier: GPL-2.0
# The server, from outside: what a raw client and the usual ones see of it.

VDISKD_TESTS := $(sort $(wildcard tests/unit/vdiskd/test_vdiskd_*))
UNIT_TESTS += $(VDISKD_TESTS)
