/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions as the control plane sees them: the catalog's rows of what the gate
 * has in memory, their timelines, and the orders that wait for their agents.
 *
 * One thread writes to the catalog what the gate, the data plane's side, has
 * seen change; nobody waits for it.  A catalog that is down is tried again.
 */
#ifndef VDISKD_SESSION_H
#define VDISKD_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "gate.h"

struct control;
struct vdisk_error;

enum session_limits {
	SESSION_SECONDS = 24 * 3600,	/* a session lives that long without a connection */
	SESSION_EVENTS_MOST = 256,	/* of one session, from its client */
	SESSION_TEXT_MOST = 64 << 10,
	SESSION_ORDERS_MOST = 16,
};

/* What a timeline says of one step; -1 and NULL: nothing. */
struct session_note {
	int64_t session_id, client_id;
	int64_t at;			/* 0: now */
	const char *step;
	int64_t bytes;
	double seconds;
	const char *text;
};

/** session_start - take what the catalog knows into memory, start the writer; 0 or -errno */
int session_start(struct control *control, struct vdisk_error *err);

/** session_stop - write what is left to write, end the thread */
void session_stop(struct control *control);

/** session_seconds - how long a session lives that nobody uses */
int64_t session_seconds(const struct control *control);

/**
 * session_create - a client has logged in
 * @view: client, image, version, address and trust; the rest is filled in
 * @image_id: of the catalog
 *
 * The row is in the catalog when it returns.  Return: 0 or what the catalog said.
 */
int session_create(struct control *control, struct gate_view *view, int64_t image_id,
		   struct vdisk_error *err);

/** session_export - "~TOKEN" of a session, GATE_TOLD_SIZE bytes; 0 or -errno */
int session_export(const struct control *control, const struct gate_view *view, char *name,
		   struct vdisk_error *err);

/** session_bearer - what the session's own requests to the API are to bear; 0 or -errno */
int session_bearer(const struct control *control, const struct gate_view *view,
		   char text[TOKEN_TEXT_SIZE], struct vdisk_error *err);

/**
 * session_note - put a step into a timeline; returns at once, what is too much is dropped
 *
 * For what comes before there is a session see bootlog.h.
 */
void session_note(struct control *control, const struct session_note *note);

/** session_clean - @text as timelines take it: cut, valid, without control characters; or NULL */
char *session_clean(const char *text);

/** session_may_note - whether a client may put another one into its own; counts */
bool session_may_note(struct control *control, uint64_t id);

/* What stands in a timeline once, whoever sees it, and how often. */
enum session_once { SESSION_FIRST_READ = 1, SESSION_END = 2 };

/** session_first_time - whether to note it now */
bool session_first_time(struct control *control, uint64_t id, enum session_once what);

/** session_orders - take those that wait: an array of {id, order, text} */
json_t *session_orders(struct control *control, uint64_t id);

/* session_ssh.c */

/** session_ssh_seconds - how long a host certificate is good */
unsigned int session_ssh_seconds(const struct control *control);

/**
 * session_ssh_sign - a host certificate of the farm's ssh CA
 * @view: whose; the session's number is the certificate's, to name it by in a list of
 *        revoked ones
 * @public_key: as in a .pub file; its form is looked at closely
 * @certificate: malloc'ed
 *
 * Runs ssh-keygen, for seconds at most.  Return: 0, -EINVAL (the key), -ENOENT (no
 * CA here), -EIO.
 */
int session_ssh_sign(const struct control *control, const struct gate_view *view,
		     const char *public_key, char **certificate, struct vdisk_error *err);

#endif
