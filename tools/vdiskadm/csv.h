/* SPDX-License-Identifier: GPL-2.0 */
/* Comma-separated values, RFC 4180. */
#ifndef VDISKADM_CSV_H
#define VDISKADM_CSV_H

#include <stdbool.h>
#include <stdio.h>
#include "error.h"

enum { CSV_FIELDS_MAX = 256, CSV_ROWS_MAX = 100000, CSV_BYTES_MAX = 64 << 20 };

struct csv_row {
	size_t line;			/* where it begins, from 1 */
	size_t count;
	char **field;
	bool *quoted;			/* of each */
};

struct csv {
	struct csv_row *row;
	size_t rows;
};

/**
 * csv_parse - all rows; empty lines are none
 * @csv: csv_free() it, also after an error
 *
 * Lines end with CRLF or LF; a byte order mark in front is skipped.
 * Return: 0 or -EINVAL with the line in the reason: a quote out of place or
 * without its end, a NUL, too much of anything.
 */
int csv_parse(const char *bytes, size_t length, struct csv *csv, struct vdisk_error *err);
void csv_free(struct csv *csv);

/* csv_read - csv_parse() of a file, "-": standard input. 0, -EINVAL, or another errno. */
int csv_read(const char *path, struct csv *csv, struct vdisk_error *err);

/* A text that is empty, where others are none: to be written, and read, in quotes. */
extern const char csv_empty[1];

/* csv_is_empty - whether a field that was read is empty, but quoted */
bool csv_is_empty(const struct csv_row *row, size_t field);

/* csv_write - one row, quoted where it must be, ended with CRLF. */
void csv_write(const char *const *fields, size_t count, FILE *to);

#endif
