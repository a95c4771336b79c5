// SPDX-License-Identifier: GPL-2.0
#include "apitoken.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base64url.h"

enum { RANDOM_BYTES = 32, HASH_BYTES = 32 };

int apitoken_make(char *text)
{
	uint8_t bytes[RANDOM_BYTES];

	if (gnutls_rnd(GNUTLS_RND_KEY, bytes, sizeof(bytes)) < 0)
		return -EIO;
	base64url_encode(bytes, sizeof(bytes), text);
	gnutls_memset(bytes, 0, sizeof(bytes));
	return 0;
}

void apitoken_hash(const char *text, char *hash)
{
	uint8_t bytes[HASH_BYTES];
	unsigned int i;

	/* It can't fail: the algorithm is always there. */
	gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), bytes);
	for (i = 0; i < HASH_BYTES; i++)
		snprintf(hash + 2 * i, 3, "%02x", bytes[i]);
}
