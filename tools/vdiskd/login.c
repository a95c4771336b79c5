// SPDX-License-Identifier: GPL-2.0
/*
 * POST /v1/sessions: a machine wants to boot.
 *
 *   who is it      found | unknown: refused, pending, enrolled | in conflict: pending
 *   may it         enabled, proves itself or not, has something to boot, has chosen
 *   is it free     nobody has its session | somebody alive: refused | dead: replaced
 *   the session    in the catalog, in the gate, and only then in the answer
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bootlog.h"
#include "catalog.h"
#include "control.h"
#include "error.h"
#include "http.h"
#include "log.h"
#include "login_internal.h"
#include "session.h"
#include "session_routes.h"
#include "util.h"

enum { LOGIN_BODY_MOST = 16 << 10, RATE_UNIT = 1000, STRANGE_TEXT = 255 };

static const char busy_title[] = "Try again later";

/* One login at work. */
struct attempt {
	struct control *control;
	struct http_request *request;
	struct http_answer *answer;
	struct login_machine machine;
	json_t *client;
	json_t *choices, *withheld, *missing;
	const json_t *choice;
	struct login_proof proved;
	struct vdisk_error err;
};

int login_start(struct control *control, struct vdisk_error *err)
{
	struct logins *logins = calloc(1, sizeof(*logins));
	unsigned int i;

	if (!logins)
		return vdisk_error_set(err, ENOMEM, "no memory for logins");
	for (i = 0; i < LOGIN_LOCKS; i++)
		pthread_mutex_init(&logins->clients[i], NULL);
	pthread_mutex_init(&logins->unknown, NULL);
	pthread_mutex_init(&logins->lock, NULL);
	control->logins = logins;
	return 0;
}

void login_stop(struct control *control)
{
	if (!control->logins)
		return;
	login_see_stop(control->logins);
	free(control->logins);
	control->logins = NULL;
}

void login_hold(struct control *control, int64_t client_id)
{
	pthread_mutex_lock(&control->logins->clients[client_id % LOGIN_LOCKS]);
}

void login_release(struct control *control, int64_t client_id)
{
	pthread_mutex_unlock(&control->logins->clients[client_id % LOGIN_LOCKS]);
}

/* Ends a handler: true when @ret says that it failed, and that was answered. */
static bool failed(struct attempt *a, int ret)
{
	if (!ret)
		return false;
	http_catalog_problem(a->answer, ret, &a->err);
	return true;
}

static unsigned int bucket_of(const struct address *owner)
{
	uint32_t sum = 2166136261;
	unsigned int i;

	for (i = 0; i < sizeof(owner->bytes); i++)
		sum = (sum ^ owner->bytes[i]) * 16777619;
	return sum % LOGIN_RATES;
}

/* This very machine may ask as often as it likes: it could do worse. */
static bool is_local(const struct http_request *request)
{
	return !strcmp(request->from, "local") || !strcmp(request->from, "127.0.0.1") ||
	       !strcmp(request->from, "::1");
}

static bool within_rate(struct logins *logins, const struct http_request *request)
{
	struct address address = address_from_socket(&request->peer);
	struct address owner = address_owner(&address);
	struct login_rate *rate = &logins->rates[bucket_of(&owner)];
	int64_t now = login_now_ms();
	bool within;

	if (is_local(request))
		return true;
	pthread_mutex_lock(&logins->lock);
	/* Who shares a place with another begins anew: rather that than a list without end. */
	if (!address_equal(&rate->owner, &owner))
		*rate = (struct login_rate) { owner, now, LOGIN_BURST * RATE_UNIT };
	rate->left = MIN((int64_t)LOGIN_BURST * RATE_UNIT,
			 rate->left + (now - rate->filled) * LOGIN_REFILL);
	rate->filled = now;
	within = rate->left >= RATE_UNIT;
	if (within)
		rate->left -= RATE_UNIT;
	pthread_mutex_unlock(&logins->lock);
	return within;
}

static bool bad(struct attempt *a, const char *field, const char *expected)
{
	http_problem(a->answer, 400, "Bad login", "%s: %s", field, expected);
	return false;
}

