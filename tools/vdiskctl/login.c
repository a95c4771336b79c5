// SPDX-License-Identifier: GPL-2.0
/* Logging in: who this machine is, the proof if it has a secret, the choice if there is one. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "identity.h"
#include "localdisk.h"
#include "menu.h"
#include "secret.h"
#include "session.h"
#include "vdiskctl.h"
#include "wait.h"

enum { PAUSE_MAX = 60, PAUSE_FIRST = 1, PAUSE_LONGEST = 15 };

/* One login, over all its tries. */
struct attempt {
	struct farm *farm;
	const struct farm_target *target;
	const struct login_options *options;
	struct identity identity;
	bool bound;			/* secret is valid */
	struct secret secret;
	const char *room;		/* where it could make one; NULL: nowhere */
	char image[256];		/* what was chosen; "" nothing yet */
	int64_t deadline;		/* now_ms(); 0: none */
};

/* "proof" of the body.  Only for a server that proved whose it is. */
static int add_proof(struct attempt *attempt, json_t *body, struct vdisk_error *err)
{
	char signature[PROOF_SIGNATURE_TEXT];
	struct farm_request request = { .method = "POST", .path = "/v1/challenges", .repeat = true };
	struct farm_answer answer;
	const char *nonce;
	int ret;

	ret = farm_request(attempt->farm, &request, &answer, err);
	if (ret < 0)
		return ret;
	ret = farm_complaint(&answer, err);
	if (!ret && !farm_pin(attempt->farm)[0]) {
		warn("login: the server does not prove which farm it is of: no proof is given to it");
		goto out;
	}
	nonce = session_text(answer.json, "nonce");
	if (!ret)
		ret = secret_sign(&attempt->options->means, &attempt->secret,
				  farm_pin(attempt->farm), nonce, attempt->identity.uuid, signature,
				  err);
	if (!ret)
		json_object_set_new(body, "proof", json_pack("{s:s, s:s, s:s}", "key",
							     attempt->secret.public, "nonce", nonce,
							     "signature", signature));
out:
	farm_answer_free(&answer);
	return ret;
}

static json_t *make_body(const struct attempt *attempt)
{
	const struct identity *identity = &attempt->identity;
	json_t *body = json_object(), *macs = json_array();
	unsigned int i;

	json_object_set_new(body, "uuid", json_string(identity->uuid));
	for (i = 0; i < identity->nr_macs; i++)
		json_array_append_new(macs, json_string(identity->mac[i]));
	json_object_set_new(body, "macs", macs);
	if (identity->serial[0])
		json_object_set_new(body, "serial", json_string(identity->serial));
	json_object_set_new(body, "firmware", json_string(identity->firmware));
	if (attempt->image[0])
		json_object_set_new(body, "image", json_string(attempt->image));
	/* The farm may ask for a key to be made there. */
	if (!attempt->bound && attempt->room)
		json_object_set_new(body, "key_place", json_string(attempt->room));
	if (attempt->options->takeover)
		json_object_set_new(body, "takeover", json_true());
	return body;
}

static int ask(struct attempt *attempt, struct farm_answer *answer, struct vdisk_error *err)
{
	struct farm_request request = { .method = "POST", .path = "/v1/sessions", .repeat = true };
	json_t *body = make_body(attempt);
	int ret = 0;

	memset(answer, 0, sizeof(*answer));
	if (attempt->bound)
		ret = add_proof(attempt, body, err);
	request.body = body;
	if (!ret)
		ret = farm_request(attempt->farm, &request, answer, err);
	json_decref(body);
	return ret;
}

/* With somebody at the console; the local disk is among what he is asked for if it can be started. */
static int choose_at_console(const struct attempt *attempt, const json_t *answer, const char **name,
			     struct vdisk_error *err)
{
	const char *root = attempt->options->means.root ? attempt->options->means.root : "";
	bool local_disk = false;
	struct vdisk_error why;
	uint16_t entry = 0;
	int ret;

	if (attempt->options->local_disk) {
		local_disk = !localdisk_find(root, &entry, &why);
		if (!local_disk)
			warn("login: the menu is without the local disk: %s", why.text);
	}
	*name = menu_choose(answer, local_disk, "");
	if (*name != menu_local_disk)
		return 0;
	ret = localdisk_next(root, entry, err);
	if (!ret)
		ret = vdisk_error_set(err, ECANCELED, "the local disk was chosen: it is started by a restart");
	return ret;
}

