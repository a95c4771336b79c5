/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session of this machine at its farm: logging in, and what is kept of it in
 * /run/vdisk/identity.json (0600) for the initramfs, the agent and logout.
 */
#ifndef VDISKCTL_SESSION_H
#define VDISKCTL_SESSION_H

#include <jansson.h>
#include "client.h"
#include "target.h"

#define SESSION_FILE "/run/vdisk/identity.json"

struct login_options {
	struct farm_means means;
	unsigned int patience;		/* seconds; 0: for ever */
	bool menu;			/* let somebody at the console choose */
	bool local_disk;		/* the local disk, too, by a restart that the caller sees to */
	bool takeover;
	const char *image;		/* a choice by its name; NULL: the URI's */
};

struct session {
	struct farm *farm;		/* with the session's bearer */
	json_t *json;			/* what the server said, checked; and "farm": how to reach it */
};

/* session_login - 0 and *@session; -EAGAIN: to be tried again later; other -errno. */
int session_login(struct farm_target *target, const struct login_options *options,
		  struct session *session, struct vdisk_error *err);

/* session_save - writes the file; with what is secret, for root alone. */
int session_save(const struct session *session, const char *root, struct vdisk_error *err);

/* session_load - reads it, and opens the farm; -ENOENT: there is no session. */
int session_load(const char *root, struct session *session, struct vdisk_error *err);

/* session_read - reads it only; NULL with the reason. */
json_t *session_read(const char *root, struct vdisk_error *err);

/* session_forget - removes the file. */
void session_forget(const char *root);
void session_close(struct session *session);

/* session_servers - where its image is: servers of an attach. */
int session_servers(const struct session *session, struct vdisk_attach *attach,
		    struct vdisk_error *err);

/* session_event - a step of this boot, for the server's timeline. */
int session_event(struct session *session, const char *step, double seconds, int64_t bytes,
		  const char *text, struct vdisk_error *err);

/* session_logout - ends it. */
int session_logout(struct session *session, struct vdisk_error *err);

/**
 * session_post - say something to the farm, or ask it, in the session's name
 * @what: below the session's path, as "/events"
 * @answer: to be freed by farm_answer_free(), whatever is returned
 *
 * Return: 0; -errno: nobody answered (its status is 0), or what the farm complains of.
 */
int session_post(struct session *session, const char *what, const json_t *body,
		 struct farm_answer *answer, struct vdisk_error *err);

/* session_public - a copy without secrets, to print. */
json_t *session_public(const json_t *session);

/* session_text - a word that the farm said, "" when it did not. */
const char *session_text(const json_t *session, const char *key);

/* seconds_up - of this machine. */
double seconds_up(void);

#endif
