// SPDX-License-Identifier: GPL-2.0
/* vdiskctl status: what the devices are doing. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "format.h"
#include "json.h"
#include "parse.h"
#include "vdiskctl.h"

enum { WATCH_MS = 1000 };

enum status_option { OPT_WATCH = 256, OPT_JSON };

static const struct option options[] = {
	{ "watch", no_argument, NULL, OPT_WATCH },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct view {
	bool watch, json, one;
	uint32_t number;		/* when @one */
};

static void print_json(const struct vdisk_status *list, size_t count, bool compact)
{
	json_t *object = json_object(), *devices = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(devices, json_status(&list[i]));
	json_object_set_new(object, "devices", devices);
	print_object(object, compact);
}

static void print_text(const struct vdisk_status *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		print_status(&list[i]);
	if (!count)
		puts("no vdisk is attached");
}

static int fetch(struct vdisk_client *client, const struct view *view,
		 struct vdisk_status **list, size_t *count, struct vdisk_error *err)
{
	int ret;

	if (!view->one)
		return vdisk_client_list(client, list, count, err);
	*count = 1;
	*list = malloc(sizeof(**list));
	if (!*list)
		return vdisk_error_set(err, ENOMEM, "no memory");
	ret = vdisk_client_get(client, view->number, *list, err);
	if (ret < 0)
		free(*list);
	return ret;
}

static int show(struct vdisk_client *client, const struct view *view)
{
	struct vdisk_status *list;
	struct vdisk_error err;
	size_t count;

	if (fetch(client, view, &list, &count, &err) < 0) {
		if (view->one)
			return fail("status: vdisk%u: %s", view->number, err.text);
		return fail("status: %s", err.text);
	}
	if (view->json) {
		print_json(list, count, view->watch);
	} else {
		if (view->watch && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		print_text(list, count);
	}
	free(list);
	return EXIT_DONE;
}

static int show_all(struct vdisk_client *client, const struct view *view)
{
	int ret;

	for (;;) {
		ret = show(client, view);
		if (ret || !view->watch)
			return ret;
		if (fflush(stdout))
			return EXIT_FAILED;
		poll(NULL, 0, WATCH_MS);
	}
}

int status_main(int argc, char **argv)
{
	struct view view = { 0 };
	struct vdisk_client *client;
	struct vdisk_error err;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		view.watch |= option == OPT_WATCH;
		view.json |= option == OPT_JSON;
	}
	if (argc - optind > 1)
		return usage_error("status: more than one device");
	if (optind < argc) {
		view.one = true;
		if (parse_device(argv[optind], &view.number, &err) < 0)
			return usage_error("status: %s", err.text);
	}
	if (vdisk_client_open(&client, &err) < 0)
		return fail("%s", err.text);
	ret = show_all(client, &view);
	vdisk_client_close(client);
	return ret;
}
