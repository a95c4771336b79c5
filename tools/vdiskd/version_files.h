/* SPDX-License-Identifier: GPL-2.0 */
/* Files of images that the catalog knows: STORE/NAME/N/disk.img and what is beside it. */
#ifndef VDISKD_VERSION_FILES_H
#define VDISKD_VERSION_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum { TRASH_SIZE = 160 };

/**
 * version_files_read - what the store says of a version
 * @fields: size, sha256, stamp, kernel, cmdline, as the catalog takes them
 *
 * Return: 0; -ENOENT: it isn't there; -EINVAL: it isn't what its manifest says.
 */
int version_files_read(const char *store, const char *image, int64_t number, json_t **fields,
		       struct vdisk_error *err);

/** version_files_prepared - whether a version has a kernel and an initramfs, as prepared ones have */
bool version_files_prepared(const char *store, const char *image, int64_t number);

/**
 * version_files_hide - take a version, or (@number 0) a whole image, out of its place
 * @trash: TRASH_SIZE bytes: where it is now; "" when it wasn't there
 */
int version_files_hide(const char *store, const char *image, int64_t number, char *trash,
		       struct vdisk_error *err);

/** version_files_unhide - back again: it isn't deleted after all */
void version_files_unhide(const char *store, const char *image, int64_t number, const char *trash);

/** version_files_delete - what was hidden; who has it open keeps it */
void version_files_delete(const char *store, const char *trash);

#endif
