// SPDX-License-Identifier: GPL-2.0
/* Reading: each call sees the catalog as it is at one moment. */
#include <errno.h>
#include "catalog_handle.h"
#include "catalog_sql.h"

static int no_memory(struct vdisk_error *err)
{
	return vdisk_error_set(err, ENOMEM, "catalog: no memory");
}

int catalog_list(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		 json_t **array, struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	ret = catalog_read_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = catalog_sql_list(hold.connection, kind, filter, array, err);
	catalog_read_end(catalog, &hold);
	return ret;
}

int catalog_count(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		  int64_t *count, struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	ret = catalog_read_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = catalog_sql_count(hold.connection, kind, filter, count, err);
	catalog_read_end(catalog, &hold);
	return ret;
}

/* The filter with "$limit" 1, so that a get never reads a whole table. */
static json_t *first_only(const json_t *filter)
{
	json_t *copy = filter ? json_copy((json_t *)filter) : json_object();

	if (copy && json_object_set_new(copy, "$limit", json_integer(1))) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

int catalog_get(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		json_t **object, struct vdisk_error *err)
{
	json_t *first, *array;
	int ret;

	if (filter && !json_is_object(filter))
		return vdisk_error_set(err, EINVAL, "catalog: a filter that is no object");
	first = first_only(filter);
	ret = first ? catalog_list(catalog, kind, first, &array, err) : no_memory(err);
	json_decref(first);
	if (ret)
		return ret;
	*object = json_incref(json_array_get(array, 0));
	json_decref(array);
	return *object ? 0 : vdisk_error_set(err, ENOENT, "%s: there is none like that",
					     catalog_kind_name(kind));
}

int catalog_get_id(struct catalog *catalog, enum catalog_kind kind, int64_t id, json_t **object,
		   struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	if (!catalog_kind_info(kind))
		return vdisk_error_set(err, EINVAL, "catalog: there is no such kind");
	ret = catalog_read_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = catalog_sql_get(hold.connection, kind, id, false, object, err);
	catalog_read_end(catalog, &hold);
	return ret;
}
