// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "api.h"
#include "interrupt.h"
#include "resource.h"
#include "table.h"
#include "text.h"
#include "vdiskadm.h"
#include "watch.h"
#include "when.h"

enum { WATCH_MS = 1000 };

/* What of an object is news when it changes: its columns that do not drift. */
static char *news_of(const struct watch *watch, const json_t *object)
{
	const struct column *column;
	char *news = must(strdup("")), *value, *longer;

	for (column = watch->columns; column->title; column++) {
		if (column->drifts)
			continue;
		value = value_text(column, object);
		longer = text_format("%s%s\t", news, value);
		free(value);
		free(news);
		news = longer;
	}
	return news;
}

/* What a thing is known by: a boot that has no session has a key in place of a number. */
static void id_text(const json_t *object, char *text, size_t size)
{
	if (*text_of(object, "key"))
		snprintf(text, size, "%s", text_of(object, "key"));
	else
		snprintf(text, size, "%" JSON_INTEGER_FORMAT, number_of(object, "id", 0));
}

static void print_line(const struct watch *watch, const char *change, const json_t *object,
		       const struct table *table, size_t row)
{
	char now[64], id[32];

	if (watch->json) {
		json_t *line = must(json_pack("{s:s, s:O}", "change", change, "object", object));

		show_json(line, true);
		json_decref(line);
		return;
	}
	format_time(time(NULL), now, sizeof(now));
	printf("%s %-7s ", now, change);
	id_text(object, id, sizeof(id));
	if (table)
		table_print_row(table, row, stdout);
	else
		say("%s %s", id, text_of(object, "client"));
}

/* @seen: id: {"news", "object"} of the time before; replaced. */
static void print_changes(const struct watch *watch, const json_t *array, json_t **seen)
{
	json_t *now = must(json_object()), *object, *before;
	struct table table;
	char id[32], *news;
	const char *key;
	size_t i;

	fill_table(&table, watch->columns, array);
	json_array_foreach(array, i, object) {
		id_text(object, id, sizeof(id));
		news = news_of(watch, object);
		before = json_object_get(*seen, id);
		if (!before || strcmp(text_of(before, "news"), news))
			print_line(watch, before ? "changed" : "new", object, &table, i);
		json_object_set_new(now, id,
				    must(json_pack("{s:s, s:O}", "news", news, "object", object)));
		free(news);
	}
	json_object_foreach(*seen, key, before)
		if (!json_object_get(now, key))
			print_line(watch, "gone", json_object_get(before, "object"), NULL, 0);
	table_free(&table);
	json_decref(*seen);
	*seen = now;
}

static void redraw(const struct watch *watch, const json_t *array, const char *trouble)
{
	char now[64];

	fputs("\033[H\033[2J", stdout);
	say("%s: %zu at %s%s%s", watch->what, json_array_size(array),
	    format_time(time(NULL), now, sizeof(now)), *trouble ? "; " : "", trouble);
	putchar('\n');
	if (json_array_size(array))
		show_list(watch->columns, array, watch->what);
}

static int fetch(const struct watch *watch, json_t **array, struct vdisk_error *err)
{
	return watch->fetch ? watch->fetch(watch->context, array, err) :
			      fetch_list(watch->path, array, err);
}

/* Whether to go on: neither was it interrupted nor has the reader left. */
static bool wait_a_while(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return !interrupt_came() && poll(&out, 1, WATCH_MS) <= 0 && !interrupt_came();
}

int watch_list(const struct watch *watch)
{
	bool terminal = isatty(STDOUT_FILENO) && !watch->json, first = true, down = false;
	json_t *seen = must(json_object()), *array = NULL, *next;
	struct vdisk_error err;
	int ret;

	interrupt_catch();
	do {
		ret = fetch(watch, &next, &err);
		if (ret < 0 && interrupt_came())
			break;
		if (ret < 0 && first) {
			json_decref(seen);
			return fail_here("%s", err.text);
		}
		first = false;
		if (ret < 0 && !down && !terminal)
			fail_here("%s: trying on", err.text);
		down = ret < 0;
		if (!down) {
			json_decref(array);
			array = next;
		}
		if (terminal)
			redraw(watch, array, down ? err.text : "");
		else if (!down)
			print_changes(watch, array, &seen);
		if (fflush(stdout)) {
			ret = EXIT_FAILED;
			goto out;
		}
	} while (wait_a_while());
	ret = EXIT_DONE;
out:
	json_decref(array);
	json_decref(seen);
	return ret;
}
