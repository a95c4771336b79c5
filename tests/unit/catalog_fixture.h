/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the catalog share: a fresh catalog in a directory of its own. */
#ifndef TEST_CATALOG_H
#define TEST_CATALOG_H

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "catalog.h"
#include "tap.h"

static char folder[200], file[256], uri[300];
static struct vdisk_error error;
static const struct catalog_who admin = { .name = "root", .role = "admin", .from = "here" };

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

__attribute__((unused))
static void clear_folder(void)
{
	if (folder[0])
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused))
static void make_folder(void)
{
	const char *top = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.150s/vdisk-catalog-XXXXXX", top ? top : "/tmp");
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(1);
	}
	snprintf(file, sizeof(file), "%s/catalog.db", folder);
	snprintf(uri, sizeof(uri), "sqlite:%s", file);
}

/* JSON text, as printf; ends the test when it is none. */
__attribute__((format(printf, 1, 2), unused))
static json_t *json(const char *format, ...)
{
	char text[8192];
	json_t *value;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!value) {
		fprintf(stderr, "the test has bad JSON: %s\n", text);
		exit(1);
	}
	return value;
}

/* Adds, and gives the id or -errno. Takes @object. */
__attribute__((unused))
static int64_t add(struct catalog *catalog, int kind, json_t *object)
{
	json_t *stored = NULL;
	int64_t id;
	int ret;

	ret = catalog_add(catalog, &admin, kind, object, &stored, &error);
	json_decref(object);
	id = ret ? ret : json_integer_value(json_object_get(stored, "id"));
	json_decref(stored);
	return id;
}

/* Takes @changes. */
__attribute__((unused))
static int change(struct catalog *catalog, int kind, int64_t id, json_t *changes, int64_t revision)
{
	int ret = catalog_change(catalog, &admin, kind, id, changes, revision, NULL, &error);

	json_decref(changes);
	return ret;
}

/* How many match; takes @filter. */
__attribute__((unused))
static int64_t count(struct catalog *catalog, int kind, json_t *filter)
{
	int64_t number = -1;
	int ret = catalog_count(catalog, kind, filter, &number, &error);

	json_decref(filter);
	return ret ? ret : number;
}

__attribute__((unused))
static json_t *get(struct catalog *catalog, int kind, int64_t id)
{
	json_t *object = NULL;

	catalog_get_id(catalog, kind, id, &object, &error);
	return object;
}

__attribute__((unused))
static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text ? text : "";
}

__attribute__((unused))
static int64_t number_of(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

__attribute__((unused))
static bool says(const char *part)
{
	bool found = strstr(error.text, part);

	if (!found)
		tap_diag("said: %s", error.text);
	return found;
}

__attribute__((unused))
static struct catalog *open_catalog(void)
{
	struct catalog *catalog = NULL;

	if (catalog_open(&catalog, uri, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	return catalog;
}

#endif
