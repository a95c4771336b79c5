// SPDX-License-Identifier: GPL-2.0
/* List, show, add, change and remove: the same for every kind that the API has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "http_internal.h"

/* "/v1/clients/x" is about clients. */
static const struct api_resource *resource_of(const struct http_request *request)
{
	const char *many = request->path + strlen("/v1/");

	return api_resource_by_name(many, strcspn(many, "/"));
}

static int64_t group_of(const json_t *object)
{
	return api_integer(object, "group_id");
}

/* Whether the caller may touch @object; all may read what belongs to no group's machines. */
static int check_scope(struct api_call *call, const json_t *object)
{
	if (call->resource->flags & API_SEEN)
		return api_scope_seen(call, object);
	if (!(call->resource->flags & API_SCOPED))
		return 0;
	return api_scope_check(call, group_of(object));
}

/* Tokens and audit tell of everything: not for those who are bound to a group. */
static int check_unbound(struct api_call *call)
{
	enum catalog_kind kind = call->resource->kind;

	if (!call->scope || (kind != CATALOG_TOKEN && kind != CATALOG_AUDIT))
		return 0;
	return vdisk_error_set(&call->err, EPERM, "this token is for one group, and this is about all");
}

/* Takes out what a bound caller may not see. */
static int drop_foreign(struct api_call *call, json_t *array)
{
	bool by_client = call->resource->kind == CATALOG_SESSION ||
			 call->resource->kind == CATALOG_BOOT;
	json_t *clients = NULL, *object;
	char key[24];
	size_t i = 0;
	bool own;
	int ret = 0;

	if (!call->scope || (!(call->resource->flags & (API_SCOPED | API_SEEN)) && !by_client))
		return 0;
	if (by_client)
		ret = api_scope_clients(call, &clients);
	else if (call->resource->flags & API_SEEN)
		ret = api_scope_networks(call);
	if (ret)
		return ret;
	while (i < json_array_size(array)) {
		object = json_array_get(array, i);
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(object, "client_id"));
		own = clients ? json_object_get(clients, key) != NULL :
		      call->resource->flags & API_SEEN ? api_scope_has_address(call, object) :
		      api_scope_has(call, group_of(object));
		if (own)
			i++;
		else
			json_array_remove(array, i);
	}
	json_decref(clients);
	return 0;
}

/* The page that follows, when this one is full. */
static void link_next(struct api_call *call, const json_t *array, const json_t *filter)
{
	const struct http_exchange *exchange = call->request->exchange;
	size_t count = json_array_size(array), room = sizeof(call->answer->link), length;
	const char *part;

	if (!count || (json_int_t)count < json_integer_value(json_object_get(filter, "$limit")))
		return;
	length = snprintf(call->answer->link, room, "<%s?after=%lld", call->request->path,
			  (long long)api_integer(json_array_get(array, count - 1), "id"));
	for (part = exchange->query; part && *part; part += strcspn(part, "&"), part += *part == '&') {
		size_t bytes = strcspn(part, "&");

		if (!strncmp(part, "after=", 6) || length + bytes + 16 > room)
			continue;
		length += snprintf(call->answer->link + length, room - length, "&%.*s", (int)bytes,
				   part);
	}
	snprintf(call->answer->link + length, room - length, ">; rel=\"next\"");
}

/* Behind @last, which ended a full page; false: a filter by ids has no second one. */
static bool go_on_behind(json_t *filter, const json_t *last)
{
	const char *order = json_string_value(json_object_get(filter, "$order"));
	json_int_t id = api_integer(last, "id");
	const json_t *now = json_object_get(filter, "id");

	if (now && !json_is_object(now))
		return false;
	json_object_set_new(filter, "id", order && *order == '-' ?
			    json_pack("{s:I}", "max", id - 1) : json_pack("{s:I}", "min", id + 1));
	return true;
}

/* As many as were asked for of what a bound caller may see: the others' are passed over. */
static int list_own(struct api_call *call, json_t *filter, size_t limit, json_t *array)
{
	json_t *page;
	bool more;
	int ret;

	json_object_set_new(filter, "$limit", json_integer(API_PAGE_MOST));
	do {
		ret = catalog_list(call->control->catalog, call->resource->kind, filter, &page,
				   &call->err);
		if (ret)
			return ret;
		more = json_array_size(page) == API_PAGE_MOST &&
		       go_on_behind(filter, json_array_get(page, API_PAGE_MOST - 1));
		ret = drop_foreign(call, page);
		json_array_extend(array, page);
		json_decref(page);
	} while (!ret && more && json_array_size(array) < limit);
	while (json_array_size(array) > limit)
		json_array_remove(array, json_array_size(array) - 1);
	json_object_set_new(filter, "$limit", json_integer(limit));
	return ret;
}

