// SPDX-License-Identifier: GPL-2.0
/* vdiskadm client: the machines that boot. */
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "client.h"
#include "text.h"
#include "vdiskadm.h"

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "GROUP", .key = "group" },
	{ .title = "TYPE", .key = "type" },
	{ .title = "ENABLED", .key = "enabled" },
	{ .title = "TRUST", .key = "trust" },
	{ .title = "MACS", .key = "macs" },
	{ .title = "UUID", .key = "uuid" },
	{ .title = "COMMENT", .key = "comment" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Client", .key = "name" },
	{ .title = "Comment", .key = "comment" },
	{ .title = "Group", .key = "group" },
	{ .title = "Type", .key = "type" },
	{ .title = "Enabled", .key = "enabled" },
	{ .title = "Trust", .key = "trust" },
	{ .title = "Key", .key = "public_key" },
	{ .title = "May be bound until", .key = "bind_until", .print = print_time },
	{ .title = "UUID", .key = "uuid" },
	{ .title = "MACs", .key = "macs" },
	{ .title = "Machine-id", .key = "machine_id" },
	{ .title = "Properties", .key = "properties", .print = print_properties },
	{ .title = "Debug, once", .key = "debug_once" },
	{ .title = "Created", .key = "created", .print = print_time },
	{ 0 },
};

const char *const client_types[] = { "production", "test", "maintenance", NULL };

static const struct field filters[] = {
	{ .option = "group", .key = "group" },
	{ .option = "type", .key = "type", .words = client_types },
	{ .option = "enabled", .key = "enabled", .kind = FIELD_YES_NO },
	{ 0 },
};

#define FIELDS \
	{ .option = "group", .key = "group", .kind = FIELD_TEXT_OR_NULL }, \
	{ .option = "uuid", .key = "uuid", .kind = FIELD_TEXT_OR_NULL }, \
	{ .option = "mac", .key = "macs", .kind = FIELD_LIST }, \
	{ .option = "type", .key = "type", .words = client_types }, \
	{ .option = "enabled", .key = "enabled", .kind = FIELD_YES_NO }, \
	{ .option = "comment", .key = "comment" }, \
	{ .option = "property", .key = "properties", .kind = FIELD_PROPERTY }, \
	{ .option = "secret-property", .key = "properties", .kind = FIELD_SECRET_PROPERTY }

static const struct field add_fields[] = { FIELDS, { 0 } };

static const struct field set_fields[] = {
	FIELDS,
	{ .option = "no-property", .key = "properties", .kind = FIELD_NO_PROPERTY },
	{ .option = "public-key", .key = "public_key", .kind = FIELD_PUBLIC_KEY },
	{ .option = "forget-key", .key = "public_key", .kind = FIELD_NULL },
	{ .option = "rename", .key = "name" },
	{ 0 },
};

const struct resource client_resource = {
	.one = "client", .many = "clients", .key = "name",
	.columns = columns, .details = details, .filters = filters,
	.add = add_fields, .set = set_fields,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &client_resource);
}

static int add_main(int argc, char **argv)
{
	return resource_add(argc, argv, &client_resource);
}

static int set_main(int argc, char **argv)
{
	return resource_set(argc, argv, &client_resource);
}

static int remove_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &client_resource);
}

#define RANGES "CLIENT may be a range of names: lab1-[01-10], pc[1-3,7].\n"

