// SPDX-License-Identifier: GPL-2.0
/*
 * Reads tokens that are anything at all, and payloads with a right MAC: what is
 * taken must be what token_make() writes, to the letter.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token.c"

static const struct token_key key = { { 7 } };

static void must(bool what, const char *text)
{
	if (what)
		return;
	fprintf(stderr, "a token that %s\n", text);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TOKEN_TEXT_SIZE], again[TOKEN_TEXT_SIZE];
	uint8_t digest[MAC_BYTES];
	struct token token;

	must(token_verify(&key, (const char *)data, size, &token), "nobody signed");
	if (size > PAYLOAD_LONGEST)
		return 0;
	base64url_encode(data, size, text);
	strcat(text, ".");
	mac(&key, data, size, digest);
	base64url_encode(digest, sizeof(digest), text + strlen(text));
	if (token_verify(&key, text, strlen(text), &token))
		return 0;
	must(!token_make(&key, &token, again, NULL), "can't be made");
	must(!strcmp(text, again), "has two ways to be written");
	return 0;
}
