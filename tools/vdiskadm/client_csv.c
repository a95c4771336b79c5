// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "client_csv.h"
#include "show.h"
#include "text.h"

static const char property_prefix[] = "property:";

static const char *const fixed[] = {
	"name", "group", "uuid", "macs", "type", "enabled", "comment",
};

enum { FIXED = sizeof(fixed) / sizeof(*fixed) };

void client_errors_add(struct client_errors *errors, size_t line, const char *format, ...)
{
	va_list args;
	char *text;

	errors->count++;
	if (errors->count > CLIENT_ERRORS_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	must(text);
	errors->text[errors->count - 1] = text_format("line %zu: %s", line, text);
	free(text);
}

void client_errors_free(struct client_errors *errors)
{
	size_t i;

	for (i = 0; i < errors->count && i < CLIENT_ERRORS_MAX; i++)
		free(errors->text[i]);
	memset(errors, 0, sizeof(*errors));
}

/* Writing */

static bool is_secret(const json_t *client, const char *name)
{
	return list_has(json_object_get(client, "secret_properties"), name);
}

/* The names of all properties that any client has, as keys, sorted when they are walked. */
static json_t *property_names(const json_t *clients)
{
	json_t *names = must(json_object()), *client, *value;
	const char *name;
	size_t i;

	json_array_foreach(clients, i, client) {
		json_object_foreach(json_object_get(client, "properties"), name, value) {
			if (!is_secret(client, name))
				json_object_set_new(names, name, json_true());
		}
	}
	return names;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted_keys(json_t *object)
{
	const char **keys = must(calloc(json_object_size(object) + 1, sizeof(*keys))), *key;
	size_t count = 0;
	json_t *value;

	json_object_foreach(object, key, value)
		keys[count++] = key;
	qsort(keys, count, sizeof(*keys), compare);
	return keys;
}

/* MACs have no blanks, so blanks divide them: a comma would need quotes. */
static char *field_text(const json_t *client, const char *key)
{
	const json_t *value = json_object_get(client, key);
	const struct column column = { .key = key };
	char *text = value_text(&column, client), *c, *to;

	if (!json_is_array(value))
		return text;
	for (c = text, to = text; *c; c++)
		if (*c != ',')
			*to++ = *c;
	*to = '\0';
	return text;
}

/* What is not there is nothing; what is there and empty, an empty text. */
static const char *property_text(const json_t *client, const char *name)
{
	const json_t *value = json_object_get(json_object_get(client, "properties"), name);

	if (!value || is_secret(client, name))
		return "";
	return json_string_length(value) ? json_string_value(value) : csv_empty;
}

static void write_client(const json_t *client, const char **properties, size_t count, FILE *to)
{
	char *owned[FIXED];
	const char **fields = must(calloc(FIXED + count, sizeof(*fields)));
	size_t i;

	for (i = 0; i < FIXED; i++) {
		owned[i] = field_text(client, fixed[i]);
		fields[i] = owned[i];
	}
	for (i = 0; i < count; i++)
		fields[FIXED + i] = property_text(client, properties[i]);
	csv_write(fields, FIXED + count, to);
	for (i = 0; i < FIXED; i++)
		free(owned[i]);
	free(fields);
}

void clients_write(const json_t *clients, FILE *to)
{
	json_t *names = property_names(clients), *client;
	const char **properties = sorted_keys(names), **head;
	size_t count = json_object_size(names), i;

	head = must(calloc(FIXED + count, sizeof(*head)));
	memcpy(head, fixed, sizeof(fixed));
	for (i = 0; i < count; i++)
		head[FIXED + i] = text_format("%s%s", property_prefix, properties[i]);
	csv_write(head, FIXED + count, to);
	json_array_foreach(clients, i, client) {
		write_client(client, properties, count, to);
	}
	for (i = 0; i < count; i++)
		free((char *)head[FIXED + i]);
	free(head);
	free(properties);
	json_decref(names);
}

/* Reading */

struct rows {
	struct client_errors *errors;
	const struct csv_row *head, *row;
	json_t *seen;			/* "name X", "uuid X", "mac X": the line it stands in */
};

static bool is_property(const char *title)
{
	return !strncmp(title, property_prefix, sizeof(property_prefix) - 1) &&
	       title[sizeof(property_prefix) - 1];
}

static bool is_known(const char *title)
{
	size_t i;

	for (i = 0; i < FIXED; i++)
		if (!strcmp(fixed[i], title))
			return true;
	return is_property(title);
}

static void check_head(struct rows *rows)
{
	const struct csv_row *head = rows->head;
	bool named = false;
	size_t i, j;

	for (i = 0; i < head->count; i++) {
		named |= !strcmp(head->field[i], "name");
		if (!is_known(head->field[i]))
			client_errors_add(rows->errors, head->line,
					  "there is no column '%s': name, group, uuid, macs, type, enabled, comment, property:NAME",
					  head->field[i]);
		for (j = 0; j < i; j++)
			if (!strcmp(head->field[i], head->field[j]))
				client_errors_add(rows->errors, head->line,
						  "the column '%s' is there twice", head->field[i]);
	}
	if (!named)
		client_errors_add(rows->errors, head->line, "there is no column 'name'");
}

/* What no two clients may have in common. */
static void check_unique(struct rows *rows, const char *what, const char *text)
{
	char *key = text_format("%s %s", what, text), *c;
	json_t *line;

	for (c = key; *c; c++)
		*c = tolower((unsigned char)*c);
	line = json_object_get(rows->seen, key);
	if (line)
		client_errors_add(rows->errors, rows->row->line,
				  "%s '%s' is also in line %" JSON_INTEGER_FORMAT, what, text,
				  json_integer_value(line));
	else
		json_object_set_new(rows->seen, key, json_integer(rows->row->line));
	free(key);
}

/* "xx" groups of hex digits with a mark between them: UUIDs and MACs have such a form. */
static bool has_form(const char *text, const char *form)
{
	for (; *text && *form; text++, form++)
		if (*form == 'x' ? !isxdigit((unsigned char)*text) : *form != *text)
			return false;
	return !*text && !*form;
}

static json_t *read_macs(struct rows *rows, const char *text)
{
	json_t *list = must(json_array());
	size_t length;
	char *mac;

	for (text += strspn(text, " ,;"); *text; text += strspn(text, " ,;")) {
		length = strcspn(text, " ,;");
		mac = must(strndup(text, length));
		text += length;
		if (!has_form(mac, "xx:xx:xx:xx:xx:xx") && !has_form(mac, "xx-xx-xx-xx-xx-xx"))
			client_errors_add(rows->errors, rows->row->line,
					  "'%s' is not a MAC such as 52:54:00:12:34:56", mac);
		else
			check_unique(rows, "mac", mac);
		json_array_append_new(list, json_string(mac));
		free(mac);
	}
	return list;
}

static json_t *read_enabled(struct rows *rows, const char *text)
{
	if (!strcmp(text, "no"))
		return json_false();
	if (*text && strcmp(text, "yes"))
		client_errors_add(rows->errors, rows->row->line, "enabled is yes or no, not '%s'",
				  text);
	return json_true();
}

static json_t *read_type(struct rows *rows, const char *text)
{
	static const char *const types[] = { "production", "test", "maintenance" };
	size_t i;

	if (!*text)
		return json_string(types[0]);
	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i], text))
			return json_string(text);
	client_errors_add(rows->errors, rows->row->line,
			  "type is production, test or maintenance, not '%s'", text);
	return json_null();
}

