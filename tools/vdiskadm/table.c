// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "table.h"
#include "text.h"

enum { GAP = 2, LAST_MIN = 8 };

void table_init(struct table *table, size_t columns)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
}

void table_free(struct table *table)
{
	size_t i;

	for (i = 0; i < table->cells; i++)
		free(table->cell[i]);
	free(table->cell);
	table->cell = NULL;
	table->cells = 0;
	table->allocated = 0;
}

void table_add(struct table *table, const char *text)
{
	if (table->cells == table->allocated) {
		table->allocated = table->allocated ? 2 * table->allocated : 64;
		table->cell = must(reallocarray(table->cell, table->allocated,
						sizeof(*table->cell)));
	}
	table->cell[table->cells++] = text_clean(text && *text ? text : "-");
}

static void measure(const struct table *table, size_t *width)
{
	size_t i, cell;

	for (i = 0; i < table->columns; i++)
		width[i] = table->title[i] ? text_width(table->title[i]) : 0;
	for (i = 0; i < table->cells; i++) {
		cell = text_width(table->cell[i]);
		if (cell > width[i % table->columns])
			width[i % table->columns] = cell;
	}
}

/* Nothing stands behind the last column, not even blanks. */
static void print_cells(const struct table *table, char *const *cell, const size_t *width,
			FILE *to)
{
	size_t i, blanks;

	for (i = 0; i < table->columns; i++) {
		blanks = width[i] - text_width(cell[i]);
		if (table->right[i])
			fprintf(to, "%*s%s", (int)blanks, "", cell[i]);
		else
			fputs(cell[i], to);
		if (i + 1 < table->columns)
			fprintf(to, "%*s", (int)(table->right[i] ? GAP : blanks + GAP), "");
	}
	fputc('\n', to);
}

/* Columns that the last one may have. */
static size_t left_for_last(const struct table *table, const size_t *width, size_t limit)
{
	size_t used = 0, i;

	for (i = 0; i + 1 < table->columns; i++)
		used += width[i] + GAP;
	return limit > used + LAST_MIN ? limit - used : LAST_MIN;
}

void table_print(const struct table *table, size_t limit, FILE *to)
{
	size_t width[TABLE_COLUMNS_MAX], last = table->columns - 1, room, i;

	measure(table, width);
	if (limit) {
		room = left_for_last(table, width, limit);
		for (i = last; i < table->cells && width[last] > room; i += table->columns)
			text_cut(table->cell[i], room);
		if (width[last] > room)
			width[last] = room;
	}
	if (table->title[0])
		print_cells(table, (char *const *)table->title, width, to);
	for (i = 0; i < table_rows(table); i++)
		print_cells(table, &table->cell[i * table->columns], width, to);
}

void table_print_row(const struct table *table, size_t row, FILE *to)
{
	size_t width[TABLE_COLUMNS_MAX];

	measure(table, width);
	print_cells(table, &table->cell[row * table->columns], width, to);
}

size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}
