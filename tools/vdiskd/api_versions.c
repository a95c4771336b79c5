// SPDX-License-Identifier: GPL-2.0
/* Versions of an image: registered as the store has them, and deleted when nobody needs them. */
#include <errno.h>
#include <stdio.h>

#include "api.h"
#include "config.h"
#include "http_internal.h"
#include "version_files.h"

/* The image of the path, and unless @version is NULL the version. */
static int find(struct api_call *call, json_t **image, json_t **version)
{
	int ret = api_find(call, &api_images, call->request->segments[0], image);
	int64_t number;
	json_t *filter;

	if (ret || !version)
		return ret;
	number = api_id(call->request->segments[1]);
	filter = json_pack("{s:O, s:I}", "image_id", json_object_get(*image, "id"), "number",
			   (json_int_t)number);
	ret = number > 0 && number <= INT32_MAX ?
	      catalog_get(call->control->catalog, CATALOG_VERSION, filter, version, &call->err) :
	      -ENOENT;
	json_decref(filter);
	if (ret == -ENOENT)
		return vdisk_error_set(&call->err, ENOENT, "there is no version '%s' of this image",
				       call->request->segments[1]);
	return ret;
}

/* An image's is that of its current version. */
void api_show_prepared(const struct api_call *call, const struct api_resource *resource,
		       json_t *array)
{
	const char *name_of = resource == &api_images ? "name" : "image";
	const char *number_of = resource == &api_images ? "current" : "number";
	int64_t number;
	json_t *object;
	size_t i;

	if (resource != &api_images && resource != &api_versions)
		return;
	json_array_foreach(array, i, object) {
		number = api_integer(object, number_of);
		json_object_set_new(object, "prepared", !number ? json_null() :
				    json_boolean(version_files_prepared(call->control->config->store,
					json_string_value(json_object_get(object, name_of)), number)));
	}
}

void api_version_list_run(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	json_t *image = NULL, *versions = NULL, *filter = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_versions))
		return;
	ret = find(&call, &image, NULL);
	if (!ret)
		ret = api_filter(&call, &filter);
	if (!ret) {
		json_object_set(filter, "image_id", json_object_get(image, "id"));
		ret = catalog_list(control->catalog, CATALOG_VERSION, filter, &versions, &call.err);
	}
	if (!ret)
		ret = api_present(&call, &api_versions, versions);
	if (!ret)
		api_show_prepared(&call, &api_versions, versions);
	json_decref(filter);
	json_decref(image);
	if (ret)
		json_decref(versions);
	else
		answer->json = versions;
	api_end(&call, ret);
}

static int make_current(struct api_call *call, const json_t *image, json_int_t number)
{
	json_t *changes = json_pack("{s:I}", "current", number);
	int ret = catalog_change(call->control->catalog, &call->who, CATALOG_IMAGE,
				 api_integer(image, "id"), changes, -1, NULL, &call->err);

	json_decref(changes);
	return ret;
}

/* Known, and if so wanted current, or neither. */
static int store(struct api_call *call, const json_t *image, const json_t *fields, bool current,
		 json_t **stored)
{
	struct catalog *catalog = call->control->catalog;
	int ret = catalog_begin(catalog, &call->err);

	if (ret)
		return ret;
	ret = catalog_add(catalog, &call->who, CATALOG_VERSION, fields, stored, &call->err);
	if (!ret && current)
		ret = make_current(call, image, api_integer(*stored, "number"));
	if (!ret)
		return catalog_commit(catalog, &call->err);
	catalog_rollback(catalog);
	return ret;
}

/* {"number": N, "comment", "current"}: everything else is read from the store. */
static int add(struct api_call *call, const json_t *image, json_t **stored)
{
	const char *name = json_string_value(json_object_get(image, "name")), *comment = NULL;
	int ret, current = 0;
	json_int_t number;
	json_t *fields;

	if (!call->request->body ||
	    json_unpack(call->request->body, "{s:I, s?:s, s?:b !}", "number", &number, "comment",
			&comment, "current", &current) ||
	    number < 1 || number > INT32_MAX)
		return vdisk_error_set(&call->err, EINVAL,
				       "give \"number\" of a version in the store, and perhaps \"comment\" and \"current\" (true or false)");
	ret = version_files_read(call->control->config->store, name, number, &fields, &call->err);
	if (ret)
		return ret == -ENOENT ? -EINVAL : ret;
	json_object_set(fields, "image_id", json_object_get(image, "id"));
	json_object_set_new(fields, "number", json_integer(number));
	if (comment)
		json_object_set_new(fields, "comment", json_string(comment));
	ret = store(call, image, fields, current, stored);
	json_decref(fields);
	if (!ret)
		snprintf(call->answer->location, sizeof(call->answer->location),
			 "/v1/images/%s/versions/%lld", name, (long long)number);
	return ret;
}

