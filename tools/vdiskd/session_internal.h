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
};

/* What the gate needn't know of a session; goes when the gate forgets that. */
struct session_extra {
	struct session_extra *next;
	uint64_t id;
	unsigned int events;
	unsigned int told;		/* enum session_once */
	bool booted, arrived, failed;	/* it got its kernel here; came to its root; said so */
	json_t *orders;
};

struct session_waiting {
	struct session_waiting *next;
	json_t *event;
	size_t bytes;
};

struct sessions {
	struct control *control;
	pthread_t writer;
	pthread_mutex_t lock;		/* all below */
	pthread_cond_t more, refreshed;
	bool stopping;
	unsigned int refresh_wanted, refresh_done;
	struct session_waiting *first, **last;	/* notes to be written */
	unsigned int notes;
	size_t note_bytes;
	unsigned long dropped;
	struct session_extra *extras[SESSION_BUCKETS];
	uint64_t next_order;
	int64_t next_prune;		/* the writer's own */
	bool behind;			/* so is this: there are more notes than it wrote at once */
};

/** session_load - sessions of the catalog into the gate; 0 or what the catalog said */
int session_load(struct control *control, struct vdisk_error *err);

/** session_load_images - the same for images */
int session_load_images(struct control *control, struct vdisk_error *err);

/** session_stopped - of one that ended: why, if it stopped on its way; else NULL */
const char *session_stopped(struct control *control, const struct gate_view *view);

/** session_forget - what is remembered of a session that is known no more */
void session_forget(struct sessions *sessions, uint64_t id);

/** session_write - the writer's thread */
void *session_write(void *sessions);

#endif
