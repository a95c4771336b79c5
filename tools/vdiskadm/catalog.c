// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskadm catalog: copies of the catalog, and what they are worth.  Works on the
 * file, with or without a server, on the server's machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "api.h"
#include "ask.h"
#include "catalog.h"
#include "place.h"
#include "resource.h"
#include "settings.h"
#include "text.h"
#include "vdiskadm.h"

static const struct field uri_fields[] = {
	{ .option = "catalog", .key = "catalog" },
	{ 0 },
};

static const struct field backup_fields[] = {
	{ .option = "catalog", .key = "catalog" },
	{ .option = "overwrite", .key = "overwrite", .kind = FIELD_TRUE },
	{ 0 },
};

/* What --catalog says, else the server's configuration; allocated, or NULL after a complaint. */
static char *find_uri(const struct arguments *arguments)
{
	const char *said = text_of(arguments->body, "catalog");
	struct settings settings;
	struct vdisk_error err;
	char *uri = NULL;

	if (*said)
		return must(strdup(said));
	if (settings_read(&settings, &err) < 0) {
		fail_here("%s: give --catalog sqlite:FILE", err.text);
		return NULL;
	}
	if (settings.catalog)
		uri = must(strdup(settings.catalog));
	else
		fail_here(PLACE_CONFIG " names no catalog: give --catalog sqlite:FILE");
	settings_free(&settings);
	return uri;
}

/* A URI of a file that is there; catalog_open() would make one. */
static int need_file(const char *uri, struct vdisk_error *err)
{
	const char *path = strncmp(uri, "sqlite:", 7) ? NULL : uri + 7;

	if (!path || !*path)
		return vdisk_error_set(err, EINVAL, "'%s' is no catalog: give sqlite:FILE", uri);
	if (access(path, F_OK) < 0)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int backup(const struct arguments *arguments, const char *uri)
{
	const char *file = arguments->names.name[0];
	struct vdisk_error err;

	if (need_file(uri, &err) < 0 ||
	    catalog_backup(uri, file, json_object_get(arguments->body, "overwrite"), &err) < 0)
		return fail_here("%s: %s", file, err.text);
	return EXIT_DONE;
}

/* A file beside the catalog, for as long as it takes, so that nothing leaves its disk. */
static int check_copy(const char *uri, const char *copy, struct vdisk_error *err)
{
	char *copy_uri = text_format("sqlite:%s", copy);
	struct catalog *catalog;
	int ret;

	ret = catalog_backup(uri, copy, true, err);
	if (!ret)
		ret = catalog_open(&catalog, copy_uri, err);
	if (!ret) {
		ret = catalog_check(catalog, err);
		catalog_close(catalog);
	}
	free(copy_uri);
	return ret;
}

static void remove_files(const char *folder)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char *path;
	size_t i;
	int n;

	/* what opening the copy of an older schema leaves: "copy.before-N" */
	for (n = 0; n < 100; n++) {
		path = text_format("%s/copy.before-%d", folder, n);
		unlink(path);
		free(path);
	}
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		path = text_format("%s/copy%s", folder, ends[i]);
		unlink(path);
		free(path);
	}
	if (rmdir(folder) < 0)
		warn("cannot remove %s: %s", folder, strerror(errno));
}

/* The copy is looked at, not the catalog: a check changes nothing, not even an old schema. */
static int check(const struct arguments *arguments, const char *uri)
{
	char *folder, *copy;
	struct vdisk_error err;
	int ret;

	(void)arguments;
	if (need_file(uri, &err) < 0)
		return fail_here("%s", err.text);
	folder = text_format("%s.check-XXXXXX", uri + 7);
	if (!mkdtemp(folder)) {
		ret = fail_here("cannot make %s: %s", folder, strerror(errno));
		free(folder);
		return ret;
	}
	copy = text_format("%s/copy", folder);
	ret = check_copy(uri, copy, &err) < 0 ? fail_here("%s", err.text) : EXIT_DONE;
	if (!ret)
		say("%s is sound", uri + 7);
	remove_files(folder);
	free(copy);
	free(folder);
	return ret;
}

