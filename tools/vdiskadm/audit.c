// SPDX-License-Identifier: GPL-2.0
/* vdiskadm audit: who changed what. */
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"

enum { LAST = 100 };

/* "lab1 17": its name where the record has one, and its number. */
static void print_object(const json_t *object, const json_t *value, FILE *to)
{
	const json_t *after = json_object_get(object, "after"), *before = json_object_get(object, "before");
	const char *name = text_of(json_is_object(after) ? after : before, "name");

	print_value(object, value, to);
	if (*name)
		fprintf(to, " (%s)", name);
}

static void print_member(const char *key, const json_t *value, FILE *to)
{
	fprintf(to, "%s=", key);
	if (json_is_null(value))
		fputs("null", to);
	else
		print_value(NULL, value, to);
}

/* What came to be, what changed as "from -> to", or what is gone. */
static void print_change(const json_t *record, const json_t *value, FILE *to)
{
	json_t *before = json_object_get(record, "before"), *after = json_object_get(record, "after");
	json_t *whole = json_is_object(after) ? after : before, *now, *then;
	bool both = json_is_object(before) && json_is_object(after), first = true;
	const char *key;

	(void)value;
	json_object_foreach(whole, key, now) {
		then = both ? json_object_get(before, key) : NULL;
		if (!strcmp(key, "revision") || !strcmp(key, "id") ||
		    (both ? json_equal(now, then) : json_is_null(now)))
			continue;
		fputs(first ? "" : ", ", to);
		first = false;
		print_member(key, both && then ? then : now, to);
		if (!both || !then)
			continue;
		fputs(" -> ", to);
		if (json_is_null(now))
			fputs("null", to);
		else
			print_value(NULL, now, to);
	}
}

static const struct column columns[] = {
	{ .title = "AT", .key = "at", .print = print_time },
	{ .title = "WHO", .key = "who" },
	{ .title = "ROLE", .key = "role" },
	{ .title = "FROM", .key = "from" },
	{ .title = "ACTION", .key = "action" },
	{ .title = "KIND", .key = "kind" },
	{ .title = "OBJECT", .key = "object_id", .print = print_object },
	{ .title = "CHANGE", .print = print_change },
	{ 0 },
};

static const struct field fields[] = {
	{ .option = "since", .key = "since", .kind = FIELD_SINCE },
	{ .option = "last", .key = "limit", .kind = FIELD_NUMBER, .min = 1, .max = 10000 },
	{ .option = "kind", .key = "kind" },
	{ 0 },
};

static int list(const struct arguments *arguments)
{
	char *path = query_path("/v1/audit", arguments->body);
	struct vdisk_error err;
	json_t *array;
	int ret;

	ret = fetch_list(path, &array, &err);
	free(path);
	if (ret < 0)
		return fail_here("%s", err.text);
	if (arguments->json)
		show_json(array, false);
	else
		show_list(columns, array, "changes");
	json_decref(array);
	return EXIT_DONE;
}

static int audit_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON, fields, &arguments);
	if (ret == GO_ON) {
		if (!json_object_get(arguments.body, "since") &&
		    !json_object_get(arguments.body, "limit"))
			json_object_set_new(arguments.body, "limit", must(json_integer(LAST)));
		ret = list(&arguments);
	}
	arguments_free(&arguments);
	return ret;
}

const struct command audit_command = {
	.name = "audit",
	.main = audit_main,
	.usage = "[--since WHEN] [--last N] [--kind KIND] [--json]",
	.help = "who changed what, the newest first\n"
		"\n"
		"  --since WHEN   2h, 3d, today, 2026-11-20, '2026-11-20 14:30'\n"
		"  --last N       that many, the newest; 100 without --since\n"
		"  --kind KIND    of one kind: image, version, client, mac, property, group, network,\n"
		"                 assignment, enrolment, pending, session, server, token\n"
		"  --json         as the server has them\n",
};
