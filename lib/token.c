// SPDX-License-Identifier: GPL-2.0
#include "token.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base64url.h"

enum {
	MAC_BYTES = 32,
	MAC_DIGITS = 43,
	PAYLOAD_LONGEST = 350,		/* what is left of TOKEN_TEXT_LONGEST, and less */
	NONCE_SAID = 24,		/* bytes of a nonce that its MAC is about */
	NONCE_MAC = TOKEN_NONCE_BYTES - NONCE_SAID,
};

static int mac(const struct token_key *key, const void *data, size_t length,
	       uint8_t digest[MAC_BYTES])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key->byte, sizeof(key->byte), data, length,
				digest) ? -EIO : 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int token_key_parse(const char *text, size_t length, struct token_key *key)
{
	int high, low;
	size_t i;

	if (length == 2 * TOKEN_KEY_BYTES + 1 && text[length - 1] == '\n')
		length--;
	if (length != 2 * TOKEN_KEY_BYTES)
		return -EINVAL;
	for (i = 0; i < TOKEN_KEY_BYTES; i++) {
		high = hex_value(text[2 * i]);
		low = hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		key->byte[i] = high << 4 | low;
	}
	return 0;
}

int token_farm(const struct token_key *key, char farm[TOKEN_FARM_SIZE])
{
	/* No payload of a token or nonce begins like this. */
	static const char text[] = "vdisk farm";
	uint8_t digest[MAC_BYTES];
	unsigned int i;

	if (mac(key, text, sizeof(text) - 1, digest))
		return -EIO;
	for (i = 0; i < (TOKEN_FARM_SIZE - 1) / 2; i++)
		sprintf(farm + 2 * i, "%02x", digest[i]);
	return 0;
}

/* No payload that the farm's own key signs begins like this. */
static int bearer_key(const struct token_key *key, struct token_key *derived)
{
	static const char text[] = "vdisk bearer key";

	return mac(key, text, sizeof(text) - 1, derived->byte);
}

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static bool is_name(const char *text, size_t length)
{
	size_t i;

	if (!length || length > TOKEN_NAME_LONGEST)
		return false;
	for (i = 0; i < length; i++)
		if (!is_name_character(text[i]))
			return false;
	return true;
}

/* @length of @payload, as snprintf() says it. */
static int sign(const struct token_key *key, const char *payload, int length,
		char text[TOKEN_TEXT_SIZE], struct vdisk_error *err)
{
	uint8_t digest[MAC_BYTES];
	size_t digits;

	if (length < 0 || length > PAYLOAD_LONGEST)
		return vdisk_error_set(err, EINVAL, "a token is too long");
	if (mac(key, payload, length, digest))
		return vdisk_error_set(err, EIO, "a token can't be signed: GnuTLS has no HMAC-SHA256");
	digits = base64url_length(length);
	base64url_encode((const uint8_t *)payload, length, text);
	text[digits] = '.';
	base64url_encode(digest, sizeof(digest), text + digits + 1);
	return 0;
}

int token_make(const struct token_key *key, const struct token *token,
	       char text[TOKEN_TEXT_SIZE], struct vdisk_error *err)
{
	char payload[PAYLOAD_LONGEST + 1];
	int length;

	if (!is_name(token->farm, strlen(token->farm)) ||
	    !is_name(token->client, strlen(token->client)) ||
	    !is_name(token->image, strlen(token->image)) || !token->session || !token->version ||
	    token->expires < 0)
		return vdisk_error_set(err, EINVAL, "a token can't be made for client '%s' and image '%s': a name has something but letters, digits, '.', '_' and '-'",
				       token->client, token->image);
	length = snprintf(payload, sizeof(payload), "1|%s|%llu|%s|%s@%u|%c|%llu|%lld", token->farm,
			  (unsigned long long)token->session, token->client, token->image,
			  token->version, token->writable ? 'w' : 'r',
			  (unsigned long long)token->epoch, (long long)token->expires);
	return sign(key, payload, length, text, err);
}

