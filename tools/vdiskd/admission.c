// SPDX-License-Identifier: GPL-2.0
#include "admission.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"

enum { SOURCE_BUCKETS = 1024 };

/* An address with connections in their handshake. */
struct source {
	struct source *next;
	struct address address;
	struct admission *first, **last;
	unsigned int count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* all below */
static struct source *sources[SOURCE_BUCKETS];
static struct admission *oldest, **newest = &oldest;
static unsigned int count;

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

static struct source *find_source(const struct address *address)
{
	struct source **head = bucket(address), *source;

	for (source = *head; source; source = source->next)
		if (address_equal(&source->address, address))
			return source;
	source = calloc(1, sizeof(*source));
	if (!source)
		return NULL;
	source->address = *address;
	source->last = &source->first;
	source->next = *head;
	*head = source;
	return source;
}

static void drop_source(struct source *source)
{
	struct source **link = bucket(&source->address);

	while (*link != source)
		link = &(*link)->next;
	*link = source->next;
	free(source);
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
		    address_format(&a->source->address, text), "reason", why);
	shutdown(a->fd, SHUT_RDWR);
	unlink_admission(a);
}

static struct source *greediest(void)
{
	struct source *source, *most = NULL;
	unsigned int i;

	for (i = 0; i < SOURCE_BUCKETS; i++)
		for (source = sources[i]; source; source = source->next)
			if (!most || source->count > most->count)
				most = source;
	return most;
}

bool admission_enter(struct admission *a, const struct address *address, int fd)
{
	struct source *source;

	pthread_mutex_lock(&lock);
	if (count >= HANDSHAKES_MOST)
		evict(greediest()->first, "too many connections are in their handshake");
	source = find_source(address);
	if (!source) {
		pthread_mutex_unlock(&lock);
		return false;
	}
	a->source = source;
	a->fd = fd;
	a->deadline = now_ns() + HANDSHAKE_SECONDS * 1000000000ULL;
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
	/* After linking, so that the source doesn't vanish with its last one. */
	if (source->count > HANDSHAKES_FROM_ONE)
		evict(source->first, "too many connections of this address are in their handshake");
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
	pthread_mutex_lock(&lock);
	a->deadline = 0;
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
		if (a->deadline > now)
			break;
		if (a->deadline)
			evict(a, "no end of its handshake in time");
	}
	pthread_mutex_unlock(&lock);
}
