// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image: what the farm has to boot. */
#include "image_verbs.h"
#include "resource.h"
#include "vdiskadm.h"

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "CURRENT", .key = "current", .right = true },
	{ .title = "PUBLIC", .key = "public" },
	{ .title = "KIND", .key = "kind" },
	{ .title = "DESCRIPTION", .key = "description" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Image", .key = "name" },
	{ .title = "Description", .key = "description" },
	{ .title = "Current version", .key = "current" },
	{ .title = "Public", .key = "public" },
	{ .title = "Kind", .key = "kind" },
	{ 0 },
};

static const struct field set_fields[] = {
	{ .option = "description", .key = "description" },
	{ .option = "public", .key = "public", .kind = FIELD_YES_NO },
	{ 0 },
};

static const struct resource images = {
	.one = "image", .many = "images", .key = "name",
	.columns = columns, .details = details, .set = set_fields,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &images);
}

static int show_main(int argc, char **argv)
{
	return resource_show(argc, argv, &images);
}

static int set_main(int argc, char **argv)
{
	return resource_set(argc, argv, &images);
}

static int delete_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &images);
}

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[IMAGE...] [--json]",
		.help = "Lists images.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "show", .main = show_main,
		.usage = "IMAGE... [--json]",
		.help = "Shows images.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "IMAGE... [--description TEXT] [--public yes|no] [--json]",
		.help = "Changes images.\n"
			"\n"
			"  --description TEXT   for people\n"
			"  --public yes|no      whether anybody may attach it without a session\n"
			"  --json               print what it is now\n",
	}, {
		.name = "delete", .main = delete_main,
		.usage = "IMAGE... [-y]",
		.help = "Deletes images with all their versions.  One that is in use stays.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	},
	IMAGE_STORE_VERBS,
	{ 0 },
};

const struct command image_command = {
	.name = "image", .help = "what the farm has to boot\n", .verbs = verbs,
};
