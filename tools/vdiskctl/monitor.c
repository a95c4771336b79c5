// SPDX-License-Identifier: GPL-2.0
/* vdiskctl monitor: events as they happen. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "format.h"
#include "json.h"
#include "vdiskctl.h"

enum monitor_option { OPT_JSON = 256 };

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void format_now(char *text, size_t size)
{
	struct timespec now;
	struct tm utc;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, size - len, ".%03ldZ", now.tv_nsec / 1000000);
}

static void print(const struct vdisk_event_info *event, bool json)
{
	char time[64];

	format_now(time, sizeof(time));
	if (json)
		print_object(json_event(event, time), true);
	else
		print_event(event, time);
}

static void print_overrun(const char *time, bool json)
{
	json_t *object;

	if (!json) {
		printf("%s events were lost, how many is unknown; the state now:\n", time);
		return;
	}
	object = json_object();
	json_object_set_new(object, "time", json_string(time));
	json_object_set_new(object, "event", json_string("overrun"));
	print_object(object, true);
}

static void print_state(const struct vdisk_status *status, const char *time, bool json)
{
	json_t *object;
	char path[32];

	snprintf(path, sizeof(path), "/dev/vdisk%u", status->number);
	if (!json) {
		printf("%s vdisk%u state %s\n", time, status->number,
		       vdisk_state_name(status->state));
		return;
	}
	object = json_object();
	json_object_set_new(object, "time", json_string(time));
	json_object_set_new(object, "event", json_string("state"));
	json_object_set_new(object, "device", json_string(path));
	json_object_set_new(object, "number", json_integer(status->number));
	json_object_set_new(object, "state", json_string(vdisk_state_name(status->state)));
	print_object(object, true);
}

/* What was lost can't be told; what became of it can. */
static int overrun(struct vdisk_client *client, bool json)
{
	struct vdisk_status *list;
	struct vdisk_error err;
	size_t count, i;
	char time[64];

	format_now(time, sizeof(time));
	print_overrun(time, json);
	if (vdisk_client_list(client, &list, &count, &err) < 0)
		return fail("monitor: %s", err.text);
	for (i = 0; i < count; i++)
		print_state(&list[i], time, json);
	free(list);
	return EXIT_DONE;
}

static int watch(struct vdisk_client *client, struct vdisk_events *events, bool json)
{
	struct pollfd fd = { .fd = vdisk_events_fd(events), .events = POLLIN };
	struct vdisk_event_info event;
	struct vdisk_error err;
	int ret;

	for (;;) {
		ret = vdisk_events_next(events, &event, &err);
		if (ret > 0) {
			print(&event, json);
			continue;
		}
		if (ret == -ENOBUFS) {
			if (overrun(client, json))
				return EXIT_FAILED;
			continue;
		}
		if (ret < 0)
			return fail("monitor: %s", err.text);
		/* Readers see each event at once, also through a pipe. */
		if (fflush(stdout))
			return EXIT_FAILED;
		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			return fail("monitor: poll: %s", strerror(errno));
	}
}

int monitor_main(int argc, char **argv)
{
	struct vdisk_client *client;
	struct vdisk_events *events;
	struct vdisk_error err;
	bool json = false;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		json = true;
	}
	if (optind < argc)
		return usage_error("monitor: what is '%s'?", argv[optind]);
	if (vdisk_client_open(&client, &err) < 0)
		return fail("%s", err.text);
	ret = EXIT_FAILED;
	if (vdisk_events_open(&events, &err) < 0) {
		fail("monitor: %s", err.text);
	} else {
		ret = watch(client, events, json);
		vdisk_events_close(events);
	}
	vdisk_client_close(client);
	return ret;
}
