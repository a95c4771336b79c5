// SPDX-License-Identifier: GPL-2.0
/* The options of a handshake, and what is answered to each. */
#include "handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "log.h"
#include "loop.h"
#include "nbd.h"
#include "request.h"
#include "server.h"
#include "util.h"
#include "wire.h"

void handshake_reply(struct handshake *hs, uint32_t type, const void *data, size_t length)
{
	uint8_t header[20];

	put_be64(header, NBD_MAGIC_OPTION_REPLY);
	put_be32(header + 8, hs->option);
	put_be32(header + 12, type);
	put_be32(header + 16, length);
	text_add(&hs->answer, header, sizeof(header));
	text_add(&hs->answer, data, length);
}

void handshake_refuse(struct handshake *hs, uint32_t type, const char *words)
{
	handshake_reply(hs, type, words, strlen(words));
}

static uint16_t transmission_flags(const struct handshake *hs, const struct image *image)
{
	uint16_t flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_CACHE;

	/* Without chunks no reply could be told not to be in several. */
	if (hs->structured)
		flags |= NBD_FLAG_SEND_DF;
	if (!image->writable)
		return flags | NBD_FLAG_READ_ONLY | NBD_FLAG_CAN_MULTI_CONN;
	return flags | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM |
	       NBD_FLAG_SEND_WRITE_ZEROES | NBD_FLAG_SEND_FAST_ZERO;
}

static void reply_export(struct handshake *hs, const struct image *image)
{
	uint8_t info[12];

	put_be16(info, NBD_INFO_EXPORT);
	put_be64(info + 2, image->size);
	put_be16(info + 10, transmission_flags(hs, image));
	handshake_reply(hs, NBD_REP_INFO, info, sizeof(info));
}

static void reply_name(struct handshake *hs)
{
	uint8_t info[2 + GATE_TOLD_SIZE];
	size_t length = strlen(hs->target.told);

	put_be16(info, NBD_INFO_NAME);
	memcpy(info + 2, hs->target.told, length);
	handshake_reply(hs, NBD_REP_INFO, info, 2 + length);
}

static void reply_block_size(struct handshake *hs)
{
	uint8_t info[14];

	put_be16(info, NBD_INFO_BLOCK_SIZE);
	put_be32(info + 2, 1);
	put_be32(info + 6, 4096);
	put_be32(info + 10, REQUEST_PAYLOAD_MAX);
	handshake_reply(hs, NBD_REP_INFO, info, sizeof(info));
}

void handshake_refuse_export(struct handshake *hs, enum store_answer answer, const char *words)
{
	handshake_refuse(hs, answer == STORE_UNKNOWN ? NBD_REP_ERR_UNKNOWN : NBD_REP_ERR_POLICY,
			 words);
}

/* Takes hold of the image that the client goes on. */
static enum store_answer go(struct connection *c, char *words)
{
	struct handshake *hs = c->handshake;
	struct server *server = c->loop->server;
	enum store_answer answer;

	c->claimed = true;
	answer = gate_enter(server->gate, &hs->target, &c->hold, words);
	if (answer == STORE_OK)
		answer = store_claim(&server->store, hs->target.key, &c->claim, words);
	if (answer == STORE_OK) {
		hs->image = &c->claim.export->image;
		gate_live(server->gate, &c->hold);
	} else if (answer != STORE_WAIT) {
		gate_leave(server->gate, &c->hold);
	}
	return answer;
}

/* What the name off the wire means, and then to go on it. */
static enum store_answer go_by_name(struct connection *c, const void *name, size_t length,
				    char *words)
{
	struct handshake *hs = c->handshake;
	enum store_answer answer;

	answer = gate_resolve(c->loop->server->gate, name, length, &hs->target, words);
	return answer == STORE_OK ? go(c, words) : answer;
}

enum store_answer handshake_describe(struct connection *c, const struct gate_target *target,
				     struct image *image, char *words)
{
	/* While it waits, the store knows of it. */
	c->claimed = true;
	return store_describe(&c->loop->server->store, target->key, &c->claim, image, words);
}

/* INFO and GO: name length, name, number of information requests, requests. */
static bool parse_go(const struct handshake *hs, const uint8_t **name, uint32_t *length,
		     bool *wants_name)
{
	uint32_t i, count;

	if (hs->length < 6)
		return false;
	*length = get_be32(hs->data);
	if (*length > NBD_STRING_MAX || *length > hs->length - 6)
		return false;
	*name = hs->data + 4;
	count = get_be16(*name + *length);
	if (hs->length - 6 - *length != count * 2)
		return false;
	*wants_name = false;
	for (i = 0; i < count; i++)
		if (get_be16(*name + *length + 2 + i * 2) == NBD_INFO_NAME)
			*wants_name = true;
	return true;
}

