// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "keypart.h"

enum { VERSION = 1, KIND_NONE = 0, KIND_ED25519 = 1, DIGEST = 32 };

static const char magic[8] = { 'V', 'D', 'I', 'S', 'K', 'K', 'E', 'Y' };

struct content {
	char magic[8];
	uint32_t version, kind, length;
	uint8_t none[12];
	uint8_t key[PROOF_SEED];
	uint8_t digest[DIGEST];
	uint8_t rest[KEYPART_SECTOR - 96];
};

_Static_assert(sizeof(struct content) == KEYPART_SECTOR, "one sector");
_Static_assert(offsetof(struct content, digest) == 64, "as documented");

static int digest_of(const struct content *content, uint8_t digest[DIGEST], struct vdisk_error *err)
{
	int ret = gnutls_hash_fast(GNUTLS_DIG_SHA256, content, offsetof(struct content, digest),
				   digest);

	return ret < 0 ? vdisk_error_set(err, EIO, "SHA-256: %s", gnutls_strerror(ret)) : 0;
}

int keypart_encode(const struct proof_key *key, unsigned char sector[KEYPART_SECTOR],
		   struct vdisk_error *err)
{
	struct content content = {
		.version = htole32(VERSION), .kind = htole32(key ? KIND_ED25519 : KIND_NONE),
		.length = htole32(key ? PROOF_SEED : 0),
	};
	int ret;

	memcpy(content.magic, magic, sizeof(magic));
	if (key)
		memcpy(content.key, key->seed, PROOF_SEED);
	ret = digest_of(&content, content.digest, err);
	if (!ret)
		memcpy(sector, &content, sizeof(content));
	explicit_bzero(&content, sizeof(content));
	return ret;
}

static bool is_zero(const void *data, size_t len)
{
	const uint8_t *byte = data;

	while (len && !*byte)
		byte++, len--;
	return !len;
}

static int damaged(struct vdisk_error *err, const char *what, uint32_t found, uint32_t expected)
{
	return vdisk_error_set(err, EBADMSG, "damaged: %s %u, not %u", what, found, expected);
}

static int check(const struct content *content, struct vdisk_error *err)
{
	const uint32_t kind = le32toh(content->kind), length = le32toh(content->length);
	uint8_t digest[DIGEST];
	int ret;

	if (memcmp(content->magic, magic, sizeof(magic)))
		return vdisk_error_set(err, EBADMSG, "what is in it was not written by vdisk");
	if (le32toh(content->version) != VERSION)
		return damaged(err, "version", le32toh(content->version), VERSION);
	ret = digest_of(content, digest, err);
	if (ret)
		return ret;
	if (memcmp(digest, content->digest, DIGEST))
		return vdisk_error_set(err, EBADMSG, "damaged: its checksum is wrong");
	if (kind != KIND_NONE && kind != KIND_ED25519)
		return damaged(err, "kind", kind, KIND_ED25519);
	if (length != (kind == KIND_NONE ? 0 : PROOF_SEED))
		return damaged(err, "length", length, kind == KIND_NONE ? 0 : PROOF_SEED);
	if (!is_zero(content->none, sizeof(content->none)) ||
	    !is_zero(content->rest, sizeof(content->rest)) ||
	    (kind == KIND_NONE && !is_zero(content->key, sizeof(content->key))))
		return vdisk_error_set(err, EBADMSG, "damaged: something stands where nothing is");
	return 0;
}

int keypart_decode(const unsigned char sector[KEYPART_SECTOR], struct proof_key *key,
		   struct vdisk_error *err)
{
	struct content content;
	int ret;

	memset(key, 0, sizeof(*key));
	if (is_zero(sector, KEYPART_SECTOR))
		return -ENOENT;
	memcpy(&content, sector, sizeof(content));
	ret = check(&content, err);
	if (!ret && le32toh(content.kind) == KIND_NONE)
		ret = -ENOENT;
	else if (!ret)
		ret = proof_key_seed(content.key, key, err);
	explicit_bzero(&content, sizeof(content));
	return ret;
}
