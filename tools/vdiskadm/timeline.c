// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include "session.h"
#include "show.h"
#include "text.h"
#include "when.h"

enum { LOG_LINES_MAX = 200 };

void print_session_id(const json_t *object, const json_t *value, FILE *to)
{
	const char *key = text_of(object, "key");

	if (*key)
		fputs(key, to);
	else
		print_value(object, value, to);
}

void print_session_client(const json_t *object, const json_t *value, FILE *to)
{
	const char *uuid = text_of(object, "uuid"), *mac = text_of(object, "mac");

	if (json_is_string(value))
		print_value(object, value, to);
	else if (*uuid || *mac)
		fprintf(to, "unknown: %s%s%s", uuid, *uuid && *mac ? " " : "", mac);
}

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

/* "2026-11-20 14:30:00  kernel          1.5 s   12 MiB"; what is not known leaves blanks. */
static void print_step(const json_t *event, const char *indent)
{
	static const struct column columns[] = {
		{ .key = "at", .print = print_time },
		{ .key = "step" },
		{ .key = "seconds", .print = print_seconds },
		{ .key = "bytes", .print = print_bytes },
	};
	char *text[4], *line;
	size_t i, end;

	for (i = 0; i < 4; i++)
		text[i] = value_text(&columns[i], event);
	line = text_format("%s%-19s  %-11s %10s %9s", indent, text[0], text[1], text[2], text[3]);
	for (end = strlen(line); end && line[end - 1] == ' '; end--)
		line[end - 1] = '\0';
	say("%s", line);
	for (i = 0; i < 4; i++)
		free(text[i]);
	free(line);
}

void show_timeline(const json_t *events, const char *indent)
{
	const char *text;
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		print_step(event, indent);
		text = text_of(event, "text");
		if (*text)
			print_log(text, indent);
	}
}
