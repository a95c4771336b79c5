/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An event loop: one thread with an io_uring of its own, which does all the work
 * of its connections.  Nothing here waits but the ring.
 */
#ifndef VDISKD_LOOP_H
#define VDISKD_LOOP_H

#include <liburing.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "worker.h"

struct connection;
struct counters;
struct request;
struct server;

enum loop_limits { LOOP_SAME = 64 };	/* turns that only one connection asked in */

struct loop {
	struct io_uring ring;
	struct server *server;
	struct pool pool;
	struct connection *connections;		/* all of them */
	struct connection *ready, **ready_last;	/* have more to do */
	struct connection *hungry, **hungry_last; /* wait for a buffer */
	struct request *free_requests;
	struct connection *turn;		/* NULL, or the only one that gets a buffer now */
	size_t sent;				/* bytes, in run_ready() */
	bool buffers_back;			/* somebody hungry may go on */
	bool stopping;				/* answers what came, then ends */
	atomic_uint load;			/* connections; others read it */
	_Atomic(struct counters *) counters;	/* others read them */
	uint64_t watch_from;			/* not before; ns */
	unsigned int watch_misses;		/* in a row */
	unsigned int watch_skip;		/* turns that aren't watched for, yet */
	unsigned int left;			/* of what came in this turn, not looked at yet */
	unsigned int asked;			/* requests that came in this turn */
	struct connection *asker;		/* they are all of; NULL: of none, or several */
	struct connection *asker_last;		/* never looked into */
	unsigned int asked_last;
	unsigned int same;			/* turns in a row with one asker */
	unsigned int depth;			/* requests that it has under way */
	unsigned int nap_ns;
	unsigned int at_files;			/* requests that the ring has */
	unsigned int singles;			/* turns in a row with one request */
	struct counters *pending;		/* have reads that were answered in this turn */
	uint64_t now;				/* when this turn began; ns; 0: nobody has asked */
	uint64_t turn_ns;			/* the last turn with reads that was measured */
	unsigned int unmeasured;		/* turns with reads, until one is measured again */

	int wake_fd;
	uint64_t wake_value;
	pthread_mutex_t lock;			/* the two fields below */
	struct task *inbox, **inbox_last;
	bool wake_needed;			/* the loop may be asleep */

	struct task stop;
	struct task tick;
	atomic_bool tick_posted;
	pthread_t thread;
};

/** loop_init - make the ring, in the thread that will run the loop */
int loop_init(struct loop *loop, struct server *server);

/** loop_uninit - the opposite; no connection may be left */
void loop_uninit(struct loop *loop);

/** loop_step - wait for something (unless !@wait) and handle all there is */
void loop_step(struct loop *loop, bool wait);

/** loop_start - start a thread that runs until loop_stop(); return 0 or -errno */
int loop_start(struct loop *loop, struct server *server);

/** loop_stop - let connections finish what they began; the thread ends after the last */
void loop_stop(struct loop *loop);

/** loop_tick - a second has passed; from one thread only */
void loop_tick(struct loop *loop);

/** loop_post - run @task on the loop; from any thread */
void loop_post(struct loop *loop, struct task *task);

/** loop_sqe - an entry to fill in; the loop's thread only; never NULL */
struct io_uring_sqe *loop_sqe(struct loop *loop);

/** loop_asked - @c asks for something in this turn */
static inline void loop_asked(struct loop *loop, struct connection *c)
{
	if (!loop->asked++)
		loop->asker = c;
	else if (loop->asker != c)
		loop->asker = NULL;
}

/** loop_serves_one - whether one connection alone has asked for anything, for a while */
static inline bool loop_serves_one(const struct loop *loop)
{
	return loop->same >= LOOP_SAME;
}

#endif
