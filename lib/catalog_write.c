// SPDX-License-Identifier: GPL-2.0
/* Adding, changing and removing objects; each with its audit record, or not at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "catalog_audit.h"
#include "catalog_handle.h"
#include "catalog_object.h"
#include "catalog_rules.h"
#include "catalog_sql.h"

enum { REFERRERS_NAMED = 3 };

static int no_memory(struct vdisk_error *err)
{
	return vdisk_error_set(err, ENOMEM, "catalog: no memory");
}

static int check_kind(int kind, struct vdisk_error *err)
{
	if (!catalog_kind_info(kind))
		return vdisk_error_set(err, EINVAL, "catalog: there is no such kind");
	if (kind == CATALOG_AUDIT)
		return vdisk_error_set(err, EINVAL, "audit: nobody changes these records");
	return 0;
}

static int check_who(const struct catalog_who *who, int kind, bool needed, struct vdisk_error *err)
{
	if (who || !needed || catalog_kind_info(kind)->record)
		return 0;
	return vdisk_error_set(err, EINVAL, "%s: it is not told who makes this change",
			       catalog_kind_name(kind));
}

/* --- add --- */

static int add(struct catalog_connection *connection, const struct catalog_who *who, int kind,
	       json_t *object, json_t **stored, struct vdisk_error *err)
{
	int64_t id = 0;
	int ret;

	ret = catalog_rules_fill(connection, kind, object, err);
	if (!ret)
		ret = catalog_rules_store(connection, kind, 0, object, object, err);
	if (!ret)
		ret = catalog_sql_insert(connection, kind, object, &id, err);
	if (!ret)
		ret = catalog_sql_get(connection, kind, id, false, stored, err);
	if (!ret && who)
		ret = catalog_audit(connection, who, "add", kind, id, NULL, *stored, err);
	return ret;
}

int catalog_add(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		const json_t *object, json_t **stored, struct vdisk_error *err)
{
	json_t *clean, *result = NULL;
	struct catalog_hold hold;
	int ret;

	ret = check_kind(kind, err);
	if (!ret)
		ret = check_who(who, kind, true, err);
	if (!ret)
		ret = catalog_object_new(kind, object, &clean, err);
	if (ret)
		return ret;
	ret = catalog_write_begin(catalog, &hold, err);
	if (!ret) {
		ret = add(hold.connection, who, kind, clean, &result, err);
		ret = catalog_write_end(catalog, &hold, ret, err);
	}
	json_decref(clean);
	if (ret || !stored)
		json_decref(result);
	else
		*stored = result;
	return ret;
}

/* --- change --- */

static bool only_volatile(int kind, const json_t *changes)
{
	const char *name;
	const json_t *value;

	json_object_foreach((json_t *)changes, name, value)
		if (!(catalog_find_field(kind, name)->flags & CATALOG_VOLATILE))
			return false;
	return true;
}

static int check_revision(int kind, const json_t *object, int64_t revision,
			  struct vdisk_error *err)
{
	int64_t now = json_integer_value(json_object_get(object, "revision"));

	if (revision < 0 || revision == now)
		return 0;
	return vdisk_error_set(err, EAGAIN, "%s: it has been changed meanwhile: revision %lld, not %lld",
			       catalog_kind_name(kind), (long long)now, (long long)revision);
}

/* @changes are in their form, and differ from what is in @before. */
static int store_changes(struct catalog_connection *connection, const struct catalog_who *who,
			 int kind, int64_t id, const json_t *before, const json_t *changes,
			 json_t **stored, struct vdisk_error *err)
{
	const bool revise = !only_volatile(kind, changes);
	int ret;

	ret = check_who(who, kind, revise, err);
	if (!ret)
		ret = catalog_sql_update(connection, kind, id, changes, revise, err);
	if (!ret)
		ret = catalog_sql_get(connection, kind, id, false, stored, err);
	if (!ret && who && revise)
		ret = catalog_audit(connection, who, "change", kind, id, before, *stored, err);
	return ret;
}

static int change(struct catalog_connection *connection, const struct catalog_who *who, int kind,
		  int64_t id, const json_t *given, int64_t revision, json_t **stored,
		  struct vdisk_error *err)
{
	json_t *before, *changes = NULL, *after = NULL;
	int ret;

	ret = catalog_sql_get(connection, kind, id, true, &before, err);
	if (ret)
		return ret;
	ret = check_revision(kind, before, revision, err);
	if (ret)
		goto out_before;
	changes = catalog_object_differing(before, given);
	if (changes && !json_object_size(changes)) {
		*stored = json_incref(before);
		goto out_before;
	}
	after = json_copy(before);
	if (!changes || !after || json_object_update(after, changes)) {
		ret = no_memory(err);
		goto out_before;
	}
	ret = catalog_rules_store(connection, kind, id, after, changes, err);
	if (!ret)
		ret = store_changes(connection, who, kind, id, before, changes, stored, err);
out_before:
	json_decref(after);
	json_decref(changes);
	json_decref(before);
	return ret;
}

