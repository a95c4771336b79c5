/* SPDX-License-Identifier: GPL-2.0 */
/* Watching over open images: something may have changed one under us. */
#ifndef VDISKD_WATCH_H
#define VDISKD_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "worker.h"

struct server;

struct watch {
	struct job job;
	struct server *server;
	atomic_bool running, again;
	unsigned int ticks;
};

/** watch_init - start watching @server's store */
void watch_init(struct watch *watch, struct server *server);

/** watch_events - the store's inotify has news */
void watch_events(struct watch *watch);

/** watch_tick - call it about once a second: not everything is told by inotify */
void watch_tick(struct watch *watch);

#endif
