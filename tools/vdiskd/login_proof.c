// SPDX-License-Identifier: GPL-2.0
/* Whether a machine proves the secret that is its client's own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "catalog.h"
#include "control.h"
#include "error.h"
#include "log.h"
#include "login_internal.h"
#include "proof.h"
#include "token.h"

static uint64_t hash(const char *text)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 0x100000001b3;
	return sum ? sum : 1;
}

bool login_use_nonce(struct logins *logins, const char *nonce)
{
	uint64_t used = hash(nonce);
	bool fresh = true;
	int64_t now = time(NULL);
	unsigned int i;

	pthread_mutex_lock(&logins->lock);
	for (i = 0; i < LOGIN_NONCES; i++)
		if (logins->nonces[i] == used && now - logins->nonce_times[i] <= LOGIN_NONCE_SECONDS)
			fresh = false;
	/* More of them in a minute than there is room for: better none than one twice. */
	if (fresh && logins->nonces[logins->next_nonce] &&
	    now - logins->nonce_times[logins->next_nonce] <= LOGIN_NONCE_SECONDS)
		fresh = false;
	if (fresh) {
		logins->nonces[logins->next_nonce] = used;
		logins->nonce_times[logins->next_nonce] = now;
		logins->next_nonce = (logins->next_nonce + 1) % LOGIN_NONCES;
	}
	pthread_mutex_unlock(&logins->lock);
	return fresh;
}

bool login_may_bind(const json_t *client)
{
	const json_t *until = json_object_get(client, "bind_until");

	return !login_text(client, "public_key") && json_is_integer(until) &&
	       json_integer_value(until) > time(NULL);
}

static int wrong(struct login_proof *proved, const char *why)
{
	snprintf(proved->words, sizeof(proved->words), "%s", why);
	return -EACCES;
}

bool login_has_key(const json_t *client)
{
	const char *key = login_text(client, "public_key");

	return key && *key;
}

/* Whether @proof is one of @key, for this farm, machine and moment. */
static int check(struct control *control, const struct login_machine *machine, const json_t *proof,
		 const char *key, struct login_proof *proved)
{
	const char *nonce = login_text(proof, "nonce"), *signature = login_text(proof, "signature");
	struct vdisk_error err;

	if (!nonce || !signature || strlen(nonce) > PROOF_NONCE_MAX)
		return wrong(proved, "the proof has no nonce and signature");
	switch (token_nonce_verify(&control->farm_key, nonce, time(NULL), LOGIN_NONCE_SECONDS)) {
	case 0:
		break;
	case -ETIME:
		return wrong(proved, "the challenge is too old; ask for another");
	default:
		return wrong(proved, "the challenge is not this farm's");
	}
	if (proof_verify(key, control->pin, nonce, machine->said, signature, &err))
		return wrong(proved, "the proof's signature is wrong");
	if (!login_use_nonce(control->logins, nonce))
		return wrong(proved, "the challenge was answered before; ask for another");
	proved->bound = true;
	return 0;
}

int login_prove(struct control *control, const json_t *client, const struct login_machine *machine,
		const json_t *proof, struct login_proof *proved)
{
	const char *key = login_text(client, "public_key"), *said = login_text(proof, "key");

	memset(proved, 0, sizeof(*proved));
	if (key && !proof) {
		snprintf(proved->words, sizeof(proved->words),
			 "this client has a key, but this machine did not prove it");
		return 0;
	}
	if (key && said && strcmp(said, key))
		return wrong(proved, "the proof is by another key than this client's");
	if (key)
		return check(control, machine, proof, key, proved);
	if (!login_may_bind(client)) {
		snprintf(proved->words, sizeof(proved->words),
			 "the farm has no key of this client, which is known by UUID and MAC only: 'vdiskadm client bind' lets it have one");
		return 0;
	}
	if (!said || strlen(said) >= sizeof(proved->key)) {
		snprintf(proved->words, sizeof(proved->words),
			 "this client may be bound now, but its machine has shown no key and has no place for one: neither a TPM nor a partition for it");
		return 0;
	}
	snprintf(proved->key, sizeof(proved->key), "%s", said);
	proved->fresh = true;
	return check(control, machine, proof, said, proved);
}

/* In a transaction: what was true when the login began may not be any more. */
static int bind_now(struct control *control, const struct catalog_who *who, int64_t id,
		    const char *key, struct vdisk_error *err)
{
	json_t *client, *changes;
	int ret;

	ret = catalog_get_id(control->catalog, CATALOG_CLIENT, id, &client, err);
	if (ret)
		return ret;
	if (login_text(client, "public_key"))
		ret = vdisk_error_set(err, EEXIST, "client '%s' has been bound by another machine",
				      login_text(client, "name"));
	else if (!login_may_bind(client))
		ret = vdisk_error_set(err, EPERM, "the time in which client '%s' may be bound is over",
				      login_text(client, "name"));
	json_decref(client);
	if (ret)
		return ret;
	changes = json_pack("{s:s s:n s:b}", "public_key", key, "bind_until", "debug_once", 0);
	ret = catalog_change(control->catalog, who, CATALOG_CLIENT, id, changes, -1, NULL, err);
	json_decref(changes);
	return ret;
}

int login_bind(struct control *control, const json_t *client, const struct login_machine *machine,
	       const struct login_proof *proved, struct vdisk_error *err)
{
	const struct catalog_who who = { .name = "binding", .role = "none", .from = machine->address };
	int ret;

	ret = catalog_begin(control->catalog, err);
	if (ret)
		return ret;
	ret = bind_now(control, &who, login_integer(client, "id"), proved->key, err);
	if (ret) {
		catalog_rollback(control->catalog);
		return ret;
	}
	ret = catalog_commit(control->catalog, err);
	if (!ret)
		log_event(LOG_LEVEL_INFO, "client bound", "client", login_text(client, "name"),
			  "from", machine->address, "key", proved->key);
	return ret;
}
