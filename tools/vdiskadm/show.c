// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "show.h"
#include "table.h"
#include "text.h"
#include "when.h"
#include "../vdiskctl/format.h"

void print_value(const json_t *object, const json_t *value, FILE *to)
{
	const char *key;
	json_t *item;
	size_t i;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		fputs(json_string_value(value), to);
		break;
	case JSON_INTEGER:
		fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(to, "%.1f", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", to);
		break;
	case JSON_FALSE:
		fputs("no", to);
		break;
	case JSON_NULL:
		break;
	case JSON_ARRAY:
		json_array_foreach(value, i, item) {
			fputs(i ? ", " : "", to);
			print_value(object, item, to);
		}
		break;
	case JSON_OBJECT:
		i = 0;
		json_object_foreach((json_t *)value, key, item) {
			fprintf(to, "%s%s=", i++ ? ", " : "", key);
			print_value(object, item, to);
		}
		break;
	}
}

void print_bytes(const json_t *object, const json_t *value, FILE *to)
{
	char text[32];

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		fputs(format_bytes(json_integer_value(value), text, sizeof(text)), to);
	else
		print_value(object, value, to);
}

void print_time(const json_t *object, const json_t *value, FILE *to)
{
	char text[64];

	if (json_is_integer(value))
		fputs(format_time(json_integer_value(value), text, sizeof(text)), to);
	else
		print_value(object, value, to);
}

void print_seconds(const json_t *object, const json_t *value, FILE *to)
{
	char text[64];

	if (json_is_integer(value))
		fputs(format_seconds(json_integer_value(value), text, sizeof(text)), to);
	else if (json_is_real(value))
		fprintf(to, "%.1f s", json_real_value(value));
	else
		print_value(object, value, to);
}

void print_ago(const json_t *object, const json_t *value, FILE *to)
{
	char text[64];

	if (json_is_integer(value))
		fputs(format_seconds(time(NULL) - json_integer_value(value), text, sizeof(text)),
		      to);
	else
		print_value(object, value, to);
}

void print_left(const json_t *object, const json_t *value, FILE *to)
{
	char text[64];
	time_t now = time(NULL);

	if (!json_is_integer(value))
		print_value(object, value, to);
	else if (json_integer_value(value) <= now)
		fputs("over", to);
	else
		fputs(format_seconds(json_integer_value(value) - now, text, sizeof(text)), to);
}

/* A property is a text, or an object that says whether it is a secret. */
void print_properties(const json_t *object, const json_t *value, FILE *to)
{
	const json_t *text;
	const char *name;
	json_t *property;
	size_t n = 0;

	if (!json_is_object(value)) {
		print_value(object, value, to);
		return;
	}
	json_object_foreach((json_t *)value, name, property) {
		text = json_is_object(property) ? json_object_get(property, "value") : property;
		fprintf(to, "%s%s=", n++ ? ", " : "", name);
		if (json_is_true(json_object_get(property, "secret")))
			fputs("(secret)", to);
		else
			print_value(object, text, to);
	}
}

const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_int_t number_of(const json_t *object, const char *key, json_int_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool list_has(const json_t *array, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), text))
			return true;
	return false;
}

char *value_text(const struct column *column, const json_t *object)
{
	const json_t *value = column->key ? json_object_get(object, column->key) : NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *to;

	to = must(open_memstream(&text, &size));
	if (column->print)
		column->print(object, value, to);
	else
		print_value(object, value, to);
	if (fclose(to))
		must(NULL);
	return text;
}

void fill_table(struct table *table, const struct column *columns, const json_t *array)
{
	size_t count = 0, i, j;
	json_t *object;
	char *text;

	while (columns[count].title)
		count++;
	table_init(table, count);
	for (i = 0; i < count; i++) {
		table->title[i] = columns[i].title;
		table->right[i] = columns[i].right;
	}
	json_array_foreach(array, j, object) {
		for (i = 0; i < count; i++) {
			text = value_text(&columns[i], object);
			table_add(table, text);
			free(text);
		}
	}
}

void show_list(const struct column *columns, const json_t *array, const char *what)
{
	struct table table;

	if (!json_array_size(array)) {
		say("no %s", what);
		return;
	}
	fill_table(&table, columns, array);
	table_print(&table, terminal_width(), stdout);
	table_free(&table);
}

void show_details(const struct column *columns, const json_t *object)
{
	struct table table;
	char *text;

	table_init(&table, 2);
	for (; columns->title; columns++) {
		text = value_text(columns, object);
		if (*text) {
			table_add(&table, columns->title);
			table_add(&table, text);
		}
		free(text);
	}
	table_print(&table, 0, stdout);
	table_free(&table);
}

void show_json(const json_t *json, bool compact)
{
	size_t flags = JSON_PRESERVE_ORDER | JSON_ENCODE_ANY;

	flags |= compact ? JSON_COMPACT : JSON_INDENT(2);
	/* A terminal would act on what JSON need not escape. */
	if (isatty(STDOUT_FILENO))
		flags |= JSON_ENSURE_ASCII;
	json_dumpf(json, stdout, flags);
	putchar('\n');
}
