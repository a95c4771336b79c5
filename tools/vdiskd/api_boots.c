// SPDX-License-Identifier: GPL-2.0
/* Boots: sessions with their timelines, as people want to see them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api.h"

enum { FAILURE_BYTES = 200 };

/* The first line of what a failed step says; cut between characters. */
static json_t *first_line(const json_t *text)
{
	const char *start = json_string_value(text);
	size_t length = start ? strcspn(start, "\n") : 0;

	if (length > FAILURE_BYTES) {
		length = FAILURE_BYTES;
		while (length && ((unsigned char)start[length] & 0xc0) == 0x80)
			length--;
	}
	return length ? json_stringn(start, length) : json_string("it does not say why");
}

/* What only the catalog wants to know of a step. */
static void strip(json_t *event, bool texts)
{
	static const char *const fields[] = {
		"id", "revision", "session_id", "boot_id", "client_id", NULL
	};
	const char *const *field;

	for (field = fields; *field; field++)
		json_object_del(event, *field);
	if (!texts)
		json_object_del(event, "text");
}

/* A session's row doesn't say how far it came, and why no further. */
static void add_outcome(json_t *session, const json_t *event)
{
	const char *step = json_string_value(json_object_get(event, "step"));

	if (strcmp(step, "ended"))
		json_object_set(session, "step", json_object_get(event, "step"));
	if (!strcmp(step, "failed"))
		json_object_set_new(session, "failure", first_line(json_object_get(event, "text")));
}

static void begin_timeline(json_t *object, enum catalog_kind kind, enum api_timeline detail)
{
	if (kind == CATALOG_SESSION) {
		json_object_set_new(object, "step", json_null());
		json_object_set_new(object, "failure", json_null());
	}
	if (detail != TIMELINE_LAST)
		json_object_set_new(object, "events", json_array());
}

static void add_event(json_t *object, json_t *event, enum catalog_kind kind,
		      enum api_timeline detail)
{
	if (kind == CATALOG_SESSION)
		add_outcome(object, event);
	if (detail == TIMELINE_LAST)
		return;
	strip(event, detail == TIMELINE_TEXTS);
	json_array_append(json_object_get(object, "events"), event);
}

/* Events of at most API_IDS_MOST sessions or boots from @from on. */
static int add_events(struct api_call *call, enum catalog_kind kind, json_t *array, size_t from,
		      enum api_timeline detail)
{
	const char *refers = kind == CATALOG_SESSION ? "session_id" : "boot_id";
	json_t *ids = json_array(), *index = json_object(), *events = NULL;
	json_t *filter, *event, *object;
	char key[24];
	size_t i;
	int ret;

	for (i = from; i < json_array_size(array) && i - from < API_IDS_MOST; i++) {
		object = json_array_get(array, i);
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(object, "id"));
		json_array_append(ids, json_object_get(object, "id"));
		json_object_set(index, key, object);
		begin_timeline(object, kind, detail);
	}
	filter = json_pack("{s:o}", refers, ids);
	ret = catalog_list(call->control->catalog, CATALOG_EVENT, filter, &events, &call->err);
	json_decref(filter);
	json_array_foreach(events, i, event) {
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(event, refers));
		object = json_object_get(index, key);
		if (object)
			add_event(object, event, kind, detail);
	}
	json_decref(events);
	json_decref(index);
	return ret;
}

int api_timeline(struct api_call *call, enum catalog_kind kind, json_t *array,
		 enum api_timeline detail)
{
	size_t from;
	int ret = 0;

	for (from = 0; !ret && from < json_array_size(array); from += API_IDS_MOST)
		ret = add_events(call, kind, array, from, detail);
	return ret;
}

static int last_ones(struct api_call *call, enum catalog_kind kind, int64_t client_id,
		     json_t **array)
{
	json_t *filter = json_pack("{s:I, s:s, s:i}", "client_id", (json_int_t)client_id, "$order",
				   "-id", "$limit", API_BOOTS);
	int ret = catalog_list(call->control->catalog, kind, filter, array, &call->err);

	json_decref(filter);
	return ret;
}

/* Of two lists, each with the newest first, what is newest in both. */
static json_t *merge(const json_t *sessions, const json_t *stopped)
{
	json_t *boots = json_array();
	size_t i = 0, j = 0;

	while (json_array_size(boots) < API_BOOTS) {
		json_t *session = json_array_get(sessions, i), *other = json_array_get(stopped, j);

		if (!session && !other)
			break;
		if (!other || (session && api_integer(session, "started") >=
					  api_integer(other, "started"))) {
			json_array_append(boots, session);
			i++;
		} else {
			json_array_append(boots, other);
			j++;
		}
	}
	return boots;
}

int api_boots(struct api_call *call, int64_t client_id, json_t **boots)
{
	json_t *sessions = NULL, *stopped = NULL, *boot;
	size_t i;
	int ret;

	ret = last_ones(call, CATALOG_SESSION, client_id, &sessions);
	if (!ret)
		ret = api_timeline(call, CATALOG_SESSION, sessions, TIMELINE_STEPS);
	if (!ret)
		ret = api_present(call, &api_sessions, sessions);
	if (!ret)
		ret = last_ones(call, CATALOG_BOOT, client_id, &stopped);
	if (!ret)
		ret = api_stopped_show(call, stopped, TIMELINE_STEPS);
	if (!ret) {
		*boots = merge(sessions, stopped);
		json_array_foreach(*boots, i, boot)
			json_object_del(boot, "client");
	}
	json_decref(sessions);
	json_decref(stopped);
	return ret;
}
