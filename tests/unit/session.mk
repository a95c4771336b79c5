# SPDX-License-Identifier: GPL-2.0
# Session tokens, and what vdiskd makes of them.

TOKEN_SRCS := lib/token.c lib/base64url.c lib/error.c

TEST_PROGRAMS += test_token
test_token_SRCS := tests/unit/test_token.c $(TOKEN_SRCS)
test_token_LIBS := -lgnutls
UNIT_TESTS += $(B)/test_token
