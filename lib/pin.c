// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pin.h"

enum { CHAIN_MAX = 8, HASH = 32 };

static const char prefix[] = "sha256//";

/* Verification without dates; everything else of it holds. */
static const unsigned int verify_flags = GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
					 GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;

bool pin_is_valid(const char *text)
{
	gnutls_datum_t in, out;
	bool good;

	if (strlen(text) != PIN_TEXT - 1 || strncmp(text, prefix, sizeof(prefix) - 1))
		return false;
	in.data = (unsigned char *)text + sizeof(prefix) - 1;
	in.size = PIN_TEXT - sizeof(prefix);
	if (gnutls_base64_decode2(&in, &out) < 0)
		return false;
	good = out.size == HASH;
	gnutls_free(out.data);
	return good;
}

static int pin_of(gnutls_x509_crt_t certificate, char *pin, struct vdisk_error *err)
{
	unsigned char hash[HASH];
	gnutls_datum_t in = { hash, sizeof(hash) }, out;
	size_t size = sizeof(hash);
	int ret;

	/* GnuTLS calls the SHA-256 of the SubjectPublicKeyInfo the key's ID. */
	ret = gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, hash, &size);
	if (!ret)
		ret = gnutls_base64_encode2(&in, &out);
	if (ret < 0)
		return vdisk_error_set(err, EINVAL, "no key in the certificate: %s",
				       gnutls_strerror(ret));
	snprintf(pin, PIN_TEXT, "%s%.*s", prefix, (int)out.size, (const char *)out.data);
	gnutls_free(out.data);
	return 0;
}

int pin_of_certificate(const char *pem, size_t len, char *pin, struct vdisk_error *err)
{
	const gnutls_datum_t data = { (unsigned char *)pem, len };
	gnutls_x509_crt_t certificate;
	int ret;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return vdisk_error_set(err, ENOMEM, "no memory for a certificate");
	ret = gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM);
	if (ret < 0)
		ret = vdisk_error_set(err, EINVAL, "not a certificate: %s", gnutls_strerror(ret));
	else
		ret = pin_of(certificate, pin, err);
	gnutls_x509_crt_deinit(certificate);
	return ret;
}

int pin_of_file(const char *path, char *pin, struct vdisk_error *err)
{
	char *pem = malloc(PIN_FILE_MAX);
	struct vdisk_error why;
	FILE *file;
	size_t len;
	int ret;

	if (!pem)
		return vdisk_error_set(err, ENOMEM, "%s: no memory", path);
	file = fopen(path, "re");
	if (!file) {
		ret = vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
		free(pem);
		return ret;
	}
	len = fread(pem, 1, PIN_FILE_MAX, file);
	fclose(file);
	ret = pin_of_certificate(pem, len, pin, &why);
	if (ret < 0)
		vdisk_error_set(err, -ret, "%s: %s", path, why.text);
	free(pem);
	return ret;
}

struct chain {
	gnutls_x509_crt_t list[CHAIN_MAX];
	unsigned int count;
};

static void chain_free(struct chain *chain)
{
	while (chain->count)
		gnutls_x509_crt_deinit(chain->list[--chain->count]);
}

static int chain_read(gnutls_session_t session, struct chain *chain, struct vdisk_error *err)
{
	const gnutls_datum_t *raw;
	unsigned int sent = 0;
	int ret;

	chain->count = 0;
	raw = gnutls_certificate_get_peers(session, &sent);
	if (!raw || !sent)
		return vdisk_error_set(err, EPROTO, "the server sent no certificate");
	if (sent > CHAIN_MAX)
		return vdisk_error_set(err, EPROTO, "the server sent %u certificates", sent);
	while (chain->count < sent) {
		if (gnutls_x509_crt_init(&chain->list[chain->count]) < 0)
			return vdisk_error_set(err, ENOMEM, "no memory for a certificate");
		chain->count++;
		ret = gnutls_x509_crt_import(chain->list[chain->count - 1],
					     &raw[chain->count - 1], GNUTLS_X509_FMT_DER);
		if (ret < 0)
			return vdisk_error_set(err, EPROTO, "the server's certificate is broken: %s",
					       gnutls_strerror(ret));
	}
	return 0;
}

/* The place in @chain of the CA with the pin, @found: its pin. */
static int find_ca(const struct chain *chain, const char *pin, char *found,
		   struct vdisk_error *err)
{
	unsigned int i;
	int ret;

	/* The server's own certificate, the first, is issued by the CA and is not it. */
	for (i = 1; i < chain->count; i++) {
		ret = pin_of(chain->list[i], found, err);
		if (ret < 0)
			return ret;
		if (pin ? !strcmp(pin, found) : i == chain->count - 1)
			return i;
	}
	if (!pin)
		return vdisk_error_set(err, EACCES, "the server did not send its farm's certificate");
	return vdisk_error_set(err, EACCES,
			       "the server is not of this farm: none of its certificates has the pin %s",
			       pin);
}

static int verify(const struct chain *chain, unsigned int ca, struct vdisk_error *err)
{
	gnutls_datum_t why;
	unsigned int status;
	int ret;

	ret = gnutls_x509_crt_list_verify(chain->list, ca, &chain->list[ca], 1, NULL, 0,
					  verify_flags, &status);
	if (ret < 0)
		return vdisk_error_set(err, EACCES, "the server's certificate cannot be checked: %s",
				       gnutls_strerror(ret));
	if (!status && !gnutls_x509_crt_check_key_purpose(chain->list[0],
							  GNUTLS_KP_TLS_WWW_SERVER, 0))
		return vdisk_error_set(err, EACCES, "the server's certificate is not for a server");
	if (!status)
		return 0;
	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &why, 0) < 0)
		return vdisk_error_set(err, EACCES, "the farm's CA did not issue the server's certificate");
	vdisk_error_set(err, EACCES, "the farm's CA did not issue the server's certificate: %.*s",
			(int)why.size, (const char *)why.data);
	gnutls_free(why.data);
	return -EACCES;
}

int pin_check_session(gnutls_session_t session, const char *pin, char *found,
		      struct vdisk_error *err)
{
	struct chain chain;
	int ret;

	ret = chain_read(session, &chain, err);
	if (!ret)
		ret = find_ca(&chain, pin, found, err);
	if (ret > 0)
		ret = verify(&chain, ret, err);
	chain_free(&chain);
	return ret;
}