static bool take_macs(struct attempt *a, const json_t *macs)
{
	json_t *mac;
	size_t i;

	if (macs && !json_is_array(macs))
		return bad(a, "macs", "an array");
	json_array_foreach(macs, i, mac)
		if (!json_is_string(mac) ||
		    !login_add_mac(&a->machine, json_string_value(mac)))
			return bad(a, "macs", "at most 16 addresses such as 52:54:00:12:34:56");
	return true;
}

static bool is_short_text(const json_t *value)
{
	return !value || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) <= STRANGE_TEXT);
}

static bool take_machine(struct attempt *a)
{
	static const char *const texts[] = {
		"hostname", "serial", "image", "firmware", "key_place",
	};
	const json_t *body = a->request->body, *uuid = json_object_get(body, "uuid");
	const json_t *proof = json_object_get(body, "proof");
	unsigned int i;

	if (!body)
		return bad(a, "body", "an object with uuid and macs");
	if (uuid && !json_is_null(uuid) && (!json_is_string(uuid) ||
	    (json_string_length(uuid) && !login_set_uuid(&a->machine, json_string_value(uuid)))))
		return bad(a, "uuid", "a UUID such as 4c4c4544-0043-4210-8052-b3c04f4a3332");
	if (!take_macs(a, json_object_get(body, "macs")))
		return false;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (!is_short_text(json_object_get(body, texts[i])))
			return bad(a, texts[i], "a text of at most 255 bytes");
	if (proof && !json_is_null(proof) && !json_is_object(proof))
		return bad(a, "proof", "an object with key, nonce and signature");
	if (!*a->machine.said && !a->machine.mac_count)
		return bad(a, "uuid", "a machine needs a UUID or a MAC");
	snprintf(a->machine.address, sizeof(a->machine.address), "%s", a->request->from);
	return true;
}

/* What came of a login that gave no session, for the machine's timeline. */
static void note_refused(struct attempt *a, const char *step, const char *detail)
{
	char words[LOGIN_WORDS + ADDRESS_TEXT + 16];
	const struct bootlog_sign sign = { step, -1, -1, words };

	snprintf(words, sizeof(words), BOOTLOG_LOGIN "%s: %s", a->machine.address, detail);
	bootlog_seen(a->control, &a->machine, a->client ? login_integer(a->client, "id") : 0, true,
		     &sign);
}

static void wait_pending(struct attempt *a, const char *reason, const char *detail)
{
	if (failed(a, login_pend(a->control, &a->machine, reason, detail, &a->err)))
		return;
	note_refused(a, "waiting", detail);
	a->answer->status = 202;
	a->answer->retry_after = LOGIN_RETRY_SECONDS;
	a->answer->json = json_pack("{s:s s:s s:s s:i}", "status", "pending", "reason", reason,
				    "message", detail, "retry_after", LOGIN_RETRY_SECONDS);
}

static const char *unknown_reason(const struct attempt *a)
{
	return *a->machine.said && !*a->machine.uuid ? "placeholder" : "unknown";
}

/* Neither found nor enrolled: what its network's group says. */
static void turn_away(struct attempt *a)
{
	const char *reason = unknown_reason(a);
	json_t *group;
	bool pending;

	if (failed(a, login_unknown_group(a->control, a->machine.address, &group, &a->err)))
		return;
	pending = group && !strcmp(login_text(group, "unknown"), "pending");
	json_decref(group);
	if (pending) {
		wait_pending(a, reason, *reason == 'p' ?
			     "this machine's UUID is one that many have, and no MAC of it is known: an administrator has to approve it" :
			     "this machine is not known here: an administrator has to approve it");
		return;
	}
	http_problem(a->answer, 403, "Not known",
		     "this machine is not known here, and no enrolment is open (UUID %s, MAC %s)",
		     *a->machine.said ? a->machine.said : "none",
		     a->machine.mac_count ? a->machine.macs[0] : "none");
	json_object_set_new(a->answer->json, "reason", json_string(reason));
	note_refused(a, "refused", "this machine is not known here, and no enrolment is open");
	log_limited(LOG_LEVEL_INFO, "login refused", "from", a->machine.address, "reason", reason);
}

