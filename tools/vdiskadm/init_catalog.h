/* SPDX-License-Identifier: GPL-2.0 */
/* The catalog of a new server: made, with the server in it and a first administrator. */
#ifndef VDISKADM_INIT_CATALOG_H
#define VDISKADM_INIT_CATALOG_H

#include <stdbool.h>
#include "error.h"

struct init_server {
	const char *name, *address;
	const char *old_address;	/* that it had until now; NULL: none, or the same */
};

/**
 * init_catalog - make the catalog, or see that it is all there
 * @server: its row, and networks that name it, follow when it has another address
 * @told: called for each thing with what was done
 *
 * The token of the first administrator, if there is none, is printed once and
 * kept in ~/.config/vdisk/token, unless there is another one already.
 *
 * Return: 0 or a negative errno.
 */
int init_catalog(const struct init_server *server,
		 void (*told)(const char *what, const char *path), struct vdisk_error *err);

#endif