static json_t *read_text(struct rows *rows, const char *title, const char *text)
{
	json_t *value = *text ? json_string(text) : json_null();

	if (!value)
		client_errors_add(rows->errors, rows->row->line, "%s is not UTF-8", title);
	if (!strcmp(title, "uuid") && *text) {
		if (!has_form(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
			client_errors_add(rows->errors, rows->row->line, "'%s' is not a UUID", text);
		else
			check_unique(rows, "uuid", text);
	}
	if (!strcmp(title, "name")) {
		if (!*text)
			client_errors_add(rows->errors, rows->row->line, "the name is empty");
		else
			check_unique(rows, "name", text);
	}
	return value ? value : json_null();
}

static json_t *read_value(struct rows *rows, const char *title, const char *text)
{
	if (!strcmp(title, "macs"))
		return read_macs(rows, text);
	if (!strcmp(title, "enabled"))
		return read_enabled(rows, text);
	if (!strcmp(title, "type"))
		return read_type(rows, text);
	return read_text(rows, title, text);
}

static json_t *read_client(struct rows *rows)
{
	json_t *client = must(json_object()), *properties = must(json_object());
	const char *title, *text;
	size_t i;

	for (i = 0; i < rows->row->count; i++) {
		title = rows->head->field[i];
		text = rows->row->field[i];
		if (!is_property(title))
			json_object_set_new(client, title, must(read_value(rows, title, text)));
		else if (csv_is_empty(rows->row, i))
			json_object_set_new(properties, title + sizeof(property_prefix) - 1,
					    must(json_string("")));
		else if (*text)
			json_object_set_new(properties, title + sizeof(property_prefix) - 1,
					    read_text(rows, title, text));
	}
	if (json_object_size(properties))
		json_object_set(client, "properties", properties);
	json_decref(properties);
	return client;
}

void clients_read(const struct csv *csv, json_t **array, struct client_errors *errors)
{
	struct rows rows = { .errors = errors, .head = csv->row };
	size_t head_errors, i;

	*array = must(json_array());
	if (!csv->rows) {
		client_errors_add(errors, 1, "there is no head with the columns' names");
		return;
	}
	check_head(&rows);
	head_errors = errors->count;
	rows.seen = must(json_object());
	/* with a head that is wrong, each row would be, too */
	for (i = 1; i < csv->rows && !head_errors; i++) {
		rows.row = &csv->row[i];
		if (rows.row->count != rows.head->count) {
			client_errors_add(errors, rows.row->line, "%zu fields, but the head has %zu",
					  rows.row->count, rows.head->count);
			continue;
		}
		json_array_append_new(*array, must(json_pack("{s:I, s:o}", "line",
							     (json_int_t)rows.row->line, "client",
							     read_client(&rows))));
	}
	json_decref(rows.seen);
}
