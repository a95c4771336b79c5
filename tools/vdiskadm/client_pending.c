// SPDX-License-Identifier: GPL-2.0
/* vdiskadm client pending, approve, refuse, replace: machines that nobody knows yet. */
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "client.h"
#include "text.h"
#include "vdiskadm.h"

static const struct column columns[] = {
	{ .title = "PENDING", .key = "id", .right = true },
	{ .title = "REASON", .key = "reason" },
	{ .title = "UUID", .key = "uuid" },
	{ .title = "MACS", .key = "macs" },
	{ .title = "ADDRESS", .key = "address" },
	{ .title = "FIRST SEEN", .key = "first_seen", .print = print_time },
	{ .title = "LAST SEEN", .key = "last_seen", .print = print_time },
	{ .title = "TRIES", .key = "count", .right = true },
	{ .title = "DETAIL", .key = "detail" },
	{ 0 },
};

static const struct resource pending = {
	.one = "pending machine", .many = "pending", .key = "id", .columns = columns,
};

static int is_number(const char *text)
{
	return *text && strlen(text) < 19 && !text[strspn(text, "0123456789")];
}

int client_pending_main(int argc, char **argv)
{
	struct arguments arguments;
	struct vdisk_error err;
	json_t *array;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON, NULL, &arguments);
	if (ret == GO_ON && fetch_list("/v1/pending", &array, &err) < 0)
		ret = fail_here("%s", err.text);
	if (ret == GO_ON) {
		if (arguments.json)
			show_json(array, false);
		else
			show_list(columns, array, "machine waits");
		json_decref(array);
		ret = EXIT_DONE;
	}
	arguments_free(&arguments);
	return ret;
}

static int post(const struct arguments *arguments, const char *what, const char *path)
{
	struct vdisk_error err;
	json_t *stored;

	if (api_call("POST", path, arguments->body, API_ANY_REVISION, &stored, &err) < 0)
		return fail_here("%s: %s", what, err.text);
	if (arguments->json && stored)
		show_json(stored, false);
	json_decref(stored);
	return EXIT_DONE;
}

int client_approve_main(int argc, char **argv)
{
	static const struct field fields[] = {
		{ .option = "group", .key = "group" },
		{ .option = "type", .key = "type", .words = client_types },
		{ .option = "comment", .key = "comment" },
		{ 0 },
	};
	struct arguments arguments;
	const char *name;
	char *path;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, fields, &arguments);
	if (ret == GO_ON && (arguments.names.count != 2 || !is_number(arguments.names.name[0])))
		ret = usage_error("a number from 'vdiskadm client pending' and a name are needed");
	if (ret == GO_ON) {
		name = arguments.names.name[1];
		json_object_set_new(arguments.body, "name", must(json_string(name)));
		path = api_path("/v1/pending/%s/approve", arguments.names.name[0]);
		ret = post(&arguments, name, path);
		free(path);
	}
	arguments_free(&arguments);
	return ret;
}

int client_refuse_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &pending);
}

int client_replace_main(int argc, char **argv)
{
	static const struct field fields[] = {
		{ .option = "from", .key = "from", .kind = FIELD_NUMBER, .min = 1 },
		{ 0 },
	};
	struct arguments arguments;
	char *path;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | TAKES_YES | ONE_NAME, fields, &arguments);
	if (ret == GO_ON && !json_object_get(arguments.body, "from"))
		ret = usage_error("--from PENDING is needed: a number from 'vdiskadm client pending'");
	if (ret == GO_ON)
		ret = confirm(arguments.yes, "have the waiting machine %" JSON_INTEGER_FORMAT
			      " take the place of %s", number_of(arguments.body, "from", 0),
			      arguments.names.name[0]);
	if (ret == GO_ON) {
		path = api_path("/v1/clients/%s/replace", arguments.names.name[0]);
		ret = post(&arguments, arguments.names.name[0], path);
		free(path);
	}
	arguments_free(&arguments);
	return ret;
}
