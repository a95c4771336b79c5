/* SPDX-License-Identifier: GPL-2.0 */
/* Writing files into a root filesystem that is not trusted to be free of traps. */
#ifndef VDISKCTL_INSTALL_H
#define VDISKCTL_INSTALL_H

#include <stddef.h>
#include <sys/types.h>
#include "error.h"

/**
 * install_file - writes a file whole, or not at all
 * @root: descriptor of the root directory
 * @path: absolute; checked by check_file().  Symbolic links in its directory lead
 *        to places within the root, as after a chroot; its last part is replaced
 *        even when it is one.  Directories that are missing are made, 0755.
 */
int install_file(int root, const char *path, mode_t mode, const void *data, size_t len,
		 struct vdisk_error *err);

/* install_exists - whether a path is there, within the root. */
int install_exists(int root, const char *path);

#endif
