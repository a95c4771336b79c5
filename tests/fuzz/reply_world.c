// SPDX-License-Identifier: GPL-2.0
/* See reply_world.h. */
#include "reply_world.h"

bool kernel_shim_no_memory;

#define must(what)	must_be(what, #what, __LINE__)

static void must_be(bool what, const char *text, int line)
{
	if (what)
		return;
	fprintf(stderr, "reply parser broke its contract (line %d): %s\n", line, text);
	abort();
}

void world_add(struct world *w, u64 cookie, u16 command, u64 offset, u32 length, bool df)
{
	struct world_request *q = &w->request[w->n++];

	must(w->n <= WORLD_REQUESTS && length <= WORLD_LENGTH);
	memset(q, 0, sizeof(*q));
	q->cookie = cookie;
	q->rq.command = command;
	q->rq.offset = offset;
	q->rq.length = length;
	q->rq.df = df;
	q->data = malloc(length + 1);
	q->how = malloc(length + 1);
	must(q->data && q->how);
	memset(q->how, '.', length);
	q->how[length] = '\0';
}

void world_free(struct world *w)
{
	u32 i;

	for (i = 0; i < w->n; i++) {
		vdisk_reply_request_reset(&w->request[i].rq);
		must(!w->request[i].rq.extents);
		free(w->request[i].data);
		free(w->request[i].how);
	}
	w->n = 0;
}

static struct world_request *mine(void *ctx, struct vdisk_reply_request *rq)
{
	struct world *w = ctx;
	u32 i;

	for (i = 0; i < w->n; i++)
		if (&w->request[i].rq == rq)
			break;
	must(i < w->n);
	must(!w->request[i].done);
	return &w->request[i];
}

static void came(struct world_request *q, u32 at, u32 len, char how)
{
	u32 i;

	must(q->rq.command == NBD_CMD_READ);
	must(len > 0 && at < q->rq.length && len <= q->rq.length - at);
	for (i = at; i < at + len; i++)
		must(q->how[i] == '.');
	memset(q->how + at, how, len);
}

void world_check_request(const struct world_request *q)
{
	u32 i;

	must(q->rq.in_order <= q->rq.length);
	must(q->rq.nr_extents <= VDISK_REPLY_EXTENTS);
	for (i = 0; i < q->rq.in_order; i++)
		must(q->how[i] != '.');
}

struct vdisk_reply_request *vdisk_reply_find(void *ctx, u64 cookie)
{
	struct world *w = ctx;
	u32 i;

	for (i = 0; i < w->n; i++)
		if (w->request[i].cookie == cookie && !w->request[i].done)
			return &w->request[i].rq;
	return NULL;
}

void vdisk_reply_data(void *ctx, struct vdisk_reply_request *rq, u32 at, const void *from, u32 len)
{
	struct world_request *q = mine(ctx, rq);

	came(q, at, len, 'd');
	memcpy(q->data + at, from, len);
}

void vdisk_reply_zero(void *ctx, struct vdisk_reply_request *rq, u32 at, u32 len)
{
	struct world_request *q = mine(ctx, rq);

	came(q, at, len, 'z');
	memset(q->data + at, 0, len);
}

void vdisk_reply_text(void *ctx, struct vdisk_reply_request *rq, const char *text, u32 len)
{
	struct world_request *q = mine(ctx, rq);

	must(len > 0 && len <= VDISK_REPLY_TEXT);
	must(rq->error);
	memcpy(q->text, text, len);
	q->text_len = len;
	q->texts++;
}

void vdisk_reply_done(void *ctx, struct vdisk_reply_request *rq)
{
	struct world_request *q = mine(ctx, rq);

	world_check_request(q);
	must(rq->error || rq->command != NBD_CMD_READ || !memchr(q->how, '.', rq->length));
	q->done = true;
}
