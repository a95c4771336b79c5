// SPDX-License-Identifier: GPL-2.0
/* Session tokens: made, read, and everything that is no token of ours. */
#include <errno.h>
#include <gnutls/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "tap.h"
#include "token.h"

static const struct token_key key = { { 1, 2, 3, 4 } }, other = { { 4, 3, 2, 1 } };

static const struct token usual = {
	.farm = "0123456789abcdef", .session = 42, .client = "lab1-07", .image = "debian-12.img",
	.version = 3, .epoch = 9, .expires = 1800000000,
};

/* In a block of its own size, so that reading behind it is seen. */
static char *copy_of(const char *text, size_t length)
{
	char *copy = malloc(length + !length);

	memcpy(copy, text, length);
	return copy;
}

static int verify(const char *text, struct token *token)
{
	size_t length = strlen(text);
	char *copy = copy_of(text, length);
	int ret = token_verify(&key, copy, length, token);

	free(copy);
	return ret;
}

static int verify_bearer(const char *text, struct token_bearer *bearer)
{
	size_t length = strlen(text);
	char *copy = copy_of(text, length);
	int ret = token_bearer_verify(&key, copy, length, bearer);

	free(copy);
	return ret;
}

static bool is_token(const char *text, size_t length)
{
	struct token token;

	return !token_verify(&key, text, length, &token);
}

static bool is_bearer(const char *text, size_t length)
{
	struct token_bearer bearer;

	return !token_bearer_verify(&key, text, length, &bearer);
}

/* How many are taken of all that are @text with a bit changed, or cut short. */
static unsigned int damaged_ones(const char *text, bool (*is_one)(const char *, size_t))
{
	size_t length = strlen(text), i;
	char damaged[TOKEN_TEXT_SIZE];
	unsigned int taken = 0, bit;

	for (i = 0; i < length; i++) {
		for (bit = 0; bit < 8; bit++) {
			strcpy(damaged, text);
			damaged[i] ^= 1 << bit;
			taken += is_one(damaged, length);
		}
		taken += is_one(text, i);
	}
	return taken;
}

static void sign_as(const struct token_key *with, const char *payload, char *text)
{
	uint8_t digest[32];

	gnutls_hmac_fast(GNUTLS_MAC_SHA256, with->byte, sizeof(with->byte), payload,
			 strlen(payload), digest);
	base64url_encode((const uint8_t *)payload, strlen(payload), text);
	strcat(text, ".");
	base64url_encode(digest, sizeof(digest), text + strlen(text));
}

static void test_round(void)
{
	struct token token, longest = usual;
	char text[TOKEN_TEXT_SIZE];

	tap_ok(!token_make(&key, &usual, text, NULL), "a token is made");
	tap_ok(strlen(text) == strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
	       "it has digits that stand in a URI");
	tap_ok(!verify(text, &token), "and is read again");
	tap_ok(!strcmp(token.farm, usual.farm) && token.session == 42 &&
	       !strcmp(token.client, "lab1-07") && !strcmp(token.image, "debian-12.img") &&
	       token.version == 3 && !token.writable && token.epoch == 9 &&
	       token.expires == 1800000000, "with all that it says");
	tap_ok(token_verify(&other, text, strlen(text), &token) == -EBADMSG, "another farm's is not ours");
	tap_ok(!token.session && !*token.client, "and nothing of it is told");

	memset(longest.client, 'x', TOKEN_NAME_LONGEST);
	memset(longest.image, 'y', TOKEN_NAME_LONGEST);
	longest.version = UINT32_MAX;
	longest.session = UINT64_MAX;
	longest.epoch = UINT64_MAX;
	longest.expires = INT64_MAX;
	longest.writable = true;
	tap_ok(!token_make(&key, &longest, text, NULL) && strlen(text) <= TOKEN_TEXT_LONGEST,
	       "the longest has room");
	tap_ok(!verify(text, &token) && token.session == UINT64_MAX && token.writable &&
	       token.expires == INT64_MAX && token.version == UINT32_MAX, "and is read again");
}

