/* SPDX-License-Identifier: GPL-2.0 */
/* The server as a whole: its event loops, its store, and the thread that accepts. */
#ifndef VDISKD_SERVER_H
#define VDISKD_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "store.h"
#include "watch.h"
#include "worker.h"

struct config;
struct control;
struct gate;
struct loop;

enum server_limits { LISTENERS_MOST = 64 };

struct server {
	const struct config *config;
	struct store store;
	struct gate *gate;		/* NULL without a catalog */
	struct workers workers;		/* for requests */
	struct workers doorkeepers;	/* GO, close and their like: no request delays these */
	struct watch watch;
	struct loop *loops;
	unsigned int loop_count;
	unsigned int watchers_most;	/* event loops that may stay awake for what comes next */
	atomic_uint watchers;		/* that do */
	size_t pool_cap;		/* of each loop */
	int listeners[LISTENERS_MOST];
	unsigned int listener_count;
	unsigned int connections_most;
	unsigned int http_most;		/* connections of the control plane */
	struct control *control;	/* NULL: no catalog */
	bool full;			/* the last accept found no room */
	time_t last_tick;

	pthread_mutex_t lock;		/* the fields below */
	pthread_cond_t started;
	unsigned int loops_started;
	int start_error;
};

/** server_run - serve until told to end; return the exit code */
int server_run(const struct config *config);

/** server_watch_begin - whether a processor can be had for staying awake; any thread */
bool server_watch_begin(struct server *server);

/** server_watch_end - after server_watch_begin() said yes */
void server_watch_end(struct server *server);

/** server_loop_started - a loop's thread is up, or failed with @error (-errno) */
void server_loop_started(struct server *server, struct loop *loop, int error);

#endif
