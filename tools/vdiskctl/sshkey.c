// SPDX-License-Identifier: GPL-2.0
/*
 * The format is described in OpenSSH's PROTOCOL.key: a magic, then strings that
 * have their length in front as 32 bits, in network order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sshkey.h"

enum { BLOB = 512, CIPHER_BLOCK = 8, COMMENT_MAX = 64, COLUMNS = 70 };

static const char magic[] = "openssh-key-v1";	/* with its NUL */
static const char type[] = "ssh-ed25519";

struct blob {
	unsigned char data[BLOB];
	size_t len;
};

static void put(struct blob *blob, const void *data, size_t len)
{
	memcpy(blob->data + blob->len, data, len);
	blob->len += len;
}

static void put_number(struct blob *blob, uint32_t number)
{
	number = htonl(number);
	put(blob, &number, sizeof(number));
}

static void put_string(struct blob *blob, const void *data, size_t len)
{
	put_number(blob, len);
	put(blob, data, len);
}

static void public_blob(const struct proof_key *key, struct blob *blob)
{
	blob->len = 0;
	put_string(blob, type, strlen(type));
	put_string(blob, key->public, sizeof(key->public));
}

/* What would be encrypted, had the key a passphrase. */
static void secret_blob(const struct proof_key *key, const char *comment, uint32_t check,
			struct blob *blob)
{
	unsigned char both[2 * PROOF_SEED], pad = 0;

	memcpy(both, key->seed, PROOF_SEED);
	memcpy(both + PROOF_SEED, key->public, PROOF_SEED);
	blob->len = 0;
	put_number(blob, check);
	put_number(blob, check);
	put_string(blob, type, strlen(type));
	put_string(blob, key->public, sizeof(key->public));
	put_string(blob, both, sizeof(both));
	put_string(blob, comment, strlen(comment));
	while (blob->len % CIPHER_BLOCK) {
		pad++;
		put(blob, &pad, 1);
	}
	explicit_bzero(both, sizeof(both));
}

static void whole_blob(const struct proof_key *key, const char *comment, uint32_t check,
		       struct blob *blob)
{
	struct blob part;

	blob->len = 0;
	put(blob, magic, sizeof(magic));
	put_string(blob, "none", 4);	/* cipher */
	put_string(blob, "none", 4);	/* key derivation */
	put_string(blob, "", 0);	/* its options */
	put_number(blob, 1);		/* keys */
	public_blob(key, &part);
	put_string(blob, part.data, part.len);
	secret_blob(key, comment, check, &part);
	put_string(blob, part.data, part.len);
	explicit_bzero(&part, sizeof(part));
}

static int write_private(const struct blob *blob, char *text)
{
	const gnutls_datum_t in = { (unsigned char *)blob->data, blob->len };
	gnutls_datum_t out;
	size_t used, i;

	if (gnutls_base64_encode2(&in, &out) < 0)
		return -ENOMEM;
	used = sprintf(text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (i = 0; i < out.size; i += COLUMNS)
		used += sprintf(text + used, "%.*s\n",
				(int)(out.size - i < COLUMNS ? out.size - i : COLUMNS),
				(const char *)out.data + i);
	sprintf(text + used, "-----END OPENSSH PRIVATE KEY-----\n");
	explicit_bzero(out.data, out.size);
	gnutls_free(out.data);
	return 0;
}

static int write_public(const struct proof_key *key, const char *comment, char *text)
{
	struct blob blob;
	gnutls_datum_t in = { blob.data, 0 }, out;

	public_blob(key, &blob);
	in.size = blob.len;
	if (gnutls_base64_encode2(&in, &out) < 0)
		return -ENOMEM;
	snprintf(text, SSH_PUBLIC_TEXT, "%s %.*s %s", type, (int)out.size, (const char *)out.data,
		 comment);
	gnutls_free(out.data);
	return 0;
}

int sshkey_make(const char *comment, char *private, char *public, struct vdisk_error *err)
{
	struct proof_key key;
	struct blob blob;
	uint32_t check;
	int ret;

	if (strlen(comment) > COMMENT_MAX)
		return vdisk_error_set(err, EINVAL, "the comment is too long");
	ret = proof_key_make(&key, err);
	if (ret < 0)
		return ret;
	if (gnutls_rnd(GNUTLS_RND_NONCE, &check, sizeof(check)) < 0)
		return vdisk_error_set(err, EIO, "no random numbers");
	whole_blob(&key, comment, check, &blob);
	ret = write_private(&blob, private);
	if (!ret)
		ret = write_public(&key, comment, public);
	explicit_bzero(&blob, sizeof(blob));
	proof_key_forget(&key);
	return ret < 0 ? vdisk_error_set(err, -ret, "no memory for a key") : 0;
}
