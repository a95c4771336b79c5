// SPDX-License-Identifier: GPL-2.0
/* Whether a machine proves the secret that is its client's own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control.h"
#include "error.h"
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

static int wrong(char *words, const char *why)
{
	snprintf(words, LOGIN_WORDS, "%s", why);
	return -EACCES;
}

bool login_has_key(const json_t *client)
{
	const char *key = login_text(client, "public_key");

	return key && *key;
}

int login_prove(struct control *control, const json_t *client, const struct login_machine *machine,
		const json_t *proof, bool *bound, char *words)
{
	const char *key = login_text(client, "public_key"), *said;
	const char *nonce, *signature;
	struct vdisk_error err;

	*bound = false;
	*words = '\0';
	if (!login_has_key(client)) {
		snprintf(words, LOGIN_WORDS, "the farm has no key of this client: it is known by UUID and MAC only");
		return 0;
	}
	if (!proof) {
		snprintf(words, LOGIN_WORDS, "the machine did not prove the secret of this client");
		return 0;
	}
	nonce = login_text(proof, "nonce");
	signature = login_text(proof, "signature");
	said = login_text(proof, "key");
	if (!nonce || !signature || strlen(nonce) > PROOF_NONCE_MAX)
		return wrong(words, "the proof has no nonce and signature");
	if (said && strcmp(said, key))
		return wrong(words, "the proof is by another key than this client's");
	switch (token_nonce_verify(&control->farm_key, nonce, time(NULL), LOGIN_NONCE_SECONDS)) {
	case 0:
		break;
	case -ETIME:
		return wrong(words, "the challenge is too old; ask for another");
	default:
		return wrong(words, "the challenge is not this farm's");
	}
	if (proof_verify(key, control->pin, nonce, machine->said, signature, &err))
		return wrong(words, "the proof's signature is wrong");
	if (!login_use_nonce(control->logins, nonce))
		return wrong(words, "the challenge was answered before; ask for another");
	*bound = true;
	return 0;
}
