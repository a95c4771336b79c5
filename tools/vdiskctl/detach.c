// SPDX-License-Identifier: GPL-2.0
/* vdiskctl detach: takes devices away and waits until they are gone. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include "holders.h"
#include "parse.h"
#include "vdiskctl.h"
#include "wait.h"

enum {
	BUSY_MS = 1000,			/* udev opens a new disk for a moment */
	BUSY_STEP_MS = 50,
	GONE_MS = 5000,
};

enum detach_option { OPT_ALL = 256, OPT_FORCE };

static const struct option options[] = {
	{ "all", no_argument, NULL, OPT_ALL },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* A short-lived opener is waited out. */
static int begin(struct waiter *waiter, uint32_t number, bool force, struct vdisk_error *err)
{
	int64_t deadline = now_ms() + BUSY_MS;
	int ret;

	for (;;) {
		ret = vdisk_client_detach(waiter->client, number, force, err);
		if (ret != -EBUSY || now_ms() >= deadline)
			return ret;
		poll(NULL, 0, BUSY_STEP_MS);
	}
}

static int detach_device(struct waiter *waiter, uint32_t number, bool force)
{
	struct vdisk_error err;
	char who[256];
	int ret;

	ret = begin(waiter, number, force, &err);
	if (ret == -EBUSY && holders_of(number, who, sizeof(who)))
		return fail("detach: vdisk%u: in use by %s: unmount or close it, or use --force",
			    number, who);
	if (ret < 0)
		return fail("detach: vdisk%u: %s", number, err.text);
	ret = wait_gone(waiter, number, GONE_MS, &err);
	if (ret == -ETIMEDOUT)
		return fail("detach: vdisk%u: is going, but has not gone in %d s", number,
			    GONE_MS / 1000);
	if (ret < 0)
		return fail("detach: vdisk%u: %s", number, err.text);
	return EXIT_DONE;
}

static int detach_all(struct waiter *waiter, bool force)
{
	struct vdisk_status *list;
	struct vdisk_error err;
	struct root_disks root;
	int ret = EXIT_DONE;
	size_t count, i;

	if (vdisk_client_list(waiter->client, &list, &count, &err) < 0)
		return fail("detach: %s", err.text);
	if (find_root_disks(&root, &err) < 0 && count) {
		free(list);
		return fail("detach: %s: name the devices instead of --all", err.text);
	}
	for (i = 0; i < count; i++) {
		if (root_disks_have(&root, list[i].number)) {
			warn("detach: vdisk%u holds /: left alone", list[i].number);
			continue;
		}
		if (detach_device(waiter, list[i].number, force))
			ret = EXIT_FAILED;
	}
	free(list);
	return ret;
}

static int detach_each(struct waiter *waiter, int argc, char **argv, bool force)
{
	struct vdisk_error err;
	int ret = EXIT_DONE;
	uint32_t number;

	for (; optind < argc; optind++) {
		/* Checked before: it parses. */
		parse_device(argv[optind], &number, &err);
		if (detach_device(waiter, number, force))
			ret = EXIT_FAILED;
	}
	return ret;
}

static int check_devices(int argc, char **argv)
{
	struct vdisk_error err;
	uint32_t number;
	int i;

	for (i = optind; i < argc; i++)
		if (parse_device(argv[i], &number, &err) < 0)
			return usage_error("detach: %s", err.text);
	return EXIT_DONE;
}

int detach_main(int argc, char **argv)
{
	bool all = false, force = false;
	struct vdisk_error err;
	struct waiter waiter;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		all |= option == OPT_ALL;
		force |= option == OPT_FORCE;
	}
	if (all && optind < argc)
		return usage_error("detach: either --all or devices");
	if (!all && optind == argc)
		return usage_error("detach: which device?");
	ret = check_devices(argc, argv);
	if (ret)
		return ret;
	if (waiter_open(&waiter, false, &err) < 0)
		return fail("%s", err.text);
	ret = all ? detach_all(&waiter, force) : detach_each(&waiter, argc, argv, force);
	waiter_close(&waiter);
	return ret;
}