int token_bearer_make(const struct token_key *key, const struct token_bearer *bearer,
		      char text[TOKEN_TEXT_SIZE], struct vdisk_error *err)
{
	char payload[PAYLOAD_LONGEST + 1];
	struct token_key derived;
	int length, ret;

	if (!is_name(bearer->client, strlen(bearer->client)) || !bearer->session ||
	    bearer->started < 0)
		return vdisk_error_set(err, EINVAL, "a bearer can't be made for client '%s': its name has something but letters, digits, '.', '_' and '-'",
				       bearer->client);
	length = snprintf(payload, sizeof(payload), "b1|%llu|%s|%llu|%lld",
			  (unsigned long long)bearer->session, bearer->client,
			  (unsigned long long)bearer->epoch, (long long)bearer->started);
	if (bearer_key(key, &derived))
		return vdisk_error_set(err, EIO, "a bearer can't be signed: GnuTLS has no HMAC-SHA256");
	ret = sign(&derived, payload, length, text, err);
	gnutls_memset(&derived, 0, sizeof(derived));
	return ret;
}

/* What is left of a payload. */
struct rest {
	const char *at, *end;
};

/* The next field, which @after ends; at the payload's end for '\0'. */
static bool take(struct rest *rest, char after, const char **field, size_t *length)
{
	const char *end = after ? memchr(rest->at, after, rest->end - rest->at) : rest->end;

	if (!end)
		return false;
	*field = rest->at;
	*length = end - rest->at;
	rest->at = after ? end + 1 : end;
	return true;
}

static bool take_name(struct rest *rest, char after, char *name, size_t size)
{
	const char *field;
	size_t length;

	if (!take(rest, after, &field, &length) || length >= size || !is_name(field, length))
		return false;
	memcpy(name, field, length);
	name[length] = '\0';
	return true;
}

/* As token_make() writes it: no sign, no zero in front. */
static bool take_number(struct rest *rest, char after, uint64_t most, uint64_t *number)
{
	const char *field;
	uint64_t sum = 0;
	size_t length, i;

	if (!take(rest, after, &field, &length) || !length || (length > 1 && *field == '0'))
		return false;
	for (i = 0; i < length; i++) {
		if (field[i] < '0' || field[i] > '9' ||
		    __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, field[i] - '0', &sum) || sum > most)
			return false;
	}
	*number = sum;
	return true;
}

static bool parse(const char *payload, size_t length, struct token *token)
{
	struct rest rest = { payload, payload + length };
	uint64_t format, version, expires;
	const char *rights;
	size_t size;

	if (!take_number(&rest, '|', UINT64_MAX, &format) || format != 1 ||
	    !take_name(&rest, '|', token->farm, sizeof(token->farm)) ||
	    !take_number(&rest, '|', UINT64_MAX, &token->session) || !token->session ||
	    !take_name(&rest, '|', token->client, sizeof(token->client)) ||
	    !take_name(&rest, '@', token->image, sizeof(token->image)) ||
	    !take_number(&rest, '|', UINT32_MAX, &version) || !version ||
	    !take(&rest, '|', &rights, &size) || size != 1 || (*rights != 'r' && *rights != 'w') ||
	    !take_number(&rest, '|', UINT64_MAX, &token->epoch) ||
	    !take_number(&rest, '\0', INT64_MAX, &expires))
		return false;
	token->version = version;
	token->writable = *rights == 'w';
	token->expires = expires;
	return true;
}

static bool parse_bearer(const char *payload, size_t length, struct token_bearer *bearer)
{
	struct rest rest = { payload, payload + length };
	uint64_t started;
	const char *kind;
	size_t size;

	if (!take(&rest, '|', &kind, &size) || size != 2 || memcmp(kind, "b1", 2) ||
	    !take_number(&rest, '|', UINT64_MAX, &bearer->session) || !bearer->session ||
	    !take_name(&rest, '|', bearer->client, sizeof(bearer->client)) ||
	    !take_number(&rest, '|', UINT64_MAX, &bearer->epoch) ||
	    !take_number(&rest, '\0', INT64_MAX, &started))
		return false;
	bearer->started = started;
	return true;
}

