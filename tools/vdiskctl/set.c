// SPDX-License-Identifier: GPL-2.0
/* vdiskctl set, vdiskctl overlay: change a living device. */
#include <getopt.h>
#include <string.h>
#include "parse.h"
#include "vdiskctl.h"

enum set_option {
	OPT_LIMIT = 256, OPT_OVERCOMMIT, OPT_FULL, OPT_LOST, OPT_READ_AHEAD, OPT_FAIL_NOW,
};

static const struct option set_options[] = {
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "overcommit", no_argument, NULL, OPT_OVERCOMMIT },
	{ "full", required_argument, NULL, OPT_FULL },
	{ "lost", required_argument, NULL, OPT_LOST },
	{ "read-ahead", required_argument, NULL, OPT_READ_AHEAD },
	{ "fail-now", no_argument, NULL, OPT_FAIL_NOW },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option overlay_options[] = {
	{ "overcommit", no_argument, NULL, OPT_OVERCOMMIT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int take_option(struct vdisk_change *change, int option, struct vdisk_error *err)
{
	switch (option) {
	case OPT_LIMIT:
		change->what |= VDISK_CHANGE_LIMIT;
		return parse_limit(optarg, memory_total(), &change->overlay.limit, err);
	case OPT_OVERCOMMIT:
		change->overlay.overcommit = true;
		return 0;
	case OPT_FULL:
		change->what |= VDISK_CHANGE_FULL;
		return parse_full(optarg, &change->overlay, err);
	case OPT_LOST:
		change->what |= VDISK_CHANGE_LOST;
		return parse_lost(optarg, &change->lost, &change->lost_seconds, err);
	case OPT_READ_AHEAD:
		change->what |= VDISK_CHANGE_READAHEAD;
		return parse_number(optarg, 0, VDISK_READAHEAD_KB_MAX, "--read-ahead",
				    &change->readahead_kb, err);
	default:
		change->what |= VDISK_CHANGE_FAIL_NOW;
		return 0;
	}
}

static int apply(const char *name, uint32_t number, const struct vdisk_change *change)
{
	struct vdisk_client *client;
	struct vdisk_error err;
	int ret = EXIT_DONE;

	if (vdisk_client_open(&client, &err) < 0)
		return fail("%s", err.text);
	if (vdisk_client_set(client, number, change, &err) < 0)
		ret = fail("%s: vdisk%u: %s", name, number, err.text);
	vdisk_client_close(client);
	return ret;
}

int set_main(int argc, char **argv)
{
	struct vdisk_change change = { 0 };
	struct vdisk_error err;
	uint32_t number;
	int option;

	while ((option = next_option(argc, argv, set_options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		if (take_option(&change, option, &err) < 0)
			return usage_error("set: %s", err.text);
	}
	if (argc - optind != 1)
		return usage_error("set: exactly one device is needed");
	if (parse_device(argv[optind], &number, &err) < 0)
		return usage_error("set: %s", err.text);
	if (!change.what)
		return usage_error("set: nothing to set");
	if (change.overlay.overcommit && !(change.what & VDISK_CHANGE_LIMIT))
		return usage_error("set: --overcommit goes with --limit");
	return apply("set", number, &change);
}

static int resize_overlay(int argc, char **argv, bool overcommit)
{
	struct vdisk_change change = { .what = VDISK_CHANGE_LIMIT };
	struct vdisk_error err;
	uint32_t number;

	if (argc != 2)
		return usage_error("overlay: resize needs a device and a size");
	change.overlay.overcommit = overcommit;
	if (parse_device(argv[0], &number, &err) < 0 ||
	    parse_limit(argv[1], memory_total(), &change.overlay.limit, &err) < 0)
		return usage_error("overlay: %s", err.text);
	return apply("overlay resize", number, &change);
}

int overlay_main(int argc, char **argv)
{
	static const char *const later[] = { "create", "show", "check", "reset" };
	bool overcommit = false;
	int option;
	size_t i;

	while ((option = next_option(argc, argv, overlay_options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		overcommit = true;
	}
	if (optind == argc)
		return usage_error("overlay: what to do?");
	if (!strcmp(argv[optind], "resize"))
		return resize_overlay(argc - optind - 1, argv + optind + 1, overcommit);
	for (i = 0; i < sizeof(later) / sizeof(*later); i++)
		if (!strcmp(argv[optind], later[i]))
			return fail("overlay %s: overlays on a disk are not supported yet", later[i]);
	return usage_error("overlay: there is no '%s'", argv[optind]);
}
