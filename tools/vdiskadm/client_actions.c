// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include "api.h"
#include "ask.h"
#include "client.h"
#include "text.h"
#include "vdiskadm.h"

enum { BIND_SECONDS = 3600 };

/* One POST for each client. */
struct action {
	const char *path;		/* with a %s for the name */
	const json_t *body;
};

static int act(const char *name, const struct arguments *arguments, void *context,
	       struct vdisk_error *err)
{
	const struct action *action = context;
	char *path = api_path(action->path, name);
	int ret;

	(void)arguments;
	ret = api_call("POST", path, action->body, API_ANY_REVISION, NULL, err);
	free(path);
	return ret;
}

int client_debug_main(int argc, char **argv)
{
	static const struct field fields[] = {
		{ .option = "once", .key = "once", .kind = FIELD_TRUE },
		{ .option = "off", .key = "off", .kind = FIELD_TRUE },
		{ 0 },
	};
	struct action action = { .path = "/v1/clients/%s/debug" };
	struct arguments arguments;
	json_t *body;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES, fields, &arguments);
	if (ret == GO_ON && json_object_size(arguments.body) != 1)
		ret = usage_error("either --once or --off");
	if (ret == GO_ON) {
		body = must(json_pack("{s:b}", "once",
				      json_is_true(json_object_get(arguments.body, "once"))));
		action.body = body;
		ret = each_name(&arguments, act, &action);
		json_decref(body);
	}
	arguments_free(&arguments);
	return ret;
}

int client_bind_main(int argc, char **argv)
{
	static const struct field fields[] = {
		{ .option = "for", .key = "for", .kind = FIELD_SECONDS },
		{ .option = "off", .key = "off", .kind = FIELD_TRUE },
		{ 0 },
	};
	struct action action = { .path = "/v1/clients/%s/bind" };
	struct arguments arguments;
	json_t *body, *seconds;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES, fields, &arguments);
	if (ret == GO_ON && json_object_size(arguments.body) > 1)
		ret = usage_error("either --for or --off");
	if (ret == GO_ON) {
		seconds = json_object_get(arguments.body, "for");
		body = must(json_pack("{s:I}", "for", json_object_get(arguments.body, "off") ?
				      (json_int_t)0 : seconds ? json_integer_value(seconds) :
				      (json_int_t)BIND_SECONDS));
		action.body = body;
		ret = each_name(&arguments, act, &action);
		json_decref(body);
	}
	arguments_free(&arguments);
	return ret;
}

int client_wake_main(int argc, char **argv)
{
	struct action action = { .path = "/v1/clients/%s/wake" };
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, act, &action);
	arguments_free(&arguments);
	return ret;
}
