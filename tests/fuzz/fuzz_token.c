// SPDX-License-Identifier: GPL-2.0
/*
 * Reads tokens and bearers that are anything at all, and payloads with a right MAC:
 * what is taken must be what token_make() and token_bearer_make() write, to the
 * letter, and never both.
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
	struct token_bearer bearer;
	struct token_key derived;
	struct token token;

	must(token_verify(&key, (const char *)data, size, &token), "nobody signed");
	must(token_bearer_verify(&key, (const char *)data, size, &bearer), "nobody signed");
	if (size > PAYLOAD_LONGEST)
		return 0;
	must(!sign(&key, (const char *)data, size, text, NULL), "can't be signed");
	must(token_bearer_verify(&key, text, strlen(text), &bearer), "is a bearer, too");
	if (!token_verify(&key, text, strlen(text), &token)) {
		must(!token_make(&key, &token, again, NULL), "can't be made");
		must(!strcmp(text, again), "has two ways to be written");
	}
	bearer_key(&key, &derived);
	must(!sign(&derived, (const char *)data, size, text, NULL), "can't be signed");
	must(token_verify(&key, text, strlen(text), &token), "was a bearer");
	if (!token_bearer_verify(&key, text, strlen(text), &bearer)) {
		must(!token_bearer_make(&key, &bearer, again, NULL), "can't be made");
		must(!strcmp(text, again), "has two ways to be written");
	}
	return 0;
}
