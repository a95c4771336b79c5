// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "session.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "when.h"

enum { LOG_LINES_MAX = 200 };

void print_session_image(const json_t *object, const json_t *value, FILE *to)
{
	json_int_t version = number_of(object, "version", 0);

	print_value(object, value, to);
	if (version && !json_is_null(value))
		fprintf(to, "@%" JSON_INTEGER_FORMAT, version);
}

void print_session_state(const json_t *object, const json_t *value, FILE *to)
{
	const char *state = json_string_value(value), *how = text_of(object, "ended_how");
	char since[64];

	if (!state)
		return;
	fputs(state, to);
	if (!strcmp(state, "lost"))
		fprintf(to, " since %s", format_time(number_of(object, "since", 0), since,
						     sizeof(since)));
	else if (!strcmp(state, "ended") && *how)
		fprintf(to, " (%s)", how);
}

void print_session_step(const json_t *object, const json_t *value, FILE *to)
{
	const char *reason = text_of(object, "failure");

	print_value(object, value, to);
	if (*reason)
		fprintf(to, ": %s", reason);
}

/* The lines of a log, each clean by itself. */
static void print_log(const char *text, const char *indent)
{
	size_t length, lines = 0;
	char *line;

	for (; *text && lines < LOG_LINES_MAX; lines++) {
		length = strcspn(text, "\n");
		line = must(strndup(text, length));
		say("%s    | %s", indent, line);
		free(line);
		text += length + !!text[length];
	}
	if (*text)
		say("%s    | ... more: --json has all of it", indent);
}

static const struct column steps[] = {
	{ .title = "AT", .key = "at", .print = print_time },
	{ .title = "STEP", .key = "step" },
	{ .title = "TOOK", .key = "seconds", .print = print_seconds, .right = true },
	{ .title = "BYTES", .key = "bytes", .print = print_bytes, .right = true },
	{ 0 },
};

void show_timeline(const json_t *events, const char *indent)
{
	struct table table;
	const char *text;
	json_t *event;
	size_t i;

	if (!json_array_size(events))
		return;
	fill_table(&table, steps, events);
	memset(table.title, 0, sizeof(table.title));
	json_array_foreach(events, i, event) {
		text = text_of(event, "text");
		fputs(indent, stdout);
		table_print_row(&table, i, stdout);
		if (*text)
			print_log(text, indent);
	}
	table_free(&table);
}
