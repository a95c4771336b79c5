// SPDX-License-Identifier: GPL-2.0
/* vdiskadm server: who serves. */
#include <stdio.h>
#include <string.h>
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"
#include "when.h"

/* "up", or since when not. */
static void print_state(const json_t *object, const json_t *value, FILE *to)
{
	char seen[64];

	print_value(object, value, to);
	if (!strcmp(text_of(object, "state"), "silent"))
		fprintf(to, " since %s", format_time(number_of(object, "last_seen", 0), seen,
						     sizeof(seen)));
}

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "STATE", .key = "state", .print = print_state },
	{ .title = "PORT", .key = "port", .right = true },
	{ .title = "ADDRESSES", .key = "addresses" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Server", .key = "name" },
	{ .title = "State", .key = "state", .print = print_state },
	{ .title = "Addresses", .key = "addresses" },
	{ .title = "Port", .key = "port" },
	{ .title = "Last seen", .key = "last_seen", .print = print_time },
	{ 0 },
};

static const struct field fields[] = {
	{ .option = "addresses", .key = "addresses", .kind = FIELD_LIST },
	{ .option = "port", .key = "port", .kind = FIELD_NUMBER, .min = 1, .max = 65535 },
	{ 0 },
};

static const struct resource servers = {
	.one = "server", .many = "servers", .key = "name",
	.columns = columns, .details = details, .set = fields,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &servers);
}

static int show_main(int argc, char **argv)
{
	return resource_show(argc, argv, &servers);
}

static int set_main(int argc, char **argv)
{
	return resource_set(argc, argv, &servers);
}

static int remove_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &servers);
}

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[SERVER...] [--json]",
		.help = "Lists the farm's servers: up, silent since when, or never seen.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "show", .main = show_main,
		.usage = "SERVER... [--json]",
		.help = "Shows servers.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "SERVER... [--addresses ADDRESS,ADDRESS...] [--port PORT] [--json]",
		.help = "Changes what clients are told of servers.\n"
			"\n"
			"  --addresses ADDRESS,...  where they reach it\n"
			"  --port PORT              of its images\n"
			"  --json                   print what it is now\n",
	}, {
		.name = "remove", .main = remove_main,
		.usage = "SERVER... [-y]",
		.help = "Removes servers.  One that runs comes back by itself.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	},
	{ 0 },
};

const struct command server_command = {
	.name = "server", .help = "who serves\n", .verbs = verbs,
};