#define FIELDS_HELP \
	"  --group GROUP                where it inherits assignments and properties from; none: from\n" \
	"                               nowhere\n" \
	"  --uuid UUID                  of its firmware (SMBIOS); none: unknown\n" \
	"  --mac MAC,MAC...             of its network cards, all of them; may be repeated\n" \
	"  --type TYPE                  production, test or maintenance\n" \
	"  --enabled yes|no             whether it may log in\n" \
	"  --comment TEXT               for people\n" \
	"  --property NAME=VALUE        may be repeated\n" \
	"  --secret-property NAME=FILE  likewise, a secret, which is the content of FILE\n"

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[CLIENT...] [--group GROUP] [--type TYPE] [--enabled yes|no] [--json]",
		.help = "Lists clients.  " RANGES
			"TRUST says who a client is believed to be: network (it has no key: its UUID and\n"
			"MAC are all it shows, which anybody can send), bound (it has a key, and its last\n"
			"login proved it) or unproved (it has a key, and its last login did not).\n"
			"\n"
			"  --group GROUP     those of a group\n"
			"  --type TYPE       production, test or maintenance\n"
			"  --enabled yes|no  those that may log in, or may not\n"
			"  --json            as the server has them\n",
	}, {
		.name = "show", .main = client_show_main,
		.usage = "CLIENT... [--json]",
		.help = "Shows clients, with the timelines of their last ten boots.\n" RANGES
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "add", .main = add_main,
		.usage = "CLIENT... [--group GROUP] [--uuid UUID] [--mac MAC,MAC...] [--type TYPE]\n"
			 "       [--enabled yes|no] [--comment TEXT] [--property NAME=VALUE]...\n"
			 "       [--secret-property NAME=FILE]... [--json]",
		.help = "Adds clients.  " RANGES
			"\n"
			FIELDS_HELP
			"  --json                       print what was stored\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "CLIENT... [--group GROUP] [--uuid UUID] [--mac MAC,MAC...] [--type TYPE]\n"
			 "       [--enabled yes|no] [--comment TEXT] [--property NAME=VALUE]...\n"
			 "       [--secret-property NAME=FILE]... [--no-property NAME]...\n"
			 "       [--public-key FILE | --forget-key] [--rename NAME] [--json]",
		.help = "Changes clients.  " RANGES
			"\n"
			"Who is disabled loses its session, and with it its disk, at once.\n"
			"\n"
			FIELDS_HELP
			"  --no-property NAME           take a property away\n"
			"  --public-key FILE            of the secret that it proves, PEM or what 'vdiskctl key'\n"
			"                               printed; by administrators, one client, one without a key\n"
			"  --forget-key                 it lost its secret: from now on trusted as network, until it\n"
			"                               is bound again\n"
			"  --rename NAME                from its next boot on\n"
			"  --json                       print what it is now\n",
	}, {
		.name = "remove", .main = remove_main,
		.usage = "CLIENT... [-y]",
		.help = "Removes clients with their history.  Those that run lose their disk at once.\n"
			RANGES
			"\n"
			"  -y, --yes   do not ask\n",
	}, {
		.name = "pending", .main = client_pending_main,
		.usage = "[--json]",
		.help = "Lists machines that tried to boot and are no client, or not clearly one.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "approve", .main = client_approve_main,
		.usage = "PENDING NAME [--group GROUP] [--type TYPE] [--comment TEXT] [--json]",
		.help = "Makes a machine that waits a client.  PENDING is its number in 'client pending'.\n"
			"\n"
			"  --group GROUP   of the new client\n"
			"  --type TYPE     production, test or maintenance\n"
			"  --comment TEXT  for people\n"
			"  --json          print what was stored\n",
	}, {
		.name = "refuse", .main = client_refuse_main,
		.usage = "PENDING... [-y]",
		.help = "Forgets machines that wait.  They come back if they try again.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	}, {
		.name = "replace", .main = client_replace_main,
		.usage = "CLIENT --from PENDING [-y] [--json]",
		.help = "Gives a client the UUID and MACs of a machine that waits, after a new mainboard or\n"
			"a new PC.  Its key is forgotten: it has to be bound anew.\n"
			"\n"
			"  --from PENDING  the machine's number in 'client pending'\n"
			"  -y, --yes       do not ask\n"
			"  --json          print what it is now\n",
	}, {
		.name = "debug", .main = client_debug_main,
		.usage = "CLIENT... --once|--off",
		.help = "Has the next boot of clients open a root shell when it fails, and no boot after\n"
			"it.  " RANGES
			"\n"
			"  --once   the next boot\n"
			"  --off    not even that\n",
	}, {
		.name = "bind", .main = client_bind_main,
		.usage = "CLIENT... [--for DURATION | --off]",
		.help = "Has the machines of clients make themselves keys, each at its next login, in its TPM\n"
			"2.0 or else in a partition for it ('vdiskadm boot-media'), and knows them by these\n"
			"from then on. Until then whoever says its UUID and MAC can have his machine bound in\n"
			"its place: switch it on at once, and look at 'client list'. One that has a key has to\n"
			"lose it first: 'client set CLIENT --forget-key'. By administrators.\n"
			RANGES
			"\n"
			"  --for DURATION  how long they have time: 30m, 2d, at most 30d; 1h\n"
			"  --off           no longer\n",
	}, {
		.name = "wake", .main = client_wake_main,
		.usage = "CLIENT...",
		.help = "Switches clients on, by Wake-on-LAN from the server.\n" RANGES,
	}, {
		.name = "export", .main = client_export_main,
		.usage = "[FILE] [--group GROUP]",
		.help = "Writes clients as CSV into FILE, or to standard output.  Secret properties and\n"
			"keys are left out.\n"
			"\n"
			"  --group GROUP   those of a group\n",
	}, {
		.name = "import", .main = client_import_main,
		.usage = "FILE|- [--update] [--dry-run]",
		.help = "Adds clients from a CSV file with a head: name and any of group, uuid, macs, type,\n"
			"enabled, comment and property:NAME.  All of them, or none when any is wrong.\n"
			"\n"
			"  --update    clients that exist are changed\n"
			"  --dry-run   say what would be done\n",
	},
	{ 0 },
};

const struct command client_command = {
	.name = "client", .help = "the machines that boot\n", .verbs = verbs,
};
