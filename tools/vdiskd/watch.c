// SPDX-License-Identifier: GPL-2.0
#include "watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "server.h"
#include "util.h"

enum { TICKS_BETWEEN = 3 };

static void check_work(struct job *job)
{
	struct watch *watch = container_of(job, struct watch, job);

	do {
		atomic_store(&watch->again, false);
		store_check(&watch->server->store);
	} while (atomic_load(&watch->again));
	/* News that come in between wait for the next tick. */
	atomic_store(&watch->running, false);
}

void watch_init(struct watch *watch, struct server *server)
{
	*watch = (struct watch) { .server = server, .job.work = check_work };
}

/* Looking at files may wait for a disk: a worker does it. */
static void check(struct watch *watch)
{
	watch->ticks = 0;
	atomic_store(&watch->again, true);
	if (!atomic_exchange(&watch->running, true))
		job_start(&watch->server->doorkeepers, &watch->job);
}

void watch_events(struct watch *watch)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;

	/* Which file it was doesn't matter: few are open. */
	while (read(watch->server->store.watch, events, sizeof(events)) > 0)
		any = true;
	if (any)
		check(watch);
}

void watch_tick(struct watch *watch)
{
	if (++watch->ticks >= TICKS_BETWEEN)
		check(watch);
}
