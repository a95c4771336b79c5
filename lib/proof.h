/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a bound client proves who it is: a signature over the server's nonce, the
 * farm's pin and the client's UUID.  The pin is in it so that nobody between client
 * and server can pass a challenge on: who talks to the client must have the farm's
 * CA behind him.  The secret never leaves the client.
 *
 * Keys are Ed25519, or ECDSA over P-256 with SHA-256, which is what TPMs have.  A
 * public key's text tells which: base64 of 32 bytes (RFC 8032), or of the DER that
 * holds a P-256 key (SubjectPublicKeyInfo, the point uncompressed: 91 bytes).  A
 * signature is base64 of 64 bytes, of ECDSA r and then s.
 */
#ifndef VDISK_PROOF_H
#define VDISK_PROOF_H

#include <stddef.h>
#include "error.h"

enum {
	PROOF_SEED = 32,
	PROOF_NUMBER = 32,		/* of P-256: a coordinate, r or s */
	PROOF_PUBLIC_TEXT = 124 + 1,
	PROOF_SIGNATURE = 64,
	PROOF_SIGNATURE_TEXT = 88 + 1,
	PROOF_NONCE_MAX = 128,		/* characters, printable ASCII without '|' */
	PROOF_MESSAGE_MAX = 512,
	PROOF_KEY_FILE_MAX = 4096,
};

struct proof_key {
	unsigned char seed[PROOF_SEED];
	unsigned char public[PROOF_SEED];
};

/* proof_key_make - a new key. */
int proof_key_make(struct proof_key *key, struct vdisk_error *err);

/* proof_key_seed - the key that a seed makes. */
int proof_key_seed(const unsigned char seed[PROOF_SEED], struct proof_key *key,
		   struct vdisk_error *err);

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

/* proof_public.c: what needs no secret */

/**
 * proof_message - what is signed
 * @text: room for PROOF_MESSAGE_MAX bytes
 *
 * Return: its length; -EINVAL: a nonce, pin or UUID that is none.
 */
int proof_message(const char *pin, const char *nonce, const char *uuid, char *text,
		  struct vdisk_error *err);

/* proof_p256_public - the text of a P-256 key by its point. */
int proof_p256_public(const unsigned char x[PROOF_NUMBER], const unsigned char y[PROOF_NUMBER],
		      char *text, struct vdisk_error *err);

/* proof_text - base64; @text: @room bytes, the end included. */
int proof_text(const void *bytes, unsigned int len, char *text, size_t room,
	       struct vdisk_error *err);

/**
 * proof_public_parse - the text of a public key from a file
 * @data: that text, or a PEM public key
 * @text: room for PROOF_PUBLIC_TEXT bytes
 */
int proof_public_parse(const void *data, size_t len, char *text, struct vdisk_error *err);

/* proof_verify - 0; -EACCES: not signed by that key; -EINVAL: absurd input. */
int proof_verify(const char *public_key, const char *pin, const char *nonce,
		 const char *uuid, const char *signature, struct vdisk_error *err);

#endif
