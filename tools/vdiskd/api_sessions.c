// SPDX-License-Identifier: GPL-2.0
/* Sessions, as administrators see them and end them. */
#include <errno.h>
#include <string.h>

#include "api.h"
#include "http_internal.h"

/* The session of the path, if its client is in the caller's groups. */
static int find(struct api_call *call, json_t **session)
{
	json_t *client;
	int ret = api_find(call, &api_sessions, call->request->segments[0], session);

	if (ret || !call->scope)
		return ret;
	ret = catalog_get_id(call->control->catalog, CATALOG_CLIENT,
			     api_integer(*session, "client_id"), &client, &call->err);
	if (!ret) {
		ret = api_scope_check(call, api_integer(client, "group_id"));
		json_decref(client);
	}
	if (ret) {
		json_decref(*session);
		*session = NULL;
	}
	return ret;
}

static int show(struct api_call *call, json_t *session)
{
	json_t *array = json_pack("[O]", session);
	int ret = api_timeline(call, CATALOG_SESSION, array, TIMELINE_TEXTS);

	if (!ret)
		ret = api_present(call, &api_sessions, array);
	json_decref(array);
	if (!ret)
		api_give(call, MHD_HTTP_OK, json_incref(session));
	return ret;
}

void api_session_get_run(struct control *control, struct http_request *request,
			 struct http_answer *answer)
{
	json_t *session = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_sessions))
		return;
	ret = find(&call, &session);
	if (!ret)
		ret = show(&call, session);
	json_decref(session);
	api_end(&call, ret);
}

void api_session_fence_run(struct control *control, struct http_request *request,
			   struct http_answer *answer)
{
	json_t *session = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_sessions))
		return;
	ret = find(&call, &session);
	if (!ret)
		ret = session_fence(control, &call.who, api_integer(session, "id"), &call.err);
	if (ret == -EALREADY)
		ret = vdisk_error_set(&call.err, EBUSY, "the session has ended already");
	json_decref(session);
	api_end(&call, ret);
}

/* {"order": "reboot" | "shutdown" | "message", "text"} */
static int parse_order(struct api_call *call, const char **order, const char **text)
{
	json_t *body = call->request->body;
	bool message;

	*text = NULL;
	if (!body || json_unpack(body, "{s:s, s?:s !}", "order", order, "text", text))
		return vdisk_error_set(&call->err, EINVAL, "give \"order\" and perhaps \"text\", texts");
	message = !strcmp(*order, "message");
	if (!message && strcmp(*order, "reboot") && strcmp(*order, "shutdown"))
		return vdisk_error_set(&call->err, EINVAL, "order: it is reboot, shutdown or message");
	if (message && (!*text || !**text))
		return vdisk_error_set(&call->err, EINVAL, "text: a message has one");
	if (*text && strlen(*text) > 4096)
		return vdisk_error_set(&call->err, EINVAL, "text: it has at most 4096 bytes");
	return 0;
}

void api_session_order_run(struct control *control, struct http_request *request,
			   struct http_answer *answer)
{
	const char *order, *text;
	json_t *session = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_sessions))
		return;
	ret = parse_order(&call, &order, &text);
	if (!ret)
		ret = find(&call, &session);
	if (!ret)
		ret = session_order(control, &call.who, api_integer(session, "id"), order, text,
				    &call.err);
	if (ret == -EALREADY)
		ret = vdisk_error_set(&call.err, EBUSY, "the session has ended");
	if (!ret)
		answer->status = MHD_HTTP_ACCEPTED;
	json_decref(session);
	api_end(&call, ret);
}
