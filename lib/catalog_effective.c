// SPDX-License-Identifier: GPL-2.0
/* What applies to a client: its own, its group's, and what groups inherit. */
#include <errno.h>
#include <string.h>
#include "catalog_handle.h"
#include "catalog_sql.h"

static int no_memory(struct vdisk_error *err)
{
	return vdisk_error_set(err, ENOMEM, "catalog: no memory");
}

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* The depth is bounded when groups are written; here again, against a catalog written past us. */
static int list_groups(struct catalog_connection *connection, int64_t group_id, json_t *array,
		       struct vdisk_error *err)
{
	json_t *group;
	int depth, ret;

	for (depth = 0; group_id; depth++) {
		if (depth == CATALOG_GROUP_DEPTH)
			return vdisk_error_set(err, EIO, "group: %lld has more than %d above it",
					       (long long)number_of(json_array_get(array, 0), "id"),
					       CATALOG_GROUP_DEPTH);
		ret = catalog_sql_get(connection, CATALOG_GROUP, group_id, false, &group, err);
		if (ret)
			return ret;
		group_id = number_of(group, "parent_id");
		if (json_array_append_new(array, group))
			return no_memory(err);
	}
	return 0;
}

int catalog_groups(struct catalog *catalog, int64_t group_id, json_t **array,
		   struct vdisk_error *err)
{
	struct catalog_hold hold;
	json_t *groups;
	int ret;

	ret = catalog_read_begin(catalog, &hold, err);
	if (ret)
		return ret;
	groups = json_array();
	ret = groups ? list_groups(hold.connection, group_id, groups, err) : no_memory(err);
	catalog_read_end(catalog, &hold);
	if (ret)
		json_decref(groups);
	else
		*array = groups;
	return ret;
}

/* --- from a client upwards --- */

/* Adds to @result what @owner, of @kind, has. */
typedef int (*collect)(struct catalog_connection *connection, int kind, const json_t *owner,
		       json_t *result, struct vdisk_error *err);

static int climb(struct catalog_connection *connection, int64_t client_id, collect take,
		 json_t *result, struct vdisk_error *err)
{
	json_t *client, *groups = NULL, *group;
	size_t i;
	int ret;

	ret = catalog_sql_get(connection, CATALOG_CLIENT, client_id, false, &client, err);
	if (ret)
		return ret;
	ret = take(connection, CATALOG_CLIENT, client, result, err);
	if (ret)
		goto out;
	groups = json_array();
	ret = groups ? list_groups(connection, number_of(client, "group_id"), groups, err) :
	      no_memory(err);
	json_array_foreach(groups, i, group) {
		if (ret)
			break;
		ret = take(connection, CATALOG_GROUP, group, result, err);
	}
out:
	json_decref(groups);
	json_decref(client);
	return ret;
}

static int effective(struct catalog *catalog, int64_t client_id, collect take, json_t *fresh,
		     json_t **result, struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	if (!fresh)
		return no_memory(err);
	ret = catalog_read_begin(catalog, &hold, err);
	if (!ret) {
		ret = climb(hold.connection, client_id, take, fresh, err);
		catalog_read_end(catalog, &hold);
	}
	if (ret)
		json_decref(fresh);
	else
		*result = fresh;
	return ret;
}

/* --- properties --- */

static int take_properties(struct catalog_connection *connection, int kind, const json_t *owner,
			   json_t *result, struct vdisk_error *err)
{
	json_t *filter, *array, *property, *entry;
	const char *name;
	size_t i;
	int ret;

	filter = json_pack("{s:s, s:I, s:s}", "owner", catalog_kind_name(kind), "owner_id",
			   (json_int_t)number_of(owner, "id"), "$order", "name");
	ret = filter ? catalog_sql_list(connection, CATALOG_PROPERTY, filter, &array, err) :
	      no_memory(err);
	json_decref(filter);
	if (ret)
		return ret;
	json_array_foreach(array, i, property) {
		name = json_string_value(json_object_get(property, "name"));
		if (json_object_get(result, name))
			continue;
		entry = json_pack("{s:O, s:O, s:O, s:O, s:O}",
				  "value", json_object_get(property, "value"),
				  "secret", json_object_get(property, "secret"),
				  "owner", json_object_get(property, "owner"),
				  "owner_id", json_object_get(property, "owner_id"),
				  "source", json_object_get(owner, "name"));
		if (json_object_set_new(result, name, entry)) {
			ret = no_memory(err);
			break;
		}
	}
	json_decref(array);
	return ret;
}

int catalog_effective_properties(struct catalog *catalog, int64_t client_id, json_t **object,
				 struct vdisk_error *err)
{
	return effective(catalog, client_id, take_properties, json_object(), object, err);
}

/* --- assignments --- */

static int take_assignment(struct catalog_connection *connection, const json_t *owner,
			   json_t *assignment, json_t *result, struct vdisk_error *err)
{
	json_t *image, *number = json_object_get(assignment, "version");
	int ret;

	ret = catalog_sql_get(connection, CATALOG_IMAGE, number_of(assignment, "image_id"), false,
			      &image, err);
	if (ret)
		return ret;
	if (json_is_true(json_object_get(image, "deleted")))
		goto out;
	/* of a state: which versions can be booted, the store says */
	if (json_is_null(number) && json_is_null(json_object_get(assignment, "state")))
		number = json_object_get(image, "current");
	if (json_object_set(assignment, "image", json_object_get(image, "name")) ||
	    json_object_set(assignment, "number", number) ||
	    json_object_set(assignment, "source", json_object_get(owner, "name")) ||
	    json_array_append(result, assignment))
		ret = no_memory(err);
out:
	json_decref(image);
	return ret;
}

static int take_assignments(struct catalog_connection *connection, int kind, const json_t *owner,
			    json_t *result, struct vdisk_error *err)
{
	json_t *filter, *array, *assignment;
	size_t i;
	int ret;

	filter = json_pack("{s:I, s:s}", kind == CATALOG_CLIENT ? "client_id" : "group_id",
			   (json_int_t)number_of(owner, "id"), "$order", "position");
	ret = filter ? catalog_sql_list(connection, CATALOG_ASSIGNMENT, filter, &array, err) :
	      no_memory(err);
	json_decref(filter);
	if (ret)
		return ret;
	json_array_foreach(array, i, assignment) {
		ret = take_assignment(connection, owner, assignment, result, err);
		if (ret)
			break;
	}
	json_decref(array);
	return ret;
}

int catalog_effective_assignments(struct catalog *catalog, int64_t client_id, json_t **array,
				  struct vdisk_error *err)
{
	return effective(catalog, client_id, take_assignments, json_array(), array, err);
}
