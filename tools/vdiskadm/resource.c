// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "text.h"
#include "vdiskadm.h"

enum { OPT_JSON = 256, OPT_WATCH };

/* As many as the server gives at once. */
enum { PAGE = 10000 };

static void own_options(unsigned int flags, struct option *options)
{
	if (flags & TAKES_JSON)
		*options++ = (struct option){ "json", no_argument, NULL, OPT_JSON };
	if (flags & TAKES_WATCH)
		*options++ = (struct option){ "watch", no_argument, NULL, OPT_WATCH };
	if (flags & TAKES_YES)
		*options++ = (struct option){ "yes", no_argument, NULL, 'y' };
	memset(options, 0, sizeof(*options));
}

static int take_options(int argc, char **argv, unsigned int flags, const struct field *fields,
			struct arguments *arguments)
{
	struct option own[4], joined[FIELDS_MAX + 8];
	struct vdisk_error err;
	int option;

	own_options(flags, own);
	fields_options(fields, own, joined);
	while ((option = next_option(argc, argv, joined)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		arguments->json |= option == OPT_JSON;
		arguments->watch |= option == OPT_WATCH;
		arguments->yes |= option == 'y';
		if (field_of(fields, option) &&
		    fields_take(field_of(fields, option), optarg, arguments->body, &err) < 0)
			return usage_error("%s", err.text);
	}
	return GO_ON;
}

static int take_names(int argc, char **argv, unsigned int flags, struct arguments *arguments)
{
	struct vdisk_error err;

	for (; flags & TAKES_WORDS && optind < argc; optind++)
		if (names_add(&arguments->names, argv[optind], &err) < 0)
			return usage_error("%s", err.text);
	if (!(flags & TAKES_NAMES) && optind < argc)
		return usage_error("what is '%s'", argv[optind]);
	if (range_expand_all(argv + optind, argc - optind, &arguments->names, &err) < 0)
		return usage_error("%s", err.text);
	if ((flags & NEEDS_NAMES) == NEEDS_NAMES && !arguments->names.count)
		return usage_error("which one");
	if ((flags & ONE_NAME) == ONE_NAME && arguments->names.count != 1)
		return usage_error("exactly one name");
	if ((flags & NEEDS_FIELDS) && !json_object_size(arguments->body))
		return usage_error("nothing to set");
	return GO_ON;
}

int arguments_take(int argc, char **argv, unsigned int flags, const struct field *fields,
		   struct arguments *arguments)
{
	int ret;

	memset(arguments, 0, sizeof(*arguments));
	arguments->body = must(json_object());
	ret = take_options(argc, argv, flags, fields, arguments);
	return ret == GO_ON ? take_names(argc, argv, flags, arguments) : ret;
}

void arguments_free(struct arguments *arguments)
{
	names_free(&arguments->names);
	json_decref(arguments->body);
}

static int fetch_page(const char *path, json_t **page, struct vdisk_error *err)
{
	int ret;

	ret = api_get(path, page, err);
	if (ret < 0 || json_is_array(*page))
		return ret;
	json_decref(*page);
	*page = NULL;
	return vdisk_error_set(err, EPROTO, "the server's answer is not a list");
}

/* The id of the last object, where the next page begins. */
static json_int_t last_id(const json_t *page)
{
	return number_of(json_array_get(page, json_array_size(page) - 1), "id", 0);
}

static int fetch_all(const char *path, json_t *array, struct vdisk_error *err)
{
	char mark = strchr(path, '?') ? '&' : '?', *whole;
	json_int_t last = 0, before;
	json_t *page;
	int ret;

	do {
		whole = last ? text_format("%s%climit=%d&after=%" JSON_INTEGER_FORMAT, path, mark, PAGE,
					   last) :
			       text_format("%s%climit=%d", path, mark, PAGE);
		ret = fetch_page(whole, &page, err);
		free(whole);
		if (ret < 0)
			return ret;
		before = last;
		last = json_array_size(page) < PAGE ? 0 : last_id(page);
		if (last != before || !last)
			json_array_extend(array, page);
		json_decref(page);
	} while (last && last != before);
	return 0;
}

int fetch_list(const char *path, json_t **array, struct vdisk_error *err)
{
	int ret;

	/* who asks for so many gets no more */
	if (strstr(path, "limit="))
		return fetch_page(path, array, err);
	*array = must(json_array());
	ret = fetch_all(path, *array, err);
	if (ret < 0) {
		json_decref(*array);
		*array = NULL;
	}
	return ret;
}

char *query_path(const char *path, const json_t *filters)
{
	char *whole = must(strdup(path)), *part, *text, *longer;
	struct column column = { 0 };
	const char *key, *separator = "?";
	json_t *value;

	json_object_foreach((json_t *)filters, key, value) {
		column.key = key;
		text = json_is_boolean(value) ? must(strdup(json_is_true(value) ? "1" : "0")) :
						value_text(&column, filters);
		part = api_path("%s=%s", key, text);
		longer = text_format("%s%s%s", whole, separator, part);
		separator = "&";
		free(text);
		free(part);
		free(whole);
		whole = longer;
	}
	return whole;
}

static char *collection(const struct resource *resource)
{
	return text_format("/v1/%s", resource->many);
}

static char *member(const struct resource *resource, const char *name)
{
	return api_path("/v1/%s/%s", resource->many, name);
}

/* Those of the array that are named, in the order of the names. */
static json_t *pick(const struct resource *resource, json_t *array, const struct names *names)
{
	json_t *picked = must(json_array()), *object;
	size_t i, j;

	for (i = 0; i < names->count; i++)
		json_array_foreach(array, j, object)
			if (!strcmp(text_of(object, resource->key), names->name[i]))
				json_array_append(picked, object);
	return picked;
}

int resource_list(int argc, char **argv, const struct resource *resource)
{
	struct arguments arguments;
	char *all, *path = NULL;
	struct vdisk_error err;
	json_t *array, *picked;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | TAKES_NAMES, resource->filters, &arguments);
	if (ret == GO_ON) {
		all = collection(resource);
		path = query_path(all, arguments.body);
		free(all);
		ret = fetch_list(path, &array, &err) < 0 ? fail_here("%s", err.text) : GO_ON;
	}
	if (ret == GO_ON) {
		picked = arguments.names.count ? pick(resource, array, &arguments.names) :
						 json_incref(array);
		if (arguments.json)
			show_json(picked, false);
		else
			show_list(resource->columns, picked, resource->many);
		json_decref(picked);
		json_decref(array);
		ret = EXIT_DONE;
	}
	free(path);
	arguments_free(&arguments);
	return ret;
}

