// SPDX-License-Identifier: GPL-2.0
/* vdiskadm status: how the server and its farm are. */
#include <getopt.h>
#include <stdio.h>
#include "api.h"
#include "vdiskadm.h"

static int status_main(int argc, char **argv)
{
	struct vdisk_error err;
	json_t *answer;
	int option;

	while ((option = next_option(argc, argv, NULL)) != -1)
		return option == 'h' ? EXIT_DONE : EXIT_USAGE;
	if (optind < argc)
		return usage_error("what is '%s'", argv[optind]);
	if (api_get("/v1/status", &answer, &err) < 0)
		return fail_here("%s", err.text);
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(answer);
	return EXIT_DONE;
}

const struct command status_command = {
	.name = "status",
	.main = status_main,
	.usage = "",
	.help = "how the server and its farm are\n",
};
