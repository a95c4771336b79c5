// SPDX-License-Identifier: GPL-2.0
/* The farm's keys: its CA, the server's certificate, the tokens' key, the ssh CA. */
#include "farm_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "place.h"

#define CA_KEY PLACE_KEYS "/ca.key"
#define CA_CRT PLACE_KEYS "/ca.crt"
#define SERVER_KEY PLACE_KEYS "/server.key"
#define SERVER_CRT PLACE_KEYS "/server.crt"
#define FARM_KEY PLACE_KEYS "/farm.key"
#define SSH_CA PLACE_KEYS "/ssh_ca"

enum { DAY = 24 * 3600, FARM_KEY_BYTES = 32, SERIAL_BYTES = 16 };

static int tls_error(int ret, const char *path, struct vdisk_error *err)
{
	return vdisk_error_set(err, EIO, "%s: %s", path, gnutls_strerror(ret));
}

/* ---- reading ---- */

static int load_key(const char *path, gnutls_x509_privkey_t *key, struct vdisk_error *err)
{
	gnutls_datum_t data;
	size_t size;
	int ret;

	data.data = (unsigned char *)place_read(path, &size, err);
	if (!data.data)
		return -err->code;
	data.size = size;
	gnutls_x509_privkey_init(key);
	ret = gnutls_x509_privkey_import(*key, &data, GNUTLS_X509_FMT_PEM);
	gnutls_memset(data.data, 0, size);
	free(data.data);
	if (ret >= 0)
		return 0;
	gnutls_x509_privkey_deinit(*key);
	return tls_error(ret, path, err);
}

static int load_certificate(const char *path, gnutls_x509_crt_t *crt, struct vdisk_error *err)
{
	gnutls_datum_t data;
	size_t size;
	int ret;

	data.data = (unsigned char *)place_read(path, &size, err);
	if (!data.data)
		return -err->code;
	data.size = size;
	gnutls_x509_crt_init(crt);
	ret = gnutls_x509_crt_import(*crt, &data, GNUTLS_X509_FMT_PEM);
	free(data.data);
	if (ret >= 0)
		return 0;
	gnutls_x509_crt_deinit(*crt);
	return tls_error(ret, path, err);
}

/* ---- making ---- */

static int make_key(const char *path, struct vdisk_error *err)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem;
	int ret;

	gnutls_x509_privkey_init(&key);
	ret = gnutls_x509_privkey_generate(key, GNUTLS_PK_EC,
					   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (ret >= 0)
		ret = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);
	gnutls_x509_privkey_deinit(key);
	if (ret < 0)
		return tls_error(ret, path, err);
	ret = place_write(path, pem.data, pem.size, 0600, err);
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	return ret;
}

/* What every certificate of ours has. Clients' clocks may be anything: it begins yesterday. */
static int begin_certificate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *name)
{
	unsigned char serial[SERIAL_BYTES], id[64];
	size_t size = sizeof(id);
	time_t now = time(NULL);
	int ret;

	ret = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	if (ret < 0)
		return ret;
	serial[0] = (serial[0] & 0x7f) | 0x40;
	ret = gnutls_x509_crt_set_version(crt, 3);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (ret >= 0)
		ret = gnutls_x509_crt_set_key(crt, key);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_activation_time(crt, now - DAY);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_expiration_time(crt, now + FARM_KEYS_YEARS * 365L * DAY);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
						    strlen(name));
	if (ret >= 0)
		ret = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &size);
	if (ret < 0)
		return ret;
	return gnutls_x509_crt_set_subject_key_id(crt, id, size > 20 ? 20 : size);
}

static int write_certificate(gnutls_x509_crt_t crt, const char *path, struct vdisk_error *err)
{
	gnutls_datum_t pem;
	int ret = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);

	if (ret < 0)
		return tls_error(ret, path, err);
	ret = place_write(path, pem.data, pem.size, 0644, err);
	gnutls_free(pem.data);
	return ret;
}

static int make_ca(const char *farm, struct vdisk_error *err)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char name[64];
	int ret;

	ret = load_key(CA_KEY, &key, err);
	if (ret)
		return ret;
	/* A common name has 64 characters at most. */
	snprintf(name, sizeof(name), "vdisk farm %s", farm);
	gnutls_x509_crt_init(&crt);
	ret = begin_certificate(crt, key, name);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
	if (ret >= 0)
		ret = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	if (ret < 0)
		ret = tls_error(ret, CA_CRT, err);
	else
		ret = write_certificate(crt, CA_CRT, err);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return ret;
}

static int add_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, name, raw) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, raw, 4,
							    GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, raw) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, raw, 16,
							    GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, strlen(name),
						    GNUTLS_FSAN_APPEND);
}

static int fill_server(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
		       const struct farm_names *names)
{
	const char *const *name;
	char common[64];
	int ret;

	snprintf(common, sizeof(common), "%s", names->names[0]);
	ret = begin_certificate(crt, key, common);
	for (name = names->names; *name && ret >= 0; name++)
		ret = add_name(crt, *name);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (ret < 0)
		return ret;
	return gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
}

static int make_server(const struct farm_names *names, struct vdisk_error *err)
{
	gnutls_x509_privkey_t ca_key, key;
	gnutls_x509_crt_t ca, crt;
	unsigned char id[64];
	size_t size = sizeof(id);
	int ret;

	ret = load_key(CA_KEY, &ca_key, err);
	if (ret)
		return ret;
	ret = load_key(SERVER_KEY, &key, err);
	if (ret)
		goto free_ca_key;
	ret = load_certificate(CA_CRT, &ca, err);
	if (ret)
		goto free_key;
	gnutls_x509_crt_init(&crt);
	ret = fill_server(crt, key, names);
	if (ret >= 0)
		ret = gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL);
	if (ret >= 0)
		ret = gnutls_x509_crt_set_authority_key_id(crt, id, size);
	if (ret >= 0)
		ret = gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0);
	if (ret < 0)
		ret = tls_error(ret, SERVER_CRT, err);
	else
		ret = write_certificate(crt, SERVER_CRT, err);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(ca);
