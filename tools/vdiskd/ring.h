/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a completion belongs to: a pointer with the kind of operation in the bits
 * that alignment leaves free.
 */
#ifndef VDISKD_RING_H
#define VDISKD_RING_H

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

enum ring_kind {
	RING_RECEIVED,		/* struct connection: bytes of the client */
	RING_WRITABLE,		/* struct connection: its socket takes bytes again */
	RING_FILE,		/* struct request: read, written or synced */
	RING_DELAYED,		/* struct request: a test's delay is over */
	RING_LINGERED,		/* struct connection: time to look at its end again */
	RING_WOKEN,		/* struct loop: something was posted */
	RING_KINDS
};

enum { RING_KIND_BITS = 3, RING_KIND_MASK = (1 << RING_KIND_BITS) - 1 };

static_assert(RING_KINDS <= 1 << RING_KIND_BITS, "a kind doesn't fit");
static_assert(alignof(max_align_t) > RING_KIND_MASK, "malloc leaves too few bits");

static inline uint64_t ring_encode(const void *pointer, enum ring_kind kind)
{
	return (uintptr_t)pointer | kind;
}

static inline void *ring_pointer(uint64_t data)
{
	return (void *)(uintptr_t)(data & ~(uint64_t)RING_KIND_MASK);
}

static inline enum ring_kind ring_kind(uint64_t data)
{
	return data & RING_KIND_MASK;
}

#endif
