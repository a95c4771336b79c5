/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talking to a farm: HTTP and JSON over TLS, to the first of several servers that
 * answers.  A server counts only when it proves the farm's pin (pin.h), before
 * anything, a token above all, is sent to it.  Answers and waits are bounded.
 */
#ifndef VDISK_FARM_H
#define VDISK_FARM_H

#include <jansson.h>
#include <stdbool.h>
#include "error.h"
#include "pin.h"

enum {
	FARM_PORT = 10811,		/* of the API, when an address names none */
	FARM_SERVERS_MAX = 8,
	FARM_ANSWER_MAX = 16 << 20,	/* bytes of an answer, unless said */
	FARM_TRY_SECONDS = 20,		/* for one server's whole answer, unless said */
};

struct farm;

/* What farm_open() wants to know; zeroes are defaults.  Strings are copied. */
struct farm_options {
	const char *const *servers;	/* "HOST", "HOST:PORT", "[IPV6]:PORT", in order */
	unsigned int nr_servers;
	const char *socket;		/* a Unix socket instead of servers; HTTP without TLS */
	bool plain;			/* HTTP without TLS; only to loopback addresses */
	const char *pin;
	bool trust_network;		/* any server counts; told by @notice for each farm */
	const char *token;		/* Authorization: Bearer */
	unsigned int patience;		/* seconds, over all tries; 0: one round over the servers */
	unsigned int try_seconds;
	size_t answer_max;
	/* What people should see while it goes on: a warning, a wait.  One line. */
	void (*notice)(void *context, const char *text);
	void *context;
};

struct farm_request {
	const char *method, *path;	/* path with query, already escaped */
	const json_t *body;		/* NULL: none */
	const char *text;		/* a body that is not JSON, with its type; else NULL */
	const char *type;
	const char *if_match;		/* NULL: none */
	bool repeat;			/* a POST that may arrive twice; GET, PUT, DELETE may always */
	bool wait_pending;		/* 202 means: ask again after a while */
};

struct farm_answer {
	unsigned int status;		/* of HTTP */
	json_t *json;			/* NULL: the body was none, or not JSON */
	char *text;			/* the body as it came, with a NUL behind it */
	size_t length;
	char type[128];			/* Content-Type */
	unsigned int retry_after;	/* seconds; 0: not said */
	const char *server;		/* who answered: one of the farm's, lives as long as it */
};

/* farm_open - 0; -EINVAL: contradictory options, a malformed address or pin. */
int farm_open(struct farm **farm, const struct farm_options *options, struct vdisk_error *err);
void farm_close(struct farm *farm);

/* farm_set_token - from now on another one; NULL: none. */
int farm_set_token(struct farm *farm, const char *token, struct vdisk_error *err);

/* farm_set_patience - of the requests from now on; as in struct farm_options. */
void farm_set_patience(struct farm *farm, unsigned int seconds);

/**
 * farm_request - ask, and wait for an answer
 *
 * Servers are tried in order, the one that answered last first.  A 503 means the
 * next server, and, within the patience, another round after Retry-After seconds.
 *
 * Return: 0: a server answered, *@answer has what, whatever the status;
 * -EACCES: only servers that are not of this farm; -EHOSTUNREACH: none answered;
 * -ECONNRESET: it was sent, but no answer came, so nobody knows what was done;
 * -EPROTO: what came was not an answer; -EINVAL.
 */
int farm_request(struct farm *farm, const struct farm_request *request,
		 struct farm_answer *answer, struct vdisk_error *err);
void farm_answer_free(struct farm_answer *answer);

/* farm_get, farm_post - the short ways. */
int farm_get(struct farm *farm, const char *path, struct farm_answer *answer,
	     struct vdisk_error *err);
int farm_post(struct farm *farm, const char *path, const json_t *body,
	      struct farm_answer *answer, struct vdisk_error *err);

/**
 * farm_complaint - what a status of 400 and more means, as an error
 *
 * Fills @err with the server's own words (problem+json: title and detail), in one
 * clean line, and an errno: EACCES for 401 and 403, ENOENT 404 and 410, EEXIST 409,
 * EAGAIN 412, EINVAL other 4xx, EBUSY 503, EIO other 5xx.
 * Return: -errno; 0 for a status below 400.
 */
int farm_complaint(const struct farm_answer *answer, struct vdisk_error *err);

/* farm_pin - the CA's pin that the server which answered last proved; "" without TLS. */
const char *farm_pin(const struct farm *farm);

/* farm_is_encrypted - whether that answer came over TLS. */
bool farm_is_encrypted(const struct farm *farm);

#endif
