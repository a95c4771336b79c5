// SPDX-License-Identifier: GPL-2.0
/* Keeping a catalog: checking, backup, restoring, and removing what is old. */
#include <errno.h>
#include "catalog_handle.h"
#include "catalog_kinds.h"
#include "catalog_schema.h"
#include "catalog_sql.h"

enum { PRUNED_AT_ONCE = 1000 };		/* rows, so that others come to write in between */

/* --- checking --- */

/* What no constraint of the database says. */
static int check_rules(struct catalog_connection *connection, struct vdisk_error *err)
{
	static const struct {
		const char *sql, *what;
	} rules[] = {
		{ "SELECT COUNT(*) FROM \"properties\" WHERE (\"owner\" = 'client' AND "
		  "\"owner_id\" NOT IN (SELECT \"id\" FROM \"clients\")) OR (\"owner\" = 'group' AND "
		  "\"owner_id\" NOT IN (SELECT \"id\" FROM \"groups\"))",
		  "properties have an owner that is not there" },
		{ "SELECT COUNT(*) FROM \"images\" WHERE \"current\" IS NOT NULL AND NOT EXISTS "
		  "(SELECT 1 FROM \"versions\" WHERE \"versions\".\"image_id\" = \"images\".\"id\" AND "
		  "\"versions\".\"number\" = \"images\".\"current\")",
		  "images have a current version that is not there" },
	};
	int64_t count;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		ret = catalog_sql_number(connection, &count, err, rules[i].sql, 0);
		if (ret)
			return ret;
		if (count)
			return vdisk_error_set(err, EIO, "catalog: it is damaged: %lld %s",
					       (long long)count, rules[i].what);
	}
	return 0;
}

int catalog_check(struct catalog *catalog, struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	ret = catalog_read_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = hold.connection->backend->check(hold.connection, err);
	if (!ret)
		ret = check_rules(hold.connection, err);
	catalog_read_end(catalog, &hold);
	return ret;
}

/* --- backup --- */

static int bad_uri(const char *uri, struct vdisk_error *err)
{
	return vdisk_error_set(err, EINVAL, "catalog: '%s' is not of the form sqlite:FILE", uri);
}

static int expect_some(struct catalog_connection *connection, unsigned int *version,
		       struct vdisk_error *err)
{
	int ret = catalog_schema_version(connection, version, err);

	if (!ret && !*version)
		ret = vdisk_error_set(err, EPROTO, "catalog: there is no catalog in it");
	return ret;
}

int catalog_backup(const char *uri, const char *file, bool overwrite, struct vdisk_error *err)
{
	const char *where;
	const struct catalog_backend *backend = catalog_backend_of(uri, &where);
	struct catalog_connection *connection;
	unsigned int version;
	int ret;

	if (!backend)
		return bad_uri(uri, err);
	ret = backend->open(where, CATALOG_OPEN_THERE, CATALOG_PATIENCE_MS, &connection, err);
	if (ret)
		return ret;
	/* of whatever version: this is how one that is too new here is saved */
	ret = expect_some(connection, &version, err);
	if (!ret)
		ret = backend->backup(connection, file, overwrite, err);
	backend->close(connection);
	return ret;
}

/* Older ones are migrated before they become the catalog; the backup itself is the copy. */
static int prepare(struct catalog_connection *connection, struct vdisk_error *err)
{
	unsigned int version;
	int ret = expect_some(connection, &version, err);

	if (!ret)
		ret = catalog_schema_migrate(connection, catalog_steps, catalog_steps_count, false, err);
	return ret ? ret : check_rules(connection, err);
}

int catalog_restore(const char *file, const char *uri, bool overwrite, struct vdisk_error *err)
{
	const char *where;
	const struct catalog_backend *backend = catalog_backend_of(uri, &where);

	if (!backend)
		return bad_uri(uri, err);
	return backend->restore(file, where, overwrite, prepare, err);
}

/* --- what is old --- */

