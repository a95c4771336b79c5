// SPDX-License-Identifier: GPL-2.0
/* vdiskadm version: the versions of an image. */
#include <stdio.h>
#include <stdlib.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"
#include "version.h"

static const struct column columns[] = {
	{ .title = "VERSION", .key = "number", .right = true },
	{ .title = "CURRENT", .key = "is_current" },
	{ .title = "PREPARED", .key = "prepared" },
	{ .title = "STATE", .key = "state" },
	{ .title = "SIZE", .key = "size", .print = print_bytes, .right = true },
	{ .title = "CREATED", .key = "created", .print = print_time },
	{ .title = "KERNEL", .key = "kernel" },
	{ .title = "COMMENT", .key = "comment" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Image", .key = "image" },
	{ .title = "Version", .key = "number" },
	{ .title = "Current", .key = "is_current" },
	{ .title = "Prepared", .key = "prepared" },
	{ .title = "State", .key = "state" },
	{ .title = "Comment", .key = "comment" },
	{ .title = "Created", .key = "created", .print = print_time },
	{ .title = "Size", .key = "size", .print = print_bytes },
	{ .title = "SHA-256", .key = "sha256" },
	{ .title = "Stamp", .key = "stamp" },
	{ .title = "Kernel", .key = "kernel" },
	{ .title = "Command line", .key = "cmdline" },
	{ 0 },
};

static const struct field set_fields[] = {
	{ .option = "comment", .key = "comment" },
	{ 0 },
};

static char *path_of(const struct version_name *version)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", version->number);
	return api_path("/v1/images/%s/versions/%s", version->image, number);
}

/* What "current" means is with the image; people want it with the version. */
static int add_current(const char *image, json_t *versions, struct vdisk_error *err)
{
	char *path = api_path("/v1/images/%s", image);
	json_t *object, *version;
	json_int_t current;
	size_t i;
	int ret;

	ret = api_get(path, &object, err);
	free(path);
	if (ret < 0)
		return ret;
	current = number_of(object, "current", -1);
	json_array_foreach(versions, i, version)
		if (number_of(version, "number", 0) == current)
			json_object_set_new(version, "is_current", json_true());
	json_decref(object);
	return 0;
}

static int fetch_versions(const char *image, json_t **array, struct vdisk_error *err)
{
	char *path = api_path("/v1/images/%s/versions", image);
	int ret;

	ret = fetch_list(path, array, err);
	free(path);
	return ret;
}

int show_versions(const char *image, struct vdisk_error *err)
{
	json_t *array;
	char *what;
	int ret;

	ret = fetch_versions(image, &array, err);
	if (ret < 0)
		return ret;
	ret = add_current(image, array, err);
	what = text_format("versions of %s", image);
	if (!ret)
		show_list(columns, array, what);
	free(what);
	json_decref(array);
	return ret;
}

static int list_versions(const char *image, const struct arguments *arguments, void *context,
			 struct vdisk_error *err)
{
	json_t *array;
	int ret;

	(void)context;
	if (!arguments->json)
		return show_versions(image, err);
	ret = fetch_versions(image, &array, err);
	if (!ret)
		show_json(array, false);
	json_decref(array);
	return ret;
}

static int list_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | ONE_NAME, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, list_versions, NULL);
	arguments_free(&arguments);
	return ret;
}

/* Each name must be IMAGE@N; what is no such is wrong usage. */
static int check_numbers(const struct arguments *arguments)
{
	struct version_name version;
	struct vdisk_error err;
	size_t i;

	for (i = 0; i < arguments->names.count; i++) {
		if (parse_version(arguments->names.name[i], &version, &err) < 0)
			return usage_error("%s", err.text);
		if (!version.number)
			return usage_error("which version: %s@N", version.image);
	}
	return GO_ON;
}

static int show_version(const char *name, const struct arguments *arguments, void *context,
			struct vdisk_error *err)
{
	struct version_name version;
	json_t *object, *list;
	char *path;
	int ret;

