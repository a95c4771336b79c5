// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proof.h"

/* What the DER of each P-256 key begins with: algorithm, curve, and that a point follows. */
static const unsigned char p256_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

enum { P256_DER = sizeof(p256_head) + 2 * PROOF_NUMBER };

static int trouble(struct vdisk_error *err, const char *what, int ret)
{
	return vdisk_error_set(err, EINVAL, "%s: %s", what, gnutls_strerror(ret));
}

int proof_text(const void *bytes, unsigned int len, char *text, size_t room,
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

/* The bytes of at most @room; their number, or -EINVAL. */
static int from_base64(const char *text, unsigned char *bytes, unsigned int room)
{
	const gnutls_datum_t in = { (unsigned char *)text, strlen(text) };
	gnutls_datum_t out = { NULL, 0 };
	int ret = -EINVAL;

	if (in.size >= PROOF_PUBLIC_TEXT || gnutls_base64_decode2(&in, &out) < 0)
		return -EINVAL;
	if (out.size <= room) {
		memcpy(bytes, out.data, out.size);
		ret = out.size;
	}
	gnutls_free(out.data);
	return ret;
}

/* No part can hold the '|' that ends it. */
int proof_message(const char *pin, const char *nonce, const char *uuid, char *text,
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
	return snprintf(text, PROOF_MESSAGE_MAX, "vdisk-login-1|%s|%s|%s", pin, nonce, uuid);
}

int proof_p256_public(const unsigned char x[PROOF_NUMBER], const unsigned char y[PROOF_NUMBER],
		      char *text, struct vdisk_error *err)
{
	unsigned char der[P256_DER];

	memcpy(der, p256_head, sizeof(p256_head));
	memcpy(der + sizeof(p256_head), x, PROOF_NUMBER);
	memcpy(der + sizeof(p256_head) + PROOF_NUMBER, y, PROOF_NUMBER);
	return proof_text(der, sizeof(der), text, PROOF_PUBLIC_TEXT, err);
}

/* Only the two forms that proof.h tells; no ASN.1 of strangers is parsed. */
static int load(const char *text, gnutls_pubkey_t *public, bool *p256, struct vdisk_error *err)
{
	unsigned char bytes[P256_DER];
	gnutls_datum_t x, y;
	int ret, len;

	len = from_base64(text, bytes, sizeof(bytes));
	*p256 = len == P256_DER && !memcmp(bytes, p256_head, sizeof(p256_head));
	if (len != PROOF_SEED && !*p256)
		return vdisk_error_set(err, EINVAL,
				       "the public key is neither base64 of 32 bytes (Ed25519) nor of a P-256 key's DER");
	ret = gnutls_pubkey_init(public);
	if (ret < 0)
		return trouble(err, "no memory for a key", ret);
	x = (gnutls_datum_t){ bytes, PROOF_SEED };
	if (*p256) {
		x.data += sizeof(p256_head);
		y = (gnutls_datum_t){ x.data + PROOF_NUMBER, PROOF_NUMBER };
	}
	ret = gnutls_pubkey_import_ecc_raw(*public, *p256 ? GNUTLS_ECC_CURVE_SECP256R1 :
					   GNUTLS_ECC_CURVE_ED25519, &x, *p256 ? &y : NULL);
	if (ret >= 0)
		return 0;
	gnutls_pubkey_deinit(*public);
	return trouble(err, "the public key is not one", ret);
}

static int take_pem(const gnutls_datum_t *data, char *text, struct vdisk_error *err)
{
	gnutls_datum_t x = { NULL, 0 }, y = { NULL, 0 };
	unsigned char padded[2][PROOF_NUMBER] = { 0 };
	gnutls_ecc_curve_t curve;
	gnutls_pubkey_t public;
	int ret;

	ret = gnutls_pubkey_init(&public);
	if (ret < 0)
		return trouble(err, "no memory for a key", ret);
	ret = gnutls_pubkey_import(public, data, GNUTLS_X509_FMT_PEM);
	if (ret >= 0)
		ret = gnutls_pubkey_export_ecc_raw2(public, &curve, &x, &y, GNUTLS_EXPORT_FLAG_NO_LZ);
	gnutls_pubkey_deinit(public);
	if (ret < 0)
		return trouble(err, "not a public key of Ed25519 or P-256", ret);
	if (curve == GNUTLS_ECC_CURVE_ED25519 && x.size == PROOF_SEED) {
		ret = proof_text(x.data, x.size, text, PROOF_PUBLIC_TEXT, err);
	} else if (curve == GNUTLS_ECC_CURVE_SECP256R1 && x.size <= PROOF_NUMBER &&
		   y.size <= PROOF_NUMBER) {
		memcpy(padded[0] + PROOF_NUMBER - x.size, x.data, x.size);
		memcpy(padded[1] + PROOF_NUMBER - y.size, y.data, y.size);
		ret = proof_p256_public(padded[0], padded[1], text, err);
	} else {
		ret = vdisk_error_set(err, EINVAL, "a key of another kind than Ed25519 and P-256");
	}
	gnutls_free(x.data);
	gnutls_free(y.data);
	return ret;
}

int proof_public_parse(const void *data, size_t len, char *text, struct vdisk_error *err)
{
	const gnutls_datum_t pem = { (unsigned char *)data, len };
	gnutls_pubkey_t public;
	bool p256;
	int ret;

	if (len > 10 && !memcmp(data, "-----BEGIN", 10))
		return take_pem(&pem, text, err);
	while (len && strchr(" \t\r\n", ((const char *)data)[len - 1]))
		len--;
	if (len >= PROOF_PUBLIC_TEXT || memchr(data, 0, len))
		return vdisk_error_set(err, EINVAL, "not a public key: PEM, or base64 of one");
	memcpy(text, data, len);
	text[len] = '\0';
	ret = load(text, &public, &p256, err);
	if (!ret)
		gnutls_pubkey_deinit(public);
	return ret;
}

/* GnuTLS wants an ECDSA signature in DER, which is of many lengths. */
static int verify(gnutls_pubkey_t public, bool p256, const char *text, int len,
		  unsigned char *bytes)
{
	const gnutls_datum_t data = { (unsigned char *)text, len };
	const gnutls_datum_t r = { bytes, PROOF_NUMBER }, s = { bytes + PROOF_NUMBER, PROOF_NUMBER };
	gnutls_datum_t signature = { bytes, PROOF_SIGNATURE };
	int ret;

	if (!p256)
		return gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
						  &signature);
	ret = gnutls_encode_rs_value(&signature, &r, &s);
	if (ret < 0)
		return ret;
	ret = gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_ECDSA_SHA256, 0, &data,
					 &signature);
	gnutls_free(signature.data);
	return ret;
}

int proof_verify(const char *public_key, const char *pin, const char *nonce,
		 const char *uuid, const char *signature, struct vdisk_error *err)
{
	unsigned char bytes[PROOF_SIGNATURE];
	char text[PROOF_MESSAGE_MAX];
	gnutls_pubkey_t public;
	bool p256;
	int ret, len;

	len = proof_message(pin, nonce, uuid, text, err);
	if (len < 0)
		return len;
	if (from_base64(signature, bytes, sizeof(bytes)) != PROOF_SIGNATURE)
		return vdisk_error_set(err, EINVAL, "the signature is not base64 of 64 bytes");
	ret = load(public_key, &public, &p256, err);
	if (ret < 0)
		return ret;
	if (verify(public, p256, text, len, bytes) < 0)
		ret = vdisk_error_set(err, EACCES, "the signature is not of this key and challenge");
	gnutls_pubkey_deinit(public);
	return ret;
}
