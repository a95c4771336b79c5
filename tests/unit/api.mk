# SPDX-License-Identifier: GPL-2.0
# The API of the server, from outside.

API_TESTS := $(sort $(wildcard tests/unit/api/test_api_*))
UNIT_TESTS += $(API_TESTS)