void api_version_post_run(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	json_t *image = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_versions))
		return;
	ret = find(&call, &image, NULL);
	if (!ret)
		ret = add(&call, image, &stored);
	if (!ret)
		session_images_changed(control);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_CREATED, stored);
	json_decref(image);
	json_decref(stored);
	api_end(&call, ret);
}

void api_version_get_run(struct control *control, struct http_request *request,
			 struct http_answer *answer)
{
	json_t *image = NULL, *version = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_versions))
		return;
	ret = find(&call, &image, &version);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, version);
	json_decref(image);
	json_decref(version);
	api_end(&call, ret);
}

void api_version_patch_run(struct control *control, struct http_request *request,
			   struct http_answer *answer)
{
	json_t *image = NULL, *version = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_versions))
		return;
	ret = find(&call, &image, &version);
	if (!ret && !request->body)
		ret = vdisk_error_set(&call.err, EINVAL, "the request has no body");
	if (!ret)
		ret = api_change(&call, api_integer(version, "id"), request->body,
				 request->revision, &stored);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, stored);
	json_decref(image);
	json_decref(version);
	json_decref(stored);
	api_end(&call, ret);
}

static int check_count(struct api_call *call, enum catalog_kind kind, json_t *filter,
		       const char *what)
{
	int64_t count = 0;
	int ret = catalog_count(call->control->catalog, kind, filter, &count, &call->err);

	json_decref(filter);
	if (ret || !count)
		return ret;
	return vdisk_error_set(&call->err, EBUSY, "%lld %s use it", (long long)count, what);
}

static int check_unused(struct api_call *call, const json_t *image, const json_t *version)
{
	json_t *id = json_object_get(image, "id"), *number = json_object_get(version, "number");
	int ret;

	if (json_equal(json_object_get(image, "current"), number))
		return vdisk_error_set(&call->err, EBUSY, "it is the image's current version");
	ret = check_count(call, CATALOG_SESSION, json_pack("{s:O, s:O, s:{s:s}}", "image_id", id,
			  "version", number, "state", "not", "ended"), "sessions");
	if (ret)
		return ret;
	return check_count(call, CATALOG_ASSIGNMENT, json_pack("{s:O, s:O}", "image_id", id,
			   "version", number), "assignments");
}

static int remove_version(struct api_call *call, const json_t *image, const json_t *version,
			  char *trash)
{
	const char *name = json_string_value(json_object_get(image, "name"));
	const char *store = call->control->config->store;
	struct catalog *catalog = call->control->catalog;
	int64_t number = api_integer(version, "number");
	int ret = catalog_begin(catalog, &call->err);

	if (ret)
		return ret;
	ret = check_unused(call, image, version);
	if (!ret)
		ret = catalog_remove(catalog, &call->who, CATALOG_VERSION, api_integer(version, "id"),
				     call->request->revision, &call->err);
	if (!ret)
		ret = version_files_hide(store, name, number, trash, &call->err);
	if (ret) {
		catalog_rollback(catalog);
		return ret;
	}
	ret = catalog_commit(catalog, &call->err);
	if (ret)
		version_files_unhide(store, name, number, trash);
	return ret;
}

void api_version_delete_run(struct control *control, struct http_request *request,
			    struct http_answer *answer)
{
	json_t *image = NULL, *version = NULL;
	char trash[TRASH_SIZE] = "";
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_versions))
		return;
	ret = find(&call, &image, &version);
	if (!ret)
		ret = remove_version(&call, image, version, trash);
	if (!ret) {
		version_files_delete(control->config->store, trash);
		session_images_changed(control);
	}
	json_decref(image);
	json_decref(version);
	api_end(&call, ret);
}
