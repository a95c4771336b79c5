// SPDX-License-Identifier: GPL-2.0
/*
 * load: one simulated client.  It costs as little as it can, since it shares
 * the processors with the server that is measured: of most replies the kernel
 * discards all but the begin, which is never copied then.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "nbd.h"
#include "../../tools/vdiskd/wire.h"

enum {
	GREETING = 18,
	OPTION_REPLY = 20,
	SIMPLE = 16,
	CHUNK = 20,
	REQUEST = 28,
	LOOKED_AT = 8,			/* bytes of each payload that are compared */
	COMPARE_ONE_IN = 64,		/* replies that are compared as a whole */
	PEEK = 2048,			/* read together with a header */
	SCRATCH = 128 << 10,
	TURN = 256 << 10,		/* bytes, then others have a turn */
};

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void finish(struct client *c, enum client_state state)
{
	c->state = state;
	c->end = now_ns();
	close(c->fd);
	c->fd = -1;
}

static void __attribute__((format(printf, 2, 3))) fail(struct client *c, const char *format, ...)
{
	va_list args;

	if (!client_active(c))
		return;
	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
	finish(c, CLIENT_FAILED);
}

/*----- sending -----*/

static void watch(struct client *c, bool out)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (out == c->wants_out)
		return;
	if (out)
		event.events |= EPOLLOUT;
	c->wants_out = out;
	if (epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &event))
		fail(c, "epoll: %s", strerror(errno));
}

static void flush(struct client *c)
{
	ssize_t n;

	while (c->out_sent < c->out_length) {
		n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch(c, true);
			return;
		}
		if (n < 0) {
			fail(c, "can't send: %s", strerror(errno));
			return;
		}
		c->out_sent += n;
	}
	c->out_length = c->out_sent = 0;
	watch(c, false);
}

static void put_request(struct client *c, uint16_t command, uint64_t cookie, uint64_t offset,
			uint32_t length)
{
	uint8_t *p = c->out + c->out_length;

	put_be32(p, NBD_MAGIC_REQUEST);
	put_be16(p + 4, 0);
	put_be16(p + 6, command);
	put_be64(p + 8, cookie);
	put_be64(p + 16, offset);
	put_be32(p + 24, length);
	c->out_length += REQUEST;
}

static void put_option(struct client *c, uint32_t option, const void *data, uint32_t length)
{
	uint8_t *p = c->out + c->out_length;

	put_be64(p, NBD_MAGIC_OPTION);
	put_be32(p + 8, option);
	put_be32(p + 12, length);
	if (length)
		memcpy(p + 16, data, length);
	c->out_length += 16 + length;
}

uint64_t client_ask_at(const struct client *c)
{
	const struct load *load = c->load;

	if (!load->speed || c->state != CLIENT_REPLAYS || c->next == load->trace.count ||
	    c->under_way == load->window)
		return 0;
	return c->started + load->trace.reads[c->next].ms * 1000000.0 / load->speed;
}

/* The cookie has the number of the read, too, so that an old one is noticed. */
static void ask_one(struct client *c)
{
	const struct trace_read *read = &c->load->trace.reads[c->next];
	unsigned int i = 0;

	while (c->slots[i].used)
		i++;
	c->slots[i] = (struct slot){
		.index = c->next,
		.used = true,
		.compare = (c->next + c->id) % COMPARE_ONE_IN == 0,
	};
	put_request(c, NBD_CMD_READ, (uint64_t)c->next << 8 | i, read->offset, read->length);
	c->next++;
	c->under_way++;
}

void client_ask(struct client *c)
{
	uint64_t now = c->load->speed ? now_ns() : 0;

	if (c->state != CLIENT_REPLAYS)
		return;
	/* What could not be sent yet leaves no room for a whole window more. */
	while (c->under_way < c->load->window && c->next < c->load->trace.count &&
	       client_ask_at(c) <= now && c->out_length + 2 * REQUEST <= OUT_BYTES)
		ask_one(c);
	if (c->completed == c->load->trace.count) {
		put_request(c, NBD_CMD_DISC, 0, 0, 0);
		flush(c);
		if (client_active(c))
			finish(c, CLIENT_DONE);
		return;
	}
	flush(c);
}

/*----- replies -----*/

static void expect(struct client *c, uint32_t bytes, void (*step)(struct client *c))
{
	c->want = bytes;
	c->have = 0;
	c->step = step;
}

static void expect_reply(struct client *c);

static struct slot *find_slot(struct client *c, uint64_t cookie)
{
	struct slot *slot = &c->slots[cookie & 0xff];

	if ((cookie & 0xff) < WINDOW_MOST && slot->used && slot->index == cookie >> 8)
		return slot;
	fail(c, "a reply to nothing that was asked, cookie %#llx", (unsigned long long)cookie);
	return NULL;
}

static void reply_complete(struct client *c, struct slot *slot)
{
	if (slot->got != c->load->trace.reads[slot->index].length) {
		fail(c, "a reply of %u bytes to a read of %u", slot->got,
		     c->load->trace.reads[slot->index].length);
		return;
	}
	slot->used = false;
	c->under_way--;
	c->completed++;
}

