/* SPDX-License-Identifier: GPL-2.0 */
/* The handshake: from the greeting to GO or EXPORT_NAME, one option at a time. */
#ifndef VDISKD_HANDSHAKE_H
#define VDISKD_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "gate.h"
#include "text.h"

struct buffer;
struct connection;
struct image;

enum handshake_limits {
	OPTION_MAX = 64 << 10,		/* longer ones are dropped as they come */
	QUERIES_MAX = 64,
};

enum meta_context {
	META_ALLOCATION,		/* base:allocation */
	META_STAMP,			/* x-vdisk:stamp:... */
	META_CONTEXTS
};

/* What follows an option. */
enum handshake_outcome {
	HANDSHAKE_MORE,			/* another option */
	HANDSHAKE_DONE,			/* transmission */
	HANDSHAKE_WAIT,			/* ask again when retry() comes */
	HANDSHAKE_CLOSE,		/* send the answer, then close */
	HANDSHAKE_DROP,			/* close without a word */
};

struct handshake {
	bool flags_received, no_zeroes, structured;
	/* The option at hand. */
	uint32_t option, length;
	uint8_t *data;
	bool too_long;
	/* Its answer. */
	struct text answer;
	struct buffer *reserved;	/* as much as the answer may be */
	bool hungry;			/* waits for that */
	enum handshake_outcome outcome;
	bool retry;
	struct image *image;
	/* Meta contexts that were chosen, and for which image. */
	unsigned int contexts;
	char contexts_name[GATE_TOLD_SIZE];
	struct gate_target target;
};

struct handshake *handshake_create(void);
void handshake_destroy(struct handshake *hs);

/** handshake_greet - say hello */
void handshake_greet(struct connection *c);

/** handshake_progress - take options off the received bytes and answer them */
void handshake_progress(struct connection *c);

/** handshake_retry - the claims that stood in the way of GO are gone */
void handshake_retry(struct connection *c);

/** handshake_unreserve - give back what the answer at work has reserved, if anything */
void handshake_unreserve(struct connection *c);

/** option_at_once - answer an option that never waits; false for the others */
bool option_at_once(struct handshake *hs);

/** option_answer - answer any other; may wait for a disk */
void option_answer(struct connection *c);

/* For the options' own files; the answer grows in @hs->answer. */
void handshake_reply(struct handshake *hs, uint32_t type, const void *data, size_t length);
void handshake_refuse(struct handshake *hs, uint32_t type, const char *words);

/* What an export is, for one that doesn't go on it (yet); as store_describe(). */
enum store_answer handshake_describe(struct connection *c, const struct gate_target *target,
				     struct image *image, char *words);

void handshake_refuse_export(struct handshake *hs, enum store_answer answer, const char *words);

/* metacontext.c: LIST_META_CONTEXT and SET_META_CONTEXT; may wait for a disk */
void handshake_meta_context(struct connection *c);

#endif
