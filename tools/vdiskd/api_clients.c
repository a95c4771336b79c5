// SPDX-License-Identifier: GPL-2.0
/* What is done to a client beside changing its fields. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "http_internal.h"
#include "login.h"
#include "wake.h"

enum { BIND_SECONDS_MOST = 30 * 86400 };

static int find(struct api_call *call, json_t **client)
{
	int ret = api_find(call, &api_clients, call->request->segments[0], client);

	return ret ? ret : api_scope_check(call, api_integer(*client, "group_id"));
}

/*
 * A client that is disabled has no session any more.  Nobody logs in meanwhile: who
 * is about to looks again whether he may, when it is his turn.
 */
int api_client_change(struct api_call *call, int64_t id, json_t **stored)
{
	struct control *control = call->control;
	int ret;

	login_hold(control, id);
	ret = api_change(call, id, call->request->body, call->request->revision, stored);
	if (!ret && json_is_false(json_object_get(*stored, "enabled")))
		ret = session_fence_client(control, &call->who, id, "disabled", &call->err);
	login_release(control, id);
	return ret;
}

/* What lives of the client has ended, for the catalog, which else keeps the client for it. */
static int end_sessions(struct api_call *call, int64_t id)
{
	struct catalog *catalog = call->control->catalog;
	json_t *filter, *sessions = NULL, *session, *changes;
	size_t i;
	int ret;

	filter = json_pack("{s:I, s:{s:s}}", "client_id", (json_int_t)id, "state", "not", "ended");
	ret = catalog_list(catalog, CATALOG_SESSION, filter, &sessions, &call->err);
	json_decref(filter);
	changes = json_pack("{s:s, s:s}", "state", "ended", "ended_how", "fenced");
	json_array_foreach(sessions, i, session) {
		if (!ret)
			ret = catalog_change(catalog, NULL, CATALOG_SESSION,
					     api_integer(session, "id"), changes, -1, NULL,
					     &call->err);
	}
	json_decref(changes);
	json_decref(sessions);
	return ret;
}

static int remove_client(struct api_call *call, int64_t id)
{
	struct catalog *catalog = call->control->catalog;
	int ret = catalog_begin(catalog, &call->err);

	if (ret)
		return ret;
	ret = end_sessions(call, id);
	if (!ret)
		ret = catalog_remove(catalog, &call->who, CATALOG_CLIENT, id,
				     call->request->revision, &call->err);
	if (!ret)
		return catalog_commit(catalog, &call->err);
	catalog_rollback(catalog);
	return ret;
}

int api_client_remove(struct api_call *call, int64_t id)
{
	struct control *control = call->control;
	int ret;

	login_hold(control, id);
	ret = remove_client(call, id);
	if (!ret)
		ret = session_fence_client(control, &call->who, id, "removed", &call->err);
	login_release(control, id);
	return ret;
}

/* The next boot that fails gives a shell; {"once": false} takes that back. */
void api_client_debug_run(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	json_t *client = NULL, *changes, *stored = NULL;
	struct api_call call;
	int ret, once = 1;

	if (!api_begin(&call, control, request, answer, &api_clients))
		return;
	ret = find(&call, &client);
	if (!ret && request->body && json_unpack(request->body, "{s?:b !}", "once", &once))
		ret = vdisk_error_set(&call.err, EINVAL, "once: it is true or false");
	if (!ret) {
		changes = json_pack("{s:b}", "debug_once", once);
		ret = api_change(&call, api_integer(client, "id"), changes, request->revision,
				 &stored);
		json_decref(changes);
	}
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, stored);
	json_decref(client);
	json_decref(stored);
	api_end(&call, ret);
}

/* Until then the client's machine may make itself a key: {"for": seconds}, 0 ends it. */
static int open_bind(struct api_call *call, const json_t *client, json_t **stored)
{
	json_int_t seconds = -1;
	json_t *changes;
	int ret;

	if (!call->request->body || json_unpack(call->request->body, "{s:I !}", "for", &seconds) ||
	    seconds < 0 || seconds > BIND_SECONDS_MOST)
		return vdisk_error_set(&call->err, EINVAL, "for: give a number of seconds up to %d, or 0 to close it",
				       BIND_SECONDS_MOST);
	if (seconds && json_is_string(json_object_get(client, "public_key")))
		return vdisk_error_set(&call->err, EEXIST, "client '%s' is bound: its key has to be forgotten first",
				       json_string_value(json_object_get(client, "name")));
	changes = json_pack("{s:o}", "bind_until", seconds ?
			    json_integer(time(NULL) + seconds) : json_null());
	ret = catalog_change(call->control->catalog, &call->who, CATALOG_CLIENT,
			     api_integer(client, "id"), changes, call->request->revision, stored,
			     &call->err);
	json_decref(changes);
	return ret;
}

void api_client_bind_run(struct control *control, struct http_request *request,
			 struct http_answer *answer)
{
	json_t *client = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_clients))
		return;
	ret = find(&call, &client);
	if (!ret)
		ret = open_bind(&call, client, &stored);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, stored);
	json_decref(client);
	json_decref(stored);
	api_end(&call, ret);
}

static int wake_all(struct api_call *call, const json_t *macs, unsigned int *packets)
{
	json_t *mac;
	size_t i;
	int ret;

	json_array_foreach(macs, i, mac) {
		ret = wake_send(json_string_value(json_object_get(mac, "mac")));
		if (ret < 0)
			return vdisk_error_set(&call->err, -ret, "cannot send to any network: %s",
					       strerror(-ret));
		*packets += ret;
	}
	if (i)
		return 0;
	return vdisk_error_set(&call->err, EBUSY, "no MAC of this client is known");
}

void api_client_wake_run(struct control *control, struct http_request *request,
			 struct http_answer *answer)
{
	json_t *client = NULL, *macs = NULL, *filter;
	unsigned int packets = 0;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_clients))
		return;
	ret = find(&call, &client);
	if (!ret) {
		filter = json_pack("{s:O}", "client_id", json_object_get(client, "id"));
		ret = catalog_list(control->catalog, CATALOG_MAC, filter, &macs, &call.err);
		json_decref(filter);
	}
	if (!ret)
		ret = wake_all(&call, macs, &packets);
	if (!ret)
		ret = catalog_note(control->catalog, &call.who, "wake", CATALOG_CLIENT,
				   api_integer(client, "id"), NULL, &call.err);
	if (!ret) {
		answer->status = MHD_HTTP_ACCEPTED;
		answer->json = json_pack("{s:i}", "packets", (int)packets);
	}
	json_decref(client);
	json_decref(macs);
	api_end(&call, ret);
}