int api_list_page(struct api_call *call, json_t *filter, json_t **array)
{
	int ret;

	if (call->scope) {
		*array = json_array();
		ret = list_own(call, filter, json_integer_value(json_object_get(filter, "$limit")),
			       *array);
	} else {
		ret = catalog_list(call->control->catalog, call->resource->kind, filter, array,
				   &call->err);
	}
	if (!ret)
		link_next(call, *array, filter);
	return ret;
}

void api_list_run(struct control *control, struct http_request *request,
		  struct http_answer *answer)
{
	json_t *filter = NULL, *array = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, resource_of(request)))
		return;
	ret = check_unbound(&call);
	if (!ret)
		ret = api_filter(&call, &filter);
	if (!ret)
		ret = api_list_page(&call, filter, &array);
	if (!ret && call.resource->flags & API_TIMELINE)
		ret = api_timeline(&call, call.resource->kind, array, TIMELINE_LAST);
	if (!ret)
		ret = api_present(&call, call.resource, array);
	if (!ret)
		ret = api_nested_show(&call, call.resource, array);
	json_decref(filter);
	if (ret)
		json_decref(array);
	else
		answer->json = array;
	api_end(&call, ret);
}

int api_show(struct api_call *call, unsigned int status, json_t *object)
{
	json_t *array = json_pack("[O]", object), *boots = NULL;
	int ret = api_present(call, call->resource, array);

	if (!ret)
		ret = api_nested_show(call, call->resource, array);
	if (!ret && call->resource->kind == CATALOG_CLIENT) {
		ret = api_boots(call, api_integer(object, "id"), &boots);
		if (!ret)
			json_object_set_new(object, "boots", boots);
	}
	json_decref(array);
	if (!ret)
		api_give(call, status, json_incref(object));
	return ret;
}

void api_get_run(struct control *control, struct http_request *request,
		 struct http_answer *answer)
{
	json_t *object = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, resource_of(request)))
		return;
	ret = check_unbound(&call);
	if (!ret)
		ret = api_find(&call, call.resource, request->segments[0], &object);
	if (!ret)
		ret = check_scope(&call, object);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, object);
	json_decref(object);
	api_end(&call, ret);
}

int api_add(struct api_call *call, const json_t *body, json_t **stored)
{
	struct catalog *catalog = call->control->catalog;
	json_t *object;
	bool changed;
	int ret;

	*stored = NULL;
	ret = api_accept(call, body, &object);
	if (ret)
		return ret;
	ret = check_scope(call, object);
	if (!ret)
		ret = catalog_begin(catalog, &call->err);
	if (ret) {
		json_decref(object);
		return ret;
	}
	ret = api_rights_check(call, NULL, object);
	if (!ret)
		ret = catalog_add(catalog, &call->who, call->resource->kind, object, stored,
				  &call->err);
	json_decref(object);
	if (ret == -ENOENT)
		ret = -EINVAL;	/* of what it refers to, not of itself */
	if (!ret)
		ret = api_nested_store(call, body, api_integer(*stored, "id"), &changed);
	if (!ret)
		return catalog_commit(catalog, &call->err);
	catalog_rollback(catalog);
	return ret;
}

/* Fields and parts, within a transaction; either counts the revision up, both do it once. */
static int change(struct api_call *call, int64_t id, const json_t *body, json_t *changes,
		  int64_t revision, json_t **stored)
{
	struct catalog *catalog = call->control->catalog;
	enum catalog_kind kind = call->resource->kind;
	json_t *before = NULL;
	bool parts = false;
	int ret;

	ret = catalog_get_id(catalog, kind, id, &before, &call->err);
	if (!ret)
		ret = api_rights_check(call, before, changes);
	if (!ret)
		ret = catalog_change(catalog, &call->who, kind, id, changes, revision, stored,
				     &call->err);
	if (!ret)
		ret = api_nested_store(call, body, id, &parts);
	if (!ret && parts && json_equal(json_object_get(before, "revision"),
					json_object_get(*stored, "revision"))) {
		json_decref(*stored);
		*stored = NULL;
		ret = catalog_revise(catalog, kind, id, stored, &call->err);
	}
	json_decref(before);
	return ret;
}

