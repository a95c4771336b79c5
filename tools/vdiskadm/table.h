/* SPDX-License-Identifier: GPL-2.0 */
/* Tables for people: columns aligned, cells clean. */
#ifndef VDISKADM_TABLE_H
#define VDISKADM_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 24 };

struct table {
	size_t columns, cells, allocated;
	const char *title[TABLE_COLUMNS_MAX];	/* NULL in all: no head */
	bool right[TABLE_COLUMNS_MAX];		/* numbers stand at the right */
	char **cell;				/* row by row, clean */
};

/* table_init - @columns of no rows; title[] and right[] are the caller's to set. */
void table_init(struct table *table, size_t columns);
void table_free(struct table *table);

/* table_add - the next cell; an empty or NULL one shows as "-". */
void table_add(struct table *table, const char *text);

static inline size_t table_rows(const struct table *table)
{
	return table->cells / table->columns;
}

/*
 * table_print - head and rows; where @width is not 0, the last column ends there.
 * table_print_row - one row of it, as wide as in the whole.
 */
void table_print(const struct table *table, size_t width, FILE *to);
void table_print_row(const struct table *table, size_t row, FILE *to);

/* terminal_width - of standard output; 0 when it is no terminal. */
size_t terminal_width(void);

#endif
