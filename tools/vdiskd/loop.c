// SPDX-License-Identifier: GPL-2.0
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "counters.h"
#include "log.h"
#include "request.h"
#include "ring.h"
#include "server.h"
#include "share.h"
#include "util.h"

enum {
	RING_ENTRIES = 256,
	RING_COMPLETIONS = 4096,
	FILE_WORKERS = 64,
	WATCH_NS = 50000,		/* about what falling asleep and being woken take */
	PREEMPTED_NS = 200000,		/* no system call takes that long */
	MISSES_MOST = 6,		/* in a row; then one of 64 turns is watched for */
	BUSY_NS = 200000000,		/* not watched for, where others want the processor */
	SINGLES = 64,			/* turns with one request each */
	DEPTH_LEAST = 16,		/* of fewer requests under way none waits for others */
	DEPTH_TURNS = 8192,		/* after so many an eighth of the depth is forgotten */
	NAP_STEP_NS = 1000,
	NAP_LEAST_NS = 4000,		/* shorter ones aren't worth their timer */
	NAP_MOST_NS = 50000,
	PROBE = 32,			/* one of so many turns isn't watched for */
	READY_MOST = 8,
};

struct io_uring_sqe *loop_sqe(struct loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	while (!sqe) {
		io_uring_submit(&loop->ring);
		sqe = io_uring_get_sqe(&loop->ring);
	}
	return sqe;
}

static void arm_wake(struct loop *loop)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	io_uring_prep_read(sqe, loop->wake_fd, &loop->wake_value, sizeof(loop->wake_value), 0);
	io_uring_sqe_set_data64(sqe, ring_encode(loop, RING_WOKEN));
}

static int make_ring(struct loop *loop)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQSIZE,
		.cq_entries = RING_COMPLETIONS,
	};
	unsigned int workers[2] = { FILE_WORKERS, FILE_WORKERS };
	int ret;

	ret = io_uring_queue_init_params(RING_ENTRIES, &loop->ring, &params);
	if (ret)
		return ret;
	/* Saves a lookup at each call; where it fails nothing is lost. */
	io_uring_register_ring_fd(&loop->ring);
	ret = io_uring_register_iowq_max_workers(&loop->ring, workers);
	if (ret)
		io_uring_queue_exit(&loop->ring);
	return ret;
}

int loop_init(struct loop *loop, struct server *server)
{
	int ret;

	loop->server = server;
	loop->ready_last = &loop->ready;
	loop->hungry_last = &loop->hungry;
	loop->inbox_last = &loop->inbox;
	loop->wake_needed = true;
	pthread_mutex_init(&loop->lock, NULL);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (loop->wake_fd < 0)
		return -errno;
	ret = make_ring(loop);
	if (ret) {
		close(loop->wake_fd);
		return ret;
	}
	pool_init(&loop->pool, server->pool_cap);
	arm_wake(loop);
	return 0;
}

void loop_uninit(struct loop *loop)
{
	struct request *request;

	io_uring_queue_exit(&loop->ring);
	close(loop->wake_fd);
	while ((request = loop->free_requests)) {
		loop->free_requests = request->next;
		free(request);
	}
	pool_uninit(&loop->pool);
	pthread_mutex_destroy(&loop->lock);
}

void loop_post(struct loop *loop, struct task *task)
{
	uint64_t one = 1;
	bool wake;

	pthread_mutex_lock(&loop->lock);
	task->next = NULL;
	*loop->inbox_last = task;
	loop->inbox_last = &task->next;
	wake = loop->wake_needed;
	loop->wake_needed = false;
	/* Under the lock: the loop can't end before it has seen the task. */
	if (wake && write(loop->wake_fd, &one, sizeof(one)) < 0)
		log_event(LOG_LEVEL_ERROR, "an event loop cannot be woken", "reason",
			  strerror(errno));
	pthread_mutex_unlock(&loop->lock);
}

