// SPDX-License-Identifier: GPL-2.0
/* Images: which version is current, and the end of an image with all its versions. */
#include <errno.h>
#include <stdio.h>

#include "api.h"
#include "config.h"
#include "http_internal.h"
#include "version_files.h"

static int check_unused(struct api_call *call, const json_t *image)
{
	json_t *filter = json_pack("{s:O, s:{s:s}}", "image_id", json_object_get(image, "id"),
				   "state", "not", "ended");
	int64_t count = 0;
	int ret;

	ret = catalog_count(call->control->catalog, CATALOG_SESSION, filter, &count, &call->err);
	json_decref(filter);
	if (ret || !count)
		return ret;
	return vdisk_error_set(&call->err, EBUSY, "%lld sessions use it", (long long)count);
}

/* What is current can't be removed; and this sees whether it is still the revision meant. */
static int forget_current(struct api_call *call, const json_t *image)
{
	json_t *changes = json_pack("{s:n}", "current");
	int ret = catalog_change(call->control->catalog, &call->who, CATALOG_IMAGE,
				 api_integer(image, "id"), changes, call->request->revision, NULL,
				 &call->err);

	json_decref(changes);
	return ret;
}

static int remove_versions(struct api_call *call, const json_t *image)
{
	json_t *filter = json_pack("{s:O}", "image_id", json_object_get(image, "id"));
	json_t *versions = NULL, *version;
	size_t i;
	int ret;

	ret = catalog_list(call->control->catalog, CATALOG_VERSION, filter, &versions, &call->err);
	json_decref(filter);
	json_array_foreach(versions, i, version) {
		ret = catalog_remove(call->control->catalog, &call->who, CATALOG_VERSION,
				     api_integer(version, "id"), -1, &call->err);
		if (ret)
			break;
	}
	json_decref(versions);
	return ret;
}

/* Out of the catalog and out of its place in the store, or neither. */
static int remove_all(struct api_call *call, const json_t *image, char *trash)
{
	const char *name = json_string_value(json_object_get(image, "name"));
	const char *store = call->control->config->store;
	struct catalog *catalog = call->control->catalog;
	int ret = catalog_begin(catalog, &call->err);

	if (ret)
		return ret;
	ret = check_unused(call, image);
	if (!ret)
		ret = forget_current(call, image);
	if (!ret)
		ret = remove_versions(call, image);
	if (!ret)
		ret = catalog_remove(catalog, &call->who, CATALOG_IMAGE, api_integer(image, "id"),
				     -1, &call->err);
	if (!ret)
		ret = version_files_hide(store, name, 0, trash, &call->err);
	if (ret) {
		catalog_rollback(catalog);
		return ret;
	}
	ret = catalog_commit(catalog, &call->err);
	if (ret)
		version_files_unhide(store, name, 0, trash);
	return ret;
}

void api_image_delete_run(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	char trash[TRASH_SIZE] = "";
	struct api_call call;
	json_t *image = NULL;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_images))
		return;
	ret = api_find(&call, &api_images, request->segments[0], &image);
	if (!ret)
		ret = remove_all(&call, image, trash);
	if (!ret) {
		version_files_delete(control->config->store, trash);
		session_images_changed(control);
	}
	json_decref(image);
	api_end(&call, ret);
}

/* {"version": N}: what clients without a version of their own boot from now on. */
static int set_current(struct api_call *call, const json_t *image, json_t **stored)
{
	json_t *filter, *version, *changes;
	json_int_t number;
	int ret;

	if (!call->request->body ||
	    json_unpack(call->request->body, "{s:I !}", "version", &number))
		return vdisk_error_set(&call->err, EINVAL, "version: give a number");
	filter = json_pack("{s:O, s:I}", "image_id", json_object_get(image, "id"), "number", number);
	ret = catalog_get(call->control->catalog, CATALOG_VERSION, filter, &version, &call->err);
	json_decref(filter);
	if (ret == -ENOENT)
		return vdisk_error_set(&call->err, EINVAL, "version: there is no %lld",
				       (long long)number);
	if (ret)
		return ret;
	json_decref(version);
	changes = json_pack("{s:I}", "current", number);
	ret = catalog_change(call->control->catalog, &call->who, CATALOG_IMAGE,
			     api_integer(image, "id"), changes, call->request->revision, stored,
			     &call->err);
	json_decref(changes);
	return ret;
}

void api_image_current_run(struct control *control, struct http_request *request,
			   struct http_answer *answer)
{
	json_t *image = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_images))
		return;
	ret = api_find(&call, &api_images, request->segments[0], &image);
	if (!ret)
		ret = set_current(&call, image, &stored);
	if (!ret)
		session_images_changed(control);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, stored);
	json_decref(image);
	json_decref(stored);
	api_end(&call, ret);
}