int catalog_change(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		   int64_t id, const json_t *changes, int64_t revision, json_t **stored,
		   struct vdisk_error *err)
{
	json_t *clean, *result = NULL;
	struct catalog_hold hold;
	int ret;

	ret = check_kind(kind, err);
	if (!ret)
		ret = catalog_object_changes(kind, changes, &clean, err);
	if (ret)
		return ret;
	ret = catalog_write_begin(catalog, &hold, err);
	if (!ret) {
		ret = change(hold.connection, who, kind, id, clean, revision, &result, err);
		ret = catalog_write_end(catalog, &hold, ret, err);
	}
	json_decref(clean);
	if (ret || !stored)
		json_decref(result);
	else
		*stored = result;
	return ret;
}

static int revise(struct catalog_connection *connection, int kind, int64_t id, json_t **stored,
		  struct vdisk_error *err)
{
	json_t *before, *nothing = json_object();
	int ret;

	if (!nothing)
		return no_memory(err);
	ret = catalog_sql_get(connection, kind, id, true, &before, err);
	if (!ret) {
		json_decref(before);
		ret = catalog_sql_update(connection, kind, id, nothing, true, err);
	}
	if (!ret)
		ret = catalog_sql_get(connection, kind, id, false, stored, err);
	json_decref(nothing);
	return ret;
}

int catalog_revise(struct catalog *catalog, enum catalog_kind kind, int64_t id, json_t **stored,
		   struct vdisk_error *err)
{
	struct catalog_hold hold;
	json_t *result = NULL;
	int ret;

	ret = check_kind(kind, err);
	if (!ret)
		ret = catalog_write_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = revise(hold.connection, kind, id, &result, err);
	ret = catalog_write_end(catalog, &hold, ret, err);
	if (ret || !stored)
		json_decref(result);
	else
		*stored = result;
	return ret;
}

/* --- remove --- */

static int remove_one(struct catalog_connection *connection, const struct catalog_who *who,
		      int kind, int64_t id, int64_t revision, struct vdisk_error *err);

/* What the field that ends an object has while it lives, as a filter says it. */
static json_t *living_value(int kind)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);

	if (info->ended_word)
		return json_pack("{s:s}", "not", info->ended_word);
	return catalog_find_field(kind, info->ended_field)->type == CATALOG_TIME ? json_null() :
										   json_false();
}

/* Who refers: every field of that kind, at most so many as a filter with "$limit" says. */
static int list_referrers(struct catalog_connection *connection, int kind,
			  const struct catalog_field *field, int64_t id, bool living, int limit,
			  json_t **array, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	json_t *filter = json_pack("{s:I}", field->name, (json_int_t)id);
	int ret;

	if (filter && limit)
		json_object_set_new(filter, "$limit", json_integer(limit));
	if (filter && living && info->ended_field)
		json_object_set_new(filter, info->ended_field, living_value(kind));
	ret = filter ? catalog_sql_list(connection, kind, filter, array, err) : no_memory(err);
	json_decref(filter);
	return ret;
}

static void name_of(const struct catalog_kind_info *info, const json_t *object, char *out,
		    size_t size)
{
	const json_t *label = info->label ? json_object_get(object, info->label) : NULL;

	if (json_is_string(label))
		snprintf(out, size, "%.64s", json_string_value(label));
	else
		snprintf(out, size, "%lld", (long long)json_integer_value(json_is_integer(label) ? label :
									     json_object_get(object, "id")));
}

static int refuse(int kind, const json_t *object, int referrer, const json_t *referrers,
		  struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(referrer);
	char name[80], names[300] = "";
	size_t i, used, count = json_array_size(referrers);

	for (i = 0; i < count && i < REFERRERS_NAMED; i++) {
		name_of(info, json_array_get(referrers, i), name, sizeof(name));
		used = strlen(names);
		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", name);
	}
	name_of(catalog_kind_info(kind), object, name, sizeof(name));
	return vdisk_error_set(err, EBUSY, "%s: %s can't be removed: %s %s%s %s to it",
			       catalog_kind_name(kind), name, info->name, names,
			       count > REFERRERS_NAMED ? " and others" : "",
			       count > 1 ? "refer" : "refers");
}

/* What nobody refers to and is not audited goes in one statement: a client's timeline is long. */
static bool goes_in_bulk(int kind)
{
	const struct catalog_field *field;
	int other;

	for (other = 0; other < CATALOG_KINDS; other++)
		for (field = catalog_fields(other); field->name; field++)
			if (field->refers == kind)
				return false;
	return catalog_kind_info(kind)->record;
}

static int forget(struct catalog_connection *connection, const struct catalog_who *who, int kind,
		  const struct catalog_field *field, const json_t *before, struct vdisk_error *err)
{
	json_t *changes = json_pack("{s:n}", field->name), *after = NULL;
	int64_t id = json_integer_value(json_object_get(before, "id"));
	int ret;

	ret = changes ? catalog_sql_update(connection, kind, id, changes, true, err) : no_memory(err);
	if (!ret && who && !catalog_kind_info(kind)->record) {
		ret = catalog_sql_get(connection, kind, id, false, &after, err);
		if (!ret)
			ret = catalog_audit(connection, who, "change", kind, id, before, after, err);
	}
	json_decref(after);
	json_decref(changes);
	return ret;
}

