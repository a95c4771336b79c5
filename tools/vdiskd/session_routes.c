// SPDX-License-Identifier: GPL-2.0
#include "session_routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "catalog.h"
#include "control.h"
#include "error.h"
#include "http.h"
#include "log.h"
#include "login.h"
#include "session.h"

static void not_this(struct http_answer *answer)
{
	http_problem(answer, 404, "Not found", "there is no such session");
}

static void gone(struct http_answer *answer, const struct gate_view *view)
{
	http_problem(answer, 410, "Session ended", "session ended: %s", view->why);
}

/* The session that the request is about, by the bearer that it alone has. */
static bool own(struct control *control, struct http_request *request, struct http_answer *answer,
		struct gate_view *view)
{
	const char *text = http_bearer(request);
	int64_t id = api_id(request->segments[0]);
	struct token_bearer bearer;

	/* A bearer is not given out there, so none that is shown there can be right. */
	if (!request->encrypted) {
		http_problem(answer, 403, "Not encrypted", "what a session does by itself goes over TLS or the local socket only");
		return false;
	}
	/*
	 * What is no bearer may be an administrator's token, or the one that opens the
	 * image, which anybody on its way can have read: neither is anything here.
	 */
	if (!text || !control->has_farm_key ||
	    token_bearer_verify(&control->farm_key, text, strlen(text), &bearer) ||
	    (int64_t)bearer.session != id) {
		http_refused(request, answer);
		return false;
	}
	if (gate_look(control->gate, id, view) || view->epoch != bearer.epoch ||
	    view->started != bearer.started || strcmp(view->client, bearer.client)) {
		not_this(answer);
		return false;
	}
	if (view->state == GATE_ENDED) {
		gone(answer, view);
		return false;
	}
	return true;
}

static bool bad(struct http_answer *answer, const char *field, const char *expected)
{
	http_problem(answer, 400, "Bad request", "%s: %s", field, expected);
	return false;
}

static bool is_step(const char *step)
{
	static const char *const steps[] = {
		"login", "first-read", "switch-root", "agent", "failed", NULL
	};
	unsigned int i;

	for (i = 0; step && steps[i]; i++)
		if (!strcmp(steps[i], step))
			return true;
	return false;
}

void session_run_events(struct control *control, struct http_request *request,
			struct http_answer *answer)
{
	const json_t *bytes = json_object_get(request->body, "bytes");
	const json_t *seconds = json_object_get(request->body, "seconds");
	const json_t *text = json_object_get(request->body, "text");
	struct session_note note = { .bytes = -1, .seconds = -1 };
	struct gate_view view;

	if (!own(control, request, answer, &view))
		return;
	note.step = json_string_value(json_object_get(request->body, "step"));
	if (!is_step(note.step)) {
		bad(answer, "step", "login, first-read, switch-root, agent or failed");
		return;
	}
	if ((bytes && (!json_is_integer(bytes) || json_integer_value(bytes) < 0)) ||
	    (seconds && (!json_is_number(seconds) || !(json_number_value(seconds) >= 0) ||
			 json_number_value(seconds) > 1e9))) {
		bad(answer, "bytes, seconds", "numbers from 0");
		return;
	}
	if (text && (!json_is_string(text) || json_string_length(text) > SESSION_TEXT_MOST)) {
		bad(answer, "text", "at most 64 KiB");
		return;
	}
	if (!strcmp(note.step, "first-read") && !session_first_time(control, view.id, SESSION_FIRST_READ))
		return;
	if (!session_may_note(control, view.id)) {
		http_problem(answer, 429, "Too many events", "a session has at most %d",
			     SESSION_EVENTS_MOST);
		return;
	}
	if (bytes)
		note.bytes = json_integer_value(bytes);
	if (seconds)
		note.seconds = json_number_value(seconds);
	note.text = json_string_value(text);
	note.session_id = view.id;
	note.client_id = view.client_id;
	session_note(control, &note);
	if (!strcmp(note.step, "failed"))
		log_event(LOG_LEVEL_WARNING, "boot failed", "client", view.client, "from",
			  request->from);
}

