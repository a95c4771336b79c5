// SPDX-License-Identifier: GPL-2.0
/* What belongs to a client or group alone and is a part of it in the API: MACs, properties. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "login.h"
#include "presence.h"

enum { MAC_SIZE = 32, MACS_MOST = 64, PROPERTIES_MOST = 256 };

static const char masked[] = "(secret)";

static const char *owner_name(const struct api_resource *resource)
{
	return catalog_kind_name(resource->kind);
}

/* A filter for the parts of all objects of @array. */
static json_t *parts_filter(const struct api_resource *resource, const char *field, bool owned,
			    const json_t *array)
{
	json_t *filter = json_object(), *ids = json_array(), *object;
	size_t i;

	if (owned)
		json_object_set_new(filter, "owner", json_string(owner_name(resource)));
	json_array_foreach(array, i, object)
		json_array_append(ids, json_object_get(object, "id"));
	if (json_array_size(ids) <= API_IDS_MOST)
		json_object_set(filter, field, ids);
	json_decref(ids);
	return filter;
}

/* The objects of @array by their id, as text. */
static json_t *by_id(json_t *array)
{
	json_t *index = json_object(), *object;
	char key[24];
	size_t i;

	json_array_foreach(array, i, object) {
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(object, "id"));
		json_object_set(index, key, object);
	}
	return index;
}

static json_t *owner_of(const json_t *index, const json_t *part, const char *field)
{
	char key[24];

	snprintf(key, sizeof(key), "%lld", (long long)api_integer(part, field));
	return json_object_get(index, key);
}

static int show_macs(struct api_call *call, const struct api_resource *resource, json_t *array,
		     const json_t *index)
{
	json_t *filter = parts_filter(resource, "client_id", false, array), *macs = NULL, *mac;
	json_t *object;
	size_t i;
	int ret;

	ret = catalog_list(call->control->catalog, CATALOG_MAC, filter, &macs, &call->err);
	json_decref(filter);
	if (ret)
		return ret;
	json_array_foreach(array, i, object)
		json_object_set_new(object, "macs", json_array());
	json_array_foreach(macs, i, mac) {
		object = owner_of(index, mac, "client_id");
		if (object)
			json_array_append(json_object_get(object, "macs"),
					  json_object_get(mac, "mac"));
	}
	json_decref(macs);
	return 0;
}

static int show_properties(struct api_call *call, const struct api_resource *resource,
			   json_t *array, const json_t *index)
{
	json_t *filter = parts_filter(resource, "owner_id", true, array), *properties = NULL;
	json_t *property, *object;
	size_t i;
	int ret;

	ret = catalog_list(call->control->catalog, CATALOG_PROPERTY, filter, &properties,
			   &call->err);
	json_decref(filter);
	if (ret)
		return ret;
	json_array_foreach(array, i, object) {
		json_object_set_new(object, "properties", json_object());
		json_object_set_new(object, "secret_properties", json_array());
	}
	json_array_foreach(properties, i, property) {
		json_t *name = json_object_get(property, "name");

		object = owner_of(index, property, "owner_id");
		if (!object)
			continue;
		catalog_mask(CATALOG_PROPERTY, property);
		json_object_set(json_object_get(object, "properties"), json_string_value(name),
				json_object_get(property, "value"));
		if (json_is_true(json_object_get(property, "secret")))
			json_array_append(json_object_get(object, "secret_properties"), name);
	}
	json_decref(properties);
	return 0;
}

/* By this server's clock, which wrote it: the caller's may be another. */
static void show_state(json_t *array)
{
	json_t *object, *seen;
	const char *state;
	size_t i;

	json_array_foreach(array, i, object) {
		seen = json_object_get(object, "last_seen");
		state = !json_is_integer(seen) ? "unseen" :
			time(NULL) - json_integer_value(seen) < PRESENCE_SILENT_SECONDS ? "up" :
			"silent";
		json_object_set_new(object, "state", json_string(state));
	}
}

