/* SPDX-License-Identifier: GPL-2.0 */
/* Names of images: [a-z0-9][a-z0-9._-]{0,62}, with or without "@1". */
#ifndef VDISKD_NAME_H
#define VDISKD_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum {
	NAME_LONGEST = 63,
	NAME_SIZE = NAME_LONGEST + 1,
	EXPORT_KEY_SIZE = NAME_SIZE + 11,	/* with a version: "NAME@4294967295" */
};

struct name {
	char text[NAME_SIZE];
};

/** name_valid - whether @length bytes at @text are the name of an image */
bool name_valid(const char *text, size_t length);

/**
 * name_from_export - the image that an export name means
 * @text:   export name from the wire, not terminated
 * @length: its length
 * @name:   filled in, NAME_SIZE bytes
 *
 * A plain directory has one version of each image, so "NAME" and "NAME@1"
 * are the same.
 *
 * Return: false when no image can have that name.
 */
bool name_from_export(const char *text, size_t length, char *name);

#endif
