/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the data plane has done, for metrics.  Each loop counts for itself, one
 * set an image: its thread alone writes them, with plain additions; whoever wants
 * sums reads those of all loops.
 *
 * A READ's latency is from when its loop saw it to when its loop had put its
 * reply on the wire, or in the socket's queue.  Those that wait for a disk are
 * measured each.  Those that are answered in the very turn of the loop in which
 * they came are measured by turns, and one turn stands for the three with reads
 * that follow it: more looks at the clock would cost more than one percent.
 */
#ifndef VDISKD_COUNTERS_H
#define VDISKD_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "export.h"

struct connection;
struct loop;
struct request_header;

enum counters_limits {
	COUNTERS_COMMANDS = 8,
	COUNTERS_BUCKETS = 24,		/* the last one has no end */
	COUNTERS_FIRST_NS = 1 << 10,	/* end of the first; each is twice as wide as the one before */
	COUNTERS_TURNS = 3,		/* that one measured turn stands for, beside itself */
	COUNTERS_IMAGES = 4096,		/* of a loop; more share a set without a name */
};

struct counters {
	struct counters *next;		/* never changes once others can see it */
	struct counters *next_pending;
	unsigned int pending;		/* reads answered in this turn */
	char image[EXPORT_KEY_SIZE];
	atomic_ulong requests[COUNTERS_COMMANDS];
	atomic_ulong errors, read_bytes, written_bytes;
	atomic_ulong latency[COUNTERS_BUCKETS], latency_ns;
};

/** counters_of - the set of @image on @loop, by its thread; NULL without memory */
struct counters *counters_of(struct loop *loop, const char *image);

/** counters_free - all of @loop's; nobody may read them any more */
void counters_free(struct loop *loop);

/** counters_request - a request was begun */
void counters_request(struct connection *c, const struct request_header *header);

/** counters_read - a READ that began in this turn of the loop is answered */
void counters_read(struct connection *c);

/** counters_now - the time of this turn, for request->began; ns */
uint64_t counters_now(struct loop *loop);

/** counters_read_since - the same, for one that began at @began */
void counters_read_since(struct connection *c, uint64_t began);

/** counters_begin - the loop has woken: a turn begins */
void counters_begin(struct loop *loop);

/** counters_end - the turn is over: all that it answered is sent */
void counters_end(struct loop *loop);

static inline void counters_add(atomic_ulong *counter, unsigned long n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

#endif