/* The oldest of what is older than $1, at most $2. */
#define OLDEST(table, condition) \
	"SELECT \"id\" FROM \"" table "\" WHERE " condition " ORDER BY \"id\" LIMIT $2"
#define OLD_SESSIONS OLDEST("sessions", "\"state\" = 'ended' AND \"since\" < $1")
#define OLD_BOOTS OLDEST("boots", "\"since\" < $1")
#define OLD_EVENTS OLDEST("events", "\"session_id\" IS NULL AND \"boot_id\" IS NULL AND \"at\" < $1")
#define OLD_PENDING OLDEST("pending", "\"last_seen\" < $1")
#define OLD_AUDIT OLDEST("audit", "\"at\" < $1")

/* How many there are, then what removes them: each is one of those that reads the same rows. */
static const char *const prune_sessions[] = {
	"SELECT COUNT(*) FROM (" OLD_SESSIONS ") AS \"old\"",
	"DELETE FROM \"events\" WHERE \"session_id\" IN (" OLD_SESSIONS ")",
	"DELETE FROM \"sessions\" WHERE \"id\" IN (" OLD_SESSIONS ")",
	NULL
};
static const char *const prune_boots[] = {
	"SELECT COUNT(*) FROM (" OLD_BOOTS ") AS \"old\"",
	"DELETE FROM \"events\" WHERE \"boot_id\" IN (" OLD_BOOTS ")",
	"DELETE FROM \"boots\" WHERE \"id\" IN (" OLD_BOOTS ")",
	NULL
};
static const char *const prune_events[] = {
	"SELECT COUNT(*) FROM (" OLD_EVENTS ") AS \"old\"",
	"DELETE FROM \"events\" WHERE \"id\" IN (" OLD_EVENTS ")",
	NULL
};
static const char *const prune_pending[] = {
	"SELECT COUNT(*) FROM (" OLD_PENDING ") AS \"old\"",
	"DELETE FROM \"pending\" WHERE \"id\" IN (" OLD_PENDING ")",
	NULL
};
static const char *const prune_audit[] = {
	"SELECT COUNT(*) FROM (" OLD_AUDIT ") AS \"old\"",
	"DELETE FROM \"audit\" WHERE \"id\" IN (" OLD_AUDIT ")",
	NULL
};

/* One bite, in a transaction of its own. */
static int prune_bite(struct catalog *catalog, const char *const *sql, int64_t before,
		      int64_t *count, struct vdisk_error *err)
{
	struct catalog_hold hold;
	int64_t unused;
	unsigned int i;
	int ret;

	ret = catalog_write_begin(catalog, &hold, err);
	if (ret)
		return ret;
	for (i = 0; sql[i] && !ret; i++)
		ret = catalog_sql_number(hold.connection, i ? &unused : count, err, sql[i], 2, before,
					 (int64_t)PRUNED_AT_ONCE);
	return catalog_write_end(catalog, &hold, ret, err);
}

static int prune(struct catalog *catalog, const char *const *sql, int64_t before,
		 int64_t *removed, struct vdisk_error *err)
{
	int64_t count = 0;
	int ret;

	do {
		ret = prune_bite(catalog, sql, before, &count, err);
		if (!ret)
			*removed += count;
	} while (!ret && count == PRUNED_AT_ONCE);
	return ret;
}

int catalog_prune(struct catalog *catalog, const struct catalog_ages *before, int64_t *removed,
		  struct vdisk_error *err)
{
	const struct {
		const char *const *sql;
		int64_t before;
	} parts[] = {
		{ prune_sessions, before->sessions }, { prune_boots, before->sessions },
		{ prune_events, before->sessions }, { prune_pending, before->pending },
		{ prune_audit, before->audit },
	};
	int64_t count = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < sizeof(parts) / sizeof(*parts) && !ret; i++)
		if (parts[i].before > 0)
			ret = prune(catalog, parts[i].sql, parts[i].before, &count, err);
	if (removed)
		*removed = count;
	return ret;
}
