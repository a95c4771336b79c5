// SPDX-License-Identifier: GPL-2.0
/*
 * Connections of the control plane: how many there are, in all and from one
 * address, and how long one may take to send a request.  libmicrohttpd only
 * knows idle ones; a client that sends a byte every second is never idle.
 *
 * Who waits longest makes room: within its own address first, then among all.
 */
#include "http_internal.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util.h"

enum {
	REQUEST_SECONDS = 20,
	FROM_ONE_PART = 4,	/* of what there is for all, an address gets a quarter */
	FROM_ONE_LEAST = 8,
	HELD_SMALL = 32 << 10,
};

struct http_connection {
	struct http_connection *next, **previous;	/* of all, the longest waiting first */
	struct address owner;
	time_t deadline;		/* 0: it waits for us */
	size_t held;			/* bytes of its request */
	int fd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below, and each connection */
static struct http_connection *first, **last = &first;
static unsigned int count, most = HTTP_CONNECTIONS_MOST, seconds = REQUEST_SECONDS;

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

static void append(struct http_connection *c)
{
	c->next = NULL;
	c->previous = last;
	*last = c;
	last = &c->next;
}

static void take_out(struct http_connection *c)
{
	*c->previous = c->next;
	if (c->next)
		c->next->previous = c->previous;
	else
		last = c->previous;
}

void http_connection_limit(unsigned int limit, unsigned int request_seconds)
{
	most = limit;
	if (request_seconds)
		seconds = request_seconds;
}

/* Whoever owns the descriptor closes it; until then it can't be another's: see _close(). */
static void end(struct http_connection *c)
{
	shutdown(c->fd, SHUT_RDWR);
	c->deadline = 0;
}

/* Ends the one that waits longest; of one owner, or of all. */
static void evict(const struct address *owner)
{
	struct http_connection *c;

	for (c = first; c; c = c->next) {
		if (c->deadline && (!owner || address_equal(&c->owner, owner))) {
			end(c);
			return;
		}
	}
}

static unsigned int count_of(const struct address *owner)
{
	const struct http_connection *c;
	unsigned int sum = 0;

	for (c = first; c; c = c->next)
		sum += address_equal(&c->owner, owner);
	return sum;
}

struct http_connection *http_connection_open(int fd, const struct sockaddr *peer)
{
	struct http_connection *c = calloc(1, sizeof(*c));
	struct sockaddr_storage sa = { .ss_family = AF_UNIX };
	unsigned int from_one = MAX(most / FROM_ONE_PART, (unsigned int)FROM_ONE_LEAST);
	struct address address;

	if (!c) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	if (peer->sa_family == AF_INET)
		memcpy(&sa, peer, sizeof(struct sockaddr_in));
	else if (peer->sa_family == AF_INET6)
		memcpy(&sa, peer, sizeof(struct sockaddr_in6));
	address = address_from_socket(&sa);
	c->owner = address_owner(&address);
	c->fd = fd;
	c->deadline = now() + seconds;
	pthread_mutex_lock(&lock);
	append(c);
	count++;
	/* The last resort is the newcomer itself. */
	if (count_of(&c->owner) > from_one)
		evict(&c->owner);
	else if (count > most)
		evict(NULL);
	pthread_mutex_unlock(&lock);
	return c;
}

void http_connection_close(struct http_connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&lock);
	take_out(c);
	count--;
	pthread_mutex_unlock(&lock);
	free(c);
}

static void set_deadline(struct http_connection *c, time_t deadline)
{
	if (!c)
		return;
	pthread_mutex_lock(&lock);
	c->deadline = deadline;
	take_out(c);
	append(c);
	pthread_mutex_unlock(&lock);
}

void http_connection_wait(struct http_connection *c)
{
	set_deadline(c, now() + seconds);
}

void http_connection_work(struct http_connection *c)
{
	set_deadline(c, 0);
}

bool http_connection_hold(struct http_connection *c, size_t bytes)
{
	const struct http_connection *other;
	size_t sum = 0;

	if (!c)
		return bytes <= HELD_SMALL;
	pthread_mutex_lock(&lock);
	c->held = bytes;
	if (bytes > HELD_SMALL)
		for (other = first; other; other = other->next)
			if (address_equal(&other->owner, &c->owner))
				sum += other->held;
	pthread_mutex_unlock(&lock);
	return sum <= HTTP_BODIES_MOST / FROM_ONE_PART;
}

void http_connection_expire(void)
{
	time_t limit = now();
	struct http_connection *c;

	pthread_mutex_lock(&lock);
	for (c = first; c; c = c->next)
		if (c->deadline && c->deadline < limit)
			end(c);
	pthread_mutex_unlock(&lock);
}

unsigned int http_connection_count(void)
{
	unsigned int sum;

	pthread_mutex_lock(&lock);
	sum = count;
	pthread_mutex_unlock(&lock);
	return sum;
}
