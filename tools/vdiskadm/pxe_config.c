// SPDX-License-Identifier: GPL-2.0
/* vdiskadm pxe-config: what to enter in another DHCP server. */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include "netboot.h"
#include "place.h"
#include "settings.h"
#include "vdiskadm.h"

enum { OPT_ADDRESS = 256, OPT_ROOT };

static const struct option options[] = {
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int print(const char *server, const char *address)
{
	struct in_addr parsed;

	if (inet_pton(AF_INET, address, &parsed) != 1)
		return usage_error("'%s' is not an IPv4 address", address);
	if (!netboot_other(stdout, server, address))
		return usage_error("'%s' is not %s", server, netboot_others);
	return EXIT_DONE;
}

static int pxe_config_main(int argc, char **argv)
{
	const char *address = NULL;
	struct settings settings;
	struct vdisk_error err;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h' || option == '?')
			return option == 'h' ? EXIT_DONE : EXIT_USAGE;
		if (option == OPT_ADDRESS)
			address = optarg;
		else
			place_root = optarg;
	}
	if (optind == argc)
		return usage_error("for which DHCP server: %s", netboot_others);
	if (argc - optind > 1)
		return usage_error("what is '%s'", argv[optind + 1]);
	if (address)
		return print(argv[optind], address);
	if (settings_read(&settings, &err) < 0)
		return fail_here("%s: run 'vdiskadm init' first, or give --address", err.text);
	if (settings.address)
		ret = print(argv[optind], settings.address);
	else
		ret = fail_here("%s doesn't say which address boot files come from ('http'): give --address",
				PLACE_CONFIG);
	settings_free(&settings);
	return ret;
}

const struct command pxe_config_command = {
	.name = "pxe-config",
	.main = pxe_config_main,
	.usage = "dnsmasq|kea|isc|openwrt|routeros|other [--address ADDRESS] [--root DIR]",
	.help = "Prints what to enter in another DHCP server so that machines boot from this one.\n"
		"\n"
		"  --address ADDRESS  of the server; vdiskd.conf says it otherwise\n"
		"  --root DIR         read vdiskd.conf below DIR\n",
	.local = true,
};
