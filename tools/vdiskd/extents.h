/* SPDX-License-Identifier: GPL-2.0 */
/* Which parts of an image are holes. */
#ifndef VDISKD_EXTENTS_H
#define VDISKD_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

struct image;

enum { EXTENTS_MOST = 1024 };

struct extent {
	uint32_t length;
	uint32_t state;		/* NBD_STATE_ bits */
};

/**
 * extents_find - describe [@offset, +@length) of @image, from its start
 * @extents: filled in
 * @most:    room there, at least 1
 *
 * May wait for a disk.  The whole range is described unless the room is short.
 * Return: how many, at least 1.
 */
size_t extents_find(struct image *image, uint64_t offset, uint32_t length,
		    struct extent *extents, size_t most);

#endif