/* The client that this machine is, or an answer. */
static bool find_client(struct attempt *a)
{
	char words[LOGIN_WORDS];
	enum login_match match;
	json_t *window;
	int ret;

	if (failed(a, login_find(a->control->catalog, &a->machine, &match, &a->client, words,
				 &a->err)))
		return false;
	if (match == LOGIN_CONFLICT) {
		wait_pending(a, "conflict", words);
		return false;
	}
	if (match == LOGIN_FOUND)
		return true;
	if (*a->machine.uuid || a->machine.mac_count) {
		if (failed(a, login_window(a->control, a->machine.address, &window, &a->err)))
			return false;
		ret = window ? login_enrol(a->control, window, &a->machine, &a->client, &a->err) :
		      -ENOENT;
		json_decref(window);
		if (!ret)
			return true;
		/* Enrolled by a login of its own that came at the same time. */
		if (ret == -EEXIST &&
		    !login_find(a->control->catalog, &a->machine, &match, &a->client, words,
				&a->err) && match == LOGIN_FOUND)
			return true;
		if (ret != -ENOENT && ret != -EEXIST) {
			failed(a, ret);
			return false;
		}
	}
	turn_away(a);
	return false;
}

static bool refuse(struct attempt *a, const char *reason, const char *detail)
{
	http_problem(a->answer, 403, "Not allowed", "%s", detail);
	json_object_set_new(a->answer->json, "reason", json_string(reason));
	json_object_set(a->answer->json, "client", json_object_get(a->client, "name"));
	note_refused(a, "refused", detail);
	log_limited(LOG_LEVEL_INFO, "login refused", "client", login_text(a->client, "name"),
		    "from", a->machine.address, "reason", detail);
	return false;
}

static bool check_client(struct attempt *a)
{
	const json_t *proof = json_object_get(a->request->body, "proof");
	char detail[LOGIN_WORDS];
	bool alone;

	if (failed(a, login_see(a->control, &a->machine, a->client, &alone, &a->err)))
		return false;
	if (!alone) {
		snprintf(detail, sizeof(detail), "its UUID is that of client '%s', and was seen on two machines: give the client its MAC",
			 login_text(a->client, "name"));
		wait_pending(a, "conflict", detail);
		return false;
	}
	if (!json_is_true(json_object_get(a->client, "enabled"))) {
		snprintf(detail, sizeof(detail), "client '%s' is disabled",
			 login_text(a->client, "name"));
		return refuse(a, "disabled", detail);
	}
	if (json_is_null(proof))
		proof = NULL;
	/* Where it would keep a key it has none yet: it is to make one and come back. */
	if (!proof && a->request->encrypted && login_may_bind(a->client) &&
	    json_is_string(json_object_get(a->request->body, "key_place"))) {
		a->answer->json = json_pack("{s:b s:O}", "bind", 1, "client",
					    json_object_get(a->client, "name"));
		return false;
	}
	if (login_prove(a->control, a->client, &a->machine, proof, &a->proved))
		return refuse(a, "proof", a->proved.words);
	if (a->proved.fresh && !a->request->encrypted)
		return refuse(a, "proof", "a client is bound over an encrypted channel only");
	return true;
}

static void offer(struct attempt *a)
{
	const json_t *chosen = login_choice(a->choices, NULL);
	json_t *list = json_array(), *choice, *timeout = NULL;
	size_t i;

	json_array_foreach(a->choices, i, choice) {
		json_array_append_new(list, json_pack("{s:O s:O}", "name",
						      json_object_get(choice, "name"), "label",
						      json_object_get(choice, "label")));
		if (!json_is_integer(timeout))
			timeout = json_object_get(choice, "timeout");
	}
	a->answer->json = json_pack("{s:o s:O s:I}", "choices", list, "default",
				    json_object_get(chosen, "name"), "timeout",
				    json_is_integer(timeout) ? json_integer_value(timeout) :
				    (json_int_t)LOGIN_MENU_SECONDS);
}

/* There is nothing that it could boot. */
static bool refuse_all(struct attempt *a)
{
	const char *name = login_text(a->client, "name");
	char detail[LOGIN_WORDS], words[LOGIN_WORDS];

	if (json_array_size(a->withheld))
		snprintf(detail, sizeof(detail),
			 "client '%s' has private images only, and did not prove its secret", name);
	else if (login_missing(a->missing, NULL, words))
		snprintf(detail, sizeof(detail), "client '%s' has no image that could boot: %.250s",
			 name, words);
	else
		snprintf(detail, sizeof(detail), "client '%s' has no image that could boot: assign one with 'vdiskadm assign'",
			 name);
	return refuse(a, "image", detail);
}

