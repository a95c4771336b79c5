/* SPDX-License-Identifier: GPL-2.0 */
/* Files that hold one line: a token, a pin. */
#ifndef VDISKADM_SECRET_H
#define VDISKADM_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include "error.h"

enum { LINE_FILE_MAX = 1024 };

/**
 * read_line_file - the first line of a file, without blanks around it
 * @line: room for LINE_FILE_MAX bytes; wiped after an error
 * @secret: refuse a file that others may read, or that others own
 *
 * Return: 0, -EACCES (not a secret), -EINVAL (empty, too long), or what opening
 * and reading gave.
 */
int read_line_file(const char *path, bool secret, char *line, struct vdisk_error *err);

#endif
