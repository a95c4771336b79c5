// SPDX-License-Identifier: GPL-2.0
/* LIST_META_CONTEXT and SET_META_CONTEXT. */
#include <stdio.h>
#include <string.h>

#include "connection.h"
#include "handshake.h"
#include "loop.h"
#include "nbd.h"
#include "server.h"
#include "util.h"
#include "wire.h"

enum { CONTEXT_NAME = 192 };

struct query {
	const char *text;
	size_t length;
};

static bool is_query(const struct query *query, const char *text)
{
	return query->length == strlen(text) && !memcmp(query->text, text, query->length);
}

/* The contexts, as bits, that a query is about; @names has those there are. */
static unsigned int match(const struct query *query, bool list,
			  char names[META_CONTEXTS][CONTEXT_NAME])
{
	unsigned int found = 0;

	if (is_query(query, names[META_ALLOCATION]) || (list && is_query(query, "base:")))
		found |= 1 << META_ALLOCATION;
	if (*names[META_STAMP] &&
	    (is_query(query, names[META_STAMP]) || is_query(query, VDISK_STAMP_QUERY) ||
	     (list && is_query(query, "x-vdisk:"))))
		found |= 1 << META_STAMP;
	return found;
}

/* Takes a string with its length off [*p, end). */
static bool take_string(const uint8_t **p, const uint8_t *end, struct query *string)
{
	uint32_t length;

	if (end - *p < 4)
		return false;
	length = get_be32(*p);
	*p += 4;
	if (length > NBD_STRING_MAX || length > end - *p)
		return false;
	string->text = (const char *)*p;
	string->length = length;
	*p += length;
	return true;
}

static void invalid(struct handshake *hs)
{
	handshake_refuse(hs, NBD_REP_ERR_INVALID, "the option's lengths don't agree");
}

/* Reads all queries first, so that a bad one leaves no half of an answer. */
static bool take_queries(struct handshake *hs, const uint8_t *p, const uint8_t *end,
			 struct query *queries, uint32_t *count)
{
	uint32_t i;

	if (end - p < 4) {
		invalid(hs);
		return false;
	}
	*count = get_be32(p);
	p += 4;
	if (*count > QUERIES_MAX) {
		handshake_refuse(hs, NBD_REP_ERR_TOO_BIG, "too many queries");
		return false;
	}
	for (i = 0; i < *count; i++) {
		if (!take_string(&p, end, &queries[i])) {
			invalid(hs);
			return false;
		}
	}
	if (p != end)
		invalid(hs);
	return p == end;
}

static void answer(struct handshake *hs, unsigned int found, bool list,
		   char names[META_CONTEXTS][CONTEXT_NAME])
{
	uint8_t context[4 + CONTEXT_NAME];
	unsigned int i;
	size_t length;

	for (i = 0; i < META_CONTEXTS; i++) {
		if (!(found & 1 << i))
			continue;
		length = strlen(names[i]);
		put_be32(context, list ? 0 : i + 1);
		memcpy(context + 4, names[i], length);
		handshake_reply(hs, NBD_REP_META_CONTEXT, context, 4 + length);
	}
	handshake_reply(hs, NBD_REP_ACK, NULL, 0);
}

void handshake_meta_context(struct connection *c)
{
	char names[META_CONTEXTS][CONTEXT_NAME] = { [META_ALLOCATION] = "base:allocation" };
	struct handshake *hs = c->handshake;
	bool list = hs->option == NBD_OPT_LIST_META_CONTEXT;
	const uint8_t *p = hs->data, *end = p + hs->length;
	struct query queries[QUERIES_MAX], name;
	struct gate_target target;
	char words[IMAGE_WORDS];
	enum store_answer got;
	unsigned int found = 0;
	struct image image;
	uint32_t count, i;

	/* What was set before is gone even if this fails. */
	if (!list)
		hs->contexts = 0;
	if (!hs->structured) {
		handshake_refuse(hs, NBD_REP_ERR_INVALID, "STRUCTURED_REPLY must come first");
		return;
	}
	if (!take_string(&p, end, &name)) {
		invalid(hs);
		return;
	}
	if (!take_queries(hs, p, end, queries, &count))
		return;
	got = gate_resolve(c->loop->server->gate, name.text, name.length, &target, words);
	if (got == STORE_OK)
		got = handshake_describe(c, &target, &image, words);
	if (got == STORE_WAIT) {
		hs->outcome = HANDSHAKE_WAIT;
		return;
	}
	if (got != STORE_OK) {
		handshake_refuse_export(hs, got, words);
		return;
	}
	if (*image.stamp)
		snprintf(names[META_STAMP], CONTEXT_NAME, "%s:%s", VDISK_STAMP_QUERY, image.stamp);
	for (i = 0; i < count; i++)
		found |= match(&queries[i], list, names);
	if (list && !count)
		found = 1 << META_ALLOCATION | (*image.stamp ? 1 << META_STAMP : 0);
	if (!list) {
		hs->contexts = found;
		strcpy(hs->contexts_name, target.told);
	}
	answer(hs, found, list, names);
}
