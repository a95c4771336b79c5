// SPDX-License-Identifier: GPL-2.0
/*
 * Rules over several objects: uniqueness, references, and what is special to a
 * kind. The database's constraints say most of it again; here it gets words.
 */
#include <errno.h>
#include <string.h>
#include "catalog_rules.h"
#include "catalog_sql.h"

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool has(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value && !json_is_null(value);
}

static int id_row(void *data, const struct catalog_value *values, unsigned int count)
{
	(void)count;
	*(int64_t *)data = values[0].integer;
	return 0;
}

/* --- uniqueness --- */

/* @holder: id of another object that has the same in all of these fields, or 0 */
static int find_holder(struct catalog_connection *connection, int kind, int64_t id,
		       const json_t *object, const char *const *names, unsigned int count,
		       int64_t *holder, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	struct catalog_sql sql = {
		.values = { { .type = CATALOG_V_INT, .integer = id } }, .count = 1
	};
	unsigned int i;
	int ret = 0;

	*holder = 0;
	catalog_sql_put(&sql, "SELECT \"id\" FROM \"%s\" WHERE \"id\" <> $1", info->table);
	for (i = 0; i < count && !ret; i++) {
		catalog_sql_put(&sql, " AND \"%s\" = ", names[i]);
		ret = catalog_sql_value(&sql, catalog_find_field(kind, names[i]),
					json_object_get(object, names[i]), err);
	}
	if (!ret)
		ret = catalog_sql_run(connection, &sql, id_row, holder, err);
	catalog_sql_free(&sql);
	return ret;
}

static int taken(int kind, const struct catalog_field *field, const json_t *object, int64_t holder,
		 struct vdisk_error *err)
{
	const char *text = json_string_value(json_object_get(object, field->name));

	if (text && !(field->flags & (CATALOG_SECRET | CATALOG_SECRET_IF)))
		return vdisk_error_set(err, EEXIST, "%s: %s: '%.80s' is taken already (by id %lld)",
				       catalog_kind_name(kind), field->name, text, (long long)holder);
	return vdisk_error_set(err, EEXIST, "%s: %s: is taken already (by id %lld)",
			       catalog_kind_name(kind), field->name, (long long)holder);
}

static int check_unique(struct catalog_connection *connection, int kind, int64_t id,
			const json_t *object, const json_t *changes, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	const struct catalog_field *field;
	unsigned int count = 0;
	bool changed = false;
	int64_t holder;
	int ret;

	for (field = info->fields; field->name; field++) {
		if (!(field->flags & CATALOG_UNIQUE) || !has(changes, field->name))
			continue;
		ret = find_holder(connection, kind, id, object, &field->name, 1, &holder, err);
		if (ret || holder)
			return ret ? ret : taken(kind, field, object, holder, err);
	}
	for (; count < 4 && info->unique[count]; count++)
		changed |= has(changes, info->unique[count]);
	if (!changed)
		return 0;
	ret = find_holder(connection, kind, id, object, info->unique, count, &holder, err);
	if (ret || !holder)
		return ret;
	return taken(kind, catalog_find_field(kind, info->unique[count - 1]), object, holder, err);
}

/* --- references --- */

static int check_there(struct catalog_connection *connection, int kind, const char *field,
		       int wanted, int64_t id, struct vdisk_error *err)
{
	json_t *object;
	int ret;

	/* locked, where rows are: it must not go before we are done */
	ret = catalog_sql_get(connection, wanted, id, true, &object, err);
	if (ret == -ENOENT)
		return vdisk_error_set(err, ENOENT, "%s: %s: there is no %s with id %lld",
				       catalog_kind_name(kind), field, catalog_kind_name(wanted),
				       (long long)id);
	if (!ret)
		json_decref(object);
	return ret;
}

static int check_references(struct catalog_connection *connection, int kind, const json_t *changes,
			    struct vdisk_error *err)
{
	const struct catalog_field *field;
	int ret = 0;

	for (field = catalog_fields(kind); field->name && !ret; field++)
		if (field->refers != CATALOG_NOTHING && has(changes, field->name))
			ret = check_there(connection, kind, field->name, field->refers,
					  number_of(changes, field->name), err);
	return ret;
}