int each_name(const struct arguments *arguments,
	      int (*run)(const char *name, const struct arguments *arguments, void *context,
			 struct vdisk_error *err),
	      void *context)
{
	struct vdisk_error err;
	int ret = EXIT_DONE;
	size_t i;

	for (i = 0; i < arguments->names.count; i++)
		if (run(arguments->names.name[i], arguments, context, &err) < 0)
			ret = fail_here("%s: %s", arguments->names.name[i], err.text);
	return ret;
}

static int show_one(const char *name, const struct arguments *arguments, void *context,
		    struct vdisk_error *err)
{
	const struct resource *resource = context;
	char *path = member(resource, name);
	json_t *object;
	int ret;

	ret = api_get(path, &object, err);
	free(path);
	if (ret < 0)
		return ret;
	if (arguments->json)
		show_json(object, arguments->names.count > 1);
	else
		show_details(resource->details, object);
	if (!arguments->json && name != arguments->names.name[arguments->names.count - 1])
		putchar('\n');
	json_decref(object);
	return 0;
}

int resource_show(int argc, char **argv, const struct resource *resource)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, show_one, (void *)resource);
	arguments_free(&arguments);
	return ret;
}

/* What was stored, for programs; people know what they asked for. */
static void show_stored(const struct arguments *arguments, json_t *stored)
{
	if (arguments->json && stored)
		show_json(stored, arguments->names.count > 1);
	json_decref(stored);
}

static int add_one(const char *name, const struct arguments *arguments, void *context,
		   struct vdisk_error *err)
{
	const struct resource *resource = context;
	char *path = collection(resource);
	json_t *stored, *text = json_string(name);
	int ret;

	if (!text || json_object_set_new(arguments->body, resource->key, text) < 0)
		ret = vdisk_error_set(err, EINVAL, "the name is not UTF-8");
	else
		ret = api_call("POST", path, arguments->body, API_ANY_REVISION, &stored, err);
	free(path);
	if (!ret)
		show_stored(arguments, stored);
	return ret;
}

int resource_add(int argc, char **argv, const struct resource *resource)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, resource->add, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, add_one, (void *)resource);
	arguments_free(&arguments);
	return ret;
}

static int set_one(const char *name, const struct arguments *arguments, void *context,
		   struct vdisk_error *err)
{
	char *path = member(context, name);
	json_t *stored;
	int ret;

	ret = api_call("PATCH", path, arguments->body, API_ANY_REVISION, &stored, err);
	free(path);
	if (!ret)
		show_stored(arguments, stored);
	return ret;
}

int resource_set(int argc, char **argv, const struct resource *resource)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES | NEEDS_FIELDS, resource->set,
			     &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, set_one, (void *)resource);
	arguments_free(&arguments);
	return ret;
}

static int remove_one(const char *name, const struct arguments *arguments, void *context,
		      struct vdisk_error *err)
{
	char *path = member(context, name);
	int ret;

	(void)arguments;
	ret = api_call("DELETE", path, NULL, API_ANY_REVISION, NULL, err);
	free(path);
	return ret;
}

int resource_remove(int argc, char **argv, const struct resource *resource)
{
	struct arguments arguments;
	const char *verb = argv[0];
	int ret;

	ret = arguments_take(argc, argv, TAKES_YES | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON && arguments.names.count == 1)
		ret = confirm(arguments.yes, "%s the %s %s", verb, resource->one,
			      arguments.names.name[0]);
	else if (ret == GO_ON)
		ret = confirm(arguments.yes, "%s %zu %s, from %s to %s", verb,
			      arguments.names.count, resource->many, arguments.names.name[0],
			      arguments.names.name[arguments.names.count - 1]);
	if (ret == GO_ON)
		ret = each_name(&arguments, remove_one, (void *)resource);
	arguments_free(&arguments);
	return ret;
}
