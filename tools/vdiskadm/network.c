// SPDX-License-Identifier: GPL-2.0
/* vdiskadm network: which servers clients of a network use, and what unknown ones become. */
#include "resource.h"
#include "vdiskadm.h"

static const struct column columns[] = {
	{ .title = "NETWORK", .key = "cidr" },
	{ .title = "GROUP OF UNKNOWNS", .key = "group" },
	{ .title = "SERVERS", .key = "servers" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Network", .key = "cidr" },
	{ .title = "Servers, in order", .key = "servers" },
	{ .title = "Group of unknowns", .key = "group" },
	{ 0 },
};

static const struct field fields[] = {
	{ .option = "servers", .key = "servers", .kind = FIELD_LIST },
	{ .option = "group", .key = "group", .kind = FIELD_TEXT_OR_NULL },
	{ 0 },
};

static const struct resource networks = {
	.one = "network", .many = "networks", .key = "cidr",
	.columns = columns, .details = details, .add = fields, .set = fields,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &networks);
}

static int show_main(int argc, char **argv)
{
	return resource_show(argc, argv, &networks);
}

static int add_main(int argc, char **argv)
{
	return resource_add(argc, argv, &networks);
}

static int set_main(int argc, char **argv)
{
	return resource_set(argc, argv, &networks);
}

static int remove_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &networks);
}

#define FIELDS_HELP \
	"  --servers NAME,NAME...  which its clients use, the best first; \"\": all\n" \
	"  --group GROUP           what unknown machines in it are treated as; none: as nobody's\n"

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[CIDR...] [--json]",
		.help = "Lists networks.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "show", .main = show_main,
		.usage = "CIDR... [--json]",
		.help = "Shows networks.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "add", .main = add_main,
		.usage = "CIDR... [--servers NAME,NAME...] [--group GROUP] [--json]",
		.help = "Adds networks, such as 192.0.2.0/24 or 2001:db8::/64.\n"
			"\n"
			FIELDS_HELP
			"  --json                  print what was stored\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "CIDR... [--servers NAME,NAME...] [--group GROUP] [--json]",
		.help = "Changes networks.\n"
			"\n"
			FIELDS_HELP
			"  --json                  print what it is now\n",
	}, {
		.name = "remove", .main = remove_main,
		.usage = "CIDR... [-y]",
		.help = "Removes networks.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	},
	{ 0 },
};

const struct command network_command = {
	.name = "network", .help = "networks: their servers, and what unknown machines become\n",
	.verbs = verbs,
};
