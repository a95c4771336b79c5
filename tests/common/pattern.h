/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pseudo-random image without a file: each byte is a function of its offset.
 * A quarter of its 4 KiB blocks, and one in eight of the other sectors, is zero.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t pattern_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline bool pattern_zero(uint64_t seed, uint64_t sector)
{
	return pattern_mix(seed ^ (sector / 8) << 20) % 4 == 0 ||
	       pattern_mix(seed ^ sector << 21 ^ 1) % 8 == 0;
}

/* Fills [offset, offset + len) of the image @seed. */
static inline void pattern_fill(uint64_t seed, uint64_t offset, void *to, uint64_t len)
{
	uint8_t *p = to, word[8];
	uint64_t n, v;

	for (; len; offset += n, p += n, len -= n) {
		v = pattern_zero(seed, offset / 512) ? 0 : pattern_mix(seed + offset / 8 * 3);
		memcpy(word, &v, 8);
		n = 8 - offset % 8;
		if (n > len)
			n = len;
		memcpy(p, word + offset % 8, n);
	}
}

#endif