free_key:
	gnutls_x509_privkey_deinit(key);
free_ca_key:
	gnutls_x509_privkey_deinit(ca_key);
	return ret;
}

static int make_farm_key(struct vdisk_error *err)
{
	unsigned char raw[FARM_KEY_BYTES];
	char text[2 * FARM_KEY_BYTES + 2];
	int ret, i;

	ret = gnutls_rnd(GNUTLS_RND_KEY, raw, sizeof(raw));
	if (ret < 0)
		return tls_error(ret, FARM_KEY, err);
	for (i = 0; i < FARM_KEY_BYTES; i++)
		sprintf(text + 2 * i, "%02x", raw[i]);
	strcpy(text + 2 * FARM_KEY_BYTES, "\n");
	ret = place_write(FARM_KEY, text, strlen(text), 0600, err);
	gnutls_memset(raw, 0, sizeof(raw));
	gnutls_memset(text, 0, sizeof(text));
	return ret;
}

static int make_ssh_ca(const char *farm, struct vdisk_error *err)
{
	char *path = place_path(SSH_CA), *comment;
	int ret;

	if (asprintf(&comment, "vdisk farm %s", farm) < 0)
		abort();
	ret = place_run((const char *const[]){ "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
					       comment, "-f", path, NULL }, err);
	free(comment);
	free(path);
	return ret;
}

/* ---- what there is ---- */

static bool crt_names(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char raw[16];
	unsigned int size = 0;

	if (inet_pton(AF_INET, name, raw) == 1)
		size = 4;
	else if (inet_pton(AF_INET6, name, raw) == 1)
		size = 16;
	if (size)
		return gnutls_x509_crt_check_ip(crt, raw, size, 0);
	return gnutls_x509_crt_check_hostname(crt, name);
}

static bool same_key(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char a[32], b[32];
	size_t a_size = sizeof(a), b_size = sizeof(b);

	return gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, a, &a_size) >= 0 &&
	       gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &b_size) >= 0 &&
	       a_size == b_size && !memcmp(a, b, a_size);
}

/* Dates don't count, as for clients. */
static bool signed_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t ca)
{
	unsigned int wrong = 0;

	return gnutls_x509_crt_verify(crt, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &wrong) >= 0 &&
	       !wrong;
}

int farm_keys_look(const char *name, bool *named, struct farm_keys_state *state,
		   struct vdisk_error *err)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t ca, crt;
	int ret;

	ret = load_certificate(CA_CRT, &ca, err);
	if (ret)
		return ret;
	ret = load_certificate(SERVER_CRT, &crt, err);
	if (ret)
		goto free_ca;
	ret = load_key(SERVER_KEY, &key, err);
	if (ret)
		goto free_crt;
	state->begins = gnutls_x509_crt_get_activation_time(crt);
	state->ends = gnutls_x509_crt_get_expiration_time(crt);
	state->signed_by_ca = signed_by(crt, ca);
	state->key_matches = same_key(crt, key);
	if (named)
		*named = name && crt_names(crt, name);
	gnutls_x509_privkey_deinit(key);
free_crt:
	gnutls_x509_crt_deinit(crt);
free_ca:
	gnutls_x509_crt_deinit(ca);
	return ret;
}

static bool server_fits(const struct farm_names *names)
{
	struct farm_keys_state state;
	struct vdisk_error err;
	const char *const *name;
	bool named;

	for (name = names->names; *name; name++)
		if (farm_keys_look(*name, &named, &state, &err) || !named || !state.signed_by_ca ||
		    !state.key_matches)
			return false;
	return true;
}

/* Makes a file that is missing; "made" says whether it was. */
static int make_missing(const char *path, int ret, void (*told)(const char *, const char *))
{
	if (!ret)
		told("made", path);
	return ret;
}

int farm_keys_make(const struct farm_names *names, void (*told)(const char *what, const char *path),
		   struct vdisk_error *err)
{
	int ret = 0;

	if (place_exists(CA_KEY))
		told("kept", CA_KEY);
	else if (place_exists(CA_CRT))
		/* Its clients would know another farm: that is for people to decide. */
		return vdisk_error_set(err, ENOENT, "%s%s is lost, but %s is there: put the key back "
				       "from a backup, or remove the certificate to begin a new farm",
				       place_root, CA_KEY, CA_CRT);
	else
		ret = make_missing(CA_KEY, make_key(CA_KEY, err), told);
	if (!ret && !place_exists(CA_CRT))
		ret = make_missing(CA_CRT, make_ca(names->farm, err), told);
	if (!ret && !place_exists(SERVER_KEY))
		ret = make_missing(SERVER_KEY, make_key(SERVER_KEY, err), told);
	if (!ret && server_fits(names))
		told("kept", SERVER_CRT);
	else if (!ret)
		ret = make_missing(SERVER_CRT, make_server(names, err), told);
	if (!ret && place_exists(FARM_KEY))
		told("kept", FARM_KEY);
	else if (!ret)
		ret = make_missing(FARM_KEY, make_farm_key(err), told);
	if (!ret && place_exists(SSH_CA))
		told("kept", SSH_CA);
	else if (!ret)
		ret = make_missing(SSH_CA, make_ssh_ca(names->farm, err), told);
	return ret;
}
