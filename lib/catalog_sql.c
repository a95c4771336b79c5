// SPDX-License-Identifier: GPL-2.0
/* Statements that read and write one kind, for every kind alike. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "catalog_sql.h"

static int no_memory(struct vdisk_error *err)
{
	return vdisk_error_set(err, ENOMEM, "catalog: no memory");
}

/* --- building --- */

void catalog_sql_put(struct catalog_sql *sql, const char *format, ...)
{
	va_list args;
	size_t size;
	char *text;
	int more;

	va_start(args, format);
	more = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (sql->no_memory || more < 0)
		return;
	if (sql->length + more + 1 > sql->size) {
		size = 2 * sql->size + more + 256;
		text = realloc(sql->text, size);
		if (!text) {
			sql->no_memory = true;
			return;
		}
		sql->text = text;
		sql->size = size;
	}
	va_start(args, format);
	vsnprintf(sql->text + sql->length, sql->size - sql->length, format, args);
	va_end(args);
	sql->length += more;
}

/* A text in its field's form; as it is when it has none: it will just match nothing. */
static const char *in_form(struct catalog_sql *sql, const struct catalog_field *field,
			   const char *text)
{
	char form[CATALOG_LABEL_BYTES + 1];

	if (!field->form || !field->form(text, form, sizeof(form)) || !strcmp(form, text))
		return text;
	sql->owned[sql->count] = strdup(form);
	sql->no_memory |= !sql->owned[sql->count];
	return sql->owned[sql->count];
}

static bool to_value(struct catalog_sql *sql, const struct catalog_field *field,
		     const json_t *json, struct catalog_value *value)
{
	*value = (struct catalog_value){ .type = CATALOG_V_INT };
	switch (field->type) {
	case CATALOG_INT:
	case CATALOG_TIME:
		value->integer = json_integer_value(json);
		return json_is_integer(json);
	case CATALOG_BOOL:
		value->integer = json_is_true(json);
		return json_is_boolean(json);
	case CATALOG_NUMBER:
		value->type = CATALOG_V_REAL;
		value->real = json_number_value(json);
		return json_is_number(json);
	case CATALOG_TEXT:
		if (!json_is_string(json) || strlen(json_string_value(json)) != json_string_length(json))
			return false;
		value->text = in_form(sql, field, json_string_value(json));
		break;
	case CATALOG_JSON:
		sql->owned[sql->count] = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		value->text = sql->owned[sql->count];
		sql->no_memory |= !value->text;
		break;
	}
	value->type = CATALOG_V_TEXT;
	value->length = value->text ? strlen(value->text) : 0;
	return true;
}

int catalog_sql_value(struct catalog_sql *sql, const struct catalog_field *field,
		      const json_t *value, struct vdisk_error *err)
{
	if (sql->count == CATALOG_FILTERS)
		return vdisk_error_set(err, EINVAL, "catalog: more than %d values to look for",
				       CATALOG_FILTERS);
	if (!json_is_null(value) && !to_value(sql, field, value, &sql->values[sql->count]))
		return vdisk_error_set(err, EINVAL, "%s: a value of another type", field->name);
	if (json_is_null(value))
		sql->values[sql->count].type = CATALOG_V_NULL;
	sql->count++;
	catalog_sql_put(sql, "$%u", sql->count);
	return 0;
}

int catalog_sql_run(struct catalog_connection *connection, struct catalog_sql *sql, catalog_row row,
		    void *data, struct vdisk_error *err)
{
	if (sql->no_memory || !sql->text)
		return no_memory(err);
	return connection->backend->run(connection, sql->text, sql->values, sql->count, row, data, err);
}

void catalog_sql_free(struct catalog_sql *sql)
{
	unsigned int i;

	for (i = 0; i < CATALOG_FILTERS; i++)
		free(sql->owned[i]);
	free(sql->text);
}

static int number_row(void *data, const struct catalog_value *values, unsigned int count)
{
	if (count && values[0].type == CATALOG_V_INT)
		*(int64_t *)data = values[0].integer;
	return 0;
}

int catalog_sql_number(struct catalog_connection *connection, int64_t *number,
		       struct vdisk_error *err, const char *sql, unsigned int count, ...)
{
	struct catalog_value values[8] = { 0 };
	va_list args;
	unsigned int i;

	va_start(args, count);
	for (i = 0; i < count && i < 8; i++) {
		values[i].type = CATALOG_V_INT;
		values[i].integer = va_arg(args, int64_t);
	}
	va_end(args);
	*number = 0;
	return connection->backend->run(connection, sql, values, count, number_row, number, err);
}

