/* SPDX-License-Identifier: GPL-2.0 */
/* The end of import and prepare: a new version, complete, in store and catalog. */
#ifndef VDISKADM_IMAGE_VERSION_H
#define VDISKADM_IMAGE_VERSION_H

#include <jansson.h>
#include <stdbool.h>
#include "error.h"

struct incoming;

/* Whether a version that the server learns of becomes the current one. */
enum image_current {
	CURRENT_NO,
	CURRENT_YES,
	CURRENT_IF_PREPARED,		/* if the server has boot files of it */
};

struct image_version {
	const char *name;
	const char *format;		/* what it was imported from */
	const char *comment;		/* or NULL */
	const char *kernel;		/* version of its boot files' kernel, or NULL */
	enum image_current current;
	bool public;			/* for an image that is new */
	bool offline;			/* tell no server */
};

/**
 * image_version_finish - stamp, describe and publish what is in @incoming
 *
 * Prints what came of it.  When it fails nothing is left, neither in the store
 * nor in the catalog.
 *
 * Return: 0; -EINPROGRESS: it is in the store, and nobody knows whether it is in
 * the catalog, too: @err says what to do; or another -errno.
 */
int image_version_finish(struct incoming *incoming, const struct image_version *version,
			 struct vdisk_error *err);

/** image_current_take - "yes" or "no" of an option --current; prints what is wrong with others */
int image_current_take(const char *text, enum image_current *current);

/**
 * image_version_tell - enter a version of the store in the catalog
 * @is_current: whether it became the current one
 *
 * Return: 0; -EINPROGRESS: nobody knows; -EALREADY: the server has one of that
 * number; or another -errno: it is not there, but with CURRENT_IF_PREPARED it may
 * be, and @err says so.
 */
int image_version_tell(const struct image_version *version, unsigned int number, bool *is_current,
		       struct vdisk_error *err);

#endif
