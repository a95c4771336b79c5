/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of session*.c. */
#ifndef VDISKD_SESSION_INTERNAL_H
#define VDISKD_SESSION_INTERNAL_H

#include <pthread.h>

#include "session.h"

enum {
	SESSION_NOTES_MOST = 8192,
	SESSION_NOTES_BYTES = 32 << 20,
	SESSION_BUCKETS = 1024,
	SESSION_EARLY_SECONDS = 900,
	SESSION_EARLY_MOST = 16,	/* of one client: anybody may ask for its script */
};

/* What the gate needn't know of a session. */
struct session_extra {
	struct session_extra *next;
	uint64_t id;
	unsigned int events;
	bool first_read;		/* is in its timeline */
	json_t *orders;
};

struct session_waiting {
	struct session_waiting *next;
	json_t *event;
	size_t bytes;
	int64_t client_id, at;
};

struct sessions {
	struct control *control;
	pthread_t writer;
	pthread_mutex_t lock;		/* all below */
	pthread_cond_t more, refreshed;
	bool stopping;
	unsigned int refresh_wanted, refresh_done;
	struct session_waiting *first, **last;	/* notes to be written */
	struct session_waiting *early;	/* of clients that haven't logged in yet */
	unsigned int notes;		/* in both lists */
	size_t note_bytes;
	unsigned long dropped;
	struct session_extra *extras[SESSION_BUCKETS];
	uint64_t next_order;
};

/** session_load - sessions of the catalog into the gate; 0 or what the catalog said */
int session_load(struct control *control, struct vdisk_error *err);

/** session_load_images - the same for images */
int session_load_images(struct control *control, struct vdisk_error *err);

/**
 * session_take_early - have notes from before a session written down; locked
 * @client_id: whose; 0: of everybody who didn't log in after all
 * @session_id: that they belong to now; 0: to none
 */
void session_take_early(struct sessions *sessions, int64_t client_id, int64_t session_id);

/** session_write - the writer's thread */
void *session_write(void *sessions);

#endif