static void test_make_refuses(void)
{
	static const char *const names[] = {
		"", "a|b", "a b", "a\nb", "a@b", "$(x)", "${x}", "a/b", "\xc3\xa4",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	char text[TOKEN_TEXT_SIZE];
	struct vdisk_error err;
	struct token token;
	unsigned int i;

	for (i = 0; i + 1 < sizeof(names) / sizeof(*names); i++) {
		token = usual;
		strcpy(token.client, names[i]);
		tap_ok(token_make(&key, &token, text, &err) == -EINVAL, "no token for client '%s'",
		       i == 3 ? "a newline" : names[i]);
	}
	token = usual;
	token.session = 0;
	tap_ok(token_make(&key, &token, text, &err) == -EINVAL, "none for session 0");
	token = usual;
	token.version = 0;
	tap_ok(token_make(&key, &token, text, &err) == -EINVAL, "none for version 0");
}

static void test_damage(void)
{
	char text[TOKEN_TEXT_SIZE], damaged[TOKEN_TEXT_SIZE + 1];
	struct token token;

	token_make(&key, &usual, text, NULL);
	tap_ok(is_token(text, strlen(text)) && !damaged_ones(text, is_token),
	       "a bit changed anywhere is seen, and one cut short");
	snprintf(damaged, sizeof(damaged), "%sA", text);
	tap_ok(verify(damaged, &token) == -EBADMSG, "one that goes on is seen");
	snprintf(damaged, sizeof(damaged), "%s=", text);
	tap_ok(verify(damaged, &token) == -EBADMSG, "padding is seen");
	tap_ok(verify("", &token) == -EBADMSG, "nothing is no token");
	tap_ok(verify(".", &token) == -EBADMSG, "a dot is no token");
	memset(damaged, 'A', sizeof(damaged));
	tap_ok(token_verify(&key, damaged, SIZE_MAX, &token) == -EBADMSG, "nor is what has no end");
}

/* Signed with the right key, but not what token_make() writes. */
static void test_strict(void)
{
	static const char *const payloads[] = {
		"2|f|1|c|i@1|r|1|1", "01|f|1|c|i@1|r|1|1", "1|f|0|c|i@1|r|1|1", "1|f|1|c|i@0|r|1|1",
		"1|f|1|c|i|r|1|1", "1|f|1|c|i@1||1|1", "1|f|1|c|i@1|x|1|1", "1|f|1|c|i@1|rw|1|1",
		"1|f|1|c|i@1|r|+1|1", "1|f|1|c|i@1|r|1|-1", "1|f|1|c|i@1|r|1|1|", "1|f|1|c|i@1|r|1|1 ",
		"1|f|1|c|i@1|r|1|1|1", "1|f|1|c|i@1|r|1", "1||1|c|i@1|r|1|1", "1|f|1||i@1|r|1|1",
		"1|f|1|c d|i@1|r|1|1", "1|f|1|c|../i@1|r|1|1", "1|f|1|c|i@4294967296|r|1|1",
		"1|f|18446744073709551616|c|i@1|r|1|1", "1|f|1|c|i@1|r|1|9223372036854775808",
		"1|f|99999999999999999999999999|c|i@1|r|1|1", "1|ffffffffffffffffff|1|c|i@1|r|1|1",
		"|||||||", "1",
	};
	static const char good[] = "1|f|1|c|i@1|r|1|1";
	char text[TOKEN_TEXT_SIZE];
	struct token token;
	unsigned int i;

	sign_as(&key, good, text);
	tap_ok(!verify(text, &token), "signed, and a token: %s", good);
	for (i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		sign_as(&key, payloads[i], text);
		tap_ok(verify(text, &token) == -EBADMSG, "signed, but no token: %s", payloads[i]);
	}
}

static void test_bearer(void)
{
	static const struct token_bearer mine = {
		.session = 42, .client = "lab1-07", .epoch = 9, .started = 1800000000,
	};
	char text[TOKEN_TEXT_SIZE], export[TOKEN_TEXT_SIZE];
	struct token_bearer bearer, longest = mine;
	struct token token;

	tap_ok(!token_bearer_make(&key, &mine, text, NULL) && !verify_bearer(text, &bearer) &&
	       bearer.session == 42 && !strcmp(bearer.client, "lab1-07") && bearer.epoch == 9 &&
	       bearer.started == 1800000000, "a bearer is made and read");
	tap_ok(token_bearer_verify(&other, text, strlen(text), &bearer) == -EBADMSG &&
	       !bearer.session, "another farm's is not ours");
	tap_ok(verify(text, &token) == -EBADMSG, "a bearer is no token");
	token_make(&key, &usual, export, NULL);
	tap_ok(verify_bearer(export, &bearer) == -EBADMSG && !bearer.session,
	       "and a token is no bearer");
	tap_ok(!damaged_ones(text, is_bearer), "a bit changed anywhere is seen, and one cut short");
	memset(longest.client, 'x', TOKEN_NAME_LONGEST);
	longest.session = UINT64_MAX;
	longest.epoch = UINT64_MAX;
	longest.started = INT64_MAX;
	tap_ok(!token_bearer_make(&key, &longest, text, NULL) && !verify_bearer(text, &bearer) &&
	       bearer.epoch == UINT64_MAX && bearer.started == INT64_MAX, "the longest has room");
	longest.session = 0;
	tap_ok(token_bearer_make(&key, &longest, text, NULL) == -EINVAL, "none for session 0");
	strcpy(longest.client, "a|b");
	longest.session = 1;
	tap_ok(token_bearer_make(&key, &longest, text, NULL) == -EINVAL, "nor for a name that is none");
}

/* Signed with the right key, but not what token_bearer_make() writes. */
static void test_bearer_strict(void)
{
	static const char *const payloads[] = {
		"b2|1|c|1|1", "b|1|c|1|1", "1|1|c|1|1", "b1|0|c|1|1", "b1|01|c|1|1", "b1|1||1|1",
		"b1|1|c d|1|1", "b1|1|c|-1|1", "b1|1|c|1|", "b1|1|c|1|1|", "b1|1|c|1",
		"b1|1|c|1|9223372036854775808", "b1|18446744073709551616|c|1|1", "b1", "||||",
		"1|f|1|c|i@1|r|1|1",
	};
	static const char purpose[] = "vdisk bearer key";
	struct token_bearer bearer;
	char text[TOKEN_TEXT_SIZE];
	struct token_key derived;
	unsigned int i;

	gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.byte, sizeof(key.byte), purpose, strlen(purpose),
			 derived.byte);
	sign_as(&derived, "b1|1|c|1|1", text);
	tap_ok(!verify_bearer(text, &bearer), "signed, and a bearer");
	sign_as(&key, "b1|1|c|1|1", text);
	tap_ok(verify_bearer(text, &bearer) == -EBADMSG, "the farm's own key signs no bearer");
	for (i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		sign_as(&derived, payloads[i], text);
		tap_ok(verify_bearer(text, &bearer) == -EBADMSG, "signed, but no bearer: %s",
		       payloads[i]);
	}
}

