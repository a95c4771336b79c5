/* SPDX-License-Identifier: GPL-2.0 */
/* What vdiskd.conf says, as far as the administrator's commands want it. */
#ifndef VDISKADM_SETTINGS_H
#define VDISKADM_SETTINGS_H

#include <stdbool.h>
#include "error.h"

struct settings {
	char *store, *catalog, *http, *keys;	/* the last one of each; NULL: not said */
	char *address;				/* of http, without port; NULL: any, or none */
	bool ours;				/* "init" made the file */
	unsigned int count;			/* settings of any kind */
};

/** settings_read - vdiskd.conf below the root; 0 or a negative errno */
int settings_read(struct settings *settings, struct vdisk_error *err);
void settings_free(struct settings *settings);

#endif
