/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a bound client proves who it is: an Ed25519 signature over the server's
 * nonce, the farm's pin and the client's UUID.  The pin is in it so that nobody
 * between client and server can pass a challenge on: who talks to the client
 * must have the farm's CA behind him.  The secret never leaves the client.
 *
 * Public keys and signatures are base64 of their 32 and 64 bytes.
 */
#ifndef VDISK_PROOF_H
#define VDISK_PROOF_H

#include <stddef.h>
#include "error.h"

enum {
	PROOF_SEED = 32,
	PROOF_PUBLIC_TEXT = 44 + 1,
	PROOF_SIGNATURE_TEXT = 88 + 1,
	PROOF_NONCE_MAX = 128,		/* characters, printable ASCII without '|' */
	PROOF_KEY_FILE_MAX = 4096,
};

struct proof_key {
	unsigned char seed[PROOF_SEED];
	unsigned char public[PROOF_SEED];
};

/* proof_key_make - a new key. */
int proof_key_make(struct proof_key *key, struct vdisk_error *err);

/**
 * proof_key_parse - a key from where it is kept
 * @data: 32 bytes as they are; or 64 hexadecimal digits, base64 of 32 bytes, or a PEM
 *        private key (PKCS #8), each with or without a newline
 */
int proof_key_parse(const void *data, size_t len, struct proof_key *key,
		    struct vdisk_error *err);

/* proof_key_forget - leaves nothing of the secret in memory. */
void proof_key_forget(struct proof_key *key);

/* proof_public - @text: room for PROOF_PUBLIC_TEXT bytes. */
int proof_public(const struct proof_key *key, char *text, struct vdisk_error *err);

/* proof_sign - @signature: room for PROOF_SIGNATURE_TEXT bytes. */
int proof_sign(const struct proof_key *key, const char *pin, const char *nonce,
	       const char *uuid, char *signature, struct vdisk_error *err);

/* proof_verify - 0; -EACCES: not signed by that key; -EINVAL: absurd input. */
int proof_verify(const char *public_key, const char *pin, const char *nonce,
		 const char *uuid, const char *signature, struct vdisk_error *err);

#endif
