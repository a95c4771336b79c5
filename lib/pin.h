/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pin of a farm: "sha256//BASE64", the SHA-256 of its CA's public key
 * (SubjectPublicKeyInfo).  Dates mean nothing here: a machine that boots may
 * have a dead clock, and a pin does not grow old.
 */
#ifndef VDISK_PIN_H
#define VDISK_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include "error.h"

enum {
	PIN_TEXT = 8 + 44 + 1,		/* "sha256//", 32 bytes in base64, NUL */
	PIN_FILE_MAX = 65536,		/* bytes of a certificate's file */
};

/* pin_is_valid - whether @text has the form of a pin. */
bool pin_is_valid(const char *text);

/**
 * pin_of_certificate - the pin of the first certificate in a PEM text
 * @pin: room for PIN_TEXT bytes
 *
 * Return: 0, or -EINVAL.
 */
int pin_of_certificate(const char *pem, size_t len, char *pin, struct vdisk_error *err);

/* pin_of_file - the same of a file, such as ca.crt. */
int pin_of_file(const char *path, char *pin, struct vdisk_error *err);

struct gnutls_session_int;

/**
 * pin_check_session - does the peer of a TLS session belong to the farm?
 * @session: after its handshake
 * @pin: the CA that the peer's certificate must come from; NULL: any, the last
 *       certificate that the peer sent
 * @found: room for PIN_TEXT bytes: the pin of that CA
 *
 * Return: 0; -EACCES: the certificates do not lead to that CA; -EPROTO: the peer
 * sent something else than certificates.
 */
int pin_check_session(struct gnutls_session_int *session, const char *pin, char *found,
		      struct vdisk_error *err);

#endif
