// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proof.h"

enum { SIGNATURE = 64, MESSAGE_MAX = 512, HEX_DIGITS = 2 * PROOF_SEED, BASE64_SEED = 44 };

/* PKCS #8 of an Ed25519 key, up to its 32 bytes. */
static const unsigned char pkcs8[] = {
	0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
};

static int trouble(struct vdisk_error *err, const char *what, int ret)
{
	return vdisk_error_set(err, EINVAL, "%s: %s", what, gnutls_strerror(ret));
}

static int load(const struct proof_key *key, gnutls_privkey_t *private, struct vdisk_error *err)
{
	unsigned char der[sizeof(pkcs8) + PROOF_SEED];
	const gnutls_datum_t data = { der, sizeof(der) };
	int ret;

	ret = gnutls_privkey_init(private);
	if (ret < 0)
		return trouble(err, "no memory for a key", ret);
	memcpy(der, pkcs8, sizeof(pkcs8));
	memcpy(der + sizeof(pkcs8), key->seed, PROOF_SEED);
	ret = gnutls_privkey_import_x509_raw(*private, &data, GNUTLS_X509_FMT_DER, NULL, 0);
	explicit_bzero(der, sizeof(der));
	if (ret < 0) {
		gnutls_privkey_deinit(*private);
		return trouble(err, "not an Ed25519 key", ret);
	}
	return 0;
}

/* Takes both halves of @private into @key. */
static int take(gnutls_privkey_t private, struct proof_key *key, struct vdisk_error *err)
{
	gnutls_datum_t x = { NULL, 0 }, y = { NULL, 0 }, k = { NULL, 0 };
	gnutls_ecc_curve_t curve;
	int ret;

	ret = gnutls_privkey_export_ecc_raw2(private, &curve, &x, &y, &k, 0);
	if (ret < 0)
		return trouble(err, "not an Ed25519 key", ret);
	if (curve != GNUTLS_ECC_CURVE_ED25519 || x.size != PROOF_SEED || k.size != PROOF_SEED) {
		ret = vdisk_error_set(err, EINVAL, "not an Ed25519 key");
	} else {
		memcpy(key->public, x.data, PROOF_SEED);
		memcpy(key->seed, k.data, PROOF_SEED);
	}
	if (k.data)
		explicit_bzero(k.data, k.size);
	gnutls_free(x.data);
	gnutls_free(y.data);
	gnutls_free(k.data);
	return ret;
}

/* The public half follows from the seed. */
static int complete(struct proof_key *key, struct vdisk_error *err)
{
	gnutls_privkey_t private;
	int ret;

	ret = load(key, &private, err);
	if (ret < 0)
		return ret;
	ret = take(private, key, err);
	gnutls_privkey_deinit(private);
	return ret;
}

int proof_key_make(struct proof_key *key, struct vdisk_error *err)
{
	int ret;

	ret = gnutls_rnd(GNUTLS_RND_KEY, key->seed, sizeof(key->seed));
	if (ret < 0)
		return trouble(err, "no random numbers", ret);
	return complete(key, err);
}