/* Several images are assigned.  Returns 0 with the choice made, or -errno. */
static int choose(struct attempt *attempt, const json_t *answer, struct vdisk_error *err)
{
	const char *name = session_text(answer, "default");
	int ret;

	ret = check_choices(answer, err);
	if (ret < 0)
		return ret;
	if (attempt->image[0])
		return vdisk_error_set(err, EPROTO, "the server has no image '%s' for this machine",
				       attempt->image);
	if (attempt->options->menu) {
		ret = choose_at_console(attempt, answer, &name, err);
		if (ret < 0)
			return ret;
	}
	if (!name || !is_word(name, 1, 200, "._-@"))
		return vdisk_error_set(err, EINVAL,
				       "several images are assigned to this machine, and none is the default: name one by vdisk://HOST/IMAGE");
	snprintf(attempt->image, sizeof(attempt->image), "%s", name);
	return 0;
}

/* The farm would bind this machine: it makes itself a key, and says so the next time. */
static int make_secret(struct attempt *attempt)
{
	struct vdisk_error why;

	if (!attempt->room)
		return -EPROTO;
	attempt->room = NULL;
	if (!farm_pin(attempt->farm)[0]) {
		warn("login: the server does not prove which farm it is of: no key is made for it");
		return 0;
	}
	if (secret_make(&attempt->options->means, &attempt->secret, &why) < 0) {
		secret_forget(&attempt->secret);
		warn("login: this machine cannot be bound: %s", why.text);
		return 0;
	}
	attempt->bound = true;
	warn("login: this machine made itself a key in %s; the farm binds it to that", attempt->secret.where);
	return 0;
}

/* A machine may have secrets of several farms: this farm knows another than the one shown. */
static bool next_secret(struct attempt *attempt, const struct farm_answer *answer)
{
	const struct farm_means *means = &attempt->options->means;
	struct secret next;
	struct vdisk_error why;

	if (!attempt->bound || answer->status != 403 || means->key ||
	    strcmp(session_text(answer->json, "reason"), "proof") ||
	    secret_find(means, attempt->secret.place + 1, &next, &why) < 0)
		return false;
	warn("login: the key in %s is not the one that the farm knows: trying that in %s",
	     attempt->secret.where, next.where);
	attempt->secret = next;
	secret_forget(&next);
	return true;
}

static unsigned int pause_of(const struct farm_answer *answer, unsigned int fallback)
{
	json_int_t seconds = json_integer_value(json_object_get(answer->json, "retry_after"));

	if (seconds <= 0)
		seconds = answer->retry_after;
	if (seconds <= 0)
		seconds = fallback;
	return seconds < PAUSE_MAX ? seconds : PAUSE_MAX;
}

/* Shown once, not at each turn. */
static void tell(const char *words, char *told, size_t size)
{
	if (!strncmp(words, told, size - 1))
		return;
	snprintf(told, size, "%.*s", (int)size - 1, words);
	warn("login: %s", words);
}

/* 0 after a pause; -EAGAIN when the patience is over. */
static int wait_a_while(const struct attempt *attempt, unsigned int seconds)
{
	int64_t now = now_ms(), end = now + seconds * 1000LL;

	if (attempt->deadline && now >= attempt->deadline)
		return -EAGAIN;
	if (attempt->deadline && end > attempt->deadline)
		end = attempt->deadline;
	while (now_ms() < end)
		poll(NULL, 0, end - now_ms());
	return 0;
}

/* What a server that wants us to wait, or does not answer, is worth telling. */
static int reason_to_wait(const struct attempt *attempt, const struct farm_answer *answer, int ret,
			  struct vdisk_error *err)
{
	const char *words;

	if (ret < 0)
		return ret;
	if (answer->status != 202)
		return farm_complaint(answer, err);
	words = session_text(answer->json, "message");
	if (!words[0])
		words = session_text(answer->json, "reason");
	return vdisk_error_set(err, EAGAIN, "%s: this machine (%s) waits to be let in%s%s",
			       answer->server, attempt->identity.uuid[0] ? attempt->identity.uuid :
			       attempt->identity.mac[0], words[0] ? ": " : "", words);
}

static bool may_pass(const struct farm_answer *answer, int ret)
{
	if (ret < 0)
		return ret == -EHOSTUNREACH || ret == -ECONNRESET;
	return answer->status == 202 || answer->status == 503;
}

static int accept_answer(struct attempt *attempt, struct farm_answer *answer,
			 struct session *session, struct vdisk_error *err)
{
	json_t *servers = json_array(), *farm;
	struct vdisk_error why;
	unsigned int i;