static void option_go(struct connection *c)
{
	struct handshake *hs = c->handshake;
	enum store_answer answer;
	char words[IMAGE_WORDS];
	const uint8_t *name;
	struct image image;
	bool wants_name;
	uint32_t length;

	if (!parse_go(hs, &name, &length, &wants_name)) {
		handshake_refuse(hs, NBD_REP_ERR_INVALID, "the option's lengths don't agree");
		return;
	}
	if (hs->option == NBD_OPT_GO) {
		answer = go_by_name(c, name, length, words);
	} else {
		answer = gate_resolve(c->loop->server->gate, (const char *)name, length,
				      &hs->target, words);
		if (answer == STORE_OK)
			answer = handshake_describe(c, &hs->target, &image, words);
	}
	if (answer == STORE_WAIT) {
		hs->outcome = HANDSHAKE_WAIT;
		return;
	}
	if (answer != STORE_OK) {
		handshake_refuse_export(hs, answer, words);
		return;
	}
	reply_export(hs, hs->option == NBD_OPT_INFO ? &image : hs->image);
	if (wants_name)
		reply_name(hs);
	reply_block_size(hs);
	handshake_reply(hs, NBD_REP_ACK, NULL, 0);
	if (hs->option == NBD_OPT_GO)
		hs->outcome = HANDSHAKE_DONE;
}

/* The old way: no answer but the size, and no way to refuse but closing. */
static void option_export_name(struct connection *c)
{
	struct handshake *hs = c->handshake;
	enum store_answer answer;
	char words[IMAGE_WORDS];
	uint8_t info[10 + 124] = { 0 };

	hs->outcome = HANDSHAKE_DROP;
	answer = go_by_name(c, hs->data, hs->length, words);
	if (answer == STORE_WAIT) {
		hs->outcome = HANDSHAKE_WAIT;
		return;
	}
	if (answer != STORE_OK) {
		log_limited(LOG_LEVEL_WARNING, "client refused", "peer", c->peer, "reason", words);
		return;
	}
	put_be64(info, hs->image->size);
	put_be16(info + 8, transmission_flags(hs, hs->image));
	text_add(&hs->answer, info, hs->no_zeroes ? 10 : sizeof(info));
	hs->outcome = HANDSHAKE_DONE;
}

static void option_list(struct connection *c)
{
	struct handshake *hs = c->handshake;
	struct server *server = c->loop->server;
	struct name *names;
	uint8_t entry[4 + NAME_SIZE];
	size_t count, i, length;

	if (hs->length) {
		handshake_refuse(hs, NBD_REP_ERR_INVALID, "LIST takes no data");
		return;
	}
	if (server->gate ? gate_list(server->gate, &names, &count) :
	    store_list(&server->store, &names, &count)) {
		handshake_refuse(hs, NBD_REP_ERR_PLATFORM, "the store cannot be read");
		return;
	}
	for (i = 0; i < count; i++) {
		length = strlen(names[i].text);
		put_be32(entry, length);
		memcpy(entry + 4, names[i].text, length);
		handshake_reply(hs, NBD_REP_SERVER, entry, 4 + length);
	}
	free(names);
	handshake_reply(hs, NBD_REP_ACK, NULL, 0);
}

static void option_structured_reply(struct handshake *hs)
{
	if (hs->length) {
		handshake_refuse(hs, NBD_REP_ERR_INVALID, "STRUCTURED_REPLY takes no data");
		return;
	}
	hs->structured = true;
	handshake_reply(hs, NBD_REP_ACK, NULL, 0);
}

static bool is_known(uint32_t option)
{
	return option == NBD_OPT_EXPORT_NAME || option == NBD_OPT_ABORT ||
	       option == NBD_OPT_LIST || option == NBD_OPT_INFO || option == NBD_OPT_GO ||
	       option == NBD_OPT_STRUCTURED_REPLY || option == NBD_OPT_LIST_META_CONTEXT ||
	       option == NBD_OPT_SET_META_CONTEXT;
}

bool option_at_once(struct handshake *hs)
{
	if (hs->too_long && hs->option == NBD_OPT_EXPORT_NAME) {
		hs->outcome = HANDSHAKE_DROP;
		return true;
	}
	if (!is_known(hs->option)) {
		handshake_refuse(hs, NBD_REP_ERR_UNSUP, hs->option == NBD_OPT_STARTTLS ?
				 "this server has no TLS" : "unknown option");
		return true;
	}
	if (hs->option == NBD_OPT_ABORT) {
		handshake_reply(hs, NBD_REP_ACK, NULL, 0);
		hs->outcome = HANDSHAKE_CLOSE;
		return true;
	}
	if (hs->too_long) {
		handshake_refuse(hs, NBD_REP_ERR_TOO_BIG, "the option is too long");
		return true;
	}
	if (hs->option == NBD_OPT_STRUCTURED_REPLY) {
		option_structured_reply(hs);
		return true;
	}
	return false;
}

void option_answer(struct connection *c)
{
	switch (c->handshake->option) {
	case NBD_OPT_EXPORT_NAME:
		option_export_name(c);
		break;
	case NBD_OPT_INFO:
	case NBD_OPT_GO:
		option_go(c);
		break;
	case NBD_OPT_LIST:
		option_list(c);
		break;
	default:
		handshake_meta_context(c);
		break;
	}
}
