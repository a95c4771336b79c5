// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image register: what is in the store becomes known to the server. */
#include <getopt.h>
#include "image_store.h"
#include "image_verbs.h"
#include "image_version.h"
#include "text.h"
#include "vdiskadm.h"

enum { OPT_COMMENT = 1, OPT_PUBLIC };

static const struct option options[] = {
	{ "comment", required_argument, NULL, OPT_COMMENT },
	{ "public", no_argument, NULL, OPT_PUBLIC },
	{ 0 },
};

int image_register_main(int argc, char **argv)
{
	char name[IMAGE_NAME_LONGEST + 1];
	struct image_version version = { .name = name };
	struct vdisk_error err;
	unsigned int number;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case OPT_COMMENT:
			version.comment = optarg;
			break;
		case OPT_PUBLIC:
			version.public = true;
			break;
		case 'h':
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return usage_error("give one NAME@VERSION");
	if (image_name_split(argv[optind], name, &number, &err))
		return usage_error("%s", err.text);
	if (!number)
		return usage_error("which version: %s@N", name);
	if (image_version_tell(&version, number, &err))
		return fail_here("%s: %s", argv[optind], err.text);
	say("%s@%u  now the current version", name, number);
	return EXIT_DONE;
}
