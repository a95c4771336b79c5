// SPDX-License-Identifier: GPL-2.0
/* Between the catalog's fields and the API's: ids and names, hidden and kept fields, filters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "http_internal.h"
#include "util.h"

enum { SHOWN_SIZE = 32, FORM_SIZE = 256, FAILED_PAGES = 16 };

int64_t api_id(const char *text)
{
	long long id;
	char *end;

	if (*text < '1' || *text > '9')
		return -1;
	errno = 0;
	id = strtoll(text, &end, 10);
	return *end || errno ? -1 : id;
}

int64_t api_integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool is_in(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

/* "group" for "group_id" that refers to a group; NULL: the field has no other name. */
static const char *shown_name(const struct catalog_field *field, char *shown)
{
	size_t length = strlen(field->name);

	if (field->refers == CATALOG_NOTHING || length <= 3 || length >= SHOWN_SIZE ||
	    strcmp(field->name + length - 3, "_id"))
		return NULL;
	memcpy(shown, field->name, length - 3);
	shown[length - 3] = '\0';
	return shown;
}

/* The field that names objects of a kind; NULL: their id does. */
static const char *naming_field(int kind)
{
	return catalog_find_field(kind, "name") ? "name" : NULL;
}

static const struct catalog_field *find_shown(const struct api_resource *resource,
					      const char *name)
{
	const struct catalog_field *field = catalog_fields(resource->kind);
	char shown[SHOWN_SIZE];

	for (; field->name; field++) {
		if (is_in(resource->hidden, field->name))
			continue;
		if (!strcmp(shown_name(field, shown) ? shown : field->name, name))
			return field;
	}
	return NULL;
}

/* Names by id of the objects that @field of @array refers to. */
static int names_of(struct api_call *call, const struct catalog_field *field, const json_t *array,
		    json_t **names)
{
	json_t *ids = json_object(), *list = json_array(), *object, *found = NULL, *filter = NULL;
	char key[24];
	size_t i;
	int ret;

	json_array_foreach(array, i, object) {
		json_t *id = json_object_get(object, field->name);

		if (!json_is_integer(id))
			continue;
		snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(id));
		if (json_object_get(ids, key))
			continue;
		json_object_set(ids, key, id);
		json_array_append(list, id);
	}
	json_decref(ids);
	*names = json_object();
	if (!json_array_size(list)) {
		json_decref(list);
		return 0;
	}
	if (json_array_size(list) <= API_IDS_MOST)
		filter = json_pack("{s:O}", "id", list);
	json_decref(list);
	ret = catalog_list(call->control->catalog, field->refers, filter, &found, &call->err);
	json_decref(filter);
	json_array_foreach(found, i, object) {
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(object, "id"));
		json_object_set(*names, key, json_object_get(object, naming_field(field->refers)));
	}
	json_decref(found);
	if (ret)
		json_decref(*names);
	return ret;
}

static int present_reference(struct api_call *call, const struct catalog_field *field,
			     const char *shown, json_t *array)
{
	json_t *names = NULL, *object, *value;
	char key[24];
	size_t i;
	int ret;

	if (naming_field(field->refers)) {
		ret = names_of(call, field, array, &names);
		if (ret)
			return ret;
	}
	json_array_foreach(array, i, object) {
		value = json_incref(json_object_get(object, field->name));
		json_object_del(object, field->name);
		if (names && json_is_integer(value)) {
			snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(value));
			json_decref(value);
			value = json_incref(json_object_get(names, key));
		}
		json_object_set_new(object, shown, value ? value : json_null());
	}
	json_decref(names);
	return 0;
}

