/* SPDX-License-Identifier: GPL-2.0 */
/* The farm's keys: its CA, the server's certificate, the tokens' key, the ssh CA. */
#ifndef VDISKADM_FARM_KEYS_H
#define VDISKADM_FARM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "error.h"

enum { FARM_KEYS_YEARS = 30 };	/* of a certificate */

/* What the server's certificate names; NULL ends them. Numbers become addresses. */
struct farm_names {
	const char *farm;
	const char *names[8];
};

/**
 * farm_keys_make - whatever of the keys is missing, in PLACE_KEYS
 * @told: called for each with what was done ("made ...", "kept ...")
 *
 * A key that is there is never replaced. The server's certificate is, when it
 * doesn't name all of @names or isn't of this CA: clients only know the CA.
 *
 * Return: 0 or a negative errno.
 */
int farm_keys_make(const struct farm_names *names, void (*told)(const char *what, const char *path),
		   struct vdisk_error *err);

/** struct farm_keys_state - what doctor wants to know about the server's certificate */
struct farm_keys_state {
	time_t begins, ends;
	bool signed_by_ca, key_matches;
};

/**
 * farm_keys_look - how the certificate is, and whether it names @name
 * @name: a host name or an address; may be NULL
 *
 * Return: 0 or a negative errno.
 */
int farm_keys_look(const char *name, bool *named, struct farm_keys_state *state,
		   struct vdisk_error *err);

#endif
