/* SPDX-License-Identifier: GPL-2.0 */
/* The disk of a version: its hash, its stamp, a copy of it. */
#ifndef VDISKADM_IMAGE_DISK_H
#define VDISKADM_IMAGE_DISK_H

#include <stdint.h>
#include "error.h"

struct stamp;

/**
 * image_disk_stamp - hash a disk and write its stamp beside it
 * @directory: the version's folder
 * @name:      of the disk in it
 * @uuid:      the image's, or NULL: a new one
 * @version:   its number
 * @what:      for the progress
 * @stamp:     filled in
 *
 * Return: 0 or -errno (-EINTR: interrupted).
 */
int image_disk_stamp(int directory, const char *name, const char *uuid, unsigned int version,
		     const char *what, struct stamp *stamp, struct vdisk_error *err);

/**
 * image_disk_copy - copy a disk: shared with the original where the filesystem can, else sparse
 * @from: descriptor, read from its start
 * @to:   empty file
 */
int image_disk_copy(int from, int to, const char *what, struct vdisk_error *err);

#endif
