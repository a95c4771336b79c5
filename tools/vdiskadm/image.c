// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image: what the farm has to boot. */
#include <stdio.h>
#include <stdlib.h>
#include "api.h"
#include "ask.h"
#include "image_verbs.h"
#include "resource.h"
#include "vdiskadm.h"
#include "version.h"

static const struct column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "CURRENT", .key = "current", .right = true },
	{ .title = "PREPARED", .key = "prepared" },
	{ .title = "PUBLIC", .key = "public" },
	{ .title = "KIND", .key = "kind" },
	{ .title = "DESCRIPTION", .key = "description" },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Image", .key = "name" },
	{ .title = "Description", .key = "description" },
	{ .title = "Current version", .key = "current" },
	{ .title = "Prepared", .key = "prepared" },
	{ .title = "Public", .key = "public" },
	{ .title = "Kind", .key = "kind" },
	{ 0 },
};

static const char *const kinds[] = { "shared", "private", NULL };

static const struct field set_fields[] = {
	{ .option = "description", .key = "description" },
	{ .option = "public", .key = "public", .kind = FIELD_YES_NO },
	{ .option = "kind", .key = "kind", .words = kinds },
	{ 0 },
};

static const struct resource images = {
	.one = "image", .many = "images", .key = "name",
	.columns = columns, .set = set_fields,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &images);
}

static int show_image(const char *name, const struct arguments *arguments, void *context,
		      struct vdisk_error *err)
{
	char *path = api_path("/v1/images/%s", name);
	json_t *image;
	int ret;

	(void)context;
	ret = api_get(path, &image, err);
	free(path);
	if (ret < 0)
		return ret;
	if (arguments->json) {
		show_json(image, arguments->names.count > 1);
	} else {
		show_details(details, image);
		putchar('\n');
		ret = show_versions(name, err);
	}
	json_decref(image);
	return ret;
}

static int show_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, show_image, NULL);
	arguments_free(&arguments);
	return ret;
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
		.help = "Shows images with their versions.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "set", .main = set_main,
		.usage = "IMAGE... [--description TEXT] [--public yes|no] [--kind shared|private]\n"
			 "       [--json]",
		.help = "Changes images.  One cannot be both public and private.\n"
			"\n"
			"  --description TEXT     for people\n"
			"  --public yes|no        whether anybody may attach it without a session\n"
			"  --kind shared|private  whether it goes only to clients that proved their key\n"
			"  --json                 print what it is now\n",
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
