// SPDX-License-Identifier: GPL-2.0
#include "image_version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include "../vdiskd/stamp.h"
#include "api.h"
#include "image_disk.h"
#include "image_store.h"
#include "text.h"
#include "vdiskadm.h"

int image_current_take(const char *text, enum image_current *current)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return usage_error("--current '%s' is neither yes nor no", text);
	*current = *text == 'y' ? CURRENT_YES : CURRENT_NO;
	return 0;
}

/* Versions of an image share its UUID, which the newest one knows. */
static const char *known_uuid(const struct incoming *incoming, const char *name,
			      unsigned int newest, struct stamp *stamp)
{
	char *path = text_format("%s/%u/" IMAGE_DISK, name, newest);
	int ret = newest ? stamp_read(incoming->store_fd, path, stamp) : -ENOENT;

	free(path);
	return ret ? NULL : stamp->uuid;
}

static json_t *manifest_of(const struct image_version *version, const struct stamp *stamp)
{
	char text[STAMP_TEXT];

	stamp_format(stamp, text);
	return json_pack("{s:I, s:s, s:s, s:s?, s:I, s:s, s:s?}", "size", (json_int_t)stamp->size,
			 "sha256", stamp->sha256, "stamp", text, "kernel", version->kernel,
			 "created", (json_int_t)time(NULL), "format", version->format,
			 "comment", version->comment);
}

/*
 * The number is certain only under the store's lock; hashing takes too long to
 * hold it.
 */
static int publish(struct incoming *incoming, const struct image_version *version,
		   struct stamp *stamp, struct vdisk_error *err)
{
	unsigned int newest;
	json_t *manifest;
	int ret;

	ret = image_store_newest(incoming->store, version->name, &newest, err);
	if (ret)
		return ret;
	stamp->version = newest + 1;
	ret = stamp_write(incoming->fd, IMAGE_DISK, stamp);
	if (ret)
		return vdisk_error_set(err, -ret, "cannot write the stamp: %s", strerror(-ret));
	manifest = must(manifest_of(version, stamp));
	ret = incoming_manifest(incoming, manifest, err);
	json_decref(manifest);
	return ret ? ret : incoming_publish(incoming, version->name, stamp->version, err);
}

/* From now on whoever boots the image boots this version: disk and boot files at once. */
static int make_current(const char *name, unsigned int number, struct vdisk_error *err)
{
	json_t *body = must(json_pack("{s:i}", "version", (int)number));
	char *path = api_path("/v1/images/%s/current", name);
	int ret = api_call("POST", path, body, API_ANY_REVISION, NULL, err);

	json_decref(body);
	free(path);
	return ret;
}

/* The calls by which the catalog learns of it. */
int image_version_tell(const struct image_version *version, unsigned int number, bool *is_current,
		       struct vdisk_error *err)
{
	json_t *image = must(json_pack("{s:s, s:b}", "name", version->name, "public", version->public));
	json_t *one = must(json_pack("{s:i, s:s*}", "number", (int)number, "comment", version->comment));
	char *versions = api_path("/v1/images/%s/versions", version->name);
	char *itself = api_path("/v1/images/%s", version->name);
	struct vdisk_error ignored;
	json_t *stored = NULL;
	bool is_new;
	int ret;

	ret = api_call("POST", "/v1/images", image, API_ANY_REVISION, NULL, err);
	is_new = !ret;
	if (!ret || ret == -EEXIST)
		ret = api_call("POST", versions, one, API_ANY_REVISION, &stored, err);
	/* An image without a version is of no use to anybody. */
	if (ret && is_new)
		api_call("DELETE", itself, NULL, API_ANY_REVISION, NULL, &ignored);
	*is_current = !ret && (version->current == CURRENT_YES ||
			       (version->current == CURRENT_IF_PREPARED &&
				json_is_true(json_object_get(stored, "prepared"))));
	if (*is_current)
		ret = make_current(version->name, number, err);
	json_decref(stored);
	json_decref(image);
	json_decref(one);
	free(itself);
	free(versions);
	return ret;
}

/* 0, 1 when nobody is there, or -errno. */
static int enter(const struct image_version *version, unsigned int number, bool *is_current,
		 struct vdisk_error *err)
{
	struct vdisk_error why;
	int ret = version->offline ? 1 : image_version_tell(version, number, is_current, &why);

	if ((ret == -EHOSTUNREACH || ret == -ECONNREFUSED) && !api_target.server) {
		warn("no server is told of it: %s; it is in the store, and 'vdiskadm image register %s@%u' tells a server later",
		     why.text, version->name, number);
		return 1;
	}
	if (ret < 0)
		return vdisk_error_set(err, -ret, "the server does not take it: %s", why.text);
	return ret;
}

int image_version_finish(struct incoming *incoming, const struct image_version *version,
			 struct vdisk_error *err)
{
	struct stamp stamp, known;
	bool is_current = false;
	unsigned int newest;
	const char *uuid;
	int ret;

	ret = image_store_newest(incoming->store, version->name, &newest, err);
	if (ret)
		return ret;
	uuid = known_uuid(incoming, version->name, newest, &known);
	ret = image_disk_stamp(incoming->fd, IMAGE_DISK, uuid, newest + 1, "hashing", &stamp, err);
	if (ret)
		return ret;
	flock(incoming->store_fd, LOCK_EX);
	ret = publish(incoming, version, &stamp, err);
	flock(incoming->store_fd, LOCK_UN);
	if (ret)
		return ret;
	ret = enter(version, stamp.version, &is_current, err);
	if (ret < 0) {
		image_store_remove(incoming->store, version->name, stamp.version);
		return ret;
	}
	say("%s@%u  %.1f GiB  sha256 %s%s", version->name, stamp.version,
	    (double)stamp.size / (1 << 30), stamp.sha256,
	    ret ? "" : is_current ? "  now the current version" : "  not the current version");
	return 0;
}
