// SPDX-License-Identifier: GPL-2.0
/* Machines that nobody knows yet: approved as new clients, or as new hardware of an old one. */
#include <errno.h>
#include <string.h>

#include "api.h"
#include "http_internal.h"

/* A UUID that identifies nobody isn't written into a client. */
static bool has_uuid(const json_t *pending)
{
	const char *reason = json_string_value(json_object_get(pending, "reason"));
	const char *uuid = json_string_value(json_object_get(pending, "uuid"));
	const struct catalog_field *field = catalog_find_field(CATALOG_CLIENT, "uuid");
	char form[64];

	return uuid && strcmp(reason, "placeholder") && field->form(uuid, form, sizeof(form));
}

/* What @body says of the client, and for the rest what the machine said of itself. */
static json_t *client_of(const json_t *pending, const json_t *body)
{
	json_t *client = json_object();

	if (has_uuid(pending))
		json_object_set(client, "uuid", json_object_get(pending, "uuid"));
	json_object_set(client, "macs", json_object_get(pending, "macs"));
	json_object_update(client, (json_t *)body);
	return client;
}

static int forget(struct api_call *call, const json_t *pending)
{
	int ret = catalog_remove(call->control->catalog, &call->who, CATALOG_PENDING,
				 api_integer(pending, "id"), -1, &call->err);

	return ret == -ENOENT ? 0 : ret;
}

void api_pending_approve_run(struct control *control, struct http_request *request,
			     struct http_answer *answer)
{
	json_t *pending = NULL, *client, *stored = NULL;
	struct api_call call;
	int ret = 0;

	if (!api_begin(&call, control, request, answer, &api_clients))
		return;
	if (!request->body)
		ret = vdisk_error_set(&call.err, EINVAL, "the request has no body");
	if (!ret)
		ret = api_find(&call, &api_pending, request->segments[0], &pending);
	if (!ret)
		ret = api_scope_seen(&call, pending);
	if (!ret) {
		client = client_of(pending, request->body);
		ret = api_add(&call, client, &stored);
		json_decref(client);
	}
	/* If this fails the machine is known all the same. */
	if (!ret)
		ret = forget(&call, pending);
	if (!ret) {
		snprintf(answer->location, sizeof(answer->location), "/v1/clients/%s",
			 json_string_value(json_object_get(stored, "name")));
		ret = api_show(&call, MHD_HTTP_CREATED, stored);
	}
	json_decref(pending);
	json_decref(stored);
	api_end(&call, ret);
}

/*
 * The client keeps its name and all that hangs on it.  The secret that it was
 * bound by was the old hardware's: the new one has to bind itself again.
 */
static int replace(struct api_call *call, const json_t *client, const json_t *pending,
		   json_t **stored)
{
	json_t *body = json_object();
	int ret;

	json_object_set_new(body, "uuid", has_uuid(pending) ?
			    json_incref(json_object_get(pending, "uuid")) : json_null());
	json_object_set(body, "macs", json_object_get(pending, "macs"));
	json_object_set_new(body, "public_key", json_null());
	ret = api_change(call, api_integer(client, "id"), body, call->request->revision, stored);
	json_decref(body);
	return ret ? ret : forget(call, pending);
}

static int find_from(struct api_call *call, json_t **pending)
{
	json_int_t from;

	if (!call->request->body ||
	    json_unpack(call->request->body, "{s:I !}", "from", &from))
		return vdisk_error_set(&call->err, EINVAL, "from: give the id of a pending machine");
	return catalog_get_id(call->control->catalog, CATALOG_PENDING, from, pending, &call->err);
}

void api_client_replace_run(struct control *control, struct http_request *request,
			    struct http_answer *answer)
{
	json_t *client = NULL, *pending = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_clients))
		return;
	ret = api_find(&call, &api_clients, request->segments[0], &client);
	if (!ret)
		ret = api_scope_check(&call, api_integer(client, "group_id"));
	if (!ret)
		ret = find_from(&call, &pending);
	if (!ret)
		ret = api_scope_seen(&call, pending);
	if (!ret)
		ret = replace(&call, client, pending, &stored);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, stored);
	json_decref(client);
	json_decref(pending);
	json_decref(stored);
	api_end(&call, ret);
}