	if (check_session(answer->json, &why) < 0) {
		json_decref(servers);
		return vdisk_error_set(err, EPROTO, "%s: %s", answer->server, why.text);
	}
	json_array_append_new(servers, json_string(answer->server));
	for (i = 0; i < attempt->target->nr_servers; i++)
		if (strcmp(attempt->target->server[i], answer->server))
			json_array_append_new(servers, json_string(attempt->target->server[i]));
	farm = json_pack("{s:o}", "servers", servers);
	/* With trust=network its pin stays out: the next server may have another. */
	if (!attempt->options->means.trust_network)
		json_object_set_new(farm, "pin", json_string(farm_pin(attempt->farm)));
	session->json = json_incref(answer->json);
	json_object_set_new(session->json, "farm", farm);
	return farm_set_token(attempt->farm, session_text(session->json, "bearer"), err);
}

static void tell_withheld(const json_t *session)
{
	const json_t *one;
	size_t i;

	if (session_text(session, "message")[0]) {
		struct vdisk_error line;

		vdisk_error_set(&line, 0, "%s", session_text(session, "message"));
		warn("login: %s", line.text);
	}
	json_array_foreach(json_object_get(session, "withheld"), i, one) {
		struct vdisk_error line;

		vdisk_error_set(&line, 0, "%s: %s", session_text(one, "what"),
				session_text(one, "why"));
		warn("withheld: %s", line.text);
	}
}

static int log_in(struct attempt *attempt, struct session *session, struct vdisk_error *err)
{
	unsigned int next = PAUSE_FIRST, pause;
	struct farm_answer answer;
	char told[256] = "";
	int ret;

	for (;;) {
		ret = ask(attempt, &answer, err);
		if (!ret && answer.status == 201) {
			ret = accept_answer(attempt, &answer, session, err);
			break;
		}
		if (!ret && answer.status == 200 &&
		    json_is_true(json_object_get(answer.json, "bind"))) {
			ret = make_secret(attempt);
			if (ret < 0) {
				vdisk_error_set(err, EPROTO, "%s: it wants a key where this machine has no place for one",
						answer.server);
				break;
			}
			farm_answer_free(&answer);
			continue;
		}
		if (!ret && next_secret(attempt, &answer)) {
			farm_answer_free(&answer);
			continue;
		}
		if (!ret && answer.status == 200) {
			ret = choose(attempt, answer.json, err);
			if (ret < 0)
				break;
			farm_answer_free(&answer);
			continue;
		}
		pause = pause_of(&answer, next);
		if (!may_pass(&answer, ret)) {
			if (!ret)
				ret = farm_complaint(&answer, err);
			if (!ret)
				ret = vdisk_error_set(err, EPROTO, "%s: HTTP status %u is no answer to a login",
						      answer.server, answer.status);
			break;
		}
		reason_to_wait(attempt, &answer, ret, err);
		farm_answer_free(&answer);
		tell(err->text, told, sizeof(told));
		if (wait_a_while(attempt, pause) < 0)
			return -EAGAIN;
		next = next * 2 < PAUSE_LONGEST ? next * 2 : PAUSE_LONGEST;
	}
	farm_answer_free(&answer);
	return ret;
}

static int read_secret(struct attempt *attempt, struct vdisk_error *err)
{
	int ret;

	ret = secret_find(&attempt->options->means, 0, &attempt->secret, err);
	attempt->bound = !ret;
	if (ret != -ENOENT)
		return ret;
	/* A machine without a secret is known by its UUID and MACs. */
	attempt->room = secret_room(&attempt->options->means);
	return 0;
}

int session_login(struct farm_target *target, const struct login_options *options,
		  struct session *session, struct vdisk_error *err)
{
	struct attempt attempt = { .target = target, .options = options };
	unsigned int patience = options->patience ? options->patience : 86400;
	int ret;

	memset(session, 0, sizeof(*session));
	if (options->patience)
		attempt.deadline = now_ms() + options->patience * 1000LL;
	ret = identity_read(options->means.root ? options->means.root : "", &attempt.identity, err);
	if (!ret)
		ret = read_secret(&attempt, err);
	if (!ret)
		ret = target_open(target, &options->means, NULL, patience, &attempt.farm, err);
	/* What was found may name an image as well. */
	snprintf(attempt.image, sizeof(attempt.image), "%s",
		 options->image ? options->image : target->image);
	if (!ret)
		ret = log_in(&attempt, session, err);
	secret_forget(&attempt.secret);
	if (ret < 0) {
		farm_close(attempt.farm);
		json_decref(session->json);
		session->json = NULL;
		return ret;
	}
	session->farm = attempt.farm;
	tell_withheld(session->json);
	return 0;
}
