// SPDX-License-Identifier: GPL-2.0
/* vdiskadm status: how the server and its farm are. */
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"

static void print_catalog(const json_t *status, const json_t *value, FILE *to)
{
	print_value(status, value, to);
	if (json_is_string(value) && strcmp(json_string_value(value), "ok"))
		fputs(": machines that run go on, new ones wait", to);
}

static void print_logins(const json_t *status, const json_t *value, FILE *to)
{
	(void)status;
	fputs(json_is_false(value) ? "no: there is no farm key" : "yes", to);
}

static void print_store(const json_t *status, const json_t *value, FILE *to)
{
	fputs(text_of(value, "path"), to);
	if (!json_is_integer(json_object_get(value, "free")))
		return;
	fputs(", ", to);
	print_bytes(status, json_object_get(value, "free"), to);
	fputs(" of ", to);
	print_bytes(status, json_object_get(value, "size"), to);
	fputs(" free", to);
}

/* "counts": {"clients": 10, "sessions": {"live": 3}}: a line each. */
static void print_count(const json_t *status, const char *key, FILE *to)
{
	print_value(status, json_object_get(json_object_get(status, "counts"), key), to);
}

static void print_clients(const json_t *status, const json_t *value, FILE *to)
{
	(void)value;
	print_count(status, "clients", to);
}

static void print_images(const json_t *status, const json_t *value, FILE *to)
{
	(void)value;
	print_count(status, "images", to);
}

static void print_pending(const json_t *status, const json_t *value, FILE *to)
{
	(void)value;
	print_count(status, "pending", to);
}

static void print_sessions(const json_t *status, const json_t *value, FILE *to)
{
	const json_t *sessions = json_object_get(json_object_get(status, "counts"), "sessions");
	const char *state;
	size_t n = 0;
	json_t *count;

	(void)value;
	json_object_foreach((json_t *)sessions, state, count) {
		fputs(n++ ? ", " : "", to);
		print_value(NULL, count, to);
		fprintf(to, " %s", state);
	}
}

static const struct column details[] = {
	{ .title = "Running for", .key = "started", .print = print_ago },
	{ .title = "Catalog", .key = "catalog", .print = print_catalog },
	{ .title = "Machines can log in", .key = "logins", .print = print_logins },
	{ .title = "Store", .key = "store", .print = print_store },
	{ .title = "Sessions", .print = print_sessions },
	{ .title = "Clients", .print = print_clients },
	{ .title = "Machines that wait", .print = print_pending },
	{ .title = "Images", .print = print_images },
	{ .title = "NBD connections", .key = "nbd_connections" },
	{ .title = "HTTP connections", .key = "http_connections" },
	{ 0 },
};

static int status_main(int argc, char **argv)
{
	struct arguments arguments;
	struct vdisk_error err;
	json_t *status;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON, NULL, &arguments);
	if (ret == GO_ON && api_get("/v1/status", &status, &err) < 0)
		ret = fail_here("%s", err.text);
	if (ret == GO_ON) {
		if (arguments.json)
			show_json(status, false);
		else
			show_details(details, status);
		json_decref(status);
		ret = EXIT_DONE;
	}
	arguments_free(&arguments);
	return ret;
}

const struct command status_command = {
	.name = "status",
	.main = status_main,
	.usage = "[--json]",
	.help = "how the server and its farm are\n"
		"\n"
		"  --json   as the server has it\n",
};
