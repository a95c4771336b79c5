/* SPDX-License-Identifier: GPL-2.0 */
/* A list that is shown again and again. */
#ifndef VDISKADM_WATCH_H
#define VDISKADM_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include "error.h"
#include "show.h"

struct watch {
	const char *path;		/* of the list */
	/* NULL, or gets the list in place of what is at @path; 0 or as fetch_list() */
	int (*fetch)(void *context, json_t **array, struct vdisk_error *err);
	void *context;
	const char *what;		/* "sessions" */
	const struct column *columns;
	bool json;			/* one object a line */
};

/*
 * watch_list - until it is interrupted, or nobody reads it any more, which are good
 * ends.  On a terminal the table is drawn anew;
 * elsewhere a line for each object, and then one for each that came, changed
 * (in a column that does not drift) or went.  A server that goes away later is
 * waited for.  Returns an exit code.
 */
int watch_list(const struct watch *watch);

#endif
