// SPDX-License-Identifier: GPL-2.0
/* vdiskadm enrol: times in which unknown machines become clients by themselves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"
#include "version.h"

/* Whether machines are still taken, and if not why. */
static const char *state_of(const json_t *window)
{
	if (json_is_true(json_object_get(window, "closed")))
		return "closed";
	if (number_of(window, "used", 0) >= number_of(window, "max", 0))
		return "full";
	return number_of(window, "until", 0) > time(NULL) ? "open" : "over";
}

static void print_state(const json_t *object, const json_t *value, FILE *to)
{
	(void)value;
	fputs(state_of(object), to);
}

static const struct column columns[] = {
	{ .title = "ID", .key = "id", .right = true },
	{ .title = "STATE", .print = print_state },
	{ .title = "GROUP", .key = "group" },
	{ .title = "NAME", .key = "name" },
	{ .title = "USED", .key = "used", .right = true },
	{ .title = "MAX", .key = "max", .right = true },
	{ .title = "OPENED", .key = "opened", .print = print_time },
	{ .title = "UNTIL", .key = "until", .print = print_time },
	{ .title = "BIND", .key = "bind" },
	{ .title = "LEFT", .key = "until", .print = print_left, .right = true },
	{ .title = "NETWORK", .key = "network" },
	{ .title = "WITHIN", .key = "within" },
	{ .title = "IMAGE", .key = "image" },
	{ 0 },
};

static const struct field open_fields[] = {
	{ .option = "name", .key = "name" },
	{ .option = "for", .key = "for", .kind = FIELD_SECONDS },
	{ .option = "max", .key = "max", .kind = FIELD_NUMBER, .min = 1, .max = 100000 },
	{ .option = "image", .key = "image" },
	{ .option = "overlay", .key = "overlay", .kind = FIELD_OVERLAY },
	{ .option = "network", .key = "network" },
	{ .option = "bind", .key = "bind", .kind = FIELD_TRUE },
	{ 0 },
};

static const struct resource enrolments = {
	.one = "enrolment", .many = "enrolments", .key = "id", .columns = columns,
};

static int list_main(int argc, char **argv)
{
	return resource_list(argc, argv, &enrolments);
}

/* The group, unless it is there. */
static int need_group(const char *group, struct vdisk_error *err)
{
	char *path = api_path("/v1/groups/%s", group);
	json_t *body;
	int ret;

	ret = api_get(path, NULL, err);
	free(path);
	if (ret != -ENOENT)
		return ret;
	body = must(json_pack("{s:s}", "name", group));
	ret = api_call("POST", "/v1/groups", body, API_ANY_REVISION, NULL, err);
	json_decref(body);
	if (!ret)
		warn("group %s made", group);
	return ret;
}

/* Whether the group has just this one already. */
static bool has_assignment(const json_t *array, const json_t *wanted)
{
	static const char *const keys[] = { "image", "version", "state", "overlay" };
	json_t *object, *value, *other;
	bool same;
	size_t i, k;

	json_array_foreach(array, i, object) {
		same = true;
		for (k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			value = json_object_get(object, keys[k]);
			other = json_object_get(wanted, keys[k]);
			same &= other ? json_equal(value, other) : !value || json_is_null(value);
		}
		if (same)
			return true;
	}
	return false;
}

/* An assignment of the whole group: one place to change it for all that enrol. */
static int need_assignment(const char *group, json_t *options, struct vdisk_error *err)
{
	json_t *body = must(json_pack("{s:s, s:O}", "group", group, "image",
				      json_object_get(options, "image")));
	json_t *overlay = json_object_get(options, "overlay"), *array;
	char *path = api_path("/v1/assignments?group=%s", group);
	int ret;

	if (overlay)
		json_object_set(body, "overlay", overlay);
	image_into(body, err);
	ret = fetch_list(path, &array, err);
	if (!ret && !has_assignment(array, body)) {
		ret = api_call("POST", "/v1/assignments", body, API_ANY_REVISION, NULL, err);
		if (!ret)
			warn("%s assigned to the group %s", text_of(options, "image"), group);
	}
	free(path);
	json_decref(array);
	json_decref(body);
	return ret;
}

/*
 * What an operator may not assign to the group his window can name, if it is what
 * his machines have anyway: each that enrols gets it.  A version it can't name.
 */
