// SPDX-License-Identifier: GPL-2.0
/*
 * The schema, step by step. A step that has been released is never changed: a
 * later one corrects it.
 *
 * Truth values are 0 and 1, times are seconds since 1970, lists are JSON text:
 * types that every database has. The constraints repeat what the catalog checks
 * by itself, with better words, so that nothing else breaks it from outside.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "catalog_schema.h"

#define TABLE(name, ...) \
	"CREATE TABLE \"" name "\" (\"id\" $ID, \"revision\" BIGINT NOT NULL DEFAULT 1, " \
	__VA_ARGS__ ")"
#define TEXT(name)		"\"" name "\" TEXT"
#define INT(name)		"\"" name "\" BIGINT"
#define BOOL(name)		"\"" name "\" SMALLINT NOT NULL CHECK (\"" name "\" IN (0, 1))"
#define REFERS(name, table)	"\"" name "\" BIGINT REFERENCES \"" table "\" (\"id\")"
#define NEEDED			" NOT NULL"
#define ONCE			" NOT NULL UNIQUE"
#define INDEX(table, name, columns) \
	"CREATE INDEX \"" table "_" name "\" ON \"" table "\" (" columns ")"

static const char *const step_1[] = {
	TABLE("images", TEXT("name") ONCE ", " TEXT("description") ", " BOOL("public") ", "
	      TEXT("kind") NEEDED ", " INT("current") ", " BOOL("deleted")),
	TABLE("versions", REFERS("image_id", "images") NEEDED ", " INT("number") NEEDED ", "
	      TEXT("state") NEEDED ", " INT("size") NEEDED ", " TEXT("sha256") ", "
	      TEXT("stamp") ", " TEXT("kernel") ", " TEXT("cmdline") ", "
	      INT("created") NEEDED ", " TEXT("comment") ", UNIQUE (\"image_id\", \"number\")"),
	TABLE("groups", TEXT("name") ONCE ", " REFERS("parent_id", "groups") ", "
	      TEXT("secrets") NEEDED ", " TEXT("unknown") NEEDED ", " TEXT("description")),
	INDEX("groups", "parent", "\"parent_id\""),
	TABLE("clients", TEXT("name") ONCE ", " REFERS("group_id", "groups") ", "
	      TEXT("uuid") " UNIQUE, " TEXT("type") NEEDED ", " BOOL("enabled") ", "
	      TEXT("machine_id") ONCE ", " TEXT("public_key") ", " BOOL("debug_once") ", "
	      TEXT("comment") ", " INT("created") NEEDED),
	INDEX("clients", "group", "\"group_id\""),
	TABLE("macs", REFERS("client_id", "clients") NEEDED ", " TEXT("mac") ONCE),
	INDEX("macs", "client", "\"client_id\""),
	TABLE("properties", TEXT("owner") NEEDED " CHECK (\"owner\" IN ('client', 'group')), "
	      INT("owner_id") NEEDED ", " TEXT("name") NEEDED ", " TEXT("value") NEEDED ", "
	      BOOL("secret") ", UNIQUE (\"owner\", \"owner_id\", \"name\")"),
	TABLE("networks", TEXT("cidr") ONCE ", " TEXT("servers") NEEDED ", "
	      REFERS("group_id", "groups")),
	INDEX("networks", "group", "\"group_id\""),
	TABLE("assignments", INT("position") NEEDED ", " REFERS("client_id", "clients") ", "
	      REFERS("group_id", "groups") ", " REFERS("image_id", "images") NEEDED ", "
	      INT("version") ", " TEXT("overlay") ", " TEXT("label") ", " BOOL("is_default") ", "
	      INT("timeout") ", CHECK ((\"client_id\" IS NULL) <> (\"group_id\" IS NULL))"),
	INDEX("assignments", "client", "\"client_id\""),
	INDEX("assignments", "group", "\"group_id\""),
	INDEX("assignments", "image", "\"image_id\", \"version\""),
	TABLE("enrolments", REFERS("group_id", "groups") ", " TEXT("name") NEEDED ", "
	      INT("opened") NEEDED ", " INT("until") NEEDED ", " INT("max") NEEDED ", "
	      INT("used") NEEDED ", " REFERS("image_id", "images") ", " TEXT("overlay") ", "
	      BOOL("closed")),
	INDEX("enrolments", "group", "\"group_id\""),
	INDEX("enrolments", "image", "\"image_id\""),
	TABLE("pending", TEXT("uuid") ", " TEXT("macs") NEEDED ", " TEXT("address") ", "
	      TEXT("reason") NEEDED ", " INT("first_seen") NEEDED ", " INT("last_seen") NEEDED ", "
	      INT("count") NEEDED ", " TEXT("detail")),
	INDEX("pending", "uuid", "\"uuid\""),
	TABLE("servers", TEXT("name") ONCE ", " TEXT("addresses") NEEDED ", " INT("port") NEEDED ", "
	      INT("last_seen")),
	TABLE("sessions", TEXT("token_id") ONCE ", " REFERS("client_id", "clients") NEEDED ", "
	      REFERS("image_id", "images") ", " INT("version") NEEDED ", "
	      TEXT("state") NEEDED ", " INT("started") NEEDED ", " INT("since") NEEDED ", "
	      TEXT("ended_how") ", " TEXT("address") ", " INT("epoch") NEEDED ", "
	      INT("expires") ", " TEXT("trust") NEEDED ", " INT("connections") NEEDED ", "
	      INT("bytes") NEEDED ", " INT("retries") NEEDED ", " INT("overlay_high") NEEDED ", "
	      REFERS("server_id", "servers")),
	INDEX("sessions", "client", "\"client_id\", \"id\""),
	INDEX("sessions", "image", "\"image_id\", \"version\""),
	INDEX("sessions", "state", "\"state\", \"since\""),
	INDEX("sessions", "server", "\"server_id\""),
	TABLE("events", REFERS("session_id", "sessions") ", " REFERS("client_id", "clients") ", "
	      INT("at") NEEDED ", " TEXT("step") NEEDED ", " INT("bytes") ", "
	      "\"seconds\" DOUBLE PRECISION, " TEXT("text")),
	INDEX("events", "session", "\"session_id\""),
	INDEX("events", "client", "\"client_id\", \"at\""),
	INDEX("events", "at", "\"at\""),
	TABLE("tokens", TEXT("name") ONCE ", " TEXT("hash") ONCE ", " TEXT("role") NEEDED ", "
	      REFERS("group_id", "groups") ", " INT("created") NEEDED ", " INT("last_used") ", "
	      INT("revoked")),
	INDEX("tokens", "group", "\"group_id\""),
	TABLE("audit", INT("at") NEEDED ", " TEXT("who") ", " TEXT("role") ", " TEXT("from") ", "
	      TEXT("action") NEEDED ", " TEXT("kind") NEEDED ", " INT("object_id") ", "
	      TEXT("before") ", " TEXT("after")),
	INDEX("audit", "at", "\"at\""),
	INDEX("audit", "object", "\"kind\", \"object_id\""),
	NULL
};

static const char *const step_2[] = {
	TABLE("boots", REFERS("client_id", "clients") NEEDED ", " TEXT("uuid") ", " TEXT("mac") ", "
	      TEXT("address") ", " INT("started") NEEDED ", " INT("since") NEEDED ", "
	      TEXT("step") NEEDED ", " TEXT("failure") ", " INT("bytes") NEEDED),
	INDEX("boots", "client", "\"client_id\", \"id\""),
	INDEX("boots", "since", "\"since\""),
	"ALTER TABLE \"events\" ADD COLUMN " REFERS("boot_id", "boots"),
	INDEX("events", "boot", "\"boot_id\""),
	INDEX("events", "step", "\"step\", \"id\""),
	INDEX("pending", "seen", "\"last_seen\""),
	/* where an enrolment takes machines from, and whose networks bound it */
	"ALTER TABLE \"enrolments\" ADD COLUMN " TEXT("network"),
	"ALTER TABLE \"enrolments\" ADD COLUMN " REFERS("within_id", "groups"),
	INDEX("enrolments", "within", "\"within_id\""),
	/* an image is not both: what was marked private was not meant for everybody */
	"UPDATE \"images\" SET \"public\" = 0, \"revision\" = \"revision\" + 1 "
	"WHERE \"public\" = 1 AND \"kind\" = 'private'",
	"ALTER TABLE \"clients\" ADD COLUMN " INT("bind_until"),
	"ALTER TABLE \"enrolments\" ADD COLUMN \"bind\" SMALLINT NOT NULL DEFAULT 0 CHECK (\"bind\" IN (0, 1))",
	NULL
};