void session_run_renew(struct control *control, struct http_request *request,
		       struct http_answer *answer)
{
	struct vdisk_error err = { .code = 0 };
	char export[GATE_TOLD_SIZE], bearer[TOKEN_TEXT_SIZE];
	struct gate_view view;

	if (!own(control, request, answer, &view))
		return;
	view.expires = time(NULL) + session_seconds(control);
	if (gate_renew(control->gate, view.id, view.expires)) {
		if (!gate_look(control->gate, view.id, &view))
			gone(answer, &view);
		return;
	}
	if (session_export(control, &view, export, &err) ||
	    session_bearer(control, &view, bearer, &err)) {
		http_problem(answer, 500, "No token", "%s", err.text);
		return;
	}
	answer->json = json_pack("{s:s s:s s:I}", "export", export, "bearer", bearer, "expires",
				 (json_int_t)view.expires);
	explicit_bzero(export, sizeof(export));
	explicit_bzero(bearer, sizeof(bearer));
}

static bool take_count(const json_t *body, const char *name, uint64_t *count,
		       struct http_answer *answer)
{
	const json_t *value = json_object_get(body, name);

	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return bad(answer, name, "a number from 0");
	*count = json_integer_value(value);
	return true;
}

void session_run_statistics(struct control *control, struct http_request *request,
			    struct http_answer *answer)
{
	struct gate_view view;

	if (!own(control, request, answer, &view) ||
	    !take_count(request->body, "retries", &view.retries, answer) ||
	    !take_count(request->body, "overlay_high", &view.overlay_high, answer))
		return;
	gate_report(control->gate, view.id, view.retries, view.overlay_high);
	answer->json = json_pack("{s:o}", "orders", session_orders(control, view.id));
}

/* A certificate says who somebody is: not to one who only said so. */
static bool may_have_certificate(struct control *control, struct http_request *request,
				 struct http_answer *answer, const struct gate_view *view)
{
	struct vdisk_error err = { .code = 0 };
	bool network = false;
	json_t *client;
	int ret;

	ret = catalog_get_id(control->catalog, CATALOG_CLIENT, view->client_id, &client, &err);
	if (!ret) {
		ret = login_secrets(control, client, &network, &err);
		json_decref(client);
	}
	if (ret) {
		http_catalog_problem(answer, ret, &err);
		return false;
	}
	if ((view->bound || network) && request->encrypted)
		return true;
	http_problem(answer, 403, "Withheld", request->encrypted ?
		     "client '%s' is known by UUID and MAC only, and its group keeps to that" :
		     "client '%s' asks over a channel that is not encrypted", view->client);
	return false;
}

void session_run_ssh(struct control *control, struct http_request *request,
		     struct http_answer *answer)
{
	const char *key = json_string_value(json_object_get(request->body, "public_key"));
	struct vdisk_error err = { .code = 0 };
	char *certificate, serial[24];
	struct gate_view view;
	int ret;

	if (!own(control, request, answer, &view))
		return;
	if (!key) {
		bad(answer, "public_key", "the line of an ssh host key's .pub file");
		return;
	}
	if (!may_have_certificate(control, request, answer, &view))
		return;
	ret = session_ssh_sign(control, &view, key, &certificate, &err);
	if (ret) {
		http_problem(answer, ret == -EINVAL ? 400 : ret == -ENOENT ? 404 : 500,
			     "No certificate", "%s", err.text);
		return;
	}
	answer->json = json_pack("{s:s s:I}", "certificate", certificate, "seconds",
				 (json_int_t)session_ssh_seconds(control));
	free(certificate);
	snprintf(serial, sizeof(serial), "%llu", (unsigned long long)view.id);
	log_event(LOG_LEVEL_INFO, "ssh host key signed", "client", view.client, "serial", serial);
}

void session_run_logout(struct control *control, struct http_request *request,
			struct http_answer *answer)
{
	struct gate_view view;

	if (own(control, request, answer, &view))
		gate_end(control->gate, view.id, "logout", "logged out");
}