static int name_image(const json_t *options, json_t *body, struct vdisk_error *err)
{
	json_t *overlay = json_object_get(options, "overlay"), *image = must(json_object());
	struct vdisk_error ignored;
	int ret = 0;

	json_object_set(image, "image", json_object_get(options, "image"));
	image_into(image, &ignored);
	if (json_object_get(image, "version"))
		ret = vdisk_error_set(err, EACCES, "%s is not assigned to the group, and an administrator does that; name the image without its version, or none",
				      text_of(options, "image"));
	json_object_del(image, "version");
	json_object_update(body, image);
	if (overlay)
		json_object_set(body, "overlay", overlay);
	json_decref(image);
	return ret;
}

static int open_window(const char *group, const struct arguments *arguments, json_t **stored,
		       struct vdisk_error *err)
{
	json_t *options = arguments->body, *body;
	int ret;

	ret = need_group(group, err);
	if (ret < 0)
		return ret;
	body = must(json_pack("{s:s, s:O, s:I, s:O, s:O*}", "group", group, "name",
			      json_object_get(options, "name"), "until",
			      (json_int_t)time(NULL) + number_of(options, "for", 0), "max",
			      json_object_get(options, "max"), "network",
			      json_object_get(options, "network")));
	if (json_object_get(options, "bind"))
		json_object_set_new(body, "bind", json_true());
	if (json_object_get(options, "image"))
		ret = need_assignment(group, options, err);
	if (ret == -EACCES)
		ret = name_image(options, body, err);
	if (ret < 0) {
		json_decref(body);
		return ret;
	}
	ret = api_call("POST", "/v1/enrolments", body, API_ANY_REVISION, stored, err);
	json_decref(body);
	return ret;
}

/* One number, as %d or %02d, and nothing else that printf would act on. */
static bool is_pattern(const char *name)
{
	const char *percent = strchr(name, '%'), *at;

	if (!percent || strchr(percent + 1, '%'))
		return false;
	at = percent + 1;
	if (*at == '0')
		at += 1 + (at[1] >= '1' && at[1] <= '9');
	return *at == 'd';
}

static int check(const struct arguments *arguments)
{
	const json_t *options = arguments->body;
	struct version_name version;
	struct vdisk_error err;

	if (!json_object_get(options, "name") || !json_object_get(options, "for") ||
	    !json_object_get(options, "max"))
		return usage_error("--name, --for and --max are needed");
	if (!is_pattern(text_of(options, "name")))
		return usage_error("--name '%s' has no number, as %%d or %%02d",
				   text_of(options, "name"));
	if (json_object_get(options, "overlay") && !json_object_get(options, "image"))
		return usage_error("--overlay goes with --image");
	if (json_object_get(options, "image") &&
	    parse_version(text_of(options, "image"), &version, &err) < 0)
		return usage_error("%s", err.text);
	return GO_ON;
}

static int open_main(int argc, char **argv)
{
	struct arguments arguments;
	struct vdisk_error err;
	json_t *stored = NULL;
	const char *group;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | ONE_NAME, open_fields, &arguments);
	if (ret == GO_ON)
		ret = check(&arguments);
	if (ret == GO_ON) {
		group = arguments.names.name[0];
		ret = open_window(group, &arguments, &stored, &err) < 0 ?
		      fail_here("%s: %s", group, err.text) : EXIT_DONE;
	}
	if (stored && arguments.json)
		show_json(stored, false);
	else if (stored)
		say("enrolment %" JSON_INTEGER_FORMAT " is open: switch the machines on",
		    number_of(stored, "id", 0));
	json_decref(stored);
	arguments_free(&arguments);
	return ret;
}

static int close_one(json_int_t number, struct vdisk_error *err)
{
	json_t *body = must(json_pack("{s:b}", "closed", 1));
	char id[24], *path;
	int ret;

	snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, number);
	path = api_path("/v1/enrolments/%s", id);
	ret = api_call("PATCH", path, body, API_ANY_REVISION, NULL, err);
	free(path);
	json_decref(body);
	return ret;
}