static int upgrade(const struct arguments *arguments, const char *uri)
{
	struct vdisk_error err;
	struct catalog *catalog;
	int ret;

	(void)arguments;
	if (need_file(uri, &err) < 0 || catalog_open(&catalog, uri, &err) < 0)
		return fail_here("%s", err.text);
	ret = catalog_check(catalog, &err) < 0 ? fail_here("%s", err.text) : EXIT_DONE;
	catalog_close(catalog);
	if (!ret)
		say("%s is up to date", uri + 7);
	return ret;
}

/* A server keeps in memory what it read: one that runs must not have it changed below it. */
static int check_stopped(void)
{
	struct vdisk_error err;
	int ret;

	ret = api_get("/v1/status", NULL, &err);
	if (ret == -EHOSTUNREACH)
		return GO_ON;
	return fail_here("a server runs here: stop it first, with 'systemctl stop vdiskd'");
}

static int restore(const struct arguments *arguments, const char *uri)
{
	const char *file = arguments->names.name[0];
	struct vdisk_error err;
	bool there = !need_file(uri, &err);
	int ret;

	if (!there && err.code == EINVAL)
		return fail_here("%s", err.text);
	ret = check_stopped();
	if (ret == GO_ON && there)
		ret = confirm(arguments->yes, "put %s in the place of the catalog %s", file, uri + 7);
	if (ret != GO_ON)
		return ret;
	if (catalog_restore(file, uri, there, &err) < 0)
		return fail_here("%s: %s", file, err.text);
	return EXIT_DONE;
}

/* @name: of the file that is the argument, NULL: there is none. */
static int run(int argc, char **argv, unsigned int flags, const char *name,
	       const struct field *fields,
	       int (*act)(const struct arguments *arguments, const char *uri))
{
	struct arguments arguments;
	char *uri = NULL;
	int ret;

	ret = arguments_take(argc, argv, flags | (name ? TAKES_WORDS : 0), fields, &arguments);
	if (ret == GO_ON && api_target.server)
		ret = usage_error("not with --server: this works on the catalog's file");
	if (ret == GO_ON && name && arguments.names.count != 1)
		ret = usage_error("exactly one %s", name);
	if (ret == GO_ON) {
		uri = find_uri(&arguments);
		ret = uri ? act(&arguments, uri) : EXIT_FAILED;
	}
	free(uri);
	arguments_free(&arguments);
	return ret;
}

static int backup_main(int argc, char **argv)
{
	return run(argc, argv, 0, "file for the copy", backup_fields, backup);
}

static int restore_main(int argc, char **argv)
{
	return run(argc, argv, TAKES_YES, "file to restore from", uri_fields, restore);
}

static int check_main(int argc, char **argv)
{
	return run(argc, argv, 0, NULL, uri_fields, check);
}

static int upgrade_main(int argc, char **argv)
{
	return run(argc, argv, 0, NULL, uri_fields, upgrade);
}

#define CATALOG_HELP "  --catalog URI  sqlite:FILE; what " PLACE_CONFIG " says\n"

static const struct command verbs[] = {
	{
		.name = "backup", .main = backup_main, .local = true,
		.usage = "FILE [--overwrite] [--catalog URI]",
		.help = "Writes a consistent, checked copy of the catalog into FILE, also while the server\n"
			"runs.  Only its owner can read it: it holds secrets.  Keys, configuration (both in\n"
			"/etc/vdisk) and images are not in it: keep copies of them, too.\n"
			"\n"
			"  --overwrite    though FILE is there\n"
			CATALOG_HELP,
	}, {
		.name = "restore", .main = restore_main,
		.usage = "FILE [-y] [--catalog URI]",
		.help = "Makes the catalog what it was when FILE was written.  The server must be stopped.\n"
			"\n"
			"  -y, --yes      do not ask, though there is a catalog\n"
			CATALOG_HELP,
	}, {
		.name = "check", .main = check_main, .local = true,
		.usage = "[--catalog URI]",
		.help = "Checks the catalog, also while the server runs.  Changes nothing.\n"
			"\n"
			CATALOG_HELP,
	}, {
		.name = "upgrade", .main = upgrade_main, .local = true,
		.usage = "[--catalog URI]",
		.help = "Brings a catalog of an older version up to date, as the server does when it\n"
			"starts.  A copy is kept beside it.\n"
			"\n"
			CATALOG_HELP,
	},
	{ 0 },
};

const struct command catalog_command = {
	.name = "catalog", .help = "copies of the catalog, and what they are worth\n", .verbs = verbs,
};
