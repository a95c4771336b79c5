// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskadm client import: clients from CSV, all or none.  What the file itself
 * shows to be wrong is told before anything is sent; what the server refuses
 * later has all that was done before taken back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "client.h"
#include "client_csv.h"
#include "text.h"
#include "vdiskadm.h"

struct import {
	const char *file;
	bool update, dry_run;
	json_t *rows;			/* {"line", "client", "before": what it is now, or absent} */
	size_t done, added, changed, same;
	struct client_errors errors;
};

static int show_errors(struct import *import)
{
	size_t i;

	for (i = 0; i < import->errors.count && i < CLIENT_ERRORS_MAX; i++)
		fail_here("%s: %s", import->file, import->errors.text[i]);
	if (import->errors.count > CLIENT_ERRORS_MAX)
		fail_here("%s: %zu more", import->file, import->errors.count - CLIENT_ERRORS_MAX);
	return fail_here("%s: nothing imported", import->file);
}

/* Rows of clients that exist, and of groups that do not. */
static void check_row(struct import *import, json_t *row, const json_t *clients,
		      const json_t *groups)
{
	const json_t *client = json_object_get(row, "client");
	const char *name = text_of(client, "name"), *group = text_of(client, "group");
	size_t line = number_of(row, "line", 0);
	json_t *before = json_object_get(clients, name);

	if (before && !import->update)
		client_errors_add(&import->errors, line,
				  "the client '%s' exists: --update changes it", name);
	else if (before)
		json_object_set(row, "before", before);
	if (*group && !json_object_get(groups, group))
		client_errors_add(&import->errors, line, "there is no group '%s'", group);
}

static int fetch_by_name(const char *path, json_t **objects, struct vdisk_error *err)
{
	json_t *array, *object;
	size_t i;
	int ret;

	*objects = NULL;
	ret = fetch_list(path, &array, err);
	if (ret < 0)
		return ret;
	*objects = must(json_object());
	json_array_foreach(array, i, object) {
		json_object_set(*objects, text_of(object, "name"), object);
	}
	json_decref(array);
	return 0;
}

static int check_rows(struct import *import)
{
	json_t *clients, *groups = NULL, *row;
	struct vdisk_error err;
	size_t i;
	int ret;

	ret = fetch_by_name("/v1/clients", &clients, &err);
	if (!ret)
		ret = fetch_by_name("/v1/groups", &groups, &err);
	if (ret < 0) {
		json_decref(clients);
		return fail_here("%s", err.text);
	}
	json_array_foreach(import->rows, i, row) {
		check_row(import, row, clients, groups);
	}
	json_decref(clients);
	json_decref(groups);
	return import->errors.count ? show_errors(import) : GO_ON;
}

/* A field of the file that is what the server has. */
static bool is_same(const char *key, const json_t *now, const json_t *before)
{
	const json_t *value = json_object_get(before, key);
	const char *name;
	json_t *property;

	if (!strcmp(key, "properties")) {
		json_object_foreach((json_t *)now, name, property)
			if (!json_equal(property, json_object_get(value, name)))
				return false;
		return true;
	}
	/* the API tells what is unset as null, or not at all, and texts also as "" */
	if (json_is_null(now))
		return !value || json_is_null(value) ||
		       (json_is_string(value) && !json_string_length(value));
	return json_equal(now, value);
}

/* What a row changes of a client, and what would take that back. */
static json_t *changes_of(const json_t *client, const json_t *before, json_t *back)
{
	json_t *changes = must(json_object()), *now, *then, *property;
	const char *key, *name;

	json_object_foreach((json_t *)client, key, now) {
		if (is_same(key, now, before))
			continue;
		json_object_set(changes, key, now);
		if (strcmp(key, "properties")) {
			then = json_object_get(before, key);
			json_object_set_new(back, key, then ? json_incref(then) : json_null());
			continue;
		}
		then = must(json_object());
		json_object_foreach(now, name, property) {
			json_t *old = json_object_get(json_object_get(before, key), name);

			json_object_set_new(then, name, old ? json_incref(old) : json_null());
		}
		json_object_set_new(back, key, then);
	}
	return changes;
}

