// SPDX-License-Identifier: GPL-2.0
/* vdiskd: serves disk images by NBD. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "server.h"
#include "stamp.h"

int main(int argc, char **argv)
{
	struct config config;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "stamp"))
		return stamp_main(argc - 1, argv + 1);
	ret = config_parse(&config, argc, argv);
	if (!ret) {
		log_setup(config.log_level);
		ret = server_run(&config) + 1;
	}
	config_free(&config);
	return ret - 1;
}
