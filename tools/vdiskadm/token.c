// SPDX-License-Identifier: GPL-2.0
/* vdiskadm token: who may administer from elsewhere. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "ROLE", .key = "role" },
	{ .title = "GROUP", .key = "group" },
	{ .title = "CREATED", .key = "created", .print = print_time },
	{ .title = "LAST USED", .key = "last_used", .print = print_time },
	{ .title = "REVOKED", .key = "revoked", .print = print_time },
	{ 0 },
};

static const char *const roles[] = { "admin", "operator", "viewer", NULL };

static const struct field fields[] = {
	{ .option = "role", .key = "role", .words = roles },
	{ .option = "group", .key = "group" },
	{ 0 },
};

static const struct resource tokens = {
	.one = "token", .many = "tokens", .key = "name", .columns = columns,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &tokens);
}

/* The only time that it is told: on standard output alone, for a file or a pipe. */
static int add(struct arguments *arguments)
{
	struct vdisk_error err;
	int ret = EXIT_DONE;
	const char *token;
	json_t *stored;

	json_object_set_new(arguments->body, "name",
			    must(json_string(arguments->names.name[0])));
	if (api_call("POST", "/v1/tokens", arguments->body, API_ANY_REVISION, &stored, &err) < 0)
		return fail_here("%s: %s", arguments->names.name[0], err.text);
	token = text_of(stored, "token");
	if (!*token)
		ret = fail_here("%s: the server does not say what the token is",
				arguments->names.name[0]);
	else if (arguments->json)
		show_json(stored, false);
	else
		say("%s", token);
	json_decref(stored);
	return ret;
}

static int add_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | ONE_NAME, fields, &arguments);
	if (ret == GO_ON && !json_object_get(arguments.body, "role"))
		ret = usage_error("--role admin, operator or viewer is needed");
	if (ret == GO_ON && !strcmp(text_of(arguments.body, "role"), "operator") &&
	    !json_object_get(arguments.body, "group"))
		ret = usage_error("an operator needs a --group");
	if (ret == GO_ON)
		ret = add(&arguments);
	arguments_free(&arguments);
	return ret;
}

static int revoke_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &tokens);
}

static const struct command verbs[] = {
	{
		.name = "add", .main = add_main,
		.usage = "NAME --role admin|operator|viewer [--group GROUP] [--json]",
		.help = "Makes a token and prints it, this one time: the server keeps but its hash.\n"
			"Put it into a file of mode 0600, ~/.config/vdisk/token where it is used.\n"
			"\n"
			"  --role admin     may do everything\n"
			"  --role operator  may see and change clients of a group and of those below it, and\n"
			"                   no others\n"
			"  --role viewer    may look\n"
			"  --group GROUP    of an operator; of a viewer, who sees no other clients then\n"
			"  --json           print what was stored, with the token\n",
	}, {
		.name = "list", .main = list_main,
		.usage = "[NAME...] [--json]",
		.help = "Lists tokens, without what they are.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "revoke", .main = revoke_main,
		.usage = "NAME... [-y]",
		.help = "Makes tokens worthless, at once.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	},
	{ 0 },
};

const struct command token_command = {
	.name = "token", .help = "who may administer from elsewhere\n", .verbs = verbs,
};
