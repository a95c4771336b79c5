/* SPDX-License-Identifier: GPL-2.0 */
/* An image that is open: the file or block device behind an export. */
#ifndef VDISKD_IMAGE_H
#define VDISKD_IMAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "stamp.h"

enum { IMAGE_WORDS = 256 };

/* What must not change while an image is served read-only. */
struct image_identity {
	dev_t device;
	ino_t inode;
	uint64_t size;
	struct timespec modified;
};

/* A hole or data, of which no more is known than that it goes from here to there. */
struct image_extent {
	uint64_t from, to;
	uint32_t state;			/* NBD_STATE_ bits */
};

struct image {
	int fd;
	uint64_t size;
	bool writable;
	bool block_device;
	bool in_memory;			/* tmpfs, ramfs: a read never waits */
	atomic_uint *regions;		/* what is known to be cached; NULL: mincore() doesn't say */
	unsigned int sector;		/* logical block of a block device, else 1 */
	void *map;			/* whole file; touched by nobody, but for @bytes */
	const uint8_t *bytes;		/* of an image in memory; NULL: read it */
	atomic_bool no_nowait;		/* its filesystem can't read without waiting */
	atomic_int write_error;		/* errno of the first flush that failed */
	struct image_identity identity;
	pthread_mutex_t extent_lock;
	struct image_extent extent;	/* the last that was asked for */
	char stamp[STAMP_TEXT];		/* UUID:VERSION:SHA256, or empty */
};

/**
 * image_open - open @path in @directory
 * @directory: folder's descriptor
 * @path:      file in it
 * @writable:  for writing too, with a lock that keeps other servers off
 * @image:     filled in
 * @words:     IMAGE_WORDS bytes; on failure, why, for the client and the log
 *
 * May wait for a disk.  Return: 0 or -errno.
 */
int image_open(int directory, const char *path, bool writable, struct image *image, char *words);

/** image_close - the opposite */
void image_close(struct image *image);

/**
 * image_resident - whether a read of a file that is on a disk would be served from memory
 *
 * Never waits.  Says false where it can't know.  What it knows may be half a second old.
 */
bool image_resident(struct image *image, uint64_t offset, size_t length);

/** image_not_resident - the one at @offset was not, though image_resident() said so */
void image_not_resident(struct image *image, uint64_t offset);

/** image_identity - what the open image is now; 0 or -errno; may wait */
int image_identity(const struct image *image, struct image_identity *identity);

/** image_identity_of - what identifies the file that @st describes */
struct image_identity image_identity_of(const struct stat *st, uint64_t size);

/** image_same - whether two identities are those of one unchanged file */
bool image_same(const struct image_identity *a, const struct image_identity *b);

#endif