int api_present(struct api_call *call, const struct api_resource *resource, json_t *array)
{
	const struct catalog_field *field = catalog_fields(resource->kind);
	char shown[SHOWN_SIZE];
	json_t *object;
	size_t i;
	int ret;

	json_array_foreach(array, i, object)
		catalog_mask(resource->kind, object);
	for (; field->name; field++) {
		if (is_in(resource->hidden, field->name)) {
			json_array_foreach(array, i, object)
				json_object_del(object, field->name);
		} else if (shown_name(field, shown)) {
			ret = present_reference(call, field, shown, array);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* The id of what @value names, as an integer; null stays null. */
static int resolve(struct api_call *call, const struct catalog_field *field, const char *shown,
		   json_t *value, json_t **id)
{
	const char *name = naming_field(field->refers);
	json_t *filter, *object;
	int ret;

	if (json_is_null(value) || (!name && json_is_integer(value))) {
		*id = json_incref(value);
		return 0;
	}
	if (!name || !json_is_string(value))
		return vdisk_error_set(&call->err, EINVAL, "%s: give %s", shown,
				       name ? "a name, a text" : "an id, a number");
	filter = json_pack("{s:O}", name, value);
	ret = catalog_get(call->control->catalog, field->refers, filter, &object, &call->err);
	json_decref(filter);
	if (ret == -ENOENT)
		return vdisk_error_set(&call->err, EINVAL, "%s: there is no %s '%s'", shown,
				       catalog_kind_name(field->refers), json_string_value(value));
	if (ret)
		return ret;
	*id = json_incref(json_object_get(object, "id"));
	json_decref(object);
	return 0;
}

static bool is_nested(const struct api_resource *resource, const char *name)
{
	return (resource->flags & API_MACS && !strcmp(name, "macs")) ||
	       (resource->flags & API_PROPERTIES && !strcmp(name, "properties"));
}

static int accept_member(struct api_call *call, const char *name, json_t *value, json_t *object)
{
	const struct catalog_field *field = find_shown(call->resource, name);
	char shown[SHOWN_SIZE];
	json_t *id;
	int ret;

	if (!field)
		return vdisk_error_set(&call->err, EINVAL, "%s: there is no such field", name);
	if (is_in(call->resource->kept, field->name) || field->flags & CATALOG_READONLY)
		return vdisk_error_set(&call->err, EINVAL, "%s: it cannot be set", name);
	if (!shown_name(field, shown)) {
		json_object_set(object, field->name, value);
		return 0;
	}
	ret = resolve(call, field, shown, value, &id);
	if (!ret)
		json_object_set_new(object, field->name, id);
	return ret;
}

int api_accept(struct api_call *call, const json_t *body, json_t **object)
{
	const char *name;
	json_t *value;
	int ret = 0;

	*object = json_object();
	if (!*object)
		return vdisk_error_set(&call->err, ENOMEM, "no memory");
	json_object_foreach((json_t *)body, name, value) {
		if (is_nested(call->resource, name))
			continue;
		ret = accept_member(call, name, value, *object);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	json_decref(*object);
	*object = NULL;
	return ret;
}

/* A value of the query, as the type of its field; "" stands for none. */
static int filter_value(struct api_call *call, const struct catalog_field *field,
			const char *text, json_t **value)
{
	char form[FORM_SIZE];
	int64_t number;

	*value = NULL;
	if (!*text) {
		*value = json_null();
	} else if (field->type == CATALOG_BOOL) {
		if (!strcmp(text, "1") || !strcmp(text, "true"))
			*value = json_true();
		else if (!strcmp(text, "0") || !strcmp(text, "false"))
			*value = json_false();
	} else if (field->type == CATALOG_INT || field->type == CATALOG_TIME) {
		number = strcmp(text, "0") ? api_id(text) : 0;
		if (number >= 0)
			*value = json_integer(number);
	} else if (field->type == CATALOG_TEXT) {
		*value = json_string(field->form && field->form(text, form, sizeof(form)) ?
				     form : text);
	}
	if (*value)
		return 0;
	return vdisk_error_set(&call->err, EINVAL, "%s: '%s' is nothing to look for", field->name,
			       text);
}

static int filter_member(struct api_call *call, const struct http_parameter *parameter,
			 json_t *filter)
{
	const struct catalog_field *field = find_shown(call->resource, parameter->name);
	json_t *value, *id;
	int ret;

	if (call->resource->kind == CATALOG_SESSION && !strcmp(parameter->name, "state") &&
	    !strcmp(parameter->value, "all"))
		return 0;
	if (!field || field->flags & (CATALOG_SECRET | CATALOG_SECRET_IF))
		return vdisk_error_set(&call->err, EINVAL, "%s: there is no such parameter",
				       parameter->name);
	if (field->refers != CATALOG_NOTHING && naming_field(field->refers)) {
		value = *parameter->value ? json_string(parameter->value) : json_null();
		ret = resolve(call, field, parameter->name, value, &id);
		json_decref(value);
		value = id;
	} else {
		ret = filter_value(call, field, parameter->value, &value);
	}
	if (!ret)
		json_object_set_new(filter, field->name, value);
	return ret;
}

/* A page of steps that failed, from before the event @last on. */
static int failed_steps(struct api_call *call, const json_t *filter, int64_t last, json_t **events)
{
	json_t *of = json_pack("{s:s, s:s, s:i, s:{s:n}}", "step", "failed", "$order", "-id",
			       "$limit", API_IDS_MOST, "session_id", "not");
	int ret;

	if (last)
		json_object_set_new(of, "id", json_pack("{s:I}", "max", (json_int_t)last - 1));
	if (json_object_get(filter, "client_id"))
		json_object_set(of, "client_id", json_object_get(filter, "client_id"));
	ret = catalog_list(call->control->catalog, CATALOG_EVENT, of, events, &call->err);
	json_decref(of);
	return ret;
}

static bool is_member(const json_t *object, int64_t id)
{
	char key[24];

	snprintf(key, sizeof(key), "%lld", (long long)id);
	return json_object_get(object, key);
}

/*
 * The sessions that failed last, each once: one may have said so again and again.
 * Who is bound to a group isn't shown those of others, and they take no places.
 */
static int failed_sessions(struct api_call *call, const json_t *filter, json_t *ids)
{
	json_t *seen = json_object(), *own, *events, *event;
	unsigned int pages = 0;
	size_t i, count;
	int64_t last = 0;
	char key[24];
	int ret;

	ret = api_scope_clients(call, &own);
	if (ret) {
		json_decref(seen);
		return ret;
	}
	do {
		ret = failed_steps(call, filter, last, &events);
		if (ret)
			break;
		count = json_array_size(events);
		json_array_foreach(events, i, event) {
			last = api_integer(event, "id");
			if (own && !is_member(own, api_integer(event, "client_id")))
				continue;
			snprintf(key, sizeof(key), "%lld",
				 (long long)api_integer(event, "session_id"));
			if (json_object_get(seen, key) || json_array_size(ids) == API_IDS_MOST)
				continue;
			json_object_set_new(seen, key, json_true());
			json_array_append(ids, json_object_get(event, "session_id"));
		}
		json_decref(events);
	} while (count == API_IDS_MOST && json_array_size(ids) < API_IDS_MOST &&
		 ++pages < FAILED_PAGES);
	json_decref(own);
	json_decref(seen);
	return ret;
}

/* Sessions that have ended are many: only who asks for them gets them. */
static int filter_sessions(struct api_call *call, json_t *filter)
{
	const char *failed = http_query(call->request, "failed");
	json_t *ids;
	int ret;

	if (!failed) {
		if (!http_query(call->request, "state") && !http_query(call->request, "client"))
			json_object_set_new(filter, "state", json_pack("{s:s}", "not", "ended"));
		return 0;
	}
	if (strcmp(failed, "1") && strcmp(failed, "true"))
		return vdisk_error_set(&call->err, EINVAL, "failed: it is 1 or not there");
	ids = json_array();
	ret = failed_sessions(call, filter, ids);
	if (ret)
		json_decref(ids);
	else
		json_object_set_new(filter, "id", ids);
	return ret;
}

/* since and failed, where there is a time and where things fail. */
static int filter_special(struct api_call *call, json_t *filter)
{
	const char *since = http_query(call->request, "since");
	const char *failed = http_query(call->request, "failed");
	const char *field = catalog_find_field(call->resource->kind, "at") ? "at" : "started";
	int64_t number;
	int ret;

	if (failed && call->resource->kind != CATALOG_SESSION)
		return vdisk_error_set(&call->err, EINVAL, "failed: there is no such parameter");
	ret = call->resource->kind == CATALOG_SESSION ? filter_sessions(call, filter) : 0;
	if (ret || !since)
		return ret;
	if (!catalog_find_field(call->resource->kind, field))
		return vdisk_error_set(&call->err, EINVAL, "since: there is no such parameter");
	number = api_id(since);
	if (number < 0 || json_object_get(filter, field))
		return vdisk_error_set(&call->err, EINVAL, "since: give seconds since 1970");
	json_object_set_new(filter, field, json_pack("{s:I}", "min", (json_int_t)number));
	return 0;
}

/* limit, after and order; the page that follows is asked for by the last id of this one. */
static int filter_page(struct api_call *call, json_t *filter)
{
	const char *limit = http_query(call->request, "limit");
	const char *after = http_query(call->request, "after");
	const char *order = http_query(call->request, "order");
	int64_t number = limit ? api_id(limit) : API_PAGE;
	bool down = order ? !strcmp(order, "-id") : call->resource->flags & API_NEWEST;

	if (number < 1 || number > API_PAGE_MOST)
		return vdisk_error_set(&call->err, EINVAL, "limit: give a number from 1 to %d",
				       API_PAGE_MOST);
	json_object_set_new(filter, "$limit", json_integer(number));
	if (order && strcmp(order, "-id") && strcmp(order, "id"))
		return vdisk_error_set(&call->err, EINVAL, "order: it is id or -id");
	if (down)
		json_object_set_new(filter, "$order", json_string("-id"));
	if (!after)
		return 0;
	number = api_id(after);
	if (number < 0)
		return vdisk_error_set(&call->err, EINVAL, "after: give the id of an object");
	if (json_object_get(filter, "id"))
		return vdisk_error_set(&call->err, EINVAL, "after: not together with id");
	json_object_set_new(filter, "id", down ? json_pack("{s:I}", "max", (json_int_t)number - 1) :
			    json_pack("{s:I}", "min", (json_int_t)number + 1));
	return 0;
}

int api_filter(struct api_call *call, json_t **filter)
{
	static const char *const page[] = { "limit", "after", "order", "since", "failed", NULL };
	const struct http_exchange *exchange = call->request->exchange;
	unsigned int i;
	int ret = 0;

	*filter = json_object();
	for (i = 0; i < exchange->parameter_count && !ret; i++)
		if (!is_in(page, exchange->parameters[i].name))
			ret = filter_member(call, &exchange->parameters[i], *filter);
	if (!ret)
		ret = filter_special(call, *filter);
	if (!ret)
		ret = filter_page(call, *filter);
	if (!ret)
		return 0;
	json_decref(*filter);
	*filter = NULL;
	return ret;
}

int api_find(struct api_call *call, const struct api_resource *resource, const char *key,
	     json_t **object)
{
	const struct catalog_field *field;
	char form[FORM_SIZE];
	int64_t id = api_id(key);
	int ret = -ENOENT;
	json_t *filter;

	if (resource->key) {
		field = catalog_find_field(resource->kind, resource->key);
		if (field->form && field->form(key, form, sizeof(form)))
			key = form;
		filter = json_pack("{s:s}", resource->key, key);
		ret = catalog_get(call->control->catalog, resource->kind, filter, object,
				  &call->err);
		json_decref(filter);
	}
	if (ret == -ENOENT && id > 0)
		ret = catalog_get_id(call->control->catalog, resource->kind, id, object,
				     &call->err);
	if (ret == -ENOENT)
		return vdisk_error_set(&call->err, ENOENT, "there is no %s '%s'",
				       catalog_kind_name(resource->kind), key);
	return ret;
}