static void payload_complete(struct client *c)
{
	struct slot *slot = c->payload;

	c->payload = NULL;
	expect_reply(c);
	if (c->last_chunk)
		reply_complete(c, slot);
}

static void begin_payload(struct client *c, struct slot *slot, uint64_t offset, uint32_t length,
			  bool last)
{
	const struct trace_read *read = &c->load->trace.reads[slot->index];

	if (!length || offset < read->offset || length > read->length - slot->got ||
	    offset + length > read->offset + read->length) {
		fail(c, "%u bytes at %llu in a reply to a read of %u at %llu", length,
		     (unsigned long long)offset, read->length, (unsigned long long)read->offset);
		return;
	}
	slot->got += length;
	c->payload = slot;
	c->position = offset;
	c->left = length;
	c->seen = 0;
	c->last_chunk = last;
}

static void on_simple(struct client *c)
{
	uint32_t error = get_be32(c->in + 4);
	struct slot *slot;

	if (get_be32(c->in) != NBD_MAGIC_SIMPLE_REPLY) {
		fail(c, "no reply: magic %#x", get_be32(c->in));
		return;
	}
	slot = find_slot(c, get_be64(c->in + 8));
	if (slot && error)
		fail(c, "read %u failed: %s", slot->index, strerror(error));
	else if (slot)
		begin_payload(c, slot, c->load->trace.reads[slot->index].offset,
			      c->load->trace.reads[slot->index].length, true);
}

static void on_data_offset(struct client *c)
{
	begin_payload(c, c->payload, get_be64(c->in + CHUNK), get_be32(c->in + 16) - 8, c->last_chunk);
}

/* A hole: zeroes that are not sent. */
static void on_hole(struct client *c)
{
	struct slot *slot = c->payload;
	uint32_t length = get_be32(c->in + CHUNK + 8), i;

	begin_payload(c, slot, get_be64(c->in + CHUNK), length, c->last_chunk);
	if (!client_active(c))
		return;
	c->left = 0;
	for (i = 0; c->load->image && i < length; i++)
		if (c->load->image[c->position + i]) {
			fail(c, "a hole where the image has data, at %llu",
			     (unsigned long long)c->position + i);
			return;
		}
	payload_complete(c);
}

static void on_chunk_error(struct client *c)
{
	fail(c, "read %u failed: %s", c->payload->index, strerror(get_be32(c->in + CHUNK)));
}

/* The rest of the chunk's own header goes behind the first part, in @in. */
static void expect_more(struct client *c, uint32_t bytes, void (*step)(struct client *c))
{
	c->want = CHUNK + bytes;
	c->step = step;
}

static void on_chunk(struct client *c)
{
	uint16_t flags = get_be16(c->in + 4), type = get_be16(c->in + 6);
	uint32_t length = get_be32(c->in + 16);

	if (get_be32(c->in) != NBD_MAGIC_CHUNK) {
		fail(c, "no chunk: magic %#x", get_be32(c->in));
		return;
	}
	c->payload = find_slot(c, get_be64(c->in + 8));
	if (!c->payload)
		return;
	c->last_chunk = flags & NBD_CHUNK_FLAG_DONE;
	if (type == NBD_CHUNK_OFFSET_DATA && length > 8)
		expect_more(c, 8, on_data_offset);
	else if (type == NBD_CHUNK_OFFSET_HOLE && length == 12)
		expect_more(c, 12, on_hole);
	else if (type == NBD_CHUNK_NONE && !length && c->last_chunk)
		payload_complete(c);
	else if (type & NBD_CHUNK_FLAG_ERROR && length >= 6)
		expect_more(c, 6, on_chunk_error);
	else
		fail(c, "a chunk of type %u with %u bytes", type, length);
}

static void expect_reply(struct client *c)
{
	if (c->structured)
		expect(c, CHUNK, on_chunk);
	else
		expect(c, SIMPLE, on_simple);
}

/*----- handshake -----*/

static void on_option(struct client *c);