/* Of one that has a key: whether its last login proved it. */
static int proved(struct api_call *call, const json_t *client, bool *proved)
{
	json_t *filter, *session = NULL;
	int ret;

	filter = json_pack("{s:O, s:s, s:i}", "client_id", json_object_get(client, "id"), "$order",
			   "-id", "$limit", 1);
	ret = catalog_get(call->control->catalog, CATALOG_SESSION, filter, &session, &call->err);
	json_decref(filter);
	*proved = !ret && !strcmp(json_string_value(json_object_get(session, "trust")), "bound");
	json_decref(session);
	return ret == -ENOENT ? 0 : ret;
}

static int show_trust(struct api_call *call, json_t *array)
{
	json_t *client;
	bool bound;
	size_t i;
	int ret;

	json_array_foreach(array, i, client) {
		const char *trust = "network";

		if (login_has_key(client)) {
			ret = proved(call, client, &bound);
			if (ret)
				return ret;
			trust = bound ? "bound" : "unproved";
		}
		json_object_set_new(client, "trust", json_string(trust));
	}
	return 0;
}

int api_nested_show(struct api_call *call, const struct api_resource *resource, json_t *array)
{
	json_t *index;
	int ret = 0;

	if (!json_array_size(array))
		return 0;
	api_show_prepared(call, resource, array);
	index = by_id(array);
	if (resource->flags & API_MACS)
		ret = show_macs(call, resource, array, index);
	if (!ret && resource->flags & API_MACS)
		ret = show_trust(call, array);
	if (resource->kind == CATALOG_SERVER)
		show_state(array);
	if (!ret && resource->flags & API_PROPERTIES)
		ret = show_properties(call, resource, array, index);
	json_decref(index);
	return ret;
}

/* The wanted addresses in the catalog's form, as members of an object. */
static int wanted_macs(struct api_call *call, const json_t *list, json_t **wanted)
{
	const struct catalog_field *field = catalog_find_field(CATALOG_MAC, "mac");
	char form[MAC_SIZE];
	const char *text;
	json_t *mac;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > MACS_MOST)
		return vdisk_error_set(&call->err, EINVAL, "macs: give a list of at most %d",
				       MACS_MOST);
	*wanted = json_object();
	json_array_foreach(list, i, mac) {
		text = json_string_value(mac);
		if (text && field->form(text, form, sizeof(form))) {
			json_object_set_new(*wanted, form, json_true());
			continue;
		}
		json_decref(*wanted);
		return vdisk_error_set(&call->err, EINVAL, "macs: '%s' is not %s",
				       text ? text : "what stands there", field->expected);
	}
	return 0;
}

static int store_macs(struct api_call *call, const json_t *list, int64_t id, bool *changed)
{
	struct catalog *catalog = call->control->catalog;
	json_t *wanted, *present, *filter, *mac, *object;
	const char *text;
	size_t i;
	int ret = wanted_macs(call, list, &wanted);

	if (ret)
		return ret;
	filter = json_pack("{s:I}", "client_id", (json_int_t)id);
	ret = catalog_list(catalog, CATALOG_MAC, filter, &present, &call->err);
	json_decref(filter);
	if (ret)
		goto out;
	json_array_foreach(present, i, mac) {
		text = json_string_value(json_object_get(mac, "mac"));
		if (!json_object_del(wanted, text))
			continue;
		ret = catalog_remove(catalog, &call->who, CATALOG_MAC, api_integer(mac, "id"), -1,
				     &call->err);
		if (ret)
			break;
		*changed = true;
	}
	json_decref(present);
	if (ret)
		goto out;
	json_object_foreach(wanted, text, mac) {
		object = json_pack("{s:I, s:s}", "client_id", (json_int_t)id, "mac", text);
		ret = catalog_add(catalog, &call->who, CATALOG_MAC, object, NULL, &call->err);
		json_decref(object);
		if (ret)
			break;
		*changed = true;
	}
out:
	json_decref(wanted);
	return ret;
}

