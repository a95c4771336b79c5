/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the catalog needs of a database. Everything above this is SQL that both
 * SQLite and PostgreSQL take: "quoted" names, $1 $2 … each used once and in
 * order, RETURNING, WITH RECURSIVE, SAVEPOINT, NULLS FIRST. What differs is here.
 *
 * A connection is used by one thread at a time; the callers see to that.
 */
#ifndef VDISK_CATALOG_BACKEND_H
#define VDISK_CATALOG_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

enum catalog_value_type { CATALOG_V_NULL, CATALOG_V_INT, CATALOG_V_REAL, CATALOG_V_TEXT };

struct catalog_value {
	enum catalog_value_type type;
	int64_t integer;
	double real;
	const char *text;		/* ends with NUL, and has none inside */
	size_t length;
};

/* Begins each backend's own. */
struct catalog_connection {
	const struct catalog_backend *backend;
};

/* Called with each row of a result; what it returns unless 0 ends the statement. */
typedef int (*catalog_row)(void *data, const struct catalog_value *values, unsigned int count);

enum catalog_open_how {
	CATALOG_OPEN_THERE,		/* only what is there already */
	CATALOG_OPEN_CREATE
};

struct catalog_backend {
	const char *scheme;

	/* Type of a primary key that counts by itself and never gives a number twice; $ID in the schema. */
	const char *id_type;

	/* Behind a SELECT of a row that is going to be changed; "" where one writes at a time. */
	const char *for_update;

	/* 0; -EPROTO: it is something else; -errno as catalog_is_down(). */
	int (*open)(const char *where, enum catalog_open_how how, unsigned int patience_ms,
		    struct catalog_connection **connection, struct vdisk_error *err);
	void (*close)(struct catalog_connection *connection);

	/* How long a statement waits for locks of others. */
	void (*patience)(struct catalog_connection *connection, unsigned int milliseconds);

	/* Whether the connection leads to something that has been moved away or is lost. */
	bool (*stale)(struct catalog_connection *connection);

	/* One statement. -EEXIST: not unique; -EBUSY: a reference; -EINVAL: other constraint. */
	int (*run)(struct catalog_connection *connection, const char *sql,
		   const struct catalog_value *values, unsigned int count, catalog_row row,
		   void *data, struct vdisk_error *err);

	/* @write: nobody else can write from now on, else: what is read stays as it is. */
	int (*begin)(struct catalog_connection *connection, bool write, struct vdisk_error *err);
	int (*commit)(struct catalog_connection *connection, struct vdisk_error *err);
	void (*rollback)(struct catalog_connection *connection);

	/* Whether a transaction is open: some errors end it. */
	bool (*in_transaction)(struct catalog_connection *connection);

	/* Whether there is a table of that name; NULL: any table. */
	int (*has_table)(struct catalog_connection *connection, const char *name, bool *there,
			 struct vdisk_error *err);

	/* A copy of the catalog under @connection, which may hold a transaction without changes. */
	int (*keep)(struct catalog_connection *connection, unsigned int version,
		    struct vdisk_error *err);

	/* Structure and references. */
	int (*check)(struct catalog_connection *connection, struct vdisk_error *err);

	int (*backup)(struct catalog_connection *connection, const char *file, bool overwrite,
		      struct vdisk_error *err);

	/* @prepare checks and migrates what is going to be the catalog, before it is. */
	int (*restore)(const char *file, const char *where, bool overwrite,
		       int (*prepare)(struct catalog_connection *connection, struct vdisk_error *err),
		       struct vdisk_error *err);
};

extern const struct catalog_backend catalog_sqlite;

#endif