/* The payload of what was signed with @key, and its length; or -EBADMSG. */
static ssize_t take_signed(const struct token_key *key, const char *text, size_t length,
			   char payload[PAYLOAD_LONGEST])
{
	uint8_t given[MAC_BYTES], digest[MAC_BYTES];
	size_t digits;
	ssize_t bytes;

	if (length > TOKEN_TEXT_LONGEST || length < MAC_DIGITS + 2)
		return -EBADMSG;
	digits = length - MAC_DIGITS - 1;
	if (text[digits] != '.' ||
	    base64url_decode(text + digits + 1, MAC_DIGITS, given, sizeof(given)) != MAC_BYTES)
		return -EBADMSG;
	bytes = base64url_decode(text, digits, (uint8_t *)payload, PAYLOAD_LONGEST);
	if (bytes <= 0 || mac(key, payload, bytes, digest) ||
	    gnutls_memcmp(digest, given, sizeof(digest)))
		return -EBADMSG;
	return bytes;
}

int token_verify(const struct token_key *key, const char *text, size_t length, struct token *token)
{
	char payload[PAYLOAD_LONGEST];
	ssize_t bytes = take_signed(key, text, length, payload);

	memset(token, 0, sizeof(*token));
	return bytes > 0 && parse(payload, bytes, token) ? 0 : -EBADMSG;
}

int token_bearer_verify(const struct token_key *key, const char *text, size_t length,
			struct token_bearer *bearer)
{
	char payload[PAYLOAD_LONGEST];
	struct token_key derived;
	ssize_t bytes;

	memset(bearer, 0, sizeof(*bearer));
	if (bearer_key(key, &derived))
		return -EBADMSG;
	bytes = take_signed(&derived, text, length, payload);
	gnutls_memset(&derived, 0, sizeof(derived));
	return bytes > 0 && parse_bearer(payload, bytes, bearer) ? 0 : -EBADMSG;
}

static int nonce_mac(const struct token_key *key, const uint8_t *nonce, uint8_t digest[MAC_BYTES])
{
	uint8_t said[6 + NONCE_SAID] = { 'n', 'o', 'n', 'c', 'e', '|' };

	memcpy(said + 6, nonce, NONCE_SAID);
	return mac(key, said, sizeof(said), digest);
}

int token_nonce(const struct token_key *key, int64_t now, char text[TOKEN_NONCE_SIZE])
{
	uint8_t nonce[TOKEN_NONCE_BYTES], digest[MAC_BYTES];
	unsigned int i;

	for (i = 0; i < 8; i++)
		nonce[i] = (uint64_t)now >> (56 - 8 * i);
	if (gnutls_rnd(GNUTLS_RND_NONCE, nonce + 8, NONCE_SAID - 8) ||
	    nonce_mac(key, nonce, digest))
		return -EIO;
	memcpy(nonce + NONCE_SAID, digest, NONCE_MAC);
	base64url_encode(nonce, sizeof(nonce), text);
	return 0;
}

int token_nonce_verify(const struct token_key *key, const char *text, int64_t now, int64_t seconds)
{
	uint8_t nonce[TOKEN_NONCE_BYTES], digest[MAC_BYTES];
	uint64_t then = 0;
	unsigned int i;

	if (strlen(text) != TOKEN_NONCE_SIZE - 1 ||
	    base64url_decode(text, TOKEN_NONCE_SIZE - 1, nonce, sizeof(nonce)) != sizeof(nonce) ||
	    nonce_mac(key, nonce, digest) ||
	    gnutls_memcmp(digest, nonce + NONCE_SAID, NONCE_MAC))
		return -EBADMSG;
	for (i = 0; i < 8; i++)
		then = then << 8 | nonce[i];
	return (int64_t)then > now || now - (int64_t)then > seconds ? -ETIME : 0;
}
