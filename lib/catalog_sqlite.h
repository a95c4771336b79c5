/* SPDX-License-Identifier: GPL-2.0 */
/* A catalog in an SQLite file: what the two files of the backend share. */
#ifndef VDISK_CATALOG_SQLITE_H
#define VDISK_CATALOG_SQLITE_H

#include <sqlite3.h>
#include <sys/types.h>
#include "catalog_backend.h"

enum { CATALOG_SQLITE_CACHED = 64 };

struct sqlite_connection {
	struct catalog_connection base;
	sqlite3 *db;
	struct sqlite3_stmt *cached[CATALOG_SQLITE_CACHED];	/* prepared before; none is running */
	unsigned int replace_next;
	char *path;
	dev_t device;			/* the file that was there when it was opened */
	ino_t inode;
};

int catalog_sqlite_error(sqlite3 *db, const char *path, int code, struct vdisk_error *err);
int catalog_sqlite_keep(struct catalog_connection *connection, unsigned int version,
			struct vdisk_error *err);
int catalog_sqlite_check(struct catalog_connection *connection, struct vdisk_error *err);
int catalog_sqlite_backup(struct catalog_connection *connection, const char *file, bool overwrite,
			  struct vdisk_error *err);
int catalog_sqlite_restore(const char *file, const char *where, bool overwrite,
			   int (*prepare)(struct catalog_connection *connection,
					  struct vdisk_error *err),
			   struct vdisk_error *err);

static inline struct sqlite_connection *to_sqlite(struct catalog_connection *connection)
{
	return (struct sqlite_connection *)connection;
}

#endif
