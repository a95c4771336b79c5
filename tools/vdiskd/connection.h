/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection: belongs to one event loop, whose thread alone touches it, except
 * for the claim's two callbacks and the handshake's job.
 *
 *   HANDSHAKE --handshake_done()--> TRANSMISSION
 *
 * It ends in two ways.  "ending": no request is begun any more, those under way
 * are answered, then it closes when the client's kernel has all of it (DISC, end
 * of the client's stream, SIGTERM).
 * "dead": its socket is of no use or must not be used; nothing is answered any
 * more, but it stays until everything under way has come back.
 */
#ifndef VDISKD_CONNECTION_H
#define VDISKD_CONNECTION_H

#include <linux/time_types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admission.h"
#include "gate.h"
#include "store.h"
#include "worker.h"

struct buffer;
struct counters;
struct handshake;
struct loop;
struct request;

enum connection_limits {
	IN_HANDSHAKE = 4096 + 64,
	IN_READ_ONLY = 8192,
	IN_WRITABLE = 160 << 10,
	REQUESTS_MOST = 256,		/* under way at once, a connection */
	JOBS_MOST = 4,			/* of them, with workers */
	TURN_BYTES = 128 << 10,		/* begun, or sent; then others have their turn */
	TURN_REQUESTS = 256,
	SHORT_MOST = 32 << 10,		/* longer reads wait until all is looked at that has come */
	HELD_BLOCKED = 256 << 10,	/* of replies, while the socket is full */
};

struct connection {
	struct loop *loop;
	struct connection *next, **previous;	/* in @loop->connections */
	struct connection *next_ready, *next_hungry;
	bool is_ready, is_hungry;
	int fd;

	bool transmission, ending, dead, closing;
	bool eof;			/* the client sends nothing any more */
	bool leaving;			/* the server ends: what is here is still answered */
	bool leave_counted;		/* @leave_due is known */
	bool lingering;			/* all is sent; until the client has it */
	bool timing;			/* RING_LINGERED is due */
	bool receiving;			/* RING_RECEIVED is due */
	bool polling;			/* RING_WRITABLE is due */
	bool drained;			/* the last receive took all there was */
	bool incoming_direct;		/* that receive goes to @incoming */
	atomic_bool stop;		/* the claim's end() was called */
	unsigned int requests;		/* under way: on the ring, with a worker, or in @jobs */
	unsigned int working;		/* of them, with a worker */
	struct request *jobs, **jobs_last; /* for a worker, when fewer are there */

	uint8_t *in;			/* received; [in_start, in_end) isn't used yet */
	size_t in_size, in_start, in_end;
	size_t in_wanted;		/* size to change to when no receive is due */
	uint64_t skip;			/* bytes to drop as they come */
	size_t leave_due;		/* bytes that were with the kernel when leaving began */
	struct __kernel_timespec linger;
	unsigned int lingered;		/* times of that */

	struct buffer *out, **out_last;	/* replies in the order they go out */
	size_t held;			/* bytes of buffers this connection has */
	size_t sent;			/* bytes that its socket took in this tick */
	atomic_ulong sent_ever;		/* the same since GO; others read it */
	unsigned int slow;		/* ticks in which that wasn't enough */
	bool denied;			/* the last time it wanted a buffer */
	unsigned int starved;		/* ticks without a buffer, though it needs one */

	/* What was negotiated. */
	struct image *image;
	struct counters *counters;	/* of this image, on this loop; NULL without memory */
	bool structured;
	unsigned int contexts;		/* bits of enum meta_context */
	struct request *incoming;	/* a write whose payload is on its way */
	struct request *syncing, *synced; /* under way, in order; done, but not answered */
	uint64_t syncs_started;
	struct request *reading;	/* a long read that isn't all begun yet */

	struct handshake *handshake;	/* NULL in transmission */
	struct job job;			/* an option at work, or the release */
	bool at_work, claimed;
	struct task retry, stopped;	/* the claim's callbacks, on the loop */
	struct claim claim;
	struct gate_hold hold;
	struct admission admission;
	char peer[ADDRESS_TEXT];
	const char *why;		/* it ended, for the log; NULL: as it should */
};

/**
 * connection_create - wrap an accepted socket
 * @fd:   non-blocking; the connection's from now on, also on failure
 * @peer: where it comes from
 *
 * Called by the thread that accepts; the result goes to its loop by
 * connection_start().  Return: NULL without memory.
 */
struct connection *connection_create(struct loop *loop, int fd, const struct sockaddr_storage *peer);

/** connection_start - greet the client; on the loop's thread */
void connection_start(struct connection *c);

/** connection_received - a receive has ended with @result */
void connection_received(struct connection *c, int result);

/** connection_writable - the poll for room has ended with @result */
void connection_writable(struct connection *c, int result);

/** connection_lingered - a while has passed in which the client could take its replies */
void connection_lingered(struct connection *c);

/** connection_progress - do whatever can be done; may free @c */
void connection_progress(struct connection *c);

/** connection_kill - make it dead; @why: for the log, a literal */
void connection_kill(struct connection *c, const char *why);

/** connection_end - make it ending: nothing more is begun, replies still go out */
void connection_end(struct connection *c);

/** connection_leave - have it end when all that it was sent so far is answered */
void connection_leave(struct connection *c);

/** connection_make_ready - have connection_progress() called soon */
void connection_make_ready(struct connection *c);

/** connection_make_hungry - the same, when buffers have come back */
void connection_make_hungry(struct connection *c);

/** connection_resize_in - change the room for received bytes; false without memory */
bool connection_resize_in(struct connection *c, size_t size);

static inline size_t connection_available(const struct connection *c)
{
	return c->in_end - c->in_start;
}

#endif
