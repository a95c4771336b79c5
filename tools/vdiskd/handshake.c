// SPDX-License-Identifier: GPL-2.0
#include "handshake.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "connection.h"
#include "counters.h"
#include "log.h"
#include "loop.h"
#include "nbd.h"
#include "reply.h"
#include "request.h"
#include "server.h"
#include "share.h"
#include "util.h"
#include "wire.h"

enum { SERVER_FLAGS = NBD_HS_FIXED_NEWSTYLE | NBD_HS_NO_ZEROES };

struct handshake *handshake_create(void)
{
	return calloc(1, sizeof(struct handshake));
}

void handshake_destroy(struct handshake *hs)
{
	if (!hs)
		return;
	text_free(&hs->answer);
	free(hs->data);
	free(hs);
}

void handshake_unreserve(struct connection *c)
{
	if (c->handshake->reserved)
		share_return(c, c->handshake->reserved);
	c->handshake->reserved = NULL;
}

void handshake_greet(struct connection *c)
{
	uint8_t hello[18];

	put_be64(hello, NBD_MAGIC_INIT);
	put_be64(hello + 8, NBD_MAGIC_OPTION);
	put_be16(hello + 16, SERVER_FLAGS);
	reply_queue_bytes(c, hello, sizeof(hello));
}

static void option_work(struct job *job)
{
	option_answer(container_of(job, struct connection, job));
}

/* From here on the connection is safe from eviction. */
static void enter_transmission(struct connection *c)
{
	struct handshake *hs = c->handshake;

	admission_leave(&c->admission);
	c->image = hs->image;
	c->counters = counters_of(c->loop, hs->target.key);
	c->structured = hs->structured;
	if (hs->structured && !strcmp(hs->contexts_name, hs->target.told))
		c->contexts = hs->contexts;
	log_limited(LOG_LEVEL_INFO, "client connected", "peer", c->peer, "image", hs->target.key,
		    "session", hs->target.session ? hs->target.shown : NULL, "access",
		    c->image->writable ? "writable" : "read-only");
	handshake_destroy(hs);
	c->handshake = NULL;
	c->transmission = true;
	/* Not while a receive goes there: request_progress() does it then. */
	c->in_wanted = c->image->writable ? IN_WRITABLE : IN_READ_ONLY;
}

static void option_answered(struct connection *c)
{
	struct handshake *hs = c->handshake;

	handshake_unreserve(c);
	if (hs->answer.failed) {
		connection_kill(c, "no memory for an answer");
		return;
	}
	if (hs->answer.length)
		reply_queue_bytes(c, hs->answer.data, hs->answer.length);
	text_free(&hs->answer);
	free(hs->data);
	hs->data = NULL;
	switch (hs->outcome) {
	case HANDSHAKE_DONE:
		enter_transmission(c);
		break;
	case HANDSHAKE_CLOSE:
		connection_end(c);
		break;
	case HANDSHAKE_DROP:
		connection_kill(c, "refused");
		break;
	default:
		break;
	}
}

static void start_work(struct connection *c);

static void option_worked(struct task *task)
{
	struct connection *c = container_of(task, struct connection, job.task);
	struct handshake *hs = c->handshake;

	c->at_work = false;
	if (!c->dead && hs->outcome == HANDSHAKE_WAIT) {
		if (hs->retry)
			start_work(c);
		else
			admission_pause(&c->admission);
	} else if (!c->dead) {
		admission_resume(&c->admission);
		option_answered(c);
	}
	connection_progress(c);
}

/*
 * Names may be many: LIST has room for the most of them before it is begun, so
 * that those who never read their list can't take more than the pool has.
 */
static bool reserve(struct connection *c)
{
	struct handshake *hs = c->handshake;

	if (hs->option != NBD_OPT_LIST || hs->reserved)
		return true;
	hs->reserved = share_take(c, BUFFER_LARGE_SIZE);
	return hs->reserved;
}

static void start_work(struct connection *c)
{
	c->handshake->hungry = !reserve(c);
	if (c->handshake->hungry) {
		connection_make_hungry(c);
		return;
	}
	c->handshake->retry = false;
	c->handshake->outcome = HANDSHAKE_MORE;
	c->at_work = true;
	c->job.work = option_work;
	c->job.task.run = option_worked;
	c->job.loop = c->loop;
	job_start(&c->loop->server->doorkeepers, &c->job);
}

void handshake_retry(struct connection *c)
{
	if (c->dead || c->closing)
		return;
	if (c->at_work) {
		c->handshake->retry = true;
		return;
	}
	start_work(c);
}

static bool take_flags(struct connection *c)
{
	uint32_t flags;

	if (connection_available(c) < 4)
		return false;
	flags = get_be32(c->in + c->in_start);
	c->in_start += 4;
	if (flags & ~(uint32_t)SERVER_FLAGS) {
		connection_kill(c, "unknown flags in its handshake");
		return false;
	}
	c->handshake->no_zeroes = flags & NBD_HS_NO_ZEROES;
	c->handshake->flags_received = true;
	return true;
}

/* The whole of an option, or false when more must be received first. */
static bool take_option(struct connection *c)
{
	struct handshake *hs = c->handshake;
	const uint8_t *p = c->in + c->in_start;
	size_t bytes = connection_available(c);

	if (bytes < 16)
		return false;
	if (get_be64(p) != NBD_MAGIC_OPTION) {
		connection_kill(c, "not the NBD protocol");
		return false;
	}
	hs->option = get_be32(p + 8);
	hs->length = get_be32(p + 12);
	hs->too_long = hs->length > OPTION_MAX;
	if (hs->too_long) {
		c->in_start += 16;
		c->skip = hs->length;
		return true;
	}
	if (bytes - 16 < hs->length) {
		/* Not while a receive goes there. */
		if (c->in_size < hs->length + 16 && !c->receiving &&
		    !connection_resize_in(c, hs->length + 16))
			connection_kill(c, "no memory for an option");
		return false;
	}
	hs->data = malloc(hs->length + 1);
	if (!hs->data) {
		connection_kill(c, "no memory for an option");
		return false;
	}
	memcpy(hs->data, p + 16, hs->length);
	c->in_start += 16 + hs->length;
	return true;
}

static void drop_skipped(struct connection *c)
{
	size_t bytes = MIN((uint64_t)connection_available(c), c->skip);

	c->in_start += bytes;
	c->skip -= bytes;
}

void handshake_progress(struct connection *c)
{
	struct handshake *hs = c->handshake;

	if (hs->hungry && !c->ending) {
		start_work(c);
		return;
	}
	/* One option at a time: the next one when this one's answer is out. */
	while (!c->dead && !c->ending && !c->at_work && !c->out && !c->transmission &&
	       hs->outcome != HANDSHAKE_WAIT) {
		if (c->skip) {
			drop_skipped(c);
			if (c->skip)
				return;
			hs->too_long = false;
		}
		if (!hs->flags_received) {
			if (!take_flags(c))
				return;
			continue;
		}
		if (!take_option(c))
			return;
		hs->outcome = HANDSHAKE_MORE;
		if (!option_at_once(hs)) {
			start_work(c);
			return;
		}
		option_answered(c);
		reply_flush(c);
	}
}
