// SPDX-License-Identifier: GPL-2.0
#include "http_tls.h"

#include <gnutls/x509.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "log.h"
#include "pem.h"
#include "pin.h"

enum { KEY_ID_BYTES = 32 };

struct identity {
	gnutls_x509_crt_t *chain;	/* the server's first, the CA's last */
	unsigned int count;
	gnutls_x509_privkey_t key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* shown */
static struct identity shown;

static void drop(struct identity *identity)
{
	unsigned int i;

	for (i = 0; i < identity->count; i++)
		gnutls_x509_crt_deinit(identity->chain[i]);
	gnutls_free(identity->chain);
	if (identity->key)
		gnutls_x509_privkey_deinit(identity->key);
	memset(identity, 0, sizeof(*identity));
}

static const char *parse(struct identity *identity, const char *key, const char *chain)
{
	gnutls_datum_t text = { (unsigned char *)chain, strlen(chain) };

	if (gnutls_x509_crt_list_import2(&identity->chain, &identity->count, &text,
					 GNUTLS_X509_FMT_PEM, 0) < 0) {
		identity->chain = NULL;
		identity->count = 0;
		return "server.crt or ca.crt is no certificate";
	}
	text = (gnutls_datum_t) { (unsigned char *)key, strlen(key) };
	if (gnutls_x509_privkey_init(&identity->key) < 0)
		return "no memory";
	if (gnutls_x509_privkey_import2(identity->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)
		return "server.key is no private key";
	return NULL;
}

static bool belong_together(const struct identity *identity)
{
	uint8_t one[KEY_ID_BYTES], other[KEY_ID_BYTES];
	size_t size = sizeof(one), other_size = sizeof(other);

	return gnutls_x509_crt_get_key_id(identity->chain[0], GNUTLS_KEYID_USE_SHA256, one,
					  &size) >= 0 &&
	       gnutls_x509_privkey_get_key_id(identity->key, GNUTLS_KEYID_USE_SHA256, other,
					      &other_size) >= 0 &&
	       size == other_size && !memcmp(one, other, size);
}

/* Dates are nobody's concern here: clients go by the CA's key. */
static bool is_of_ca(const struct identity *identity)
{
	unsigned int status;

	return identity->count >= 2 &&
	       gnutls_x509_crt_list_verify(identity->chain, identity->count,
					   &identity->chain[identity->count - 1], 1, NULL, 0,
					   GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
					   GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS,
					   &status) >= 0 && !status;
}

static bool is_of_farm(const char *directory, const char *pin)
{
	struct vdisk_error err;
	char path[PATH_MAX], now[PIN_TEXT];

	snprintf(path, sizeof(path), "%s/ca.crt", directory);
	return !*pin || (!pin_of_file(path, now, &err) && !strcmp(pin, now));
}

static const char *check(const struct identity *identity, const char *directory, const char *pin)
{
	if (!belong_together(identity))
		return "server.key is not the key of server.crt";
	if (!is_of_ca(identity))
		return "server.crt was not issued by the CA of ca.crt";
	if (!is_of_farm(directory, pin))
		return "ca.crt is of another CA: clients would not know this server";
	return NULL;
}

int http_tls_load(const char *directory, const char *pin)
{
	struct identity fresh = { .count = 0 };
	const char *wrong;
	char *key, *chain;

	if (pem_load(directory, &key, &chain))
		return -1;
	wrong = parse(&fresh, key, chain);
	if (!wrong)
		wrong = check(&fresh, directory, pin);
	pem_free(key, chain);
	if (wrong) {
		drop(&fresh);
		log_event(LOG_LEVEL_ERROR, "cannot take the server's certificate", "on", directory,
			  "reason", wrong);
		return -1;
	}
	pthread_mutex_lock(&lock);
	drop(&shown);
	shown = fresh;
	pthread_mutex_unlock(&lock);
	return 0;
}

void http_tls_forget(void)
{
	pthread_mutex_lock(&lock);
	drop(&shown);
	pthread_mutex_unlock(&lock);
}

/* Called with the lock held. */
static int copy_chain(gnutls_pcert_st **list)
{
	gnutls_pcert_st *pcert = gnutls_calloc(shown.count, sizeof(*pcert));
	unsigned int i;
	int ret = 0;

	if (!pcert)
		return GNUTLS_E_MEMORY_ERROR;
	for (i = 0; i < shown.count && ret >= 0; i++)
		ret = gnutls_pcert_import_x509(&pcert[i], shown.chain[i], 0);
	if (ret >= 0) {
		*list = pcert;
		return 0;
	}
	/* The one that failed has nothing. */
	for (i--; i-- > 0;)
		gnutls_pcert_deinit(&pcert[i]);
	gnutls_free(pcert);
	return ret;
}

static int copy_key(gnutls_privkey_t *key)
{
	int ret = gnutls_privkey_init(key);

	if (ret < 0)
		return ret;
	ret = gnutls_privkey_import_x509(*key, shown.key, GNUTLS_PRIVKEY_IMPORT_COPY);
	if (ret < 0)
		gnutls_privkey_deinit(*key);
	return ret;
}

/*
 * The handshake gets copies, which the library frees when it is done: what is shown
 * may be replaced in the middle of it.
 */
int http_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		      gnutls_pcert_st **pcert, unsigned int *count, gnutls_ocsp_data_st **ocsp,
		      unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags)
{
	unsigned int i;
	int ret;

	(void)session;
	(void)info;
	*ocsp = NULL;
	*ocsp_count = 0;
	pthread_mutex_lock(&lock);
	ret = copy_chain(pcert);
	if (!ret) {
		*count = shown.count;
		ret = copy_key(key);
		for (i = 0; ret < 0 && i < *count; i++)
			gnutls_pcert_deinit(&(*pcert)[i]);
		if (ret < 0)
			gnutls_free(*pcert);
	}
	pthread_mutex_unlock(&lock);
	if (ret < 0)
		return -1;
	*flags |= GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}
