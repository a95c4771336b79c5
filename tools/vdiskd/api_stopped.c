// SPDX-License-Identifier: GPL-2.0
/* Boots that ended before there was a session: of clients, and of machines that nobody knows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "bootlog.h"
#include "http_internal.h"

int api_stopped_show(struct api_call *call, json_t *array, enum api_timeline detail)
{
	int ret = api_timeline(call, CATALOG_BOOT, array, detail);
	json_t *boot;
	char key[24];
	size_t i;

	if (!ret)
		ret = api_present(call, &api_stopped, array);
	json_array_foreach(array, i, boot) {
		snprintf(key, sizeof(key), "b%lld", (long long)api_integer(boot, "id"));
		json_object_set_new(boot, "key", json_string(key));
		json_object_set_new(boot, "state", json_string("stopped"));
		json_object_del(boot, "id");
		json_object_del(boot, "revision");
	}
	return ret;
}

/* Those of machines that nobody knows are nobody's group's, either. */
static int unknown_ones(struct api_call *call, uint64_t number, int64_t since, json_t **array)
{
	json_t *boot;
	size_t i = 0;

	*array = call->scope ? json_array() : bootlog_unknown(call->control, number);
	if (!*array)
		return vdisk_error_set(&call->err, ENOMEM, "no memory");
	while (i < json_array_size(*array)) {
		boot = json_array_get(*array, i);
		json_object_set_new(boot, "state", json_string("stopped"));
		if (api_integer(boot, "started") < since)
			json_array_remove(*array, i);
		else
			i++;
	}
	return 0;
}

/* In front of the first page, if nothing is asked for that they haven't. */
static int add_unknown(struct api_call *call, const json_t *filter, json_t *array)
{
	const char *since = http_query(call->request, "since");
	json_t *unknown;
	int ret;

	if (json_object_get(filter, "client_id") || json_object_get(filter, "id"))
		return 0;
	ret = unknown_ones(call, 0, since ? api_id(since) : 0, &unknown);
	if (ret)
		return ret;
	json_array_extend(unknown, array);
	json_array_clear(array);
	json_array_extend(array, unknown);
	json_decref(unknown);
	return 0;
}

void api_stopped_list_run(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	json_t *filter = NULL, *array = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_stopped))
		return;
	ret = api_filter(&call, &filter);
	if (!ret)
		ret = api_list_page(&call, filter, &array);
	if (!ret)
		ret = api_stopped_show(&call, array, TIMELINE_STEPS);
	if (!ret)
		ret = add_unknown(&call, filter, array);
	json_decref(filter);
	if (ret)
		json_decref(array);
	else
		answer->json = array;
	api_end(&call, ret);
}

static int check_client(struct api_call *call, const json_t *boot)
{
	json_t *client;
	int ret;

	if (!call->scope)
		return 0;
	ret = catalog_get_id(call->control->catalog, CATALOG_CLIENT, api_integer(boot, "client_id"),
			     &client, &call->err);
	if (!ret) {
		ret = api_scope_check(call, api_integer(client, "group_id"));
		json_decref(client);
	}
	return ret;
}

/* "b7" is of the catalog, "u7" of a machine that nobody knows. */
static int find(struct api_call *call, const char *key, json_t **array)
{
	int64_t id = *key == 'b' || *key == 'u' ? api_id(key + 1) : -1;
	json_t *boot = NULL;
	int ret = -ENOENT;

	*array = NULL;
	if (id > 0 && *key == 'u')
		ret = unknown_ones(call, id, 0, array);
	else if (id > 0)
		ret = catalog_get_id(call->control->catalog, CATALOG_BOOT, id, &boot, &call->err);
	if (boot) {
		*array = json_pack("[o]", boot);
		ret = check_client(call, boot);
		if (!ret)
			ret = api_stopped_show(call, *array, TIMELINE_TEXTS);
	}
	if (ret == -ENOENT || (!ret && !json_array_size(*array)))
		ret = vdisk_error_set(&call->err, ENOENT, "there is no boot '%s'", key);
	return ret;
}

void api_stopped_get_run(struct control *control, struct http_request *request,
			 struct http_answer *answer)
{
	json_t *array = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_stopped))
		return;
	ret = find(&call, request->segments[0], &array);
	if (!ret)
		answer->json = json_incref(json_array_get(array, 0));
	json_decref(array);
	api_end(&call, ret);
}
