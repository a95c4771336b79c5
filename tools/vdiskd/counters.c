// SPDX-License-Identifier: GPL-2.0
#include "counters.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "loop.h"
#include "nbd.h"
#include "request.h"
#include "util.h"

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

struct counters *counters_of(struct loop *loop, const char *image)
{
	struct counters *first = atomic_load_explicit(&loop->counters, memory_order_relaxed);
	struct counters *counters;
	unsigned int count = 0;

	for (counters = first; counters; counters = counters->next, count++)
		if (!strcmp(counters->image, image))
			return counters;
	if (count == COUNTERS_IMAGES && *image)
		return counters_of(loop, "");
	counters = calloc(1, sizeof(*counters));
	if (!counters)
		return NULL;
	strcpy(counters->image, image);
	counters->next = first;
	atomic_store_explicit(&loop->counters, counters, memory_order_release);
	return counters;
}

void counters_free(struct loop *loop)
{
	struct counters *counters = atomic_load(&loop->counters), *next;

	atomic_store(&loop->counters, NULL);
	for (; counters; counters = next) {
		next = counters->next;
		free(counters);
	}
}

void counters_request(struct connection *c, const struct request_header *header)
{
	struct counters *counters = c->counters;

	if (!counters || header->command >= COUNTERS_COMMANDS)
		return;
	counters_add(&counters->requests[header->command], 1);
	if (header->command == NBD_CMD_READ)
		counters_add(&counters->read_bytes, header->length);
	else if (header->command == NBD_CMD_WRITE)
		counters_add(&counters->written_bytes, header->length);
}

static void note(struct counters *counters, uint64_t ns, unsigned long n)
{
	unsigned int bucket = 0;

	if (ns >= COUNTERS_FIRST_NS)
		bucket = 63 - __builtin_clzll(ns) - 9;
	counters_add(&counters->latency[MIN(bucket, COUNTERS_BUCKETS - 1U)], n);
	counters_add(&counters->latency_ns, ns * n);
}

void counters_read(struct connection *c)
{
	struct counters *counters = c->counters;

	if (!counters || counters->pending++)
		return;
	counters->next_pending = c->loop->pending;
	c->loop->pending = counters;
}

void counters_read_since(struct connection *c, uint64_t began)
{
	if (c->counters)
		note(c->counters, counters_now(c->loop) - began, 1);
}

uint64_t counters_now(struct loop *loop)
{
	if (!loop->now)
		loop->now = now();
	return loop->now;
}

void counters_begin(struct loop *loop)
{
	loop->now = loop->unmeasured ? 0 : now();
}

void counters_end(struct loop *loop)
{
	struct counters *counters = loop->pending;

	if (!counters)
		return;
	if (loop->unmeasured) {
		loop->unmeasured--;
	} else {
		loop->turn_ns = now() - loop->now;
		loop->unmeasured = COUNTERS_TURNS;
	}
	for (; counters; counters = counters->next_pending) {
		note(counters, loop->turn_ns, counters->pending);
		counters->pending = 0;
	}
	loop->pending = NULL;
}
