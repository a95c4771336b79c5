/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The certificate that the API shows: read at the start, and again when told to.
 * Each handshake takes the one of its time; those that are done keep theirs.
 */
#ifndef VDISKD_HTTP_TLS_H
#define VDISKD_HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/**
 * http_tls_load - take server.key, server.crt and ca.crt
 * @directory: where they are
 * @pin: of the CA that clients know us by; "": of any
 *
 * What is broken, doesn't belong together or is another farm's is not taken, and what
 * was shown before stays.  Complains by itself.  Return: 0 or -1.
 */
int http_tls_load(const char *directory, const char *pin);

/** http_tls_forget - the opposite; no handshake may be under way */
void http_tls_forget(void);

/** http_tls_retrieve - for the library: what a handshake shows */
gnutls_certificate_retrieve_function3 http_tls_retrieve;

#endif