static int check_version(struct catalog_connection *connection, int kind, const char *field,
			 int64_t image_id, int64_t number, struct vdisk_error *err)
{
	int64_t id;
	int ret;

	ret = catalog_sql_number(connection, &id, err,
				 "SELECT \"id\" FROM \"versions\" WHERE \"image_id\" = $1 AND \"number\" = $2",
				 2, image_id, number);
	if (ret || id)
		return ret;
	return vdisk_error_set(err, ENOENT, "%s: %s: the image has no version %lld",
			       catalog_kind_name(kind), field, (long long)number);
}

/* --- kinds --- */

static int store_image(struct catalog_connection *connection, int64_t id, const json_t *object,
		       struct vdisk_error *err)
{
	/* What is public goes to everybody without a login: nothing of it could be private. */
	if (json_is_true(json_object_get(object, "public")) &&
	    !strcmp(json_string_value(json_object_get(object, "kind")), "private"))
		return vdisk_error_set(err, EINVAL,
				       "image: public: a private image cannot be public");
	if (!has(object, "current"))
		return 0;
	return check_version(connection, CATALOG_IMAGE, "current", id, number_of(object, "current"), err);
}

/* Neither its own ancestor, nor deeper than what is looked through later. */
static int store_group(struct catalog_connection *connection, int64_t id, const json_t *object,
		       struct vdisk_error *err)
{
	int64_t parent = number_of(object, "parent_id"), above, below = 1, cycle = 0;
	int ret;

	if (!has(object, "parent_id"))
		return 0;
	ret = catalog_sql_number(connection, &above, err,
				 CATALOG_GROUP_CHAIN "SELECT MAX(\"depth\") FROM \"chain\"", 1, parent);
	if (!ret && id)
		ret = catalog_sql_number(connection, &cycle, err,
					 CATALOG_GROUP_CHAIN "SELECT COUNT(*) FROM \"chain\" WHERE \"id\" = $2",
					 2, parent, id);
	if (!ret && cycle)
		return vdisk_error_set(err, EINVAL, "group: parent_id: group %lld is the group itself or below it",
				       (long long)parent);
	if (!ret && id)
		ret = catalog_sql_number(connection, &below, err,
					 "WITH RECURSIVE \"tree\" (\"id\", \"depth\") AS ("
					 "SELECT CAST($1 AS BIGINT), 1 UNION ALL "
					 "SELECT \"groups\".\"id\", \"tree\".\"depth\" + 1 FROM \"groups\" "
					 "JOIN \"tree\" ON \"groups\".\"parent_id\" = \"tree\".\"id\" "
					 "WHERE \"tree\".\"depth\" < 40) "
					 "SELECT MAX(\"depth\") FROM \"tree\"", 1, id);
	if (!ret && above + below > CATALOG_GROUP_DEPTH)
		ret = vdisk_error_set(err, EINVAL, "group: parent_id: groups would be %lld deep, at most %d",
				      (long long)(above + below), CATALOG_GROUP_DEPTH);
	return ret;
}

/* A key is what the client is known by: it is forgotten in so many words before another counts. */
static int store_client(struct catalog_connection *connection, int64_t id, const json_t *changes,
			struct vdisk_error *err)
{
	json_t *before, *key;
	int ret;

	if (!id || !has(changes, "public_key"))
		return 0;
	ret = catalog_sql_get(connection, CATALOG_CLIENT, id, true, &before, err);
	if (ret)
		return ret;
	key = json_object_get(before, "public_key");
	if (json_is_string(key) && !json_equal(key, json_object_get(changes, "public_key")))
		ret = vdisk_error_set(err, EEXIST, "client: public_key: '%s' has one already: forget that first",
				      json_string_value(json_object_get(before, "name")));
	json_decref(before);
	return ret;
}

static int store_property(struct catalog_connection *connection, const json_t *object,
			  struct vdisk_error *err)
{
	int owner = catalog_kind_by_name(json_string_value(json_object_get(object, "owner")));

	return check_there(connection, CATALOG_PROPERTY, "owner_id", owner,
			   number_of(object, "owner_id"), err);
}

static int store_assignment(struct catalog_connection *connection, const json_t *object,
			    struct vdisk_error *err)
{
	if (has(object, "client_id") == has(object, "group_id"))
		return vdisk_error_set(err, EINVAL,
				       "assignment: client_id: it is to either a client or a group");
	if (!has(object, "version"))
		return 0;
	if (has(object, "state"))
		return vdisk_error_set(err, EINVAL,
				       "assignment: state: it is of either a version or a state");
	return check_version(connection, CATALOG_ASSIGNMENT, "version", number_of(object, "image_id"),
			     number_of(object, "version"), err);
}