static int remove_in_bulk(struct catalog_connection *connection, int kind,
			  const struct catalog_field *field, int64_t id, struct vdisk_error *err)
{
	char sql[160];
	int64_t unused;

	snprintf(sql, sizeof(sql), "DELETE FROM \"%s\" WHERE \"%s\" = $1",
		 catalog_kind_info(kind)->table, field->name);
	return catalog_sql_number(connection, &unused, err, sql, 1, id);
}

/* One field of one kind that refers to @object of @kind. */
static int release_field(struct catalog_connection *connection, const struct catalog_who *who,
			 int kind, const json_t *object, int referrer,
			 const struct catalog_field *field, struct vdisk_error *err)
{
	const bool ends = catalog_kind_info(referrer)->ended_field;
	const bool record = catalog_kind_info(referrer)->record;
	int64_t id = json_integer_value(json_object_get(object, "id"));
	const json_t *one;
	json_t *array;
	size_t i;
	int ret;

	if (field->on_remove == CATALOG_REFUSE || ends) {
		ret = list_referrers(connection, referrer, field, id, ends,
				     REFERRERS_NAMED + 1, &array, err);
		if (ret)
			return ret;
		if (json_array_size(array))
			ret = refuse(kind, object, referrer, array, err);
		json_decref(array);
		if (ret || field->on_remove == CATALOG_REFUSE)
			return ret;
	}
	if (field->on_remove == CATALOG_REMOVE && goes_in_bulk(referrer))
		return remove_in_bulk(connection, referrer, field, id, err);
	ret = list_referrers(connection, referrer, field, id, false, 0, &array, err);
	if (ret)
		return ret;
	json_array_foreach(array, i, one) {
		ret = field->on_remove == CATALOG_FORGET ?
		      forget(connection, who, referrer, field, one, err) :
		      remove_one(connection, record ? NULL : who, referrer,
				 json_integer_value(json_object_get(one, "id")), -1, err);
		if (ret)
			break;
	}
	json_decref(array);
	return ret;
}

/* Properties name their owner by kind and id, in two fields. */
static int release_properties(struct catalog_connection *connection, const struct catalog_who *who,
			      int kind, int64_t id, struct vdisk_error *err)
{
	const json_t *one;
	json_t *array, *filter;
	size_t i;
	int ret;

	if (kind != CATALOG_CLIENT && kind != CATALOG_GROUP)
		return 0;
	filter = json_pack("{s:s, s:I}", "owner", catalog_kind_name(kind), "owner_id", (json_int_t)id);
	ret = filter ? catalog_sql_list(connection, CATALOG_PROPERTY, filter, &array, err) :
	      no_memory(err);
	json_decref(filter);
	if (ret)
		return ret;
	json_array_foreach(array, i, one) {
		ret = remove_one(connection, who, CATALOG_PROPERTY,
				 json_integer_value(json_object_get(one, "id")), -1, err);
		if (ret)
			break;
	}
	json_decref(array);
	return ret;
}

static int release_all(struct catalog_connection *connection, const struct catalog_who *who,
		       int kind, const json_t *object, struct vdisk_error *err)
{
	const struct catalog_field *field;
	int referrer, ret = 0;

	for (referrer = 0; referrer < CATALOG_KINDS; referrer++)
		for (field = catalog_fields(referrer); field->name && !ret; field++)
			if (field->refers == kind)
				ret = release_field(connection, who, kind, object, referrer, field, err);
	return ret;
}

/* Goes as deep as kinds refer to each other, not as groups do: those are refused. */
static int remove_one(struct catalog_connection *connection, const struct catalog_who *who,
		      int kind, int64_t id, int64_t revision, struct vdisk_error *err)
{
	json_t *object;
	int ret;

	ret = catalog_sql_get(connection, kind, id, true, &object, err);
	if (ret)
		return ret;
	ret = check_revision(kind, object, revision, err);
	if (!ret)
		ret = catalog_rules_remove(connection, kind, object, err);
	if (!ret)
		ret = release_all(connection, who, kind, object, err);
	if (!ret)
		ret = release_properties(connection, who, kind, id, err);
	if (!ret)
		ret = catalog_sql_delete(connection, kind, id, err);
	if (!ret && who)
		ret = catalog_audit(connection, who, "remove", kind, id, object, NULL, err);
	json_decref(object);
	return ret;
}

int catalog_remove(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		   int64_t id, int64_t revision, struct vdisk_error *err)
{
	struct catalog_hold hold;
	int ret;

	ret = check_kind(kind, err);
	if (!ret)
		ret = check_who(who, kind, true, err);
	if (!ret)
		ret = catalog_write_begin(catalog, &hold, err);
	if (ret)
		return ret;
	ret = remove_one(hold.connection, who, kind, id, revision, err);
	return catalog_write_end(catalog, &hold, ret, err);
}
