/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stamp of an image: what its content is, independent of where it lies.  It
 * stands in a file beside the image, IMAGE.stamp, written by "vdiskd stamp".
 */
#ifndef VDISKD_STAMP_H
#define VDISKD_STAMP_H

#include <stdint.h>
#include <time.h>

enum stamp_sizes { STAMP_UUID = 37, STAMP_SHA256 = 65, STAMP_TEXT = 128 };

struct stamp {
	char uuid[STAMP_UUID];
	char sha256[STAMP_SHA256];
	unsigned int version;
	/* The file it was made of; a stamp of anything else is worth nothing. */
	uint64_t size;
	struct timespec modified;	/* 0 for a block device, which has none */
};

/**
 * stamp_read - read the stamp of an image
 * @directory: folder's descriptor
 * @image:     the image's path in it
 *
 * Return: 0, -ENOENT without a stamp, or another -errno (-EINVAL: not a stamp).
 */
int stamp_read(int directory, const char *image, struct stamp *stamp);

/** stamp_write - replace the stamp of an image, in one step; 0 or -errno */
int stamp_write(int directory, const char *image, const struct stamp *stamp);

/** stamp_format - "UUID:VERSION:SHA256", into STAMP_TEXT bytes */
void stamp_format(const struct stamp *stamp, char *text);

/** stamp_new_uuid - a random one, into STAMP_UUID bytes; 0 or -errno */
int stamp_new_uuid(char *text);

/** stamp_main - "vdiskd stamp FILE"; return the exit code */
int stamp_main(int argc, char **argv);

#endif