static void run_inbox(struct loop *loop)
{
	struct task *task, *next;

	pthread_mutex_lock(&loop->lock);
	task = loop->inbox;
	loop->inbox = NULL;
	loop->inbox_last = &loop->inbox;
	loop->wake_needed = true;
	pthread_mutex_unlock(&loop->lock);
	for (; task; task = next) {
		next = task->next;
		task->run(task);
	}
}

static void dispatch(struct loop *loop, uint64_t data, int result)
{
	switch (ring_kind(data)) {
	case RING_RECEIVED:
		connection_received(ring_pointer(data), result);
		break;
	case RING_WRITABLE:
		connection_writable(ring_pointer(data), result);
		break;
	case RING_FILE:
		request_file_done(ring_pointer(data), result);
		break;
	case RING_DELAYED:
		request_delayed(ring_pointer(data));
		break;
	case RING_LINGERED:
		connection_lingered(ring_pointer(data));
		break;
	case RING_WOKEN:
	case RING_KINDS:
		run_inbox(loop);
		arm_wake(loop);
		break;
	}
}

static void run_first_ready(struct loop *loop)
{
	struct connection *c = loop->ready;

	loop->ready = c->next_ready;
	if (!loop->ready)
		loop->ready_last = &loop->ready;
	c->is_ready = false;
	connection_progress(c);
}

/*
 * Some of those that have more to do, until what one has in its turn is sent: who
 * asks for little meanwhile waits no longer than that takes.
 */