static void ask_option(struct client *c)
{
	uint32_t length = strlen(c->load->name);
	uint8_t data[6 + sizeof(c->load->name)];

	if (c->structured) {
		put_option(c, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
	} else {
		put_be32(data, length);
		memcpy(data + 4, c->load->name, length);
		put_be16(data + 4 + length, 0);
		put_option(c, NBD_OPT_GO, data, length + 6);
	}
	expect(c, OPTION_REPLY, on_option);
	flush(c);
}

static void on_greeting(struct client *c)
{
	uint16_t flags = get_be16(c->in + 16);

	if (get_be64(c->in) != NBD_MAGIC_INIT || get_be64(c->in + 8) != NBD_MAGIC_OPTION ||
	    !(flags & NBD_HS_FIXED_NEWSTYLE)) {
		fail(c, "no server of NBD's fixed newstyle");
		return;
	}
	put_be32(c->out, flags & (NBD_HS_FIXED_NEWSTYLE | NBD_HS_NO_ZEROES));
	c->out_length = 4;
	c->structured = c->load->structured;
	ask_option(c);
}

static void start_replay(struct client *c)
{
	c->state = CLIENT_REPLAYS;
	c->started = now_ns();
	expect_reply(c);
	client_ask(c);
}

/* GO follows the answer to STRUCTURED_REPLY, whatever that is. */
static void option_done(struct client *c, uint32_t option, uint32_t type)
{
	bool refused = type & NBD_REP_FLAG_ERROR;

	if (option == NBD_OPT_STRUCTURED_REPLY) {
		c->structured = false;
		ask_option(c);
		c->structured = !refused;
	} else if (refused) {
		fail(c, "GO was refused: %#x %.60s", type, c->in + OPTION_REPLY);
	} else {
		start_replay(c);
	}
}

static void on_option_data(struct client *c)
{
	uint32_t option = get_be32(c->in + 8), type = get_be32(c->in + 12);
	const uint8_t *data = c->in + OPTION_REPLY;

	c->in[c->want] = '\0';
	if (type != NBD_REP_INFO) {
		option_done(c, option, type);
		return;
	}
	if (c->want >= OPTION_REPLY + 12 && get_be16(data) == NBD_INFO_EXPORT &&
	    get_be64(data + 2) < c->load->trace.size)
		fail(c, "the export has %llu bytes, the trace needs %llu",
		     (unsigned long long)get_be64(data + 2), (unsigned long long)c->load->trace.size);
	else
		expect(c, OPTION_REPLY, on_option);
}

static void on_option(struct client *c)
{
	uint32_t length = get_be32(c->in + 16);

	if (get_be64(c->in) != NBD_MAGIC_OPTION_REPLY || length >= IN_BYTES - OPTION_REPLY) {
		fail(c, "no answer to an option");
		return;
	}
	c->want = OPTION_REPLY + length;
	c->step = on_option_data;
	if (!length)
		on_option_data(c);
}

/*----- receiving -----*/

/* @n bytes of the payload have come; @p is NULL when they were discarded. */
static void take_payload(struct client *c, const uint8_t *p, uint32_t n)
{
	if (p && c->load->image && memcmp(p, c->load->image + c->position, n)) {
		fail(c, "wrong data in the %u bytes at %llu", n, (unsigned long long)c->position);
		return;
	}
	c->position += n;
	c->seen += n;
	c->left -= n;
	if (!c->left)
		payload_complete(c);
}

static void take(struct client *c, const uint8_t *p, uint32_t length)
{
	uint32_t n;

	for (; length && client_active(c); p += n, length -= n) {
		if (c->left) {
			n = length < c->left ? length : c->left;
			take_payload(c, p, n);
			continue;
		}
		n = length < c->want - c->have ? length : c->want - c->have;
		memcpy(c->in + c->have, p, n);
		c->have += n;
		if (c->have == c->want)
			c->step(c);
	}
}

/* One recv(); bytes, 0 when there are none now or the client has failed. */
static uint32_t receive(struct client *c)
{
	static uint8_t scratch[SCRATCH];
	bool discard = c->left && c->seen >= LOOKED_AT && !c->payload->compare;
	bool compare = c->left && c->payload->compare;
	ssize_t n;

	if (discard)
		n = recv(c->fd, NULL, c->left, MSG_TRUNC | MSG_DONTWAIT);
	else
		n = recv(c->fd, scratch, compare ? SCRATCH : PEEK, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		fail(c, "can't receive: %s", strerror(errno));
	else if (!n)
		fail(c, "the server closed the connection");
	else if (discard)
		take_payload(c, NULL, n);
	else
		take(c, scratch, n);
	return client_active(c) ? n : 0;
}

static void readable(struct client *c)
{
	uint32_t bytes = 0, n;

	do {
		n = receive(c);
		bytes += n;
	} while (n && bytes < TURN);
	client_ask(c);
}

/*----- connecting -----*/

static void connected(struct client *c)
{
	socklen_t length = sizeof(int);
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error) {
		fail(c, "can't connect: %s", strerror(error));
		return;
	}
	c->state = CLIENT_NEGOTIATES;
	expect(c, GREETING, on_greeting);
	watch(c, false);
}

void client_connect(struct client *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
	const struct sockaddr *address = (const struct sockaddr *)&c->load->address;
	int one = 1;

	c->begin = now_ns();
	c->state = CLIENT_CONNECTS;
	c->wants_out = true;
	c->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fail(c, "no socket: %s", strerror(errno));
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(c->load->epoll, EPOLL_CTL_ADD, c->fd, &event))
		fail(c, "epoll: %s", strerror(errno));
	else if (connect(c->fd, address, c->load->address_length) && errno != EINPROGRESS)
		fail(c, "can't connect: %s", strerror(errno));
}

void client_event(struct client *c, uint32_t events)
{
	if (c->state == CLIENT_CONNECTS && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		connected(c);
	if (client_active(c) && events & EPOLLOUT)
		flush(c);
	if (client_active(c) && c->state != CLIENT_CONNECTS && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		readable(c);
}