static int store_row(struct import *import, json_t *row, struct vdisk_error *err)
{
	json_t *client = json_object_get(row, "client"), *before = json_object_get(row, "before");
	json_t *back = must(json_object()), *changes, *stored = NULL;
	int64_t revision = number_of(before, "revision", API_ANY_REVISION);
	char *path;
	int ret = 0;

	if (!before) {
		ret = api_call("POST", "/v1/clients", client, API_ANY_REVISION, NULL, err);
		json_decref(back);
		import->added += !ret;
		return ret;
	}
	changes = changes_of(client, before, back);
	if (json_object_size(changes)) {
		path = api_path("/v1/clients/%s", text_of(client, "name"));
		ret = api_call("PATCH", path, changes, revision, &stored, err);
		free(path);
		json_object_set(row, "back", back);
		import->changed += !ret;
	} else {
		import->same++;
	}
	json_decref(stored);
	json_decref(changes);
	json_decref(back);
	return ret;
}

static int take_back_row(const json_t *row, struct vdisk_error *err)
{
	const json_t *client = json_object_get(row, "client"), *back = json_object_get(row, "back");
	char *path = api_path("/v1/clients/%s", text_of(client, "name"));
	int ret = 0;

	if (!json_object_get(row, "before"))
		ret = api_call("DELETE", path, NULL, API_ANY_REVISION, NULL, err);
	else if (back)
		ret = api_call("PATCH", path, back, API_ANY_REVISION, NULL, err);
	free(path);
	return ret;
}

/* The last first, as another client may have what a later one gave up. */
static int take_back(struct import *import)
{
	struct vdisk_error err;
	size_t left = 0;
	json_t *row;

	while (import->done) {
		row = json_array_get(import->rows, --import->done);
		if (take_back_row(row, &err) < 0) {
			left++;
			fail_here("%s: cannot be taken back: %s",
				  text_of(json_object_get(row, "client"), "name"), err.text);
		}
	}
	if (left)
		return fail_here("%s: %zu of the clients stay as imported", import->file, left);
	return fail_here("%s: nothing imported", import->file);
}

static int store_rows(struct import *import)
{
	struct vdisk_error err;
	json_t *row;
	size_t i;

	json_array_foreach(import->rows, i, row) {
		if (store_row(import, row, &err) < 0) {
			fail_here("%s: line %" JSON_INTEGER_FORMAT ": %s: %s", import->file,
				  number_of(row, "line", 0),
				  text_of(json_object_get(row, "client"), "name"), err.text);
			return take_back(import);
		}
		import->done++;
	}
	say("%zu added, %zu changed, %zu were so already", import->added, import->changed,
	    import->same);
	return EXIT_DONE;
}

static int show_plan(struct import *import)
{
	json_t *row, *before, *back, *changes;
	const char *name, *key;
	json_t *value;
	size_t i;

	json_array_foreach(import->rows, i, row) {
		before = json_object_get(row, "before");
		name = text_of(json_object_get(row, "client"), "name");
		if (!before) {
			say("add %s", name);
			continue;
		}
		back = must(json_object());
		changes = changes_of(json_object_get(row, "client"), before, back);
		json_object_foreach(changes, key, value) {
			say("change %s: %s", name, key);
		}
		json_decref(changes);
		json_decref(back);
	}
	return EXIT_DONE;
}

static int import_file(struct import *import)
{
	struct vdisk_error err;
	struct csv csv;
	int ret = GO_ON;

	if (csv_read(import->file, &csv, &err) < 0)
		ret = fail_here("%s: %s", import->file, err.text);
	else
		clients_read(&csv, &import->rows, &import->errors);
	csv_free(&csv);
	if (ret == GO_ON && import->errors.count)
		ret = show_errors(import);
	if (ret == GO_ON)
		ret = check_rows(import);
	if (ret == GO_ON)
		ret = import->dry_run ? show_plan(import) : store_rows(import);
	json_decref(import->rows);
	client_errors_free(&import->errors);
	return ret;
}

int client_import_main(int argc, char **argv)
{
	static const struct field fields[] = {
		{ .option = "update", .key = "update", .kind = FIELD_TRUE },
		{ .option = "dry-run", .key = "dry-run", .kind = FIELD_TRUE },
		{ 0 },
	};
	struct arguments arguments;
	struct import import = { 0 };
	int ret;

	ret = arguments_take(argc, argv, TAKES_WORDS, fields, &arguments);
	if (ret == GO_ON && arguments.names.count != 1)
		ret = usage_error("exactly one file, or - for standard input");
	if (ret == GO_ON) {
		import.file = arguments.names.name[0];
		import.update = json_object_get(arguments.body, "update");
		import.dry_run = json_object_get(arguments.body, "dry-run");
		ret = import_file(&import);
	}
	arguments_free(&arguments);
	return ret;
}