static void run_ready(struct loop *loop)
{
	unsigned int most = READY_MOST;
	struct connection *c;

	if (loop->buffers_back && loop->hungry) {
		c = loop->hungry;
		loop->hungry = NULL;
		loop->hungry_last = &loop->hungry;
		while (c) {
			struct connection *next = c->next_hungry;

			c->is_hungry = false;
			connection_make_ready(c);
			c = next;
		}
	}
	loop->buffers_back = false;
	for (loop->sent = 0; loop->ready && most && loop->sent < TURN_BYTES; most--)
		run_first_ready(loop);
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Looks for what comes next until it is here, or the time is over; whether it came. */
static bool watch(struct loop *loop)
{
	uint64_t begin = clock_ns(), now = begin, last;

	do {
		last = now;
		if (io_uring_submit_and_get_events(&loop->ring) < 0)
			break;
		if (io_uring_cq_ready(&loop->ring))
			return true;
		now = clock_ns();
		/* Another had our processor meanwhile: there are none to spare. */
		if (now - last > PREEMPTED_NS) {
			loop->watch_from = now + BUSY_NS;
			break;
		}
	} while (now - begin < WATCH_NS);
	return false;
}

/*
 * Who has many requests under way, and is at his own limit, sends them one by one,
 * and each costs him a wake-up of ours and us a sleep.  So a loop that serves one
 * such client alone lets some come together, a third of what he is seen to have
 * under way: the rest keeps him busy meanwhile.  On a lone processor he is busy only
 * when we sleep, and they come together by themselves.
 */
static void nap(struct loop *loop)
{
	struct timespec ts = { .tv_nsec = loop->nap_ns };

	if (!loop->asked_last || !loop_serves_one(loop) || loop->depth < DEPTH_LEAST)
		return;
	/* What goes to a file is to go at once. */
	if (loop->at_files || !loop->server->watchers_most)
		return;
	if (loop->asked_last < loop->depth / 3)
		loop->nap_ns = MIN(loop->nap_ns + NAP_STEP_NS, (unsigned int)NAP_MOST_NS);
	else if (loop->asked_last > loop->depth / 2)
		loop->nap_ns -= loop->nap_ns / 4;
	if (loop->nap_ns > NAP_LEAST_NS)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static bool may_watch(struct loop *loop)
{
	if (loop->singles < SINGLES)
		return false;
	if (loop->watch_skip) {
		loop->watch_skip--;
		return false;
	}
	/* Who watches sees requests one by one also where many are under way: look now and then. */
	return loop->singles % PROBE && clock_ns() >= loop->watch_from;
}

/*
 * Who wants one thing at a time asks for the next as soon as it has the answer,
 * and falling asleep and being woken take longer than that.  So a loop watches
 * for a moment before it sleeps, as long as that pays, and some processors are
 * left for others.  In vain it does so less and less often, but never stops: how
 * soon the next request comes is seen only by who is awake.
 */
static int watch_or_wait(struct loop *loop)
{
	if (may_watch(loop) && server_watch_begin(loop->server)) {
		if (watch(loop))
			loop->watch_misses = 0;
		else if (loop->watch_misses < MISSES_MOST)
			loop->watch_misses++;
		loop->watch_skip = (1U << loop->watch_misses) - 1;
		server_watch_end(loop->server);
	} else if (loop->singles < SINGLES) {
		nap(loop);
	}
	return io_uring_submit_and_wait(&loop->ring, 1);
}

static void count_asked(struct loop *loop)
{
	loop->singles = loop->asked == 1 ? loop->singles + 1 : 0;
	loop->same = loop->asker && loop->asker == loop->asker_last ? loop->same + 1 : 0;
	loop->asker_last = loop->asker;
	/* What is under way is seen only now and then: a maximum that wears off. */
	if (!loop->same)
		loop->depth = 0;
	else if (loop->asked > loop->depth)
		loop->depth = loop->asked;
	else if (!(loop->same % DEPTH_TURNS))
		loop->depth -= loop->depth / 8;
}

void loop_step(struct loop *loop, bool wait)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int ret;

	wait = wait && !loop->ready && !(loop->buffers_back && loop->hungry);
	if (wait)
		ret = watch_or_wait(loop);
	else
		ret = io_uring_submit_and_get_events(&loop->ring);
	if (ret < 0 && ret != -EINTR && ret != -EBUSY && ret != -EAGAIN)
		log_limited(LOG_LEVEL_ERROR, "io_uring fails", "reason", strerror(-ret));
	counters_begin(loop);
	loop->left = io_uring_cq_ready(&loop->ring);
	io_uring_for_each_cqe(&loop->ring, head, cqe) {
		/* More may come meanwhile. */
		if (loop->left)
			loop->left--;
		dispatch(loop, cqe->user_data, cqe->res);
		seen++;
	}
	io_uring_cq_advance(&loop->ring, seen);
	loop->left = 0;
	run_ready(loop);
	if (loop->asked)
		count_asked(loop);
	loop->asked_last = loop->asked;
	loop->asked = 0;
	loop->asker = NULL;
	counters_end(loop);
}

static void *loop_thread(void *arg)
{
	struct loop *loop = arg;
	int ret = loop_init(loop, loop->server);

	/* nap() means what it says. */
	prctl(PR_SET_TIMERSLACK, 1);

	server_loop_started(loop->server, loop, ret);
	if (ret)
		return NULL;
	while (!loop->stopping || loop->connections)
		loop_step(loop, true);
	loop_uninit(loop);
	return NULL;
}

int loop_start(struct loop *loop, struct server *server)
{
	loop->server = server;
	return -pthread_create(&loop->thread, NULL, loop_thread, loop);
}

static void tick_run(struct task *task)
{
	struct loop *loop = container_of(task, struct loop, tick);

	atomic_store(&loop->tick_posted, false);
	share_tick(loop);
}

void loop_tick(struct loop *loop)
{
	/* Nothing to look at is the usual case; the load says so without a lock. */
	if (!atomic_load(&loop->load) || atomic_exchange(&loop->tick_posted, true))
		return;
	loop->tick.run = tick_run;
	loop_post(loop, &loop->tick);
}

static void stop_run(struct task *task)
{
	struct loop *loop = container_of(task, struct loop, stop);
	struct connection *c, *next;

	loop->stopping = true;
	for (c = loop->connections; c; c = next) {
		next = c->next;
		connection_leave(c);
		connection_make_ready(c);
	}
}

void loop_stop(struct loop *loop)
{
	loop->stop.run = stop_run;
	loop_post(loop, &loop->stop);
}
