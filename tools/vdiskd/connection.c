// SPDX-License-Identifier: GPL-2.0
#include "connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"
#include "log.h"
#include "loop.h"
#include "reply.h"
#include "request.h"
#include "ring.h"
#include "server.h"
#include "share.h"
#include "util.h"

enum { LINGER_STEP_MS = 100, LINGER_STEPS = 100 };

static atomic_ulong accepted;

/* The claim's end(): any thread, while the claim keeps the descriptor open. */
static void claim_end(struct claim *claim, const char *why)
{
	struct connection *c = container_of(claim, struct connection, claim);

	if (atomic_exchange(&c->stop, true))
		return;
	log_event(LOG_LEVEL_INFO, "connection is being ended", "peer", c->peer, "reason", why);
	shutdown(c->fd, SHUT_RDWR);
	/* It may have no receive under way that would see the end of its stream. */
	loop_post(c->loop, &c->stopped);
}

static void stopped_run(struct task *task)
{
	connection_progress(container_of(task, struct connection, stopped));
}

static void claim_retry(struct claim *claim)
{
	struct connection *c = container_of(claim, struct connection, claim);

	loop_post(c->loop, &c->retry);
}

static void retry_run(struct task *task)
{
	struct connection *c = container_of(task, struct connection, retry);

	/* Ended since: its release lets the next one try. */
	if (atomic_load(&c->stop))
		connection_progress(c);
	else
		handshake_retry(c);
}

struct connection *connection_create(struct loop *loop, int fd, const struct sockaddr_storage *peer)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->loop = loop;
	c->fd = fd;
	c->out_last = &c->out;
	c->jobs_last = &c->jobs;
	c->retry.run = retry_run;
	c->stopped.run = stopped_run;
	c->claim.client = address_from_socket(peer);
	c->claim.order = atomic_fetch_add(&accepted, 1);
	c->claim.end = claim_end;
	c->claim.retry = claim_retry;
	c->hold.claim = &c->claim;
	c->hold.fd = fd;
	c->hold.sent = &c->sent_ever;
	endpoint_format(peer, c->peer);
	c->handshake = handshake_create();
	if (!c->handshake || !connection_resize_in(c, IN_HANDSHAKE) ||
	    !admission_enter(&c->admission, &c->claim.client, fd)) {
		handshake_destroy(c->handshake);
		free(c->in);
		free(c);
		close(fd);
		return NULL;
	}
	atomic_fetch_add(&loop->load, 1);
	return c;
}

void connection_start(struct connection *c)
{
	struct loop *loop = c->loop;

	c->next = loop->connections;
	c->previous = &loop->connections;
	if (c->next)
		c->next->previous = &c->next;
	loop->connections = c;
	if (loop->stopping)
		connection_leave(c);
	else
		handshake_greet(c);
	connection_progress(c);
}

bool connection_resize_in(struct connection *c, size_t size)
{
	size_t bytes = connection_available(c);
	uint8_t *in;

	if (size < bytes)
		size = bytes;
	in = malloc(size);
	if (!in)
		return false;
	if (bytes)
		memcpy(in, c->in + c->in_start, bytes);
	free(c->in);
	c->in = in;
	c->in_size = size;
	c->in_start = 0;
	c->in_end = bytes;
	return true;
}

void connection_make_ready(struct connection *c)
{
	/* One that is closing has nothing left to do, and is freed soon. */
	if (c->is_ready || c->closing)
		return;
	c->is_ready = true;
	c->next_ready = NULL;
	*c->loop->ready_last = c;
	c->loop->ready_last = &c->next_ready;
}

void connection_make_hungry(struct connection *c)
{
	if (c->is_hungry)
		return;
	c->is_hungry = true;
	c->next_hungry = NULL;
	*c->loop->hungry_last = c;
	c->loop->hungry_last = &c->next_hungry;
}

void connection_kill(struct connection *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	if (!c->why)
		c->why = why;
	shutdown(c->fd, SHUT_RDWR);
	share_leave(c);
	reply_drop(c);
}

void connection_end(struct connection *c)
{
	c->ending = true;
}

void connection_leave(struct connection *c)
{
	if (c->transmission)
		c->leaving = true;
	else
		connection_end(c);
}

/* The claim is released: nobody knows this connection any more. */
static void closed_run(struct task *task)
{
	struct connection *c = container_of(task, struct connection, job.task);

	log_limited(LOG_LEVEL_INFO, "client gone", "peer", c->peer, "reason", c->why);
	close(c->fd);
	*c->previous = c->next;
	if (c->next)
		c->next->previous = c->previous;
	atomic_fetch_sub(&c->loop->load, 1);
	free(c->in);
	free(c);
}

static void release_work(struct job *job)
{
	struct connection *c = container_of(job, struct connection, job);

	gate_leave(c->loop->server->gate, &c->hold);
	store_release(&c->loop->server->store, &c->claim);
}

/* Nothing refers to @c any more but its claim. */
static void close_connection(struct connection *c)
{
	c->closing = true;
	admission_leave(&c->admission);
	reply_drop(c);
	if (c->handshake)
		handshake_unreserve(c);
	handshake_destroy(c->handshake);
	c->handshake = NULL;
	c->job.task.run = closed_run;
	if (!c->claimed) {
		closed_run(&c->job.task);
		return;
	}
	/* Closing the image may wait for its disk. */
	c->job.work = release_work;
	c->job.loop = c->loop;
	job_start(&c->loop->server->doorkeepers, &c->job);
}

