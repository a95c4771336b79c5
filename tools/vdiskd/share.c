// SPDX-License-Identifier: GPL-2.0
#include "share.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "buffer.h"
#include "connection.h"
#include "log.h"
#include "loop.h"
#include "util.h"

enum {
	STARVED_TICKS = 2,
	SLOW_TICKS = 10,
	SLOW_BYTES = 16 << 10,		/* a tick; at least */
	SLOW_SHARE = 32,		/* and that part of what it holds */
	ENDED_MOST = 64,		/* a tick */
};

static struct buffer *count(struct connection *c, struct buffer *buffer)
{
	/* Asked again until there is one; it may be hungry or ready meanwhile. */
	c->denied = !buffer;
	if (!buffer)
		return NULL;
	c->held += buffer_weight(buffer);
	/* The turn is over: whoever was refused in it may try again. */
	share_leave(c);
	return buffer;
}

struct buffer *share_take(struct connection *c, size_t size)
{
	struct loop *loop = c->loop;

	if (!loop->turn)
		return count(c, buffer_get(&loop->pool, size, c->held));
	return count(c, loop->turn == c ? buffer_get_alone(&loop->pool, size) : NULL);
}

struct buffer *share_take_urgent(struct connection *c, size_t size)
{
	struct buffer *buffer = buffer_get_urgent(&c->loop->pool, size);

	if (buffer)
		c->held += buffer_weight(buffer);
	return buffer;
}

void share_return(struct connection *c, struct buffer *buffer)
{
	c->held -= buffer_weight(buffer);
	buffer_put(&c->loop->pool, buffer);
	c->loop->buffers_back = true;
}

void share_leave(struct connection *c)
{
	if (c->loop->turn != c)
		return;
	c->loop->turn = NULL;
	c->loop->buffers_back = true;
}

/*
 * The ticks for which @c has taken too little.  What it takes at once counts as
 * long as it is worth: one that takes a byte now and then, or a window's worth
 * now and then, is no better than one that takes none.
 */
static unsigned int slow_ticks(const struct connection *c)
{
	size_t worth = c->sent / MAX(c->held / SLOW_SHARE, (size_t)SLOW_BYTES);

	return c->polling && c->slow + 1 > worth ? c->slow + 1 - worth : 0;
}

static bool end_slowest(struct loop *loop)
{
	struct connection *c, *worst = NULL;

	for (c = loop->connections; c; c = c->next)
		if (!c->dead && c->slow >= SLOW_TICKS && (!worst || c->held > worst->held))
			worst = c;
	if (!worst)
		return false;
	log_limited(LOG_LEVEL_WARNING, "connection ended", "peer", worst->peer, "reason",
		    "it takes its replies too slowly while others wait for buffers");
	connection_kill(worst, "took its replies too slowly");
	connection_make_ready(worst);
	return true;
}

/*
 * Whether @c waits for others only: who has some waits for itself, and
 * so does who leaves in its socket what it was sent before.
 */
static bool is_kept_waiting(const struct connection *c)
{
	int unread = 0;

	return c->denied && !c->held && !c->dead &&
	       (ioctl(c->fd, SIOCOUTQ, &unread) || !unread);
}

void share_tick(struct loop *loop)
{
	struct connection *c, *poorest = NULL;
	unsigned int starving = 0;

	for (c = loop->connections; c; c = c->next) {
		c->slow = slow_ticks(c);
		c->sent = 0;
		c->starved = is_kept_waiting(c) ? c->starved + 1 : 0;
		if (c->starved < STARVED_TICKS)
			continue;
		starving++;
		if (!poorest || c->starved > poorest->starved)
			poorest = c;
	}
	if (loop->turn && !loop->turn->denied)
		share_leave(loop->turn);
	if (!poorest)
		return;
	if (!loop->turn) {
		loop->turn = poorest;
		loop->buffers_back = true;
	}
	/* One for each that starves: the last of many isn't to wait a tick for each of the others. */
	starving = MIN(starving, (unsigned int)ENDED_MOST);
	while (starving && end_slowest(loop))
		starving--;
}