static int close_group(const char *group, struct vdisk_error *err)
{
	json_t *array, *window;
	size_t closed = 0, i;
	char *path;
	int ret;

	path = api_path("/v1/enrolments?group=%s", group);
	ret = fetch_list(path, &array, err);
	free(path);
	if (ret < 0)
		return ret;
	json_array_foreach(array, i, window) {
		if (strcmp(state_of(window), "open"))
			continue;
		ret = close_one(number_of(window, "id", 0), err);
		if (ret < 0)
			break;
		closed++;
	}
	json_decref(array);
	if (!ret && !closed)
		return vdisk_error_set(err, ENOENT, "no enrolment of this group is open");
	return ret;
}

static bool is_number(const char *name)
{
	return *name && !name[strspn(name, "0123456789")] && strlen(name) < 19;
}

/* Whether the server has one of that name.  1, 0 or -errno. */
static int is_there(const char *path, const char *name, json_t **found, struct vdisk_error *err)
{
	char *whole = api_path(path, name);
	int ret = api_get(whole, found, err);

	free(whole);
	/* Another's is one, too. */
	return !ret || ret == -EACCES ? 1 : ret == -ENOENT ? 0 : ret;
}

static int is_group(const char *name, struct vdisk_error *err)
{
	json_t *found = NULL;
	int ret = is_there("/v1/groups/%s", name, &found, err);

	/* It is found by its number as well. */
	if (found && strcmp(text_of(found, "name"), name))
		ret = 0;
	json_decref(found);
	return ret;
}

/* One by its number, or all open ones of a group; a group may be called like a number. */
static int close_named(const char *name, const struct arguments *arguments, void *context,
		       struct vdisk_error *err)
{
	int group, window;

	(void)arguments;
	(void)context;
	if (!strncmp(name, "group:", 6))
		return close_group(name + 6, err);
	if (!strncmp(name, "enrolment:", 10) && is_number(name + 10))
		return close_one(atoll(name + 10), err);
	if (!is_number(name))
		return close_group(name, err);
	group = is_group(name, err);
	if (group <= 0)
		return group ? group : close_one(atoll(name), err);
	window = is_there("/v1/enrolments/%s", name, NULL, err);
	if (window <= 0)
		return window ? window : close_group(name, err);
	return vdisk_error_set(err, EINVAL, "there is an enrolment and a group of that name: write enrolment:%s or group:%s",
			       name, name);
}

static int close_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, close_named, NULL);
	arguments_free(&arguments);
	return ret;
}

static const struct command verbs[] = {
	{
		.name = "open", .main = open_main,
		.usage = "GROUP --name PATTERN --for DURATION --max N [--image IMAGE[@N]]\n"
			 "       [--overlay OVERLAY] [--network CIDR] [--bind] [--json]",
		.help = "For a while, has unknown machines become clients of a group when they boot.\n"
			"Whoever is in that network meanwhile can have his machine taken for one; without\n"
			"--network whoever can reach the server.  An operator's takes machines only from\n"
			"networks that lead to his groups ('vdiskadm network'), and names only images that\n"
			"are assigned to his group or to clients in it.\n"
			"\n"
			"  --name PATTERN     their names, with %d or %02d for a number: lab1-%02d\n"
			"  --for DURATION     how long: 30m, 1h, 2d\n"
			"  --max N            how many machines at most\n"
			"  --image IMAGE[@N]  assigned to the group, if it isn't\n"
			"  --overlay OVERLAY  of that assignment: none, ram, ram:SIZE, ram:N%\n"
			"  --network CIDR     machines in it only, such as 192.0.2.0/24\n"
			"  --bind             each makes itself a key at once, and is known by it from then\n"
			"                     on; by administrators\n"
			"  --json             print what was stored\n"
			"\n"
			"A group that does not exist is made.\n",
	}, {
		.name = "list", .main = list_main,
		.usage = "[--json]",
		.help = "Lists enrolments, also those that are over.  WITHIN is the group whose networks\n"
			"the machines must be in: that of the operator who opened it.\n"
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "close", .main = close_main,
		.usage = "ID|GROUP...",
		.help = "Ends enrolments before their time: one by its number, or all of a group; where a\n"
			"name could be either, enrolment:ID or group:GROUP.\n",
	},
	{ 0 },
};

const struct command enrol_command = {
	.name = "enrol", .help = "times in which unknown machines become clients by themselves\n",
	.verbs = verbs,
};