static const char *const step_3[] = {
	/* the image's newest version in that state, in place of a number */
	"ALTER TABLE \"assignments\" ADD COLUMN " TEXT("state")
	" CHECK (\"state\" IS NULL OR \"version\" IS NULL)",
	NULL
};

const struct catalog_step catalog_steps[] = {
	{ 1, step_1 },
	{ 2, step_2 },
	{ 3, step_3 },
};
const unsigned int catalog_steps_count = sizeof(catalog_steps) / sizeof(*catalog_steps);

/* --- versions --- */

static int version_row(void *data, const struct catalog_value *values, unsigned int count)
{
	(void)count;
	*(int64_t *)data = values[0].integer;
	return 0;
}

int catalog_schema_version(struct catalog_connection *connection, unsigned int *version,
			   struct vdisk_error *err)
{
	const struct catalog_backend *backend = connection->backend;
	int64_t number = 0;
	bool there;
	int ret;

	*version = 0;
	ret = backend->has_table(connection, "catalog_schema", &there, err);
	if (!ret && there) {
		ret = backend->run(connection, "SELECT MAX(\"version\") FROM \"catalog_schema\"", NULL,
				   0, version_row, &number, err);
		if (!ret && (number < 1 || number > INT32_MAX))
			ret = vdisk_error_set(err, EPROTO, "catalog: schema version %lld makes no sense",
					      (long long)number);
		*version = number;
		return ret;
	}
	if (!ret)
		ret = backend->has_table(connection, NULL, &there, err);
	if (!ret && there)
		ret = vdisk_error_set(err, EPROTO,
				      "catalog: this database holds something else, not a catalog");
	return ret;
}

