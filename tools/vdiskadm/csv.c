// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "csv.h"
#include "text.h"

struct reader {
	const char *at, *end;
	size_t line;
	char *field;			/* the one being read, room for all that is left */
	size_t length;
	bool quoted;
	struct vdisk_error *err;
};

static int refuse(struct reader *reader, const char *why)
{
	return vdisk_error_set(reader->err, EINVAL, "line %zu: %s", reader->line, why);
}

static void keep(struct reader *reader, char c)
{
	if (c == '\n')
		reader->line++;
	reader->field[reader->length++] = c;
}

static bool at_row_end(const struct reader *reader)
{
	return reader->at == reader->end || *reader->at == '\n' ||
	       (*reader->at == '\r' && reader->at + 1 < reader->end && reader->at[1] == '\n');
}

/* Behind the first quote, up to behind the last. */
static int read_quoted(struct reader *reader)
{
	size_t from = reader->line;

	for (; reader->at < reader->end; reader->at++) {
		if (!*reader->at)
			return refuse(reader, "a NUL byte");
		if (*reader->at != '"') {
			keep(reader, *reader->at);
			continue;
		}
		reader->at++;
		if (reader->at == reader->end || *reader->at != '"')
			return 0;
		keep(reader, '"');
	}
	reader->line = from;
	return refuse(reader, "a quote has no end");
}

static int read_field(struct reader *reader)
{
	int ret;

	reader->length = 0;
	reader->quoted = reader->at < reader->end && *reader->at == '"';
	if (reader->quoted) {
		reader->at++;
		ret = read_quoted(reader);
		if (ret < 0)
			return ret;
		if (!at_row_end(reader) && *reader->at != ',')
			return refuse(reader, "text behind a closing quote");
		return 0;
	}
	for (; !at_row_end(reader) && *reader->at != ','; reader->at++) {
		if (!*reader->at)
			return refuse(reader, "a NUL byte");
		if (*reader->at == '"')
			return refuse(reader, "a quote within a field that does not begin with one");
		keep(reader, *reader->at);
	}
	return 0;
}

static void add_field(struct reader *reader, struct csv_row *row)
{
	if (!(row->count & (row->count - 1))) {
		row->field = must(reallocarray(row->field, row->count ? 2 * row->count : 1,
					       sizeof(*row->field)));
		row->quoted = must(reallocarray(row->quoted, row->count ? 2 * row->count : 1,
						sizeof(*row->quoted)));
	}
	row->quoted[row->count] = reader->quoted;
	row->field[row->count++] = must(strndup(reader->field, reader->length));
}

static int read_row(struct reader *reader, struct csv_row *row)
{
	bool more;
	int ret;

	do {
		if (row->count == CSV_FIELDS_MAX)
			return refuse(reader, "too many fields");
		ret = read_field(reader);
		if (ret < 0)
			return ret;
		add_field(reader, row);
		more = reader->at < reader->end && *reader->at == ',';
		reader->at += more;
	} while (more);
	if (reader->at < reader->end)
		reader->at += *reader->at == '\r' ? 2 : 1;
	reader->line++;
	return 0;
}

static struct csv_row *new_row(struct csv *csv, size_t line)
{
	struct csv_row *row;

	if (!(csv->rows & (csv->rows - 1)))
		csv->row = must(reallocarray(csv->row, csv->rows ? 2 * csv->rows : 1,
					     sizeof(*csv->row)));
	row = &csv->row[csv->rows++];
	*row = (struct csv_row){ .line = line };
	return row;
}

static int read_rows(struct reader *reader, struct csv *csv)
{
	int ret;

	while (reader->at < reader->end) {
		if (at_row_end(reader)) {
			reader->at += *reader->at == '\r' ? 2 : 1;
			reader->line++;
			continue;
		}
		if (csv->rows == CSV_ROWS_MAX)
			return refuse(reader, "too many rows");
		ret = read_row(reader, new_row(csv, reader->line));
		if (ret < 0)
			return ret;
	}
	return 0;
}

int csv_parse(const char *bytes, size_t length, struct csv *csv, struct vdisk_error *err)
{
	struct reader reader = { .at = bytes, .end = bytes + length, .line = 1, .err = err };
	int ret;

	memset(csv, 0, sizeof(*csv));
	if (length >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
		reader.at += 3;
	reader.field = must(malloc(length + 1));
	ret = read_rows(&reader, csv);
	free(reader.field);
	return ret;
}

void csv_free(struct csv *csv)
{
	size_t i, j;

	for (i = 0; i < csv->rows; i++) {
		for (j = 0; j < csv->row[i].count; j++)
			free(csv->row[i].field[j]);
		free(csv->row[i].field);
		free(csv->row[i].quoted);
	}
	free(csv->row);
	memset(csv, 0, sizeof(*csv));
}

static int read_all(FILE *from, const char *path, char **bytes, size_t *length,
		    struct vdisk_error *err)
{
	size_t size = 0, got;

	*bytes = NULL;
	*length = 0;
	do {
		if (*length == size) {
			size = size ? 2 * size : 65536;
			*bytes = must(realloc(*bytes, size));
		}
		got = fread(*bytes + *length, 1, size - *length, from);
		*length += got;
		if (*length > CSV_BYTES_MAX)
			return vdisk_error_set(err, EINVAL, "%s is larger than %d MiB", path,
					       CSV_BYTES_MAX >> 20);
	} while (got);
	if (ferror(from))
		return vdisk_error_set(err, errno, "cannot read %s: %s", path, strerror(errno));
	return 0;
}

int csv_read(const char *path, struct csv *csv, struct vdisk_error *err)
{
	bool standard = !strcmp(path, "-");
	FILE *from = standard ? stdin : fopen(path, "re");
	size_t length;
	char *bytes;
	int ret;

	memset(csv, 0, sizeof(*csv));
	if (!from)
		return vdisk_error_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	ret = read_all(from, path, &bytes, &length, err);
	if (!standard)
		fclose(from);
	if (!ret)
		ret = csv_parse(bytes, length, csv, err);
	free(bytes);
	return ret;
}

const char csv_empty[1];

bool csv_is_empty(const struct csv_row *row, size_t field)
{
	return !*row->field[field] && row->quoted[field];
}

/* A lone empty field must be quoted, too: an empty line is no row. */
void csv_write(const char *const *fields, size_t count, FILE *to)
{
	const char *c;
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			fputc(',', to);
		if (*fields[i] ? !strpbrk(fields[i], ",\"\r\n") :
				 count > 1 && fields[i] != csv_empty) {
			fputs(fields[i], to);
			continue;
		}
		fputc('"', to);
		for (c = fields[i]; *c; c++) {
			if (*c == '"')
				fputc('"', to);
			fputc(*c, to);
		}
		fputc('"', to);
	}
	fputs("\r\n", to);
}
