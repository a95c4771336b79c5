/* SPDX-License-Identifier: GPL-2.0 */
/* Audit records, in the transaction of what they tell. */
#ifndef VDISK_CATALOG_AUDIT_H
#define VDISK_CATALOG_AUDIT_H

#include "catalog_backend.h"
#include "catalog_kinds.h"

/* catalog_audit - @before and @after: NULL, or as they are; secrets are masked here */
int catalog_audit(struct catalog_connection *connection, const struct catalog_who *who,
		  const char *action, int kind, int64_t id, const json_t *before,
		  const json_t *after, struct vdisk_error *err);

#endif