/* What it boots, or an answer. */
static bool choose(struct attempt *a)
{
	const char *image = login_text(a->request->body, "image");
	char detail[LOGIN_WORDS], words[LOGIN_WORDS];

	a->withheld = json_array();
	a->missing = json_array();
	if (failed(a, login_choices(a->control, login_integer(a->client, "id"), a->proved.bound,
				    &a->choices, a->withheld, a->missing, &a->err)))
		return false;
	if (!json_array_size(a->choices))
		return refuse_all(a);
	if (!image && json_array_size(a->choices) > 1) {
		offer(a);
		return false;
	}
	a->choice = login_choice(a->choices, image);
	if (a->choice)
		return true;
	if (login_missing(a->missing, image, words))
		snprintf(detail, sizeof(detail), "client '%s' may not boot image '%.100s' now: %.250s",
			 login_text(a->client, "name"), image, words);
	else
		snprintf(detail, sizeof(detail), "client '%s' may not boot image '%.100s'",
			 login_text(a->client, "name"), image);
	return refuse(a, "image", detail);
}

/* The key is the client's from here on; a login that is refused binds nobody. */
static bool bind_client(struct attempt *a)
{
	int ret;

	if (!a->proved.fresh)
		return true;
	ret = login_bind(a->control, a->client, &a->machine, &a->proved, &a->err);
	if (ret == -EEXIST || ret == -EPERM)
		return refuse(a, "proof", a->err.text);
	/* As login_bind() leaves it. */
	if (!ret)
		json_object_set_new(a->client, "debug_once", json_false());
	return !failed(a, ret);
}

/* Makes the session; nobody else logs in as this client meanwhile. */
static bool make_session(struct attempt *a, struct gate_view *view)
{
	*view = (struct gate_view) {
		.client_id = login_integer(a->client, "id"), .bound = a->proved.bound,
		.version = login_integer(a->choice, "version"),
	};
	snprintf(view->client, sizeof(view->client), "%s", login_text(a->client, "name"));
	snprintf(view->image, sizeof(view->image), "%s", login_text(a->choice, "image"));
	snprintf(view->address, sizeof(view->address), "%s", a->machine.address);
	return !failed(a, session_create(a->control, view, login_integer(a->choice, "image_id"),
					 &a->err));
}

/* Beside the words of the answer. */
static void tell_holder(struct attempt *a, const struct gate_view *holder, const char *who,
			const char *reason)
{
	char detail[LOGIN_WORDS];

	json_object_set_new(a->answer->json, "holder", json_string(holder->address));
	json_object_set_new(a->answer->json, "session", json_integer(holder->id));
	snprintf(detail, sizeof(detail), "client '%s' is in use at %s%s", holder->client,
		 holder->address, who);
	note_refused(a, "refused", detail);
	log_limited(LOG_LEVEL_WARNING, "login refused", "client", holder->client, "from",
		    a->machine.address, "reason", reason, "holder", holder->address);
}

static void tell_alive(struct attempt *a, const struct gate_view *holder)
{
	http_problem(a->answer, 409, "Already live",
		     "client '%s' is in use at %s, which answers: two machines with one identity, or one that was cloned",
		     holder->client, holder->address);
	tell_holder(a, holder, ", which answers", "it is live elsewhere");
}

static void tell_checking(struct attempt *a, const struct gate_view *holder,
			  unsigned int retry_after)
{
	http_problem(a->answer, 503, busy_title,
		     "client '%s' is in use at %s: it is being asked whether it is still there",
		     holder->client, holder->address);
	json_object_set_new(a->answer->json, "holder", json_string(holder->address));
	a->answer->retry_after = retry_after;
}

