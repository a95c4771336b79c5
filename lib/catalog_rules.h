/* SPDX-License-Identifier: GPL-2.0 */
/* What must be true of objects together, beyond their fields. All within a transaction. */
#ifndef VDISK_CATALOG_RULES_H
#define VDISK_CATALOG_RULES_H

#include "catalog_backend.h"
#include "catalog_kinds.h"

/* catalog_rules_fill - values that depend on what is there already ("@next") */
int catalog_rules_fill(struct catalog_connection *connection, int kind, json_t *object,
		       struct vdisk_error *err);

/**
 * catalog_rules_store - whether an object may be stored so
 * @id: 0 for a new one
 * @changes: those of its fields that change, or are new
 *
 * Return: 0; -EEXIST: not unique; -ENOENT: it refers to what is not there; -EINVAL.
 */
int catalog_rules_store(struct catalog_connection *connection, int kind, int64_t id,
			const json_t *object, const json_t *changes, struct vdisk_error *err);

/* catalog_rules_remove - whether others name it otherwise than by its id; -EBUSY */
int catalog_rules_remove(struct catalog_connection *connection, int kind, const json_t *object,
			 struct vdisk_error *err);

/* The chain of a group, its parents included, nearest first: rows of (id, depth). */
#define CATALOG_GROUP_CHAIN \
	"WITH RECURSIVE \"chain\" (\"id\", \"depth\") AS (" \
	"SELECT CAST($1 AS BIGINT), 1 UNION ALL " \
	"SELECT \"groups\".\"parent_id\", \"chain\".\"depth\" + 1 FROM \"groups\" " \
	"JOIN \"chain\" ON \"groups\".\"id\" = \"chain\".\"id\" " \
	"WHERE \"groups\".\"parent_id\" IS NOT NULL AND \"chain\".\"depth\" < 40) "

#endif
