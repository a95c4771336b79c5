/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of the gate. */
#ifndef VDISKD_GATE_SESSION_H
#define VDISKD_GATE_SESSION_H

#include <pthread.h>

#include "gate.h"

enum { GATE_BUCKETS = 4096 };

struct gate_session {
	struct gate_session *next;	/* in its bucket */
	struct gate_view view;
	struct gate_hold *holds;
	bool changed;			/* gate_changed() has to tell it */
	int64_t told;			/* when its bytes were last told */
	uint64_t told_bytes;
};

struct gate {
	struct token_key key;
	pthread_mutex_t lock;		/* all below, and what hangs on it */
	struct gate_version *versions;	/* sorted by image, number */
	size_t version_count;
	struct gate_session *buckets[GATE_BUCKETS];	/* by id */
	unsigned int changed_bucket;	/* where gate_changed() goes on */
	unsigned int changes;		/* sessions with @changed */
};

/** gate_session_may - whether a genuine token opens its image now; locked */
enum store_answer gate_session_may(const struct gate *gate, const struct token *token, int64_t now,
				   char *words);

/** gate_session_free_all - forget them; no hold may be left */
void gate_session_free_all(struct gate *gate);

#endif
