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

enum { HEX_DIGITS = 2 * PROOF_SEED, BASE64_SEED = 44 };

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

int proof_key_seed(const unsigned char seed[PROOF_SEED], struct proof_key *key,
		   struct vdisk_error *err)
{
	memcpy(key->seed, seed, PROOF_SEED);
	return complete(key, err);
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

int proof_public(const struct proof_key *key, char *text, struct vdisk_error *err)
{
	return proof_text(key->public, PROOF_SEED, text, PROOF_PUBLIC_TEXT, err);
}

int proof_sign(const struct proof_key *key, const char *pin, const char *nonce,
	       const char *uuid, char *signature, struct vdisk_error *err)
{
	gnutls_datum_t text, signed_text;
	gnutls_privkey_t private;
	char buffer[PROOF_MESSAGE_MAX];
	int ret;

	ret = proof_message(pin, nonce, uuid, buffer, err);
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
	ret = proof_text(signed_text.data, signed_text.size, signature, PROOF_SIGNATURE_TEXT, err);
	gnutls_free(signed_text.data);
	return ret;
}
