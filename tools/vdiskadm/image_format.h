/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VDISKADM_IMAGE_FORMAT_H
#define VDISKADM_IMAGE_FORMAT_H

#include "error.h"

/**
 * image_format_see - what format an open file has
 * @name:   of the file, for the error
 * @format: as image_format() has it
 *
 * "raw" only for what starts like a disk.  Return: 0 or -EINVAL.
 */
int image_format_see(int fd, const char *name, const char **format, struct vdisk_error *err);

#endif