static bool is_idle(const struct connection *c)
{
	return !c->receiving && !c->polling && !c->timing && !c->requests && !c->at_work &&
	       !c->is_ready && !c->is_hungry;
}

/* Takes the client's bytes to the front when there is little room behind them. */
static void compact(struct connection *c)
{
	size_t bytes = connection_available(c);

	if (!bytes) {
		c->in_start = 0;
		c->in_end = 0;
	} else if (c->in_size - c->in_end < c->in_size / 2 && c->in_start) {
		memmove(c->in, c->in + c->in_start, bytes);
		c->in_start = 0;
		c->in_end = bytes;
	}
}

static void receive_more(struct connection *c)
{
	struct io_uring_sqe *sqe;
	uint8_t *target;
	bool direct;
	size_t room;

	target = c->incoming ? write_target(c, &room) : NULL;
	direct = target;
	if (!direct) {
		compact(c);
		room = c->in_size - c->in_end;
		if (!room)
			return;
		target = c->in + c->in_end;
	}
	sqe = loop_sqe(c->loop);
	io_uring_prep_recv(sqe, c->fd, target, room, direct ? MSG_WAITALL : 0);
	/* What was drained a moment ago is empty: don't try in vain. */
	if (c->drained)
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	io_uring_sqe_set_data64(sqe, ring_encode(c, RING_RECEIVED));
	c->receiving = true;
	c->incoming_direct = direct;
}

/* Whether the client's kernel hasn't confirmed everything yet. */
static bool is_unconfirmed(const struct connection *c)
{
	int bytes = 0;

	return !ioctl(c->fd, SIOCOUTQ, &bytes) && bytes;
}

static void start_timer(struct connection *c)
{
	struct io_uring_sqe *sqe = loop_sqe(c->loop);

	c->linger.tv_nsec = LINGER_STEP_MS * 1000000LL;
	io_uring_prep_timeout(sqe, &c->linger, 0, 0);
	io_uring_sqe_set_data64(sqe, ring_encode(c, RING_LINGERED));
	c->timing = true;
}

/*
 * Everything is with the socket.  Closed now, it would be reset by whatever the
 * client has sent or sends yet, and forget what is still on its way there: so
 * say that this is the end, and drop what comes until the client has it all.
 */
static void finish(struct connection *c)
{
	if (c->eof || c->lingered == LINGER_STEPS || !is_unconfirmed(c)) {
		connection_kill(c, NULL);
		return;
	}
	if (!c->lingering)
		shutdown(c->fd, SHUT_WR);
	c->lingering = true;
	if (!c->timing)
		start_timer(c);
	c->in_start = c->in_end;
	if (!c->receiving)
		receive_more(c);
}

void connection_lingered(struct connection *c)
{
	c->timing = false;
	c->lingered++;
	connection_progress(c);
}

/* What the client had sent when it was decided to leave. */
static void count_due(struct connection *c)
{
	int bytes = 0;

	/* Here no receive can have taken any that isn't in @in. */
	if (!ioctl(c->fd, FIONREAD, &bytes))
		c->leave_due = bytes;
	c->leave_counted = true;
}

static void settle(struct connection *c)
{
	if (c->ending && !c->dead && !c->requests && !c->at_work && !c->out && !c->is_ready &&
	    !c->is_hungry)
		finish(c);
	if (c->dead) {
		request_abandon(c);
		if (is_idle(c) && !c->closing)
			close_connection(c);
		return;
	}
	if (!c->receiving && !c->is_hungry && !c->ending && !c->eof &&
	    (!c->leaving || c->incoming || c->leave_due))
		receive_more(c);
}

void connection_progress(struct connection *c)
{
	if (!c->dead && atomic_load_explicit(&c->stop, memory_order_acquire))
		connection_kill(c, "ended by the server");
	if (!c->dead) {
		if (!c->transmission) {
			/* An option that is here already waits for the last answer to go. */
			reply_flush(c);
			handshake_progress(c);
		}
		if (c->leaving && !c->leave_counted)
			count_due(c);
		if (c->transmission)
			request_progress(c);
		reply_flush(c);
	}
	settle(c);
}

void connection_received(struct connection *c, int result)
{
	c->receiving = false;
	if (result > 0)
		c->leave_due -= MIN(c->leave_due, (size_t)result);
	if (result == -EINTR || result == -EAGAIN) {
		connection_progress(c);
		return;
	}
	if (result < 0) {
		connection_kill(c, "its socket cannot be read from");
	} else if (!result) {
		c->eof = true;
		if (!c->transmission)
			connection_kill(c, "left in its handshake");
		else if (!c->ending)
			c->why = "its stream ended";
	} else if (c->incoming_direct) {
		write_received(c, result);
	} else {
		c->in_end += result;
		c->drained = c->in_end < c->in_size;
	}
	connection_progress(c);
}

void connection_writable(struct connection *c, int result)
{
	c->polling = false;
	if (result < 0)
		connection_kill(c, "its socket cannot be polled");
	connection_progress(c);
}
