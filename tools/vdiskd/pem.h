/* SPDX-License-Identifier: GPL-2.0 */
/* Keys and certificates that the server reads at its start. */
#ifndef VDISKD_PEM_H
#define VDISKD_PEM_H

struct token_key;

/**
 * pem_load - read server.key, and server.crt with ca.crt behind it
 * @directory: where they are
 *
 * Complains by itself.  Return: 0 or -1.
 */
int pem_load(const char *directory, char **key, char **chain);

/** pem_free - the opposite: no key stays in freed memory */
void pem_free(char *key, char *chain);

/**
 * pem_load_farm_key - read farm.key: 64 hexadecimal digits
 *
 * Complains by itself.  Return: 1 when it is there, 0 when there is none, or -1.
 */
int pem_load_farm_key(const char *directory, struct token_key *key);

#endif
