// SPDX-License-Identifier: GPL-2.0
/* vdiskadm group: clients that have assignments and properties in common. */
#include "resource.h"
#include "vdiskadm.h"

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "PARENT", .key = "parent" },
	{ .title = "SECRETS", .key = "secrets" },
	{ .title = "UNKNOWN", .key = "unknown" },
	{ .title = "DESCRIPTION", .key = "description" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Group", .key = "name" },
	{ .title = "Description", .key = "description" },
	{ .title = "Parent", .key = "parent" },
	{ .title = "Secrets go to", .key = "secrets" },
	{ .title = "Unknown machines", .key = "unknown" },
	{ .title = "Properties", .key = "properties", .print = print_properties },
	{ 0 },
};

static const char *const secrets[] = { "bound", "network", NULL };
static const char *const unknown[] = { "refuse", "pending", NULL };

#define FIELDS \
	{ .option = "parent", .key = "parent", .kind = FIELD_TEXT_OR_NULL }, \
	{ .option = "secrets", .key = "secrets", .words = secrets }, \
	{ .option = "unknown", .key = "unknown", .words = unknown }, \
	{ .option = "description", .key = "description" }, \
	{ .option = "property", .key = "properties", .kind = FIELD_PROPERTY }, \
	{ .option = "secret-property", .key = "properties", .kind = FIELD_SECRET_PROPERTY }

static const struct field add_fields[] = { FIELDS, { 0 } };

static const struct field set_fields[] = {
	FIELDS,
	{ .option = "no-property", .key = "properties", .kind = FIELD_NO_PROPERTY },
	{ .option = "rename", .key = "name" },
	{ 0 },
};

static const struct resource groups = {
	.one = "group", .many = "groups", .key = "name",
	.columns = columns, .details = details, .add = add_fields, .set = set_fields,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &groups);
}

static int show_main(int argc, char **argv)
{
	return resource_show(argc, argv, &groups);
}

static int add_main(int argc, char **argv)
{
	return resource_add(argc, argv, &groups);
}

static int set_main(int argc, char **argv)
{
	return resource_set(argc, argv, &groups);
}

static int remove_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &groups);
}

#define FIELDS_HELP \
	"  --parent GROUP              what it inherits from; none: from no group\n" \
	"  --secrets bound|network     who gets its secrets: clients that proved who they are, or\n" \
	"                              also those known by UUID and MAC, which anybody can send\n" \
	"  --unknown refuse|pending    what unknown machines of its networks are told\n" \
	"  --description TEXT          for people\n" \
	"  --property NAME=VALUE       for its clients; may be repeated\n" \
	"  --secret-property NAME=FILE likewise, a secret, which is the content of FILE\n"

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[GROUP...] [--json]",
		.help = "Lists groups.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "show", .main = show_main,
		.usage = "GROUP... [--json]",
		.help = "Shows groups with their properties.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "add", .main = add_main,
		.usage = "GROUP... [--parent GROUP] [--secrets bound|network] [--unknown refuse|pending]\n"
			 "       [--description TEXT] [--property NAME=VALUE]... [--secret-property NAME=FILE]...\n"
			 "       [--json]",
		.help = "Adds groups.\n"
			"\n"
			FIELDS_HELP
			"  --json                      print what was stored\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "GROUP... [--parent GROUP] [--secrets bound|network] [--unknown refuse|pending]\n"
			 "       [--description TEXT] [--property NAME=VALUE]... [--secret-property NAME=FILE]...\n"
			 "       [--no-property NAME]... [--rename NAME] [--json]",
		.help = "Changes groups.\n"
			"\n"
			FIELDS_HELP
			"  --no-property NAME          take a property away\n"
			"  --rename NAME               from now on\n"
			"  --json                      print what it is now\n",
	}, {
		.name = "remove", .main = remove_main,
		.usage = "GROUP... [-y]",
		.help = "Removes groups.  One with clients, networks, open enrolments, tokens or groups below\n"
			"it stays.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	},
	{ 0 },
};

const struct command group_command = {
	.name = "group", .help = "clients with assignments and properties in common\n", .verbs = verbs,
};