/* --- rows --- */

struct rows {
	const struct catalog_kind_info *info;
	json_t *array;
	struct vdisk_error *err;
};

static json_t *to_json(const struct catalog_field *field, const struct catalog_value *value)
{
	if (value->type == CATALOG_V_NULL)
		return json_null();
	switch (field->type) {
	case CATALOG_INT:
	case CATALOG_TIME:
		return value->type == CATALOG_V_INT ? json_integer(value->integer) : NULL;
	case CATALOG_BOOL:
		return value->type == CATALOG_V_INT ? json_boolean(value->integer) : NULL;
	case CATALOG_NUMBER:
		return value->type == CATALOG_V_TEXT ? NULL :
		       json_real(value->type == CATALOG_V_REAL ? value->real : (double)value->integer);
	case CATALOG_TEXT:
		return value->type == CATALOG_V_TEXT ? json_stringn(value->text, value->length) : NULL;
	case CATALOG_JSON:
		return value->type == CATALOG_V_TEXT ?
		       json_loadb(value->text, value->length, JSON_DECODE_ANY, NULL) : NULL;
	}
	return NULL;
}

static int object_row(void *data, const struct catalog_value *values, unsigned int count)
{
	struct rows *rows = data;
	json_t *object = json_object(), *value;
	unsigned int i;

	if (!object)
		return no_memory(rows->err);
	for (i = 0; i < count; i++) {
		const struct catalog_field *field = &rows->info->fields[i];

		value = to_json(field, &values[i]);
		/* written past the catalog, or the disk lies */
		if (!value || json_object_set_new_nocheck(object, field->name, value)) {
			json_decref(object);
			return vdisk_error_set(rows->err, EIO, "catalog: a %s is stored with a damaged %s",
					       rows->info->name, field->name);
		}
	}
	return json_array_append_new(rows->array, object) ? no_memory(rows->err) : 0;
}

static void put_columns(struct catalog_sql *sql, const struct catalog_kind_info *info)
{
	const struct catalog_field *field;

	catalog_sql_put(sql, "SELECT ");
	for (field = info->fields; field->name; field++)
		catalog_sql_put(sql, "%s\"%s\"", field == info->fields ? "" : ", ", field->name);
	catalog_sql_put(sql, " FROM \"%s\"", info->table);
}

static int run_rows(struct catalog_connection *connection, const struct catalog_kind_info *info,
		    struct catalog_sql *sql, json_t **array, struct vdisk_error *err)
{
	struct rows rows = { .info = info, .array = json_array(), .err = err };
	int ret;

	if (!rows.array)
		return no_memory(err);
	ret = catalog_sql_run(connection, sql, object_row, &rows, err);
	if (ret) {
		json_decref(rows.array);
		return ret;
	}
	*array = rows.array;
	return 0;
}

/* --- filters --- */

static int put_list(struct catalog_sql *sql, const struct catalog_field *field, const json_t *list,
		    struct vdisk_error *err)
{
	const json_t *value;
	size_t i;
	int ret;

	/* what is one of none matches nothing */
	catalog_sql_put(sql, json_array_size(list) ? "\"%s\" IN (" : "1 = 0", field->name);
	json_array_foreach(list, i, value) {
		catalog_sql_put(sql, i ? ", " : "");
		ret = catalog_sql_value(sql, field, value, err);
		if (ret)
			return ret;
	}
	if (json_array_size(list))
		catalog_sql_put(sql, ")");
	return 0;
}

static int put_bound(struct catalog_sql *sql, const struct catalog_field *field, const char *word,
		     const json_t *value, struct vdisk_error *err)
{
	int ret;

	if (!strcmp(word, "min") || !strcmp(word, "max")) {
		catalog_sql_put(sql, "\"%s\" %s ", field->name, word[1] == 'i' ? ">=" : "<=");
		return catalog_sql_value(sql, field, value, err);
	}
	if (strcmp(word, "not"))
		return vdisk_error_set(err, EINVAL, "%s: '%s' is neither min, max nor not", field->name,
				       word);
	if (json_is_null(value)) {
		catalog_sql_put(sql, "\"%s\" IS NOT NULL", field->name);
		return 0;
	}
	catalog_sql_put(sql, "(\"%s\" IS NULL OR \"%s\" <> ", field->name, field->name);
	ret = catalog_sql_value(sql, field, value, err);
	catalog_sql_put(sql, ")");
	return ret;
}

