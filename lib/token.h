/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Session tokens: what opens an image for one session, and for nobody else.
 *
 *   base64url(payload) "." base64url(HMAC-SHA256(key, payload))
 *
 * without padding, where the payload is
 *
 *   1|farm|session|client|image@version|rights|epoch|expires
 *
 * On the wire an export name that begins with '~' has a token behind it.  A
 * token is a secret: it stands in no log, metric or file of the system.
 *
 * The way of a token to the data plane is not encrypted, so it opens nothing but
 * the image.  What a session may do at the API takes its bearer, of the same form,
 *
 *   b1|session|client|epoch|started
 *
 * signed with a key that is derived from the farm's: neither is good as the other,
 * and none can be made from the other.  It goes over encrypted channels only.
 */
#ifndef VDISK_TOKEN_H
#define VDISK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum token_limits {
	TOKEN_KEY_BYTES = 32,
	TOKEN_TEXT_LONGEST = 511,	/* with the '~' in front it is 512 */
	TOKEN_TEXT_SIZE = TOKEN_TEXT_LONGEST + 1,
	TOKEN_NAME_LONGEST = 63,
	TOKEN_NAME_SIZE = TOKEN_NAME_LONGEST + 1,
	TOKEN_FARM_SIZE = 17,
	TOKEN_NONCE_BYTES = 40,		/* 8 time, 16 random, 16 MAC */
	TOKEN_NONCE_SIZE = 55,		/* the same in base64url, and the end */
};

struct token_key {
	uint8_t byte[TOKEN_KEY_BYTES];
};

struct token {
	char farm[TOKEN_FARM_SIZE];
	uint64_t session;
	char client[TOKEN_NAME_SIZE];
	char image[TOKEN_NAME_SIZE];
	uint32_t version;
	bool writable;
	uint64_t epoch;
	int64_t expires;		/* seconds since 1970 */
};

/* All that makes a session this one, also after the catalog was set back. */
struct token_bearer {
	uint64_t session;
	char client[TOKEN_NAME_SIZE];
	uint64_t epoch;
	int64_t started;		/* seconds since 1970 */
};

/**
 * token_key_parse - take a key from its file's content
 * @text: 64 hexadecimal digits, a newline may follow
 * @length: bytes at @text
 * @key: filled in
 *
 * Return: 0 or -EINVAL.
 */
int token_key_parse(const char *text, size_t length, struct token_key *key);

/**
 * token_farm - the farm's name in tokens: 16 digits that say nothing about the key
 * @key: the farm's
 * @farm: filled in
 */
int token_farm(const struct token_key *key, char farm[TOKEN_FARM_SIZE]);

/**
 * token_make - write and sign a token
 * @key: the farm's
 * @token: names of [A-Za-z0-9._-]; anything else is -EINVAL
 * @text: filled in, terminated, without '~'
 * @err: what is wrong
 *
 * Return: 0 or -errno.
 */
int token_make(const struct token_key *key, const struct token *token,
	       char text[TOKEN_TEXT_SIZE], struct vdisk_error *err);

/**
 * token_verify - read a token, if it was made with @key
 * @key: the farm's
 * @text: as it came, without '~', not terminated
 * @length: bytes at @text, any number
 * @token: filled in
 *
 * Nothing of @text is looked into before its MAC is right, and comparing that
 * takes the same time whatever is wrong.  Whether the token has expired is for
 * the caller to see: it knows the time, and whether the session was renewed.
 *
 * Return: 0, -EBADMSG (not ours, or damaged).
 */
int token_verify(const struct token_key *key, const char *text, size_t length, struct token *token);

/**
 * token_bearer_make - write and sign a session's bearer; arguments as of token_make()
 */
int token_bearer_make(const struct token_key *key, const struct token_bearer *bearer,
		      char text[TOKEN_TEXT_SIZE], struct vdisk_error *err);

/**
 * token_bearer_verify - read a bearer, if it was made with @key; as token_verify()
 *
 * It has no end of its own: it is good while the session is.
 */
int token_bearer_verify(const struct token_key *key, const char *text, size_t length,
			struct token_bearer *bearer);

/**
 * token_nonce - a question that only its own answer fits, for a challenge
 * @key: the farm's; nothing is kept, the nonce proves itself
 * @now: seconds since 1970
 * @text: filled in
 *
 * Return: 0 or -EIO.
 */
int token_nonce(const struct token_key *key, int64_t now, char text[TOKEN_NONCE_SIZE]);

/**
 * token_nonce_verify - whether @text is a nonce of ours, and not older than @seconds
 *
 * Return: 0, -EBADMSG, -ETIME.
 */
int token_nonce_verify(const struct token_key *key, const char *text, int64_t now, int64_t seconds);

#endif