/* Whoever only says the client's UUID and MAC never gets the place of one who proved its key. */
static bool yields_to_proof(struct attempt *a, struct gate_view *holder)
{
	if (a->proved.bound || !login_has_key(a->client) ||
	    gate_of_client(a->control->gate, login_integer(a->client, "id"), holder) ||
	    !holder->bound)
		return false;
	http_problem(a->answer, 409, "Already live",
		     "client '%s' is in use at %s by a machine that proved the client's key: only who proves it, too, takes its place; 'vdiskadm session fence %s' ends it",
		     holder->client, holder->address, holder->client);
	tell_holder(a, holder, " by a machine that proved its key",
		    "its holder proved the client's key");
	return true;
}

/* Whether the client's session can be had; @old is then to be ended, if it has an id. */
static bool look_for_holder(struct attempt *a, struct gate_view *old)
{
	/* Who proved itself may take its own place without being asked twice. */
	bool at_once = a->proved.bound && !a->proved.fresh &&
		       json_is_true(json_object_get(a->request->body, "takeover"));
	unsigned int retry_after;

	memset(old, 0, sizeof(*old));
	if (yields_to_proof(a, old))
		return false;
	switch (login_holder(a->control, login_integer(a->client, "id"), a->machine.address, old,
			     &retry_after)) {
	case HOLDER_NONE:
		old->id = 0;
		return true;
	case HOLDER_DEAD:
		return true;
	case HOLDER_ALIVE:
		if (!at_once)
			tell_alive(a, old);
		return at_once;
	default:
		if (!at_once)
			tell_checking(a, old, retry_after);
		return at_once;
	}
}

static void replace(struct attempt *a, const struct gate_view *old)
{
	char why[GATE_WHY_SIZE];

	if (!old->id)
		return;
	snprintf(why, sizeof(why), "replaced by a login from %.45s; this is final",
		 a->machine.address);
	gate_end(a->control->gate, old->id, "replaced", why);
	login_holder_forget(a->control, old->id);
}

static void note_login(struct attempt *a, const struct gate_view *view)
{
	struct session_note note = {
		.session_id = view->id, .client_id = view->client_id, .step = "login",
		.bytes = -1, .seconds = -1,
	};

	bootlog_logged_in(a->control, &a->machine, view->client_id, view->id);
	session_note(a->control, &note);
	log_event(LOG_LEVEL_INFO, "client logged in", "client", view->client, "from", view->address,
		  "image", view->image, "trust", view->bound ? "bound" : "network");
}

/*
 * Whoever disabled or removed the client has ended its sessions by now, and would
 * not see the one that is about to be made: so look again, where they wait for us.
 */
static bool may_still(struct attempt *a)
{
	const json_t *key = json_object_get(a->client, "public_key");
	json_t *client = NULL;
	int ret;

	ret = catalog_get_id(a->control->catalog, CATALOG_CLIENT, login_integer(a->client, "id"),
			     &client, &a->err);
	if (!ret && json_is_true(json_object_get(client, "enabled")) &&
	    json_equal(key, json_object_get(client, "public_key"))) {
		json_decref(client);
		return true;
	}
	json_decref(client);
	if (catalog_is_down(ret))
		return !failed(a, ret);
	http_problem(a->answer, 503, busy_title, "client '%s' was changed while it logged in",
		     login_text(a->client, "name"));
	a->answer->retry_after = 1;
	return false;
}

static bool log_in(struct attempt *a, struct gate_view *view)
{
	int64_t id = login_integer(a->client, "id");
	struct gate_view old;
	bool done;

	login_hold(a->control, id);
	done = may_still(a) && look_for_holder(a, &old) && bind_client(a) &&
	       make_session(a, view);
	if (done)
		replace(a, &old);
	login_release(a->control, id);
	if (done)
		note_login(a, view);
	return done;
}

static void answer(struct attempt *a, const struct gate_view *view)
{
	bool network = false, secrets;
	json_t *withheld;

	if (failed(a, login_secrets(a->control, a->client, &network, &a->err)))
		return;
	secrets = (a->proved.bound || network) && a->request->encrypted;
	if (!a->request->encrypted)
		snprintf(a->proved.words, sizeof(a->proved.words),
			 "the channel is not encrypted: secrets would be read by others");
	if (!secrets)
		json_array_append_new(a->withheld, json_pack("{s:s s:s}", "what", "ssh certificate",
							     "why", a->proved.words));
	if (!a->request->encrypted) {
		json_array_append_new(a->withheld, json_pack("{s:s s:s}", "what", "stream key",
							     "why", a->proved.words));
		json_array_append_new(a->withheld, json_pack("{s:s s:s}", "what", "bearer",
							     "why", a->proved.words));
	}
	withheld = a->withheld;
	a->withheld = NULL;
	if (failed(a, login_answer(a->control, a->request, a->client, view, a->choice, secrets,
				   a->proved.words, withheld, &a->answer->json, &a->err))) {
		/* It got no token: nobody has this session. */
		gate_end(a->control->gate, view->id, "logout", "its login could not be answered");
		return;
	}
	a->answer->status = 201;
}

