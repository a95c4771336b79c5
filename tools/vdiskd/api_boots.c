// SPDX-License-Identifier: GPL-2.0
/* Boots: sessions with their timelines, as people want to see them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api.h"

/* Timelines of the sessions in @array, without their long texts. */
static int add_events(struct api_call *call, json_t *array)
{
	json_t *ids = json_array(), *index = json_object(), *events = NULL, *filter, *event, *boot;
	char key[24];
	size_t i;
	int ret;

	json_array_foreach(array, i, boot) {
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(boot, "id"));
		json_array_append(ids, json_object_get(boot, "id"));
		json_object_set(index, key, boot);
		json_object_set_new(boot, "events", json_array());
		json_object_set_new(boot, "step", json_null());
		json_object_set_new(boot, "failed", json_false());
	}
	filter = json_pack("{s:o}", "session_id", ids);
	ret = catalog_list(call->control->catalog, CATALOG_EVENT, filter, &events, &call->err);
	json_decref(filter);
	json_array_foreach(events, i, event) {
		const char *step = json_string_value(json_object_get(event, "step"));

		snprintf(key, sizeof(key), "%lld", (long long)api_integer(event, "session_id"));
		boot = json_object_get(index, key);
		if (!boot)
			continue;
		json_object_set(boot, "step", json_object_get(event, "step"));
		if (!strcmp(step, "failed"))
			json_object_set_new(boot, "failed", json_true());
		json_object_del(event, "text");
		json_object_del(event, "session_id");
		json_object_del(event, "client_id");
		json_array_append(json_object_get(boot, "events"), event);
	}
	json_decref(events);
	json_decref(index);
	return ret;
}

int api_boots(struct api_call *call, int64_t client_id, json_t **boots)
{
	json_t *filter = json_pack("{s:I, s:s, s:i}", "client_id", (json_int_t)client_id, "$order",
				   "-id", "$limit", API_BOOTS);
	json_t *boot;
	size_t i;
	int ret;

	ret = catalog_list(call->control->catalog, CATALOG_SESSION, filter, boots, &call->err);
	json_decref(filter);
	if (ret)
		return ret;
	if (json_array_size(*boots))
		ret = add_events(call, *boots);
	if (!ret)
		ret = api_present(call, &api_sessions, *boots);
	json_array_foreach(*boots, i, boot)
		json_object_del(boot, "client");
	if (ret)
		json_decref(*boots);
	return ret;
}
