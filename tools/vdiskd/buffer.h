/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffers: what a reply or a write's payload stands in between the disk and the
 * network.  Each event loop has a pool of its own, with a cap; a connection
 * that gets none stops reading requests until one is free again.
 */
#ifndef VDISKD_BUFFER_H
#define VDISKD_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum buffer_class {
	BUFFER_TINY,		/* only a header */
	BUFFER_SMALL,		/* several small replies, or one */
	BUFFER_MEDIUM,
	BUFFER_CHUNK,		/* of a long read */
	BUFFER_LARGE,
	BUFFER_CLASSES,
	BUFFER_SINGLE = BUFFER_CLASSES,	/* made to measure, never kept */
};

enum buffer_limits {
	BUFFER_HEADROOM = 64,	/* room for a header, beside the class's payload */
	BUFFER_TINY_SIZE = 256,
	BUFFER_SMALL_SIZE = 64 << 10,
	BUFFER_MEDIUM_SIZE = 256 << 10,
	BUFFER_CHUNK_SIZE = 512 << 10,
	BUFFER_LARGE_SIZE = 1 << 20,
};

/* data[start, end) goes out first, then @mapped bytes of an image at @map. */
struct buffer {
	struct buffer *next;
	uint32_t class;
	uint32_t size;
	uint32_t start, end;
	uint32_t mapped;
	const uint8_t *map;
	uint8_t data[];
};

struct pool {
	struct buffer *kept[BUFFER_CLASSES];
	size_t used;		/* bytes handed out */
	size_t spare;		/* bytes of @kept; with @used below @cap */
	size_t cap;
};

/** pool_init - start a pool of at most @cap bytes */
void pool_init(struct pool *pool, size_t cap);

/** pool_uninit - the opposite; every buffer must be back */
void pool_uninit(struct pool *pool);

/**
 * buffer_get - take a buffer with room for @size bytes and headroom
 * @held: bytes that the asking connection has already; the fuller the pool,
 *        the less one connection may hold.  0 for one that must not be refused
 *        as long as the pool isn't exhausted.
 *
 * Return: the buffer, empty, or NULL: wait until others have been put back.
 */
struct buffer *buffer_get(struct pool *pool, size_t size, size_t held);

/**
 * buffer_get_alone - the same, for one that all others wait for
 *
 * Goes above the cap, so that a request larger than that can be served at all,
 * as soon as most of what others had is back.
 */
struct buffer *buffer_get_alone(struct pool *pool, size_t size);

/**
 * buffer_get_urgent - the same, even above the cap
 *
 * For the end of what is under way already: so these are bounded by the number
 * of requests and handshakes.  Return: NULL only when the machine has no memory.
 */
struct buffer *buffer_get_urgent(struct pool *pool, size_t size);

/** buffer_put - give it back, whatever it still holds */
void buffer_put(struct pool *pool, struct buffer *buffer);

/** buffer_weight - what it counts against the cap */
size_t buffer_weight(const struct buffer *buffer);

#endif
