// SPDX-License-Identifier: GPL-2.0
/* vdiskadm client show: a machine, and how its last boots went. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "client.h"
#include "session.h"
#include "text.h"
#include "vdiskadm.h"

/* What is said of a boot behind its time: "session 7" or "boot b7", "live", "trust bound", ... */
static const struct boot_word {
	const char *before;
	struct column column;
	const char *behind;
} boot_words[] = {
	{ "  session ", { .key = "id" }, "" },
	{ "  boot ", { .key = "key" }, "" },
	{ ", ", { .key = "state", .print = print_session_state }, "" },
	{ ", ", { .key = "image", .print = print_session_image }, "" },
	{ ", trust ", { .key = "trust" }, "" },
	{ ", from ", { .key = "address" }, "" },
	{ ", ", { .key = "bytes", .print = print_bytes }, " read" },
	{ ", ", { .key = "retries" }, " retries" },
	{ ", overlay at most ", { .key = "overlay_high", .print = print_bytes }, "" },
	{ ", last step ", { .key = "step", .print = print_session_step }, "" },
};

/* A head line and the steps. */
static void show_boot(const json_t *boot)
{
	static const struct column started = { .key = "started", .print = print_time };
	char *line = value_text(&started, boot), *value, *longer;
	size_t i;

	for (i = 0; i < sizeof(boot_words) / sizeof(*boot_words); i++) {
		value = value_text(&boot_words[i].column, boot);
		if (*value) {
			longer = text_format("%s%s%s%s", line, boot_words[i].before, value,
					     boot_words[i].behind);
			free(line);
			line = longer;
		}
		free(value);
	}
	say("%s", line);
	free(line);
	show_timeline(json_object_get(boot, "events"), "  ");
}

static int show_client(const char *name, const struct arguments *arguments, void *context,
		       struct vdisk_error *err)
{
	char *path = api_path("/v1/clients/%s", name);
	json_t *client, *boot;
	size_t i;
	int ret;

	(void)context;
	ret = api_get(path, &client, err);
	free(path);
	if (ret < 0)
		return ret;
	if (arguments->json) {
		show_json(client, arguments->names.count > 1);
		json_decref(client);
		return 0;
	}
	show_details(client_resource.details, client);
	json_array_foreach(json_object_get(client, "boots"), i, boot) {
		putchar('\n');
		show_boot(boot);
	}
	if (name != arguments->names.name[arguments->names.count - 1])
		putchar('\n');
	json_decref(client);
	return 0;
}

int client_show_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, show_client, NULL);
	arguments_free(&arguments);
	return ret;
}