/*
 * Whatever is decided of a client's key, a window that was open for making one is over.
 * Who ordered a shell before it had one may not have been allowed to since.
 */
static void follow_key(json_t *changes)
{
	const json_t *key = json_object_get(changes, "public_key");

	if (key)
		json_object_set_new(changes, "bind_until", json_null());
	if (json_is_string(key) && !json_object_get(changes, "debug_once"))
		json_object_set_new(changes, "debug_once", json_false());
}

int api_change(struct api_call *call, int64_t id, const json_t *body, int64_t revision,
	       json_t **stored)
{
	struct catalog *catalog = call->control->catalog;
	json_t *changes;
	int ret;

	*stored = NULL;
	ret = api_accept(call, body, &changes);
	if (ret)
		return ret;
	if (call->resource == &api_clients)
		follow_key(changes);
	if (json_object_get(changes, "group_id"))
		ret = check_scope(call, changes);
	if (!ret)
		ret = catalog_begin(catalog, &call->err);
	if (!ret) {
		ret = change(call, id, body, changes, revision, stored);
		if (ret)
			catalog_rollback(catalog);
		else
			ret = catalog_commit(catalog, &call->err);
	}
	json_decref(changes);
	return ret;
}

/* A POST or PATCH without a body has nothing to say. */
static int need_body(struct api_call *call)
{
	if (call->request->body)
		return 0;
	return vdisk_error_set(&call->err, EINVAL, "the request has no body");
}

static void locate(struct api_call *call, const json_t *object)
{
	const json_t *key = call->resource->key ? json_object_get(object, call->resource->key) : NULL;
	const char *text = json_string_value(key);

	if (text && !strchr(text, '/'))
		snprintf(call->answer->location, sizeof(call->answer->location), "/v1/%s/%s",
			 call->resource->many, text);
	else
		snprintf(call->answer->location, sizeof(call->answer->location), "/v1/%s/%lld",
			 call->resource->many, (long long)api_integer(object, "id"));
}

/* Whether an image is public counts for the data plane at once. */
static void tell_images(struct api_call *call)
{
	if (call->resource->kind == CATALOG_IMAGE)
		session_images_changed(call->control);
}

void api_post_run(struct control *control, struct http_request *request,
		  struct http_answer *answer)
{
	json_t *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, resource_of(request)))
		return;
	ret = need_body(&call);
	if (!ret)
		ret = api_add(&call, request->body, &stored);
	if (!ret) {
		tell_images(&call);
		locate(&call, stored);
		ret = api_show(&call, MHD_HTTP_CREATED, stored);
	}
	json_decref(stored);
	api_end(&call, ret);
}

void api_patch_run(struct control *control, struct http_request *request,
		   struct http_answer *answer)
{
	json_t *object = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, resource_of(request)))
		return;
	ret = need_body(&call);
	if (!ret)
		ret = api_find(&call, call.resource, request->segments[0], &object);
	if (!ret)
		ret = check_scope(&call, object);
	if (!ret)
		ret = call.resource->kind == CATALOG_CLIENT ?
		      api_client_change(&call, api_integer(object, "id"), &stored) :
		      api_change(&call, api_integer(object, "id"), request->body,
				 request->revision, &stored);
	if (!ret) {
		tell_images(&call);
		ret = api_show(&call, MHD_HTTP_OK, stored);
	}
	json_decref(object);
	json_decref(stored);
	api_end(&call, ret);
}

void api_delete_run(struct control *control, struct http_request *request,
		    struct http_answer *answer)
{
	json_t *object = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, resource_of(request)))
		return;
	ret = api_find(&call, call.resource, request->segments[0], &object);
	if (!ret)
		ret = check_scope(&call, object);
	if (!ret)
		ret = call.resource->kind == CATALOG_CLIENT ?
		      api_client_remove(&call, api_integer(object, "id")) :
		      catalog_remove(control->catalog, &call.who, call.resource->kind,
				     api_integer(object, "id"), request->revision, &call.err);
	json_decref(object);
	api_end(&call, ret);
}