static int parse_pem(const gnutls_datum_t *data, struct proof_key *key, struct vdisk_error *err)
{
	gnutls_privkey_t private;
	int ret;

	ret = gnutls_privkey_init(&private);
	if (ret < 0)
		return trouble(err, "no memory for a key", ret);
	ret = gnutls_privkey_import_x509_raw(private, data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (ret < 0)
		ret = trouble(err, "not a private key", ret);
	else
		ret = take(private, key, err);
	gnutls_privkey_deinit(private);
	return ret;
}

static int decode_seed(const gnutls_datum_t *text, struct proof_key *key)
{
	gnutls_datum_t out = { NULL, 0 };
	int ret = -EINVAL;

	if (text->size == HEX_DIGITS)
		gnutls_hex_decode2(text, &out);
	else if (text->size == BASE64_SEED)
		gnutls_base64_decode2(text, &out);
	if (out.data && out.size == PROOF_SEED) {
		memcpy(key->seed, out.data, PROOF_SEED);
		ret = 0;
	}
	if (out.data)
		explicit_bzero(out.data, out.size);
	gnutls_free(out.data);
	return ret;
}

int proof_key_parse(const void *data, size_t len, struct proof_key *key, struct vdisk_error *err)
{
	gnutls_datum_t text = { (unsigned char *)data, len };

	memset(key, 0, sizeof(*key));
	if (len == PROOF_SEED) {
		memcpy(key->seed, data, PROOF_SEED);
		return complete(key, err);
	}
	if (len > 10 && !memcmp(data, "-----BEGIN", 10))
		return parse_pem(&text, key, err);
	while (text.size && strchr(" \t\r\n", text.data[text.size - 1]))
		text.size--;
	if (decode_seed(&text, key) < 0)
		return vdisk_error_set(err, EINVAL,
				       "not a key: it must be 32 bytes, 64 hexadecimal digits, base64 or PEM");
	return complete(key, err);
}

void proof_key_forget(struct proof_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

static int to_base64(const unsigned char *bytes, unsigned int len, char *text, size_t room,
		     struct vdisk_error *err)
{
	const gnutls_datum_t in = { (unsigned char *)bytes, len };
	gnutls_datum_t out;
	int ret;

	ret = gnutls_base64_encode2(&in, &out);
	if (ret < 0)
		return trouble(err, "no memory for base64", ret);
	snprintf(text, room, "%.*s", (int)out.size, (const char *)out.data);
	gnutls_free(out.data);
	return 0;
}

int proof_public(const struct proof_key *key, char *text, struct vdisk_error *err)
{
	return to_base64(key->public, PROOF_SEED, text, PROOF_PUBLIC_TEXT, err);
}

/* What is signed.  No part can hold the '|' that ends it. */
static int message(const char *pin, const char *nonce, const char *uuid, char *text,
		   struct vdisk_error *err)
{
	const char *c;

	for (c = nonce; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '|' || c - nonce >= PROOF_NONCE_MAX)
			return vdisk_error_set(err, EINVAL, "the challenge is malformed");
	if (c == nonce)
		return vdisk_error_set(err, EINVAL, "the challenge is empty");
	if (strchr(pin, '|') || strchr(uuid, '|') || strlen(pin) > 100 || strlen(uuid) > 100)
		return vdisk_error_set(err, EINVAL, "a pin or UUID that is none");
	return snprintf(text, MESSAGE_MAX, "vdisk-login-1|%s|%s|%s", pin, nonce, uuid);
}

int proof_sign(const struct proof_key *key, const char *pin, const char *nonce,
	       const char *uuid, char *signature, struct vdisk_error *err)
{
	gnutls_datum_t text, signed_text;
	gnutls_privkey_t private;
	char buffer[MESSAGE_MAX];
	int ret;

	ret = message(pin, nonce, uuid, buffer, err);
	if (ret < 0)
		return ret;
	text = (gnutls_datum_t){ (unsigned char *)buffer, ret };
	ret = load(key, &private, err);
	if (ret < 0)
		return ret;
	ret = gnutls_privkey_sign_data2(private, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &signed_text);
	gnutls_privkey_deinit(private);
	if (ret < 0)
		return trouble(err, "cannot sign", ret);
	ret = to_base64(signed_text.data, signed_text.size, signature, PROOF_SIGNATURE_TEXT, err);
	gnutls_free(signed_text.data);
	return ret;
}

/* Decodes exactly @len bytes. */
static int from_base64(const char *text, unsigned char *bytes, unsigned int len)
{
	const gnutls_datum_t in = { (unsigned char *)text, strlen(text) };
	gnutls_datum_t out = { NULL, 0 };
	int ret = -EINVAL;

	if (in.size >= PROOF_SIGNATURE_TEXT || gnutls_base64_decode2(&in, &out) < 0)
		return -EINVAL;
	if (out.size == len) {
		memcpy(bytes, out.data, len);
		ret = 0;
	}
	gnutls_free(out.data);
	return ret;
}

int proof_verify(const char *public_key, const char *pin, const char *nonce,
		 const char *uuid, const char *signature, struct vdisk_error *err)
{
	unsigned char point[PROOF_SEED], bytes[SIGNATURE];
	const gnutls_datum_t x = { point, sizeof(point) }, sig = { bytes, sizeof(bytes) };
	char buffer[MESSAGE_MAX];
	gnutls_pubkey_t public;
	gnutls_datum_t text;
	int ret;

	ret = message(pin, nonce, uuid, buffer, err);
	if (ret < 0)
		return ret;
	text = (gnutls_datum_t){ (unsigned char *)buffer, ret };
	if (from_base64(public_key, point, sizeof(point)) < 0)
		return vdisk_error_set(err, EINVAL, "the public key is not base64 of 32 bytes");
	if (from_base64(signature, bytes, sizeof(bytes)) < 0)
		return vdisk_error_set(err, EINVAL, "the signature is not base64 of 64 bytes");
	ret = gnutls_pubkey_init(&public);
	if (ret < 0)
		return trouble(err, "no memory for a key", ret);
	ret = gnutls_pubkey_import_ecc_raw(public, GNUTLS_ECC_CURVE_ED25519, &x, NULL);
	if (ret < 0)
		ret = trouble(err, "the public key is not one", ret);
	else if (gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &sig) < 0)
		ret = vdisk_error_set(err, EACCES, "the signature is not of this key and challenge");
	else
		ret = 0;
	gnutls_pubkey_deinit(public);
	return ret;
}
