/* SPDX-License-Identifier: GPL-2.0 */
/* Files that hold a token, a pin, a secret. */
#ifndef VDISKADM_SECRET_H
#define VDISKADM_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "error.h"

enum { LINE_FILE_MAX = 1024, SECRET_FILE_MAX = 65536 };

/**
 * read_line_file - the first line of a file, without blanks around it
 * @line: room for LINE_FILE_MAX bytes; wiped after an error
 * @secret: refuse a file that others may read, or that others own
 *
 * Return: 0, -EACCES (not a secret), -EINVAL (empty, too long), or what opening
 * and reading gave.
 */
int read_line_file(const char *path, bool secret, char *line, struct vdisk_error *err);

/**
 * read_secret_file - all of a file that nobody else may read
 * @text: allocated; wipe it, then free() it
 *
 * Return: as read_line_file(); a newline at the end is none of the secret.
 */
int read_secret_file(const char *path, char **text, struct vdisk_error *err);

#endif
