/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rogue: an NBD server that misbehaves as it is told; for tests of the driver.
 */
#ifndef ROGUE_H
#define ROGUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "nbd.h"

enum rogue_limits {
	ROGUE_PAYLOAD	= 32 << 20,	/* longest request served */
	ROGUE_BATCH	= 16,		/* requests answered together */
	ROGUE_PIECES	= 4096,		/* chunks of a batch */
	ROGUE_PIECES_OF	= 200,		/* chunks a request is cut into, without holes */
};

/* What goes wrong once, and for good, when a connection has had so many replies. */
enum fault {
	FAULT_NONE,
	FAULT_SILENT,		/* no answer any more */
	FAULT_STALL,		/* half an answer, then none */
	FAULT_CLOSE,
	FAULT_TRUNCATE,		/* half an answer, then the end */
	FAULT_RST,		/* half an answer, then a reset */
	FAULT_GARBAGE,
	FAULT_COOKIE,		/* an answer to nobody */
	FAULT_LENGTH,		/* more data than was asked for */
	FAULT_SHORT,		/* less, and that's it */
	FAULT_TWICE,		/* some of the data twice */
	FAULT_OUTSIDE,		/* data of another offset */
	FAULT_SIMPLE,		/* a simple reply where a chunk is due, or the other way round */
	FAULT_TYPE,		/* a chunk of an unknown type */
	FAULT_HUGE,		/* a chunk of 4 GiB */
	FAULT_EMPTY,		/* "done", and no data */
	FAULT_COMB,		/* more disjoint pieces than anyone keeps */
};

/* How one connection behaves. */
struct behaviour {
	/* the handshake */
	bool silent_accept, close_accept, not_nbd, oldstyle, not_fixed, zeroes;
	bool no_structured, no_go, silent_go, multi_conn;
	uint32_t go_error;	/* NBD_REP_ERR_* */
	const char *words;	/* with it */
	const char *name;	/* NBD_INFO_NAME */
	const char *want;	/* any other export is unknown */
	const char *stamp;
	uint64_t size;		/* 0: of the image */
	uint32_t min, preferred, max; /* min 0: not told */
	/* transmission */
	bool tiny;		/* chunks and TCP segments of random sizes */
	bool shuffle;		/* chunks, of several requests, in any order */
	bool holes;
	uint32_t delay_ms;	/* before each reply */
	uint32_t trickle_ms;	/* pause after each trickle_bytes */
	uint32_t trickle_bytes;
	enum fault fault;
	uint32_t fault_after;	/* replies */
	uint32_t error;		/* NBD error value for requests that touch ... */
	uint64_t error_at, error_len;
	uint32_t error_left;	/* ... so many times */
	bool error_offset;	/* told as ERROR_OFFSET */
};

struct rogue {
	uint64_t size, seed;
	int file;		/* the image; -1: made by pattern.h */
	uint8_t *memory;	/* of a writable one */
	pthread_mutex_t lock;	/* of the log */
};

struct conn {
	struct rogue *rogue;
	struct behaviour how;
	unsigned int number;	/* from 1 */
	int fd;
	bool structured, no_zeroes;
	uint64_t size;		/* of the export */
	uint32_t replies;
	uint64_t random;
	uint8_t *data;		/* ROGUE_PAYLOAD */
};

/* rogue_spec.c: NULL, or what is wrong with @spec. */
const char *behaviour_parse(struct behaviour *how, const char *spec);
bool parse_size(const char *text, uint64_t *size);
extern const char behaviour_help[];

/* rogue.c */
__attribute__((format(printf, 2, 3)))
void conn_log(struct conn *c, const char *text, ...);
uint32_t conn_random(struct conn *c, uint32_t below);
void image_read(struct rogue *r, uint64_t offset, void *to, uint32_t len);
bool image_zero(struct rogue *r, uint64_t sector);

/* All of these: false when the connection is over. */
bool conn_recv(struct conn *c, void *buf, size_t len);
bool conn_send(struct conn *c, const void *buf, size_t len);
void conn_wait_for_end(struct conn *c);
void conn_reset(struct conn *c);

/* rogue_handshake.c, rogue_reply.c */
bool conn_handshake(struct conn *c);
void conn_serve(struct conn *c);

#endif