	(void)context;
	parse_version(name, &version, err);
	path = path_of(&version);
	ret = api_get(path, &object, err);
	free(path);
	if (ret < 0)
		return ret;
	if (arguments->json) {
		show_json(object, arguments->names.count > 1);
	} else {
		list = json_pack("[O]", object);
		ret = add_current(version.image, must(list), err);
		json_object_set_new(object, "image", json_string(version.image));
		if (!ret)
			show_details(details, object);
		json_decref(list);
	}
	json_decref(object);
	return ret;
}

static int show_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = check_numbers(&arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, show_version, NULL);
	arguments_free(&arguments);
	return ret;
}

static int publish(const char *name, const struct arguments *arguments, void *context,
		   struct vdisk_error *err)
{
	struct version_name version;
	json_t *body;
	char *path;
	int ret;

	(void)arguments;
	(void)context;
	parse_version(name, &version, err);
	body = must(json_pack("{s:I}", "version", (json_int_t)version.number));
	path = api_path("/v1/images/%s/current", version.image);
	ret = api_call("POST", path, body, API_ANY_REVISION, NULL, err);
	free(path);
	json_decref(body);
	return ret;
}

static int publish_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = check_numbers(&arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, publish, NULL);
	arguments_free(&arguments);
	return ret;
}

static int set_version(const char *name, const struct arguments *arguments, void *context,
		       struct vdisk_error *err)
{
	struct version_name version;
	json_t *stored;
	char *path;
	int ret;

	(void)context;
	parse_version(name, &version, err);
	path = path_of(&version);
	ret = api_call("PATCH", path, arguments->body, API_ANY_REVISION, &stored, err);
	free(path);
	if (!ret && arguments->json)
		show_json(stored, arguments->names.count > 1);
	json_decref(stored);
	return ret;
}

static int set_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES | NEEDS_FIELDS, set_fields,
			     &arguments);
	if (ret == GO_ON)
		ret = check_numbers(&arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, set_version, NULL);
	arguments_free(&arguments);
	return ret;
}

static int delete_version(const char *name, const struct arguments *arguments, void *context,
			  struct vdisk_error *err)
{
	struct version_name version;
	char *path;
	int ret;

	(void)arguments;
	(void)context;
	parse_version(name, &version, err);
	path = path_of(&version);
	ret = api_call("DELETE", path, NULL, API_ANY_REVISION, NULL, err);
	free(path);
	return ret;
}

static int delete_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_YES | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = check_numbers(&arguments);
	if (ret == GO_ON)
		ret = confirm(arguments.yes, "delete %s%s", arguments.names.name[0],
			      arguments.names.count > 1 ? " and the others" : "");
	if (ret == GO_ON)
		ret = each_name(&arguments, delete_version, NULL);
	arguments_free(&arguments);
	return ret;
}

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "IMAGE [--json]",
		.help = "Lists the versions of an image.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "show", .main = show_main,
		.usage = "IMAGE@N... [--json]",
		.help = "Shows versions.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "publish", .main = publish_main,
		.usage = "IMAGE@N...",
		.help = "Makes a version the current one: what machines boot from now on that are assigned\n"
			"the image and no version.  Those that run keep theirs.  To go back, publish the\n"
			"version before.\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "IMAGE@N... --comment TEXT [--json]",
		.help = "Changes what is said about versions; they themselves never change.\n"
			"\n"
			"  --comment TEXT   for people\n"
			"  --json           print what it is now\n",
	}, {
		.name = "delete", .main = delete_main,
		.usage = "IMAGE@N... [-y]",
		.help = "Deletes versions.  One that is current, assigned or in use stays.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	},
	{ 0 },
};

const struct command version_command = {
	.name = "version", .help = "the versions of an image, and which is current\n", .verbs = verbs,
};
