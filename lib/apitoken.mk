# SPDX-License-Identifier: GPL-2.0
# Tokens of administrators; needs -lgnutls.
APITOKEN_SRCS := lib/apitoken.c lib/base64url.c