/* "value" or {"value": ..., "secret": true} as the catalog's fields. */
static int property_fields(struct api_call *call, const char *name, const json_t *value,
			   json_t **fields)
{
	const char *text = NULL;
	int secret = -1;

	if (json_is_string(value)) {
		*fields = json_pack("{s:O}", "value", value);
		return 0;
	}
	if (!json_is_object(value) ||
	    json_unpack((json_t *)value, "{s:s, s?:b !}", "value", &text, "secret", &secret))
		return vdisk_error_set(&call->err, EINVAL,
				       "properties: give '%s' a text, {\"value\", \"secret\"} or null",
				       name);
	*fields = json_pack("{s:s}", "value", text);
	if (secret >= 0)
		json_object_set_new(*fields, "secret", json_boolean(secret));
	return 0;
}

static int change_property(struct api_call *call, json_t *present, const json_t *fields,
			   bool *changed)
{
	const char *text = json_string_value(json_object_get(fields, "value"));
	json_t *stored = NULL;
	int ret;

	/* What was masked on its way out comes back unchanged. */
	if (json_is_true(json_object_get(present, "secret")) && !strcmp(text, masked))
		return 0;
	ret = catalog_change(call->control->catalog, &call->who, CATALOG_PROPERTY,
			     api_integer(present, "id"), fields, -1, &stored, &call->err);
	if (!ret && api_integer(stored, "revision") != api_integer(present, "revision"))
		*changed = true;
	json_decref(stored);
	return ret;
}

static int store_property(struct api_call *call, const char *name, json_t *value, int64_t id,
			  bool *changed)
{
	struct catalog *catalog = call->control->catalog;
	json_t *filter, *present = NULL, *fields = NULL;
	int ret;

	filter = json_pack("{s:s, s:I, s:s}", "owner", owner_name(call->resource), "owner_id",
			   (json_int_t)id, "name", name);
	if (!filter)
		return vdisk_error_set(&call->err, EINVAL, "properties: a name is not valid");
	ret = catalog_get(catalog, CATALOG_PROPERTY, filter, &present, &call->err);
	if (ret && ret != -ENOENT)
		goto out;
	ret = 0;
	if (json_is_null(value)) {
		if (present)
			ret = catalog_remove(catalog, &call->who, CATALOG_PROPERTY,
					     api_integer(present, "id"), -1, &call->err);
		*changed |= present && !ret;
		goto out;
	}
	ret = property_fields(call, name, value, &fields);
	if (!ret)
		ret = api_rights_property(call, name);
	if (ret)
		goto out;
	if (present) {
		ret = change_property(call, present, fields, changed);
	} else {
		json_object_update(fields, filter);
		ret = catalog_add(catalog, &call->who, CATALOG_PROPERTY, fields, NULL, &call->err);
		*changed |= !ret;
	}
out:
	json_decref(filter);
	json_decref(fields);
	json_decref(present);
	return ret;
}

static int store_properties(struct api_call *call, const json_t *properties, int64_t id,
			    bool *changed)
{
	const char *name;
	json_t *value;
	int ret = 0;

	if (!json_is_object(properties) || json_object_size(properties) > PROPERTIES_MOST)
		return vdisk_error_set(&call->err, EINVAL,
				       "properties: give an object of at most %d", PROPERTIES_MOST);
	json_object_foreach((json_t *)properties, name, value) {
		ret = store_property(call, name, value, id, changed);
		if (ret)
			break;
	}
	return ret;
}

int api_nested_store(struct api_call *call, const json_t *body, int64_t id, bool *changed)
{
	const json_t *macs = json_object_get(body, "macs");
	const json_t *properties = json_object_get(body, "properties");
	int ret = 0;

	*changed = false;
	if (macs && call->resource->flags & API_MACS)
		ret = store_macs(call, macs, id, changed);
	if (!ret && properties && call->resource->flags & API_PROPERTIES)
		ret = store_properties(call, properties, id, changed);
	return ret;
}
