// SPDX-License-Identifier: GPL-2.0
#include "admission.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"

enum { SOURCE_BUCKETS = 1024 };

/* A client with connections in their handshake. */
struct source {
	struct source *next;
	struct address owner;
	struct admission *first, **last;
	unsigned int count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* all below */
static struct source *sources[SOURCE_BUCKETS];
static struct admission *oldest, **newest = &oldest;
static unsigned int count;
static uint64_t next_order;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static struct source **bucket(const struct address *address)
{
	uint32_t hash = 2166136261u;
	unsigned int i;

	for (i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * 16777619u;
	return &sources[hash % SOURCE_BUCKETS];
}

static struct source *find_source(const struct address *owner)
{
	struct source **head = bucket(owner), *source;

	for (source = *head; source; source = source->next)
		if (address_equal(&source->owner, owner))
			return source;
	source = calloc(1, sizeof(*source));
	if (!source)
		return NULL;
	source->owner = *owner;
	source->last = &source->first;
	source->next = *head;
	*head = source;
	return source;
}

static void drop_source(struct source *source)
{
	struct source **link = bucket(&source->owner);

	while (*link != source)
		link = &(*link)->next;
	*link = source->next;
	free(source);
}

/* As the youngest, of all and of its source. */
static void link_admission(struct admission *a)
{
	struct source *source = a->source;

	a->order = next_order++;
	a->next = NULL;
	a->previous = newest;
	*newest = a;
	newest = &a->next;
	a->next_same = NULL;
	a->previous_same = source->last;
	*source->last = a;
	source->last = &a->next_same;
	source->count++;
	count++;
}

static void unlink_admission(struct admission *a)
{
	struct source *source = a->source;

	*a->previous = a->next;
	if (a->next)
		a->next->previous = a->previous;
	else
		newest = a->previous;
	*a->previous_same = a->next_same;
	if (a->next_same)
		a->next_same->previous_same = a->previous_same;
	else
		source->last = a->previous_same;
	a->source = NULL;
	count--;
	if (!--source->count)
		drop_source(source);
}

/* Its loop sees the end of the stream, and closes it. */
static void evict(struct admission *a, const char *why)
{
	char text[ADDRESS_TEXT];

	log_limited(LOG_LEVEL_WARNING, "connection evicted", "peer",
		    address_format(&a->address, text), "reason", why);
	shutdown(a->fd, SHUT_RDWR);
	unlink_admission(a);
}

static bool is_greedier(const struct source *a, const struct source *b)
{
	return a->count > b->count || (a->count == b->count && a->first->order < b->first->order);
}

/* With the most connections; of several such the one with the oldest. */
static struct source *greediest(void)
{
	struct source *source, *most = NULL;
	unsigned int i;

	for (i = 0; i < SOURCE_BUCKETS; i++)
		for (source = sources[i]; source; source = source->next)
			if (!most || is_greedier(source, most))
				most = source;
	return most;
}

bool admission_enter(struct admission *a, const struct address *address, int fd)
{
	struct address owner = address_owner(address);

	pthread_mutex_lock(&lock);
	if (count >= HANDSHAKES_MOST)
		evict(greediest()->first, "too many connections are in their handshake");
	a->source = find_source(&owner);
	if (!a->source) {
		pthread_mutex_unlock(&lock);
		return false;
	}
	a->address = *address;
	a->fd = fd;
	a->deadline = now_ns() + HANDSHAKE_SECONDS * 1000000000ULL;
	link_admission(a);
	/* After linking, so that the source doesn't vanish with its last one. */
	if (a->source->count > HANDSHAKES_FROM_ONE)
		evict(a->source->first,
		      "too many connections of this address are in their handshake");
	pthread_mutex_unlock(&lock);
	return true;
}

void admission_leave(struct admission *a)
{
	pthread_mutex_lock(&lock);
	if (a->source)
		unlink_admission(a);
	pthread_mutex_unlock(&lock);
}

void admission_pause(struct admission *a)
{
	uint64_t now = now_ns();

	pthread_mutex_lock(&lock);
	/* The time it has left, which asking again and again doesn't renew. */
	if (a->deadline)
		a->left = a->deadline > now ? a->deadline - now : 0;
	a->deadline = 0;
	pthread_mutex_unlock(&lock);
}

void admission_resume(struct admission *a)
{
	pthread_mutex_lock(&lock);
	if (!a->deadline)
		a->deadline = now_ns() + a->left;
	pthread_mutex_unlock(&lock);
}

void admission_evict_oldest(void)
{
	pthread_mutex_lock(&lock);
	if (oldest)
		evict(oldest, "out of descriptors");
	pthread_mutex_unlock(&lock);
}

void admission_expire(void)
{
	struct admission *a, *next;
	uint64_t now = now_ns();

	pthread_mutex_lock(&lock);
	for (a = oldest; a; a = next) {
		next = a->next;
		if (a->deadline && a->deadline <= now)
			evict(a, "no end of its handshake in time");
	}
	pthread_mutex_unlock(&lock);
}
