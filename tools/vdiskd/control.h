/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control plane: what vdiskd does with a catalog.  It has threads of its own;
 * the data plane never waits for any of it.
 */
#ifndef VDISKD_CONTROL_H
#define VDISKD_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "pin.h"
#include "token.h"

struct bootlog;
struct catalog;
struct catalog_who;
struct config;
struct gate;
struct http_listener;
struct logins;
struct server;
struct sessions;
struct vdisk_error;

struct control {
	const struct config *config;
	struct server *server;
	struct catalog *catalog;
	struct token_key farm_key;		/* signs the tokens of sessions */
	bool has_farm_key;			/* without it nobody logs in */
	char farm[TOKEN_FARM_SIZE];		/* its name in tokens */
	char pin[PIN_TEXT];			/* of its CA; "" without one */
	struct gate *gate;			/* outlives the control plane */
	struct sessions *sessions;
	struct bootlog *bootlog;
	struct logins *logins;
	_Atomic int64_t server_id;		/* of this server's row in the catalog; 0: none yet */
	int64_t told_presence;			/* when that row was written */
	time_t started;
	unsigned int connections_most;		/* of HTTP */
	struct http_listener *listeners;
};

/**
 * control_start - open the catalog and listen
 * @server: its event loops needn't run yet
 *
 * Complains by itself.  Return: NULL on failure.
 */
struct control *control_start(const struct config *config, struct server *server);

/** control_stop - the opposite; NULL is fine */
void control_stop(struct control *control);

/** control_reload - told to read again what may have changed; NULL is fine */
void control_reload(struct control *control);

/** control_tick - a second has passed; NULL is fine */
void control_tick(struct control *control);

/* Of sessions, for the administrators' routes; return 0 or -errno with @err. */

/** session_fence - end a session for good: its token stops at once; -ENOENT, -EALREADY */
int session_fence(struct control *control, const struct catalog_who *who, int64_t session,
		  struct vdisk_error *err);

/** session_fence_client - the same of all that a client has; @how: it was "disabled", "removed" */
int session_fence_client(struct control *control, const struct catalog_who *who, int64_t client_id,
			 const char *how, struct vdisk_error *err);

/** session_order - have its agent do "reboot", "shutdown", or show @text as "message" */
int session_order(struct control *control, const struct catalog_who *who, int64_t session,
		  const char *order, const char *text, struct vdisk_error *err);

/** session_images_changed - images, versions or which is current have changed */
void session_images_changed(struct control *control);

#endif