static int put_condition(struct catalog_sql *sql, const struct catalog_field *field,
			 const json_t *value, struct vdisk_error *err)
{
	const char *word;
	const json_t *bound;
	unsigned int i = 0;
	int ret;

	if (json_is_null(value)) {
		catalog_sql_put(sql, "\"%s\" IS NULL", field->name);
		return 0;
	}
	if (json_is_array(value))
		return put_list(sql, field, value, err);
	if (json_is_object(value)) {
		if (!json_object_size(value))
			return vdisk_error_set(err, EINVAL, "%s: an empty condition", field->name);
		json_object_foreach((json_t *)value, word, bound) {
			catalog_sql_put(sql, i++ ? " AND " : "");
			ret = put_bound(sql, field, word, bound, err);
			if (ret)
				return ret;
		}
		return 0;
	}
	catalog_sql_put(sql, "\"%s\" = ", field->name);
	return catalog_sql_value(sql, field, value, err);
}

static int put_filter(struct catalog_sql *sql, int kind, const json_t *filter,
		      struct vdisk_error *err)
{
	const struct catalog_field *field;
	const char *name, *glue = " WHERE ";
	const json_t *value;
	int ret;

	json_object_foreach((json_t *)filter, name, value) {
		if (*name == '$')
			continue;
		field = catalog_find_field(kind, name);
		if (!field)
			return vdisk_error_set(err, EINVAL, "%s: '%s' is no field of it",
					       catalog_kind_name(kind), name);
		catalog_sql_put(sql, "%s", glue);
		glue = " AND ";
		ret = put_condition(sql, field, value, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int put_order(struct catalog_sql *sql, int kind, const json_t *order, struct vdisk_error *err)
{
	const char *name = order ? json_string_value(order) : "id";
	bool down = name && *name == '-';

	if (!name || !catalog_find_field(kind, name + down))
		return vdisk_error_set(err, EINVAL, "%s: $order is none of its fields",
				       catalog_kind_name(kind));
	/* where nulls go is said, because databases differ */
	catalog_sql_put(sql, " ORDER BY \"%s\" %s", name + down,
			down ? "DESC NULLS LAST" : "ASC NULLS FIRST");
	if (strcmp(name + down, "id"))
		catalog_sql_put(sql, ", \"id\" %s", down ? "DESC" : "ASC");
	return 0;
}

static int put_window(struct catalog_sql *sql, int kind, const json_t *filter,
		      struct vdisk_error *err)
{
	const json_t *limit = json_object_get(filter, "$limit");
	const json_t *offset = json_object_get(filter, "$offset");
	json_int_t from = json_integer_value(offset), most = json_integer_value(limit);
	const char *name;
	const json_t *value;
	int ret;

	json_object_foreach((json_t *)filter, name, value)
		if (*name == '$' && strcmp(name, "$order") && strcmp(name, "$limit") &&
		    strcmp(name, "$offset"))
			return vdisk_error_set(err, EINVAL, "%s: '%s' is neither $order, $limit nor $offset",
					       catalog_kind_name(kind), name);
	if ((limit && !json_is_integer(limit)) || (offset && !json_is_integer(offset)) || from < 0 ||
	    most < 0)
		return vdisk_error_set(err, EINVAL, "%s: $limit and $offset are numbers from 0 on",
				       catalog_kind_name(kind));
	ret = put_order(sql, kind, json_object_get(filter, "$order"), err);
	if (limit || offset)
		catalog_sql_put(sql, " LIMIT %lld", limit ? (long long)most : INT64_MAX);
	if (offset)
		catalog_sql_put(sql, " OFFSET %lld", (long long)from);
	return ret;
}

/* --- reading --- */

int catalog_sql_list(struct catalog_connection *connection, int kind, const json_t *filter,
		     json_t **array, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	struct catalog_sql sql = { 0 };
	int ret;

	if (!info || (filter && !json_is_object(filter)))
		return vdisk_error_set(err, EINVAL, "catalog: no such kind, or a filter that is no object");
	put_columns(&sql, info);
	ret = put_filter(&sql, kind, filter, err);
	if (!ret)
		ret = put_window(&sql, kind, filter, err);
	if (!ret)
		ret = run_rows(connection, info, &sql, array, err);
	catalog_sql_free(&sql);
	return ret;
}

int catalog_sql_count(struct catalog_connection *connection, int kind, const json_t *filter,
		      int64_t *count, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	struct catalog_sql sql = { 0 };
	int ret;

	if (!info || (filter && !json_is_object(filter)))
		return vdisk_error_set(err, EINVAL, "catalog: no such kind, or a filter that is no object");
	*count = 0;
	catalog_sql_put(&sql, "SELECT COUNT(*) FROM \"%s\"", info->table);
	ret = put_filter(&sql, kind, filter, err);
	if (!ret)
		ret = catalog_sql_run(connection, &sql, number_row, count, err);
	catalog_sql_free(&sql);
	return ret;
}

int catalog_sql_get(struct catalog_connection *connection, int kind, int64_t id, bool lock,
		    json_t **object, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	struct catalog_sql sql = { 0 };
	json_t *array, *wanted = json_integer(id);
	int ret;

	put_columns(&sql, info);
	catalog_sql_put(&sql, " WHERE \"id\" = ");
	ret = wanted ? catalog_sql_value(&sql, info->fields, wanted, err) : no_memory(err);
	json_decref(wanted);
	if (lock)
		catalog_sql_put(&sql, "%s", connection->backend->for_update);
	if (!ret)
		ret = run_rows(connection, info, &sql, &array, err);
	catalog_sql_free(&sql);
	if (ret)
		return ret;
	*object = json_incref(json_array_get(array, 0));
	json_decref(array);
	return *object ? 0 : vdisk_error_set(err, ENOENT, "%s: there is none with id %lld", info->name,
					     (long long)id);
}

/* --- writing --- */

int catalog_sql_insert(struct catalog_connection *connection, int kind, const json_t *object,
		       int64_t *id, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	const struct catalog_field *field;
	struct catalog_sql sql = { 0 };
	const json_t *value;
	const char *name;
	int ret = 0;

	catalog_sql_put(&sql, "INSERT INTO \"%s\" (\"revision\"", info->table);
	json_object_foreach((json_t *)object, name, value) {
		catalog_sql_put(&sql, ", \"%s\"", name);
	}
	catalog_sql_put(&sql, ") VALUES (1");
	json_object_foreach((json_t *)object, name, value) {
		field = catalog_find_field(kind, name);
		catalog_sql_put(&sql, ", ");
		ret = catalog_sql_value(&sql, field, value, err);
		if (ret)
			break;
	}
	catalog_sql_put(&sql, ") RETURNING \"id\"");
	if (!ret)
		ret = catalog_sql_run(connection, &sql, number_row, id, err);
	catalog_sql_free(&sql);
	return ret;
}

int catalog_sql_update(struct catalog_connection *connection, int kind, int64_t id,
		       const json_t *changes, bool revise, struct vdisk_error *err)
{
	const struct catalog_kind_info *info = catalog_kind_info(kind);
	struct catalog_sql sql = { 0 };
	json_t *wanted = json_integer(id);
	const json_t *value;
	const char *name, *glue = "";
	int ret = wanted ? 0 : no_memory(err);

	catalog_sql_put(&sql, "UPDATE \"%s\" SET ", info->table);
	if (revise) {
		catalog_sql_put(&sql, "\"revision\" = \"revision\" + 1");
		glue = ", ";
	}
	json_object_foreach((json_t *)changes, name, value) {
		if (ret)
			break;
		catalog_sql_put(&sql, "%s\"%s\" = ", glue, name);
		glue = ", ";
		ret = catalog_sql_value(&sql, catalog_find_field(kind, name), value, err);
	}
	catalog_sql_put(&sql, " WHERE \"id\" = ");
	if (!ret)
		ret = catalog_sql_value(&sql, info->fields, wanted, err);
	if (!ret)
		ret = catalog_sql_run(connection, &sql, NULL, NULL, err);
	json_decref(wanted);
	catalog_sql_free(&sql);
	return ret;
}

int catalog_sql_delete(struct catalog_connection *connection, int kind, int64_t id,
		       struct vdisk_error *err)
{
	struct catalog_sql sql = { 0 };
	const struct catalog_value value = { .type = CATALOG_V_INT, .integer = id };
	int ret;

	catalog_sql_put(&sql, "DELETE FROM \"%s\" WHERE \"id\" = $1", catalog_kind_info(kind)->table);
	sql.values[0] = value;
	sql.count = 1;
	ret = catalog_sql_run(connection, &sql, NULL, NULL, err);
	catalog_sql_free(&sql);
	return ret;
}