static void test_key(void)
{
	static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFf";
	char farm[TOKEN_FARM_SIZE], same[TOKEN_FARM_SIZE], text[128];
	struct token_key parsed;

	tap_ok(!token_key_parse(hex, 64, &parsed) && parsed.byte[0] == 0 && parsed.byte[30] == 0x1e &&
	       parsed.byte[31] == 0xff, "a key is read");
	snprintf(text, sizeof(text), "%s\n", hex);
	tap_ok(!token_key_parse(text, 65, &parsed), "also with a newline");
	tap_ok(token_key_parse(hex, 63, &parsed) == -EINVAL, "too short is no key");
	snprintf(text, sizeof(text), "%s\n\n", hex);
	tap_ok(token_key_parse(text, 66, &parsed) == -EINVAL, "too long is no key");
	text[5] = 'g';
	tap_ok(token_key_parse(text, 64, &parsed) == -EINVAL, "other characters are no key");
	tap_ok(!token_farm(&key, farm) && strlen(farm) == 16 && !token_farm(&key, same) &&
	       !strcmp(farm, same), "a farm has a name");
	tap_ok(!token_farm(&other, same) && strcmp(farm, same), "another farm has another");
}

static void test_nonce(void)
{
	char text[TOKEN_NONCE_SIZE], second[TOKEN_NONCE_SIZE];

	tap_ok(!token_nonce(&key, 1000, text) && strlen(text) == TOKEN_NONCE_SIZE - 1, "a nonce is made");
	tap_ok(!token_nonce(&key, 1000, second) && strcmp(text, second), "no two are the same");
	tap_ok(!token_nonce_verify(&key, text, 1060, 60), "it is known again");
	tap_ok(token_nonce_verify(&key, text, 1061, 60) == -ETIME, "not for ever");
	tap_ok(token_nonce_verify(&key, text, 999, 60) == -ETIME, "nor before it was made");
	tap_ok(token_nonce_verify(&other, text, 1000, 60) == -EBADMSG, "nor by another farm");
	text[3] ^= 1;
	tap_ok(token_nonce_verify(&key, text, 1000, 60) == -EBADMSG, "nor when it was changed");
	tap_ok(token_nonce_verify(&key, "", 1000, 60) == -EBADMSG, "nothing is none");
}

static void test_base64url(void)
{
	static const uint8_t bytes[] = { 0xfb, 0xff, 0xfe, 0x00 };
	uint8_t back[8];
	char text[16];

	base64url_encode(bytes, 4, text);
	tap_ok(!strcmp(text, "-__-AA"), "base64url has its own two digits");
	tap_ok(base64url_decode(text, 6, back, 4) == 4 && !memcmp(back, bytes, 4), "and is read");
	tap_ok(base64url_decode(text, 6, back, 3) == -EINVAL, "into no less room");
	tap_ok(base64url_decode("-__-AB", 6, back, 4) == -EINVAL, "in one way only");
	tap_ok(base64url_decode("A", 1, back, 4) == -EINVAL, "a digit is no byte");
	tap_ok(base64url_decode("AA=", 3, back, 4) == -EINVAL, "'=' is no digit");
	tap_ok(base64url_decode("", 0, back, 4) == 0, "nothing is nothing");
}

int main(void)
{
	test_round();
	test_make_refuses();
	test_damage();
	test_strict();
	test_bearer();
	test_bearer_strict();
	test_key();
	test_nonce();
	test_base64url();
	return tap_done();
}
