/* SPDX-License-Identifier: GPL-2.0 */
/* load: the parts of the simulated clients. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum load_limits {
	WINDOW_MOST = 64,
	IN_BYTES = 1024,		/* the longest thing that is looked at as a whole */
	OUT_BYTES = 64 * 28 + 1024,	/* a window of requests, or an option */
	WHY_BYTES = 96,
};

/* load_trace.c */

struct trace_read {
	uint32_t ms;		/* since the first */
	uint32_t length;	/* in bytes */
	uint64_t offset;
};

struct trace {
	uint64_t size;		/* of the image */
	uint64_t bytes;		/* of all reads */
	uint32_t count;
	struct trace_read *reads;
};

/**
 * trace_load - read the first @fraction of the reads in a file
 *
 * Exits with a message when it can't.
 */
void trace_load(struct trace *trace, const char *path, double fraction);

/** trace_make_image - write a file that has data wherever the trace reads */
void trace_make_image(const struct trace *trace, const char *path);

/* load_client.c */

/* What all clients have in common; set once. */
struct load {
	struct trace trace;
	struct sockaddr_storage address;
	socklen_t address_length;
	char name[256];
	const uint8_t *image;	/* what the server has; NULL: nobody knows */
	unsigned int window;
	double speed;		/* 0: as fast as the replies come */
	bool structured;
	int epoll;
};

enum client_state {
	CLIENT_WAITS,		/* for its turn to connect */
	CLIENT_CONNECTS,
	CLIENT_NEGOTIATES,
	CLIENT_REPLAYS,
	CLIENT_DONE,
	CLIENT_FAILED,
};

struct slot {
	uint32_t index;		/* of the read in the trace */
	uint32_t got;		/* bytes of it */
	bool used;
	bool compare;		/* all of it, and not its begin alone */
};

struct client {
	const struct load *load;
	unsigned int id;
	enum client_state state;
	int fd;
	bool structured;
	bool wants_out;		/* epoll tells when there is room to send */
	uint64_t begin, end;	/* ns */
	uint64_t started;	/* ns, the replay */

	/* What comes: @want bytes into @in, then @step; or @left of a payload. */
	void (*step)(struct client *client);
	uint32_t want, have;
	uint8_t in[IN_BYTES];
	struct slot *payload;
	uint32_t left, seen;
	uint64_t position;	/* of the next byte of the payload in the image */
	bool last_chunk;

	uint32_t out_length, out_sent;
	uint8_t out[OUT_BYTES];

	uint32_t next;		/* read of the trace to ask for */
	uint32_t under_way;
	uint32_t completed;
	struct slot slots[WINDOW_MOST];
	char why[WHY_BYTES];	/* it failed */
};

/** client_connect - begin; the rest happens in client_event() */
void client_connect(struct client *client);

/** client_event - the socket can be read, or written, or has failed */
void client_event(struct client *client, uint32_t events);

/** client_ask - send requests, as many as the window and the recorded times let */
void client_ask(struct client *client);

/** client_ask_at - when client_ask() will have something to do, in ns; 0: not by time alone */
uint64_t client_ask_at(const struct client *client);

static inline bool client_active(const struct client *client)
{
	return client->state > CLIENT_WAITS && client->state < CLIENT_DONE;
}

uint64_t now_ns(void);

#endif