static int newer(unsigned int version, unsigned int known, struct vdisk_error *err)
{
	return vdisk_error_set(err, EPROTO,
			       "catalog: its schema has version %u, this program knows %u: use the program of a newer release",
			       version, known);
}

int catalog_schema_expect(struct catalog_connection *connection, struct vdisk_error *err)
{
	const unsigned int known = catalog_steps[catalog_steps_count - 1].version;
	unsigned int version;
	int ret;

	ret = catalog_schema_version(connection, &version, err);
	if (ret || version == known)
		return ret;
	if (version > known)
		return newer(version, known, err);
	return vdisk_error_set(err, EPROTO, "catalog: its schema has version %u, not %u yet: start vdiskd to migrate it",
			       version, known);
}

/* --- migration --- */

static int run_one(struct catalog_connection *connection, const char *sql, struct vdisk_error *err)
{
	const char *id = strstr(sql, "$ID");
	char *text;
	int ret;

	if (!id)
		return connection->backend->run(connection, sql, NULL, 0, NULL, NULL, err);
	if (asprintf(&text, "%.*s%s%s", (int)(id - sql), sql, connection->backend->id_type, id + 3) < 0)
		return vdisk_error_set(err, ENOMEM, "catalog: no memory");
	ret = connection->backend->run(connection, text, NULL, 0, NULL, NULL, err);
	free(text);
	return ret;
}

static int take_step(struct catalog_connection *connection, const struct catalog_step *step,
		     struct vdisk_error *err)
{
	const struct catalog_value values[] = {
		{ .type = CATALOG_V_INT, .integer = step->version },
		{ .type = CATALOG_V_INT, .integer = time(NULL) },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; step->sql[i] && !ret; i++)
		ret = run_one(connection, step->sql[i], err);
	if (ret)
		return ret;
	return connection->backend->run(connection,
					"INSERT INTO \"catalog_schema\" (\"version\", \"applied\") VALUES ($1, $2)",
					values, 2, NULL, NULL, err);
}

/* Within a transaction, so that two programs that start at once don't both migrate. */
static int migrate(struct catalog_connection *connection, const struct catalog_step *steps,
		   unsigned int count, bool keep, struct vdisk_error *err)
{
	const unsigned int last = steps[count - 1].version;
	unsigned int version, i;
	int ret;

	ret = catalog_schema_version(connection, &version, err);
	if (ret || version == last)
		return ret;
	if (version > last)
		return newer(version, last, err);
	if (!version)
		ret = run_one(connection,
			      "CREATE TABLE \"catalog_schema\" (\"version\" BIGINT NOT NULL UNIQUE, \"applied\" BIGINT NOT NULL)",
			      err);
	else if (keep)
		ret = connection->backend->keep(connection, last, err);
	for (i = 0; i < count && !ret; i++)
		if (steps[i].version > version)
			ret = take_step(connection, &steps[i], err);
	return ret;
}

int catalog_schema_migrate(struct catalog_connection *connection, const struct catalog_step *steps,
			   unsigned int count, bool keep, struct vdisk_error *err)
{
	const struct catalog_backend *backend = connection->backend;
	unsigned int version;
	int ret;

	/* the usual case needs no lock: it works while another writes */
	ret = catalog_schema_version(connection, &version, err);
	if (ret || version == steps[count - 1].version)
		return ret;
	ret = backend->begin(connection, true, err);
	if (ret)
		return ret;
	ret = migrate(connection, steps, count, keep, err);
	if (ret) {
		backend->rollback(connection);
		return ret;
	}
	return backend->commit(connection, err);
}
