/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate between control plane and data plane: what an export name means, and
 * who may have it now.  All is in memory, so that a catalog that hangs or is down
 * never stops a client that streams.
 *
 * Without a catalog (@gate is NULL) NAME and NAME@1 are STORE/NAME.img for
 * everybody.  With one:
 *
 *   NAME, NAME@N  an image that is marked public, STORE/NAME/N/disk.img
 *   ~TOKEN        the image of a session that lives
 *
 * A session here is what the data plane has to know of one:
 *
 *   STARTING --first GO--> LIVE <--GO / last connection gone--> LOST
 *        \------------------- gate_end(), expiry ----------------> ENDED
 *
 * Locks: the gate's own, taken with no other held but within gate_end() and
 * gate_tick() around claim->end(), which takes the loop's.
 */
#ifndef VDISKD_GATE_H
#define VDISKD_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "name.h"
#include "token.h"

struct gate;
struct gate_session;

enum gate_limits {
	GATE_TOLD_SIZE = 1 + TOKEN_TEXT_SIZE,
	GATE_SHOWN_SIZE = 64,
	GATE_HOW_SIZE = 16,
	GATE_WHY_SIZE = 128,
};

enum gate_state { GATE_STARTING, GATE_LIVE, GATE_LOST, GATE_ENDED };

/* A version of an image that the catalog knows. */
struct gate_version {
	char image[NAME_SIZE];
	unsigned int number;
	bool is_public;
	bool current;
};

/* What an export name means. */
struct gate_target {
	char key[EXPORT_KEY_SIZE];	/* in the store */
	char told[GATE_TOLD_SIZE];	/* the answer to NBD_INFO_NAME; may be a secret */
	char shown[GATE_SHOWN_SIZE];	/* "session 7", for logs; empty without one */
	uint64_t session;		/* 0: none */
};

/* A connection's place in its session. */
struct gate_hold {
	struct gate_hold *next, **previous;
	struct gate_session *session;	/* NULL: none */
	struct claim *claim;
	int fd;
	const atomic_ulong *sent;	/* bytes, ever; the connection counts */
	unsigned long counted;		/* of them, in the session's sum */
	bool live;			/* after GO */
	int keepalive[2];		/* what they were before a check: idle, interval */
	bool checked;
};

/* A session: what gate_admit() takes and gate_look() gives. */
struct gate_view {
	uint64_t id;
	int64_t client_id;
	char client[TOKEN_NAME_SIZE];
	char image[NAME_SIZE];
	unsigned int version;
	uint64_t epoch;
	int64_t expires, started, since;
	enum gate_state state;
	char how[GATE_HOW_SIZE];	/* it ended: logout, replaced, fenced, expired */
	char why[GATE_WHY_SIZE];	/* the same, for people */
	char address[ADDRESS_TEXT];	/* where its login came from */
	bool bound;
	unsigned int connections;
	uint64_t bytes;
	uint64_t retries, overlay_high;	/* as its agent says */
	int64_t first_read;		/* when; 0: not yet */
};

/** gate_open - start with no images and no sessions; 0 or -ENOMEM */
int gate_open(struct gate **gate, const struct token_key *key);

/** gate_close - the opposite; no connection may be left */
void gate_close(struct gate *gate);

/* --- for the data plane: never waits for anything but the lock */

/**
 * gate_resolve - what an export name off the wire means
 * @gate: NULL without a catalog
 * @text: not terminated
 * @words: IMAGE_WORDS bytes, when the answer isn't STORE_OK; never quotes a token
 */
enum store_answer gate_resolve(struct gate *gate, const char *text, size_t length,
			       struct gate_target *target, char *words);

/**
 * gate_enter - a connection is about to go on @target
 * @hold: of the connection, with its @claim, @fd and @sent; may be in already
 *
 * From now on the session's end ends this connection, too.
 */
enum store_answer gate_enter(struct gate *gate, const struct gate_target *target,
			     struct gate_hold *hold, char *words);

/** gate_live - the connection's GO is done */
void gate_live(struct gate *gate, struct gate_hold *hold);

/** gate_leave - the connection ends, or its GO was refused; no harm when it isn't in */
void gate_leave(struct gate *gate, struct gate_hold *hold);

/** gate_list - names of public images, sorted, malloc'ed; 0 or -ENOMEM */
int gate_list(struct gate *gate, struct name **names, size_t *count);

/* --- for the control plane */

/** gate_set_versions - the images there are; copied; 0 or -ENOMEM */
int gate_set_versions(struct gate *gate, const struct gate_version *versions, size_t count);

/** gate_admit - let a session in, also in the place of one with its id; 0 or -ENOMEM */
int gate_admit(struct gate *gate, const struct gate_view *view);

/**
 * gate_end - a session is over: its connections end now, and none comes again
 * @how: for programs; @why: for its user
 *
 * Return: 0, -ENOENT, -EALREADY.
 */
int gate_end(struct gate *gate, uint64_t id, const char *how, const char *why);

/** gate_renew - let a session live until @expires at least; 0, -ENOENT, -EALREADY (it ended) */
int gate_renew(struct gate *gate, uint64_t id, int64_t expires);

/** gate_report - what its agent says; 0, -ENOENT, -EALREADY */
int gate_report(struct gate *gate, uint64_t id, uint64_t retries, uint64_t overlay_high);

/** gate_look - a session as it is now; 0 or -ENOENT */
int gate_look(struct gate *gate, uint64_t id, struct gate_view *view);

/** gate_of_client - the client's session that hasn't ended; 0 or -ENOENT */
int gate_of_client(struct gate *gate, int64_t client_id, struct gate_view *view);

/**
 * gate_check - have the session's connections show whether their peer is there
 *
 * Asks their TCP to probe it.  gate_signs() then tells; gate_check_end() puts all
 * back to what it was.
 */
void gate_check(struct gate *gate, uint64_t id);
void gate_check_end(struct gate *gate, uint64_t id);

/** gate_signs - ms since a peer of the session's connections was last heard; -1: none is open */
int64_t gate_signs(struct gate *gate, uint64_t id);

/**
 * gate_tick - a second has passed
 * @lifetime: seconds that a live session is let live on
 * @forgotten: ids of sessions that ended long ago and are known no more; @most in one tick
 *
 * Counts bytes, ends what has expired.  Return: how many it has forgotten.
 */
unsigned int gate_tick(struct gate *gate, int64_t now, int64_t lifetime, uint64_t *forgotten,
		       unsigned int most);

/** gate_changed - a session that has changed since it was last told; false: none has */
bool gate_changed(struct gate *gate, struct gate_view *view);

/** gate_change_again - it couldn't be written down: tell it again */
void gate_change_again(struct gate *gate, uint64_t id);

/** gate_state_name - as the catalog calls it */
const char *gate_state_name(enum gate_state state);

#endif
