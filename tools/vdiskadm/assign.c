// SPDX-License-Identifier: GPL-2.0
/* vdiskadm assign: which client or group boots which image. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"
#include "version.h"
#include "../vdiskctl/parse.h"

static void print_owner(const json_t *object, const json_t *value, FILE *to)
{
	const char *client = text_of(object, "client"), *group = text_of(object, "group");

	(void)value;
	if (*client)
		fprintf(to, "client %s", client);
	else if (*group)
		fprintf(to, "group %s", group);
}

static void print_version(const json_t *object, const json_t *value, FILE *to)
{
	const char *state = text_of(object, "state");

	if (json_is_integer(value))
		print_value(object, value, to);
	else
		fputs(*state ? state : "current", to);
}

static const struct column columns[] = {
	{ .title = "ID", .key = "id", .right = true },
	{ .title = "FOR", .print = print_owner },
	{ .title = "POSITION", .key = "position", .right = true },
	{ .title = "IMAGE", .key = "image" },
	{ .title = "VERSION", .key = "version", .print = print_version },
	{ .title = "OVERLAY", .key = "overlay" },
	{ .title = "DEFAULT", .key = "is_default" },
	{ .title = "TIMEOUT", .key = "timeout", .print = print_seconds, .right = true },
	{ .title = "LABEL", .key = "label" },
	{ 0 },
};

static const struct field filters[] = {
	{ .option = "client", .key = "client" },
	{ .option = "group", .key = "group" },
	{ .option = "image", .key = "image" },
	{ 0 },
};

static const char *const states[] = { "published", "draft", "testing", "retired", NULL };

static const struct field add_fields[] = {
	{ .option = "client", .key = "client" },
	{ .option = "group", .key = "group" },
	{ .option = "image", .key = "image" },
	{ .option = "state", .key = "state", .words = states },
	{ .option = "overlay", .key = "overlay", .kind = FIELD_OVERLAY },
	{ .option = "label", .key = "label" },
	{ .option = "default", .key = "is_default", .kind = FIELD_TRUE },
	{ .option = "timeout", .key = "timeout", .kind = FIELD_SECONDS },
	{ .option = "position", .key = "position", .kind = FIELD_NUMBER },
	{ 0 },
};

static const struct resource assignments = {
	.one = "assignment", .many = "assignments", .key = "id", .columns = columns,
};

static int by_position(const void *a, const void *b)
{
	const json_t *one = *(json_t *const *)a, *other = *(json_t *const *)b;
	json_int_t p = number_of(one, "position", 0), q = number_of(other, "position", 0);

	if (p == q) {
		p = number_of(one, "id", 0);
		q = number_of(other, "id", 0);
	}
	return (p > q) - (p < q);
}

/* Those of one owner in their order, or with both empty all of them, by owner. */
static void sort(json_t *array)
{
	size_t count = json_array_size(array), i;
	json_t **sorted = must(calloc(count + 1, sizeof(*sorted)));

	for (i = 0; i < count; i++)
		sorted[i] = json_incref(json_array_get(array, i));
	qsort(sorted, count, sizeof(*sorted), by_position);
	json_array_clear(array);
	for (i = 0; i < count; i++)
		json_array_append_new(array, sorted[i]);
	free(sorted);
}

static int list(const struct arguments *arguments)
{
	char *path = query_path("/v1/assignments", arguments->body);
	struct vdisk_error err;
	json_t *array;
	int ret;

	ret = fetch_list(path, &array, &err);
	free(path);
	if (ret < 0)
		return fail_here("%s", err.text);
	if (json_object_get(arguments->body, "client") || json_object_get(arguments->body, "group"))
		sort(array);
	if (arguments->json)
		show_json(array, false);
	else
		show_list(columns, array, "assignments");
	json_decref(array);
	return EXIT_DONE;
}

static int list_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON, filters, &arguments);
	if (ret == GO_ON)
		ret = list(&arguments);
	arguments_free(&arguments);
	return ret;
}

static int add_one(const char *name, const struct arguments *arguments, void *owner,
		   struct vdisk_error *err)
{
	json_t *stored;
	int ret;

	json_object_set_new(arguments->body, owner, must(json_string(name)));
	ret = api_call("POST", "/v1/assignments", arguments->body, API_ANY_REVISION, &stored, err);
	if (!ret && arguments->json)
		show_json(stored, arguments->names.count > 1);
	json_decref(stored);
	return ret;
}

/* A client's name may be a range: as if each had been given by itself. */
static int take_owner(struct arguments *arguments, const char **owner)
{
	const char *client = text_of(arguments->body, "client");
	const char *group = text_of(arguments->body, "group");
	struct vdisk_error err;
	char *word;
	int ret;

	if (!*client == !*group)
		return usage_error("either --client or --group is needed");
	if (!*text_of(arguments->body, "image"))
		return usage_error("--image IMAGE is needed");
	*owner = *client ? "client" : "group";
	word = must(strdup(*client ? client : group));
	ret = range_expand_all(&word, 1, &arguments->names, &err);
	free(word);
	if (!ret)
		ret = image_into(arguments->body, &err);
	if (!ret && json_object_get(arguments->body, "version") &&
	    json_object_get(arguments->body, "state"))
		return usage_error("--image names a version: give that or --state");
	return ret < 0 ? usage_error("%s", err.text) : GO_ON;
}

