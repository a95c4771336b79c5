/* SPDX-License-Identifier: GPL-2.0 */
/* Statements made from the tables of kinds, and rows made into JSON. */
#ifndef VDISK_CATALOG_SQL_H
#define VDISK_CATALOG_SQL_H

#include "catalog_backend.h"
#include "catalog_kinds.h"

/* A statement under construction. Begin with zeroes; end with catalog_sql_free(). */
struct catalog_sql {
	char *text;
	size_t length, size;
	bool no_memory;
	unsigned int count;
	struct catalog_value values[CATALOG_FILTERS];
	char *owned[CATALOG_FILTERS];	/* texts of values that are ours */
};

void catalog_sql_put(struct catalog_sql *sql, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* catalog_sql_value - put the next $n, for a value that is of the field's type already */
int catalog_sql_value(struct catalog_sql *sql, const struct catalog_field *field,
		      const json_t *value, struct vdisk_error *err);
int catalog_sql_run(struct catalog_connection *connection, struct catalog_sql *sql, catalog_row row,
		    void *data, struct vdisk_error *err);
void catalog_sql_free(struct catalog_sql *sql);

/* The first number of the first row of a statement, or 0 without a row. */
int catalog_sql_number(struct catalog_connection *connection, int64_t *number,
		       struct vdisk_error *err, const char *sql, unsigned int count, ...);

int catalog_sql_list(struct catalog_connection *connection, int kind, const json_t *filter,
		     json_t **array, struct vdisk_error *err);
int catalog_sql_count(struct catalog_connection *connection, int kind, const json_t *filter,
		      int64_t *count, struct vdisk_error *err);

/* catalog_sql_get - by id; @lock: it is going to be changed; -ENOENT */
int catalog_sql_get(struct catalog_connection *connection, int kind, int64_t id, bool lock,
		    json_t **object, struct vdisk_error *err);
int catalog_sql_insert(struct catalog_connection *connection, int kind, const json_t *object,
		       int64_t *id, struct vdisk_error *err);
int catalog_sql_update(struct catalog_connection *connection, int kind, int64_t id,
		       const json_t *changes, bool revise, struct vdisk_error *err);
int catalog_sql_delete(struct catalog_connection *connection, int kind, int64_t id,
		       struct vdisk_error *err);

#endif
