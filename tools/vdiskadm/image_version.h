/* SPDX-License-Identifier: GPL-2.0 */
/* The end of import and prepare: a new version, complete, in store and catalog. */
#ifndef VDISKADM_IMAGE_VERSION_H
#define VDISKADM_IMAGE_VERSION_H

#include <jansson.h>
#include <stdbool.h>
#include "error.h"

struct incoming;

struct image_version {
	const char *name;
	const char *format;		/* what it was imported from */
	const char *comment;		/* or NULL */
	const char *kernel;		/* version of its boot files' kernel, or NULL */
	bool public;			/* for an image that is new */
	bool offline;			/* tell no server */
};

/**
 * image_version_finish - stamp, describe and publish what is in @incoming
 *
 * Prints what came of it.  When it fails nothing is left, neither in the store
 * nor, where that can be helped, in the catalog.
 *
 * Return: 0 or -errno.
 */
int image_version_finish(struct incoming *incoming, const struct image_version *version,
			 struct vdisk_error *err);

/** image_version_tell - enter a version of the store in the catalog, and make it current */
int image_version_tell(const struct image_version *version, unsigned int number,
		       struct vdisk_error *err);

#endif
