/* SPDX-License-Identifier: GPL-2.0 */
/* An open catalog: its connections, and who may use which now. */
#ifndef VDISK_CATALOG_HANDLE_H
#define VDISK_CATALOG_HANDLE_H

#include "catalog.h"
#include "catalog_backend.h"

/* A connection lent to a call, between _begin and _end. */
struct catalog_hold {
	struct catalog_connection *connection;
	int slot;			/* of a reader; -1: the writer's connection */
	bool nested;			/* within catalog_begin() of this thread */
};

/* catalog_read_begin - what is read until catalog_read_end() is of one moment */
int catalog_read_begin(struct catalog *catalog, struct catalog_hold *hold,
		       struct vdisk_error *err);
void catalog_read_end(struct catalog *catalog, struct catalog_hold *hold);

/* catalog_write_end - commits when @ret is 0, else undoes; returns @ret or the commit's error */
int catalog_write_begin(struct catalog *catalog, struct catalog_hold *hold,
			struct vdisk_error *err);
int catalog_write_end(struct catalog *catalog, struct catalog_hold *hold, int ret,
		      struct vdisk_error *err);

/* catalog_backend_of - the backend of a URI, and the rest of it */
const struct catalog_backend *catalog_backend_of(const char *uri, const char **where);

#endif