static int add_main(int argc, char **argv)
{
	struct arguments arguments;
	const char *owner = NULL;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON, add_fields, &arguments);
	if (ret == GO_ON)
		ret = take_owner(&arguments, &owner);
	if (ret == GO_ON)
		ret = each_name(&arguments, add_one, (void *)owner);
	arguments_free(&arguments);
	return ret;
}

static int remove_main(int argc, char **argv)
{
	return resource_remove(argc, argv, &assignments);
}

/* All of the owner that the assignment has, in their order. */
static int fetch_siblings(const char *id, json_t **array, struct vdisk_error *err)
{
	char *path = api_path("/v1/assignments/%s", id);
	const char *client, *group;
	json_t *object;
	int ret;

	ret = api_get(path, &object, err);
	free(path);
	if (ret < 0)
		return ret;
	client = text_of(object, "client");
	group = text_of(object, "group");
	path = api_path(*client ? "/v1/assignments?client=%s" : "/v1/assignments?group=%s",
			*client ? client : group);
	ret = fetch_list(path, array, err);
	free(path);
	json_decref(object);
	if (!ret)
		sort(*array);
	return ret;
}

static int set_position(json_t *object, json_int_t position, struct vdisk_error *err)
{
	char id[24], *path;
	json_t *body;
	int ret;

	if (number_of(object, "position", -1) == position)
		return 0;
	snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, number_of(object, "id", 0));
	path = api_path("/v1/assignments/%s", id);
	body = must(json_pack("{s:I}", "position", position));
	ret = api_call("PATCH", path, body, number_of(object, "revision", API_ANY_REVISION), NULL,
		       err);
	free(path);
	json_decref(body);
	return ret;
}

/* Takes it out, puts it in at its new place, and numbers all from 1. */
static int move(const char *id, size_t place, struct vdisk_error *err)
{
	json_t *array, *object, *moved = NULL;
	size_t i;
	int ret;

	ret = fetch_siblings(id, &array, err);
	if (ret < 0)
		return ret;
	json_array_foreach(array, i, object) {
		if (number_of(object, "id", 0) != atoll(id))
			continue;
		moved = json_incref(object);
		json_array_remove(array, i);
		break;
	}
	if (!moved)
		ret = vdisk_error_set(err, ENOENT, "it is gone");
	else if (place > json_array_size(array) + 1)
		ret = vdisk_error_set(err, EINVAL, "there are only %zu",
				      json_array_size(array) + 1);
	else
		json_array_insert(array, place - 1, moved);
	for (i = 0; !ret && i < json_array_size(array); i++)
		ret = set_position(json_array_get(array, i), i + 1, err);
	json_decref(moved);
	json_decref(array);
	return ret;
}

static int move_main(int argc, char **argv)
{
	struct arguments arguments;
	struct vdisk_error err;
	uint32_t id, place = 0;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES | TAKES_WORDS, NULL, &arguments);
	if (ret == GO_ON && arguments.names.count != 2)
		ret = usage_error("a number from 'vdiskadm assign list' and a place are needed");
	if (ret == GO_ON &&
	    (parse_number(arguments.names.name[0], 1, INT32_MAX, "assignment", &id, &err) < 0 ||
	     parse_number(arguments.names.name[1], 1, 10000, "place", &place, &err) < 0))
		ret = usage_error("%s", err.text);
	if (ret == GO_ON)
		ret = move(arguments.names.name[0], place, &err) < 0 ?
		      fail_here("%s: %s", arguments.names.name[0], err.text) : EXIT_DONE;
	arguments_free(&arguments);
	return ret;
}

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[--client CLIENT] [--group GROUP] [--image IMAGE] [--json]",
		.help = "Lists assignments.\n"
			"\n"
			"  --client CLIENT   those of a client itself\n"
			"  --group GROUP     those of a group itself\n"
			"  --image IMAGE     those of an image\n"
			"  --json            as the server has them\n",
	}, {
		.name = "add", .main = add_main,
		.usage = "--client CLIENT|--group GROUP --image IMAGE[@N]\n"
			 "       [--state published|draft|testing|retired] [--overlay OVERLAY] [--default]\n"
			 "       [--timeout DURATION] [--label TEXT] [--position N] [--json]",
		.help = "Has a client or the clients of a group boot an image.  A client that has several\n"
			"gets a menu: its own first, then its group's, then those of the groups above.\n"
			"\n"
			"  --client CLIENT     may be a range of names: lab1-[01-10]\n"
			"  --group GROUP       all of its clients\n"
			"  --image IMAGE[@N]   its current version, or always version N\n"
			"  --state STATE       at each boot its newest prepared version in that state\n"
			"  --overlay OVERLAY   where writes go: none, ram, ram:SIZE, ram:N%\n"
			"  --default           what the menu boots by itself\n"
			"  --timeout DURATION  how long the menu waits for that\n"
			"  --label TEXT        in the menu\n"
			"  --position N        among those of its owner; the end\n"
			"  --json              print what was stored\n",
	}, {
		.name = "remove", .main = remove_main,
		.usage = "ID... [-y]",
		.help = "Removes assignments.  Machines that run go on.\n"
			"\n"
			"  -y, --yes   do not ask\n",
	}, {
		.name = "move", .main = move_main,
		.usage = "ID PLACE",
		.help = "Moves an assignment among those of its client or group; 1 is the first.\n",
	},
	{ 0 },
};

const struct command assign_command = {
	.name = "assign", .help = "which client or group boots which image\n", .verbs = verbs,
};
