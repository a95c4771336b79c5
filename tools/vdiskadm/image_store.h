/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store as an administrator's command writes to it: STORE/NAME/N with
 * disk.img, manifest.json and boot files.  A version is made in a folder
 * STORE/.incoming-XXXXXX, which holds a lock, and appears by a rename.
 */
#ifndef VDISKADM_IMAGE_STORE_H
#define VDISKADM_IMAGE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "error.h"

#define IMAGE_DISK "disk.img"
#define IMAGE_MANIFEST "manifest.json"
#define IMAGE_CONFIG "/etc/vdisk/vdiskd.conf"

enum { IMAGE_NAME_LONGEST = 63 };

/* A version that is being made. */
struct incoming {
	char *store;			/* path */
	char *path;			/* STORE/.incoming-XXXXXX */
	int store_fd, fd;
};

/** image_name_check - whether @name may name an image; 0 or -EINVAL */
int image_name_check(const char *name, struct vdisk_error *err);

/**
 * image_name_split - NAME or NAME@N
 * @version: 0 when the text has none
 */
int image_name_split(const char *text, char *name, unsigned int *version, struct vdisk_error *err);

/**
 * image_store_find - where the store is
 * @given: by --store, or NULL: "store =" of vdiskd's configuration
 *
 * Return: allocated path, or NULL with @err.
 */
char *image_store_find(const char *given, struct vdisk_error *err);

/**
 * image_store_newest - the highest version of an image in the store
 * Return: 0 or -errno; *@version is 0 when there is none.
 */
int image_store_newest(const char *store, const char *name, unsigned int *version,
		       struct vdisk_error *err);

/** image_store_prepared - whether a version has what boots it */
bool image_store_prepared(const char *store, const char *name, unsigned int version);

/**
 * incoming_open - begin a version; what others left behind when they died goes
 *
 * Return: 0 or -errno.  incoming_drop() in any case.
 */
int incoming_open(struct incoming *incoming, const char *store, struct vdisk_error *err);

/** incoming_room - whether the store has @bytes left, and some more; 0 or -ENOSPC */
int incoming_room(const struct incoming *incoming, uint64_t bytes, struct vdisk_error *err);

/** incoming_manifest - write manifest.json; 0 or -errno */
int incoming_manifest(const struct incoming *incoming, const json_t *manifest,
		      struct vdisk_error *err);

/**
 * incoming_publish - make it STORE/@name/@version, on the disk for certain
 *
 * Return: 0, -EEXIST when there is one already, or another -errno.
 */
int incoming_publish(struct incoming *incoming, const char *name, unsigned int version,
		     struct vdisk_error *err);

/** incoming_drop - remove what was not published, and free */
void incoming_drop(struct incoming *incoming);

/** image_store_remove - take a version away again; errors are ignored */
void image_store_remove(const char *store, const char *name, unsigned int version);

/** image_manifest_read - of a version in the store; NULL with @err */
json_t *image_manifest_read(const char *store, const char *name, unsigned int version,
			    struct vdisk_error *err);

#endif