static int store_enrolment(const json_t *object, struct vdisk_error *err)
{
	if (number_of(object, "until") >= number_of(object, "opened"))
		return 0;
	return vdisk_error_set(err, EINVAL, "enrolment: until: is before it opens");
}

static int store_session(struct catalog_connection *connection, const json_t *object,
			 const json_t *changes, struct vdisk_error *err)
{
	if (has(object, "ended_how") && strcmp(json_string_value(json_object_get(object, "state")), "ended"))
		return vdisk_error_set(err, EINVAL, "session: ended_how: the session has not ended");
	if (!has(changes, "version"))
		return 0;
	return check_version(connection, CATALOG_SESSION, "version", number_of(object, "image_id"),
			     number_of(object, "version"), err);
}

static int store_kind(struct catalog_connection *connection, int kind, int64_t id,
		      const json_t *object, const json_t *changes, struct vdisk_error *err)
{
	switch (kind) {
	case CATALOG_IMAGE:
		return store_image(connection, id, object, err);
	case CATALOG_GROUP:
		return store_group(connection, id, object, err);
	case CATALOG_CLIENT:
		return store_client(connection, id, changes, err);
	case CATALOG_PROPERTY:
		return store_property(connection, object, err);
	case CATALOG_ASSIGNMENT:
		return store_assignment(connection, object, err);
	case CATALOG_ENROLMENT:
		return store_enrolment(object, err);
	case CATALOG_SESSION:
		return store_session(connection, object, changes, err);
	default:
		return 0;
	}
}

/* --- what the rest of the catalog calls --- */

int catalog_rules_fill(struct catalog_connection *connection, int kind, json_t *object,
		       struct vdisk_error *err)
{
	bool client = has(object, "client_id");
	int64_t last;
	int ret;

	if (kind != CATALOG_ASSIGNMENT || json_object_get(object, "position"))
		return 0;
	ret = catalog_sql_number(connection, &last, err, client ?
				 "SELECT MAX(\"position\") FROM \"assignments\" WHERE \"client_id\" = $1" :
				 "SELECT MAX(\"position\") FROM \"assignments\" WHERE \"group_id\" = $1",
				 1, number_of(object, client ? "client_id" : "group_id"));
	if (!ret && json_object_set_new(object, "position",
					json_integer(last < INT32_MAX ? last + 1 : last)))
		ret = vdisk_error_set(err, ENOMEM, "catalog: no memory");
	return ret;
}

int catalog_rules_store(struct catalog_connection *connection, int kind, int64_t id,
			const json_t *object, const json_t *changes, struct vdisk_error *err)
{
	int ret;

	ret = check_references(connection, kind, changes, err);
	if (!ret)
		ret = store_kind(connection, kind, id, object, changes, err);
	if (!ret)
		ret = check_unique(connection, kind, id, object, changes, err);
	return ret;
}

/* A version is named by its number: by its image, assignments and sessions. */
static int remove_version(struct catalog_connection *connection, const json_t *object,
			  struct vdisk_error *err)
{
	static const struct {
		const char *sql, *what;
	} users[] = {
		{ "SELECT COUNT(*) FROM \"images\" WHERE \"id\" = $1 AND \"current\" = $2",
		  "it is the image's current one" },
		{ "SELECT COUNT(*) FROM \"assignments\" WHERE \"image_id\" = $1 AND \"version\" = $2",
		  "an assignment names it" },
		{ "SELECT COUNT(*) FROM \"sessions\" WHERE \"image_id\" = $1 AND \"version\" = $2 AND \"state\" <> 'ended'",
		  "a session uses it" },
	};
	int64_t count;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(users) / sizeof(*users); i++) {
		ret = catalog_sql_number(connection, &count, err, users[i].sql, 2,
					 number_of(object, "image_id"), number_of(object, "number"));
		if (ret)
			return ret;
		if (count)
			return vdisk_error_set(err, EBUSY, "version: %lld can't be removed: %s (%lld in all)",
					       (long long)number_of(object, "number"), users[i].what,
					       (long long)count);
	}
	return 0;
}

int catalog_rules_remove(struct catalog_connection *connection, int kind, const json_t *object,
			 struct vdisk_error *err)
{
	return kind == CATALOG_VERSION ? remove_version(connection, object, err) : 0;
}
