/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of the catalog, and how old ones become new ones. */
#ifndef VDISK_CATALOG_SCHEMA_H
#define VDISK_CATALOG_SCHEMA_H

#include "catalog_backend.h"

/* What leads from the version before to this one. "$ID" is the backend's id_type. */
struct catalog_step {
	unsigned int version;
	const char *const *sql;		/* ends with NULL */
};

/* All of them, in order, from version 1 on. */
extern const struct catalog_step catalog_steps[];
extern const unsigned int catalog_steps_count;

/* catalog_schema_version - 0: there is nothing yet; -EPROTO: there is something else */
int catalog_schema_version(struct catalog_connection *connection, unsigned int *version,
			   struct vdisk_error *err);

/**
 * catalog_schema_migrate - bring the tables to the last step's version
 * @keep: make a copy before, unless there is nothing yet
 *
 * All in one transaction. Return: 0; -EPROTO: newer than the last step.
 */
int catalog_schema_migrate(struct catalog_connection *connection, const struct catalog_step *steps,
			   unsigned int count, bool keep, struct vdisk_error *err);

/* catalog_schema_expect - -EPROTO unless the version is the last step's */
int catalog_schema_expect(struct catalog_connection *connection, struct vdisk_error *err);

#endif