static void run_login(struct control *control, struct http_request *request,
		      struct http_answer *http_answer)
{
	struct attempt a = { .control = control, .request = request, .answer = http_answer };
	struct gate_view view;

	if (!control->has_farm_key) {
		http_problem(http_answer, 503, busy_title, "this server has no farm.key: nobody can log in; 'vdiskadm init' makes it");
		http_answer->retry_after = HTTP_RETRY_SECONDS;
	} else if (!within_rate(control->logins, request)) {
		http_problem(http_answer, 503, busy_title, "too many logins from %s", request->from);
		http_answer->retry_after = 2;
	} else if (take_machine(&a) && find_client(&a) && check_client(&a) && choose(&a) &&
		   log_in(&a, &view)) {
		answer(&a, &view);
	}
	json_decref(a.client);
	json_decref(a.choices);
	json_decref(a.withheld);
	json_decref(a.missing);
}

/* A machine that never got a session says why it doesn't boot. */
static void run_report(struct control *control, struct http_request *request,
		       struct http_answer *http_answer)
{
	struct attempt a = { .control = control, .request = request, .answer = http_answer };
	const json_t *text = json_object_get(request->body, "text");

	if (!within_rate(control->logins, request)) {
		http_problem(http_answer, 503, busy_title, "too many reports from %s", request->from);
		http_answer->retry_after = 2;
		return;
	}
	if (!take_machine(&a))
		return;
	if (!json_is_string(text) || json_string_length(text) > SESSION_TEXT_MOST) {
		bad(&a, "text", "at most 64 KiB of text");
		return;
	}
	if (bootlog_failed(control, &a.machine, json_string_value(text))) {
		http_problem(http_answer, 404, "Not found",
			     "this server saw no boot of this machine begin at this address");
		return;
	}
	log_limited(LOG_LEVEL_WARNING, "boot failed", "from", a.machine.address, "reason",
		    "it has no session");
}

static void run_challenge(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	char nonce[TOKEN_NONCE_SIZE];

	(void)request;
	if (!control->has_farm_key || token_nonce(&control->farm_key, time(NULL), nonce)) {
		http_problem(answer, 503, busy_title, "this server can make no challenges");
		answer->retry_after = HTTP_RETRY_SECONDS;
		return;
	}
	answer->json = json_pack("{s:s s:s}", "nonce", nonce, "farm", control->pin);
}

const struct http_route login_routes[] = {
	{ "POST", "/v1/challenges", ROLE_ANYONE, run_challenge, ROUTE_QUIET, LOGIN_BODY_MOST },
	{ "POST", "/v1/sessions", ROLE_ANYONE, run_login, 0, LOGIN_BODY_MOST },
	{ "POST", "/v1/boots", ROLE_ANYONE, run_report, 0, SESSION_BODY_MOST },
	{ "POST", "/v1/sessions/{id}/events", ROLE_ANYONE, session_run_events, ROUTE_QUIET,
	  SESSION_BODY_MOST },
	{ "POST", "/v1/sessions/{id}/renew", ROLE_ANYONE, session_run_renew, ROUTE_QUIET, 1024 },
	{ "POST", "/v1/sessions/{id}/statistics", ROLE_ANYONE, session_run_statistics, ROUTE_QUIET,
	  LOGIN_BODY_MOST },
	{ "POST", "/v1/sessions/{id}/ssh-certificate", ROLE_ANYONE, session_run_ssh, 0,
	  LOGIN_BODY_MOST },
	{ "DELETE", "/v1/sessions/{id}", ROLE_ANYONE, session_run_logout, 0, 0 },
	{ .method = NULL },
};
