// SPDX-License-Identifier: GPL-2.0
#include "gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate_session.h"
#include "image.h"
#include "util.h"

int gate_open(struct gate **gate, const struct token_key *key)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->key = *key;
	pthread_mutex_init(&g->lock, NULL);
	*gate = g;
	return 0;
}

void gate_close(struct gate *gate)
{
	if (!gate)
		return;
	gate_session_free_all(gate);
	free(gate->versions);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

static int compare_versions(const void *a, const void *b)
{
	const struct gate_version *x = a, *y = b;
	int order = strcmp(x->image, y->image);

	return order ? order : (x->number > y->number) - (x->number < y->number);
}

int gate_set_versions(struct gate *gate, const struct gate_version *versions, size_t count)
{
	struct gate_version *copy = NULL, *old;

	if (count) {
		copy = malloc(count * sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, versions, count * sizeof(*copy));
		qsort(copy, count, sizeof(*copy), compare_versions);
	}
	pthread_mutex_lock(&gate->lock);
	old = gate->versions;
	gate->versions = copy;
	gate->version_count = count;
	pthread_mutex_unlock(&gate->lock);
	free(old);
	return 0;
}

int gate_list(struct gate *gate, struct name **names, size_t *count)
{
	size_t i;

	*count = 0;
	pthread_mutex_lock(&gate->lock);
	*names = malloc((gate->version_count + 1) * sizeof(**names));
	for (i = 0; *names && i < gate->version_count; i++)
		if (gate->versions[i].is_public && gate->versions[i].current)
			strcpy((*names)[(*count)++].text, gate->versions[i].image);
	pthread_mutex_unlock(&gate->lock);
	return *names ? 0 : -ENOMEM;
}

/* As the store names a version's directory: decimal, no zero in front. */
static bool parse_number(const char *text, size_t length, unsigned int *number)
{
	uint64_t sum = 0;
	size_t i;

	if (!length || length > 10 || *text == '0')
		return false;
	for (i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		sum = sum * 10 + text[i] - '0';
	}
	*number = sum;
	return sum <= UINT32_MAX;
}

static enum store_answer unknown(const char *text, size_t length, char *words)
{
	/* As the client wrote it, but not the whole of something endless, and no secret. */
	if (length && *text == '~')
		snprintf(words, IMAGE_WORDS, "no session's token is known here: this server has no catalog");
	else
		snprintf(words, IMAGE_WORDS, "no image '%.*s' here", (int)MIN(length, (size_t)100),
			 text);
	return STORE_UNKNOWN;
}

static void set_key(struct gate_target *target, const char *image, unsigned int version)
{
	snprintf(target->key, sizeof(target->key), "%s@%u", image, version);
}

/* Called with the lock held: the public version that a name means. */
static const struct gate_version *find_public(const struct gate *gate, const char *name,
					      size_t length, unsigned int number)
{
	const struct gate_version *v;
	size_t i;

	for (i = 0; i < gate->version_count; i++) {
		v = &gate->versions[i];
		if (v->is_public && strlen(v->image) == length &&
		    !memcmp(v->image, name, length) && (number ? v->number == number : v->current))
			return v;
	}
	return NULL;
}

static enum store_answer resolve_public(struct gate *gate, const char *text, size_t length,
					struct gate_target *target, char *words)
{
	const char *at = memchr(text, '@', length);
	size_t name_length = at ? (size_t)(at - text) : length;
	const struct gate_version *version;
	unsigned int number = 0;

	if (!name_valid(text, name_length) ||
	    (at && !parse_number(at + 1, length - name_length - 1, &number)))
		return unknown(text, length, words);
	pthread_mutex_lock(&gate->lock);
	version = find_public(gate, text, name_length, number);
	if (version)
		set_key(target, version->image, version->number);
	pthread_mutex_unlock(&gate->lock);
	/* One that isn't public is not even said to exist. */
	if (!version)
		return unknown(text, length, words);
	strcpy(target->told, target->key);
	return STORE_OK;
}

static enum store_answer resolve_token(struct gate *gate, const char *text, size_t length,
				       struct gate_target *target, char *words)
{
	struct token token;
	enum store_answer answer;

	if (token_verify(&gate->key, text + 1, length - 1, &token)) {
		snprintf(words, IMAGE_WORDS, "the session's token is not one of this farm");
		return STORE_REFUSED;
	}
	pthread_mutex_lock(&gate->lock);
	answer = gate_session_may(gate, &token, time(NULL), words);
	pthread_mutex_unlock(&gate->lock);
	if (answer != STORE_OK)
		return answer;
	set_key(target, token.image, token.version);
	/* What was asked for, never another name: the driver reconnects to it. */
	memcpy(target->told, text, length);
	target->told[length] = '\0';
	target->session = token.session;
	snprintf(target->shown, sizeof(target->shown), "%llu", (unsigned long long)token.session);
	return STORE_OK;
}

enum store_answer gate_resolve(struct gate *gate, const char *text, size_t length,
			       struct gate_target *target, char *words)
{
	memset(target, 0, sizeof(*target));
	if (gate && length && *text == '~')
		return resolve_token(gate, text, length, target, words);
	if (gate)
		return resolve_public(gate, text, length, target, words);
	if (!name_from_export(text, length, target->key))
		return unknown(text, length, words);
	snprintf(target->told, sizeof(target->told), "%s@1", target->key);
	return STORE_OK;
}
