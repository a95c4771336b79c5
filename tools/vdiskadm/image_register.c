// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image register: what is in the store becomes known to the server. */
#include <getopt.h>
#include "image_store.h"
#include "image_verbs.h"
#include "image_version.h"
#include "text.h"
#include "vdiskadm.h"

enum { OPT_COMMENT = 1, OPT_PUBLIC, OPT_CURRENT };

static const struct option options[] = {
	{ "comment", required_argument, NULL, OPT_COMMENT },
	{ "public", no_argument, NULL, OPT_PUBLIC },
	{ "current", required_argument, NULL, OPT_CURRENT },
	{ 0 },
};

int image_register_main(int argc, char **argv)
{
	char name[IMAGE_NAME_LONGEST + 1];
	struct image_version version = { .name = name, .current = CURRENT_IF_PREPARED };
	struct vdisk_error err;
	bool is_current;
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
		case OPT_CURRENT:
			if (image_current_take(optarg, &version.current))
				return EXIT_USAGE;
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
	if (image_version_tell(&version, number, &is_current, &err))
		return fail_here("%s: %s", argv[optind], err.text);
	if (is_current)
		say("%s@%u  now the current version", name, number);
	else if (version.current == CURRENT_NO)
		say("%s@%u  not the current version", name, number);
	else
		say("%s@%u  not the current version: it has no boot files; run 'vdiskadm image prepare %s@%u'",
		    name, number, name, number);
	return EXIT_DONE;
}
