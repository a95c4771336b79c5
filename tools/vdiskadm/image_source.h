/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk image of a format that qemu-img reads, from nobody knows where: looked
 * at and unpacked by qemu-img, confined and limited, under the one format it
 * is said or seen to have.  An image that needs other files is refused.
 */
#ifndef VDISKADM_IMAGE_SOURCE_H
#define VDISKADM_IMAGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include "error.h"

struct image_source {
	int fd;
	const char *name;		/* as the administrator called it */
	const char *format;		/* as qemu-img calls it */
	char path[32];			/* /proc/self/fd/N, for qemu-img */
	bool block_device;
	uint64_t length;		/* of the file */
	uint64_t size;			/* of the disk */
	uint64_t needed;		/* bytes that its content takes, about */
};

/** image_format - the name of a format as it is kept: "qcow2"; NULL if we have none such */
const char *image_format(const char *text);

/** image_formats - all of them, for a message */
const char *image_formats(void);

/**
 * image_source_open - open and examine an image
 * @name:   file or block device
 * @format: from image_format(), or NULL: by what its first bytes say
 * @most:   a disk larger than that is refused
 *
 * Return: 0 or -errno.  image_source_close() in any case.
 */
int image_source_open(struct image_source *source, const char *name, const char *format,
		      uint64_t most, struct vdisk_error *err);

/**
 * image_source_unpack - write the disk into an empty file, sparse
 * @what: for the progress
 */
int image_source_unpack(const struct image_source *source, int out, const char *what,
			struct vdisk_error *err);

void image_source_close(struct image_source *source);

/**
 * image_pack - the opposite: write a raw disk into a file of some format
 * @out:  empty file
 */
int image_pack(int disk, int out, const char *format, const char *what, struct vdisk_error *err);

#endif
