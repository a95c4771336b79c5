# SPDX-License-Identifier: GPL-2.0
# Session tokens: what links them adds $(TOKEN_SRCS) and $(TOKEN_LIBS).
TOKEN_SRCS := lib/token.c lib/base64url.c lib/error.c
TOKEN_LIBS := -lgnutls
