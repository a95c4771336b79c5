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

/*
 * Whether a version was entered, when what was heard of that is no answer: it
 * may have been lost behind the server's commit.  1, 0, or -errno: no telling.
 */
static int is_entered(const char *name, unsigned int number, json_t **stored,
		      struct vdisk_error *err)
{
	char *text = text_format("%u", number);
	char *path = api_path("/v1/images/%s/versions/%s", name, text);
	int ret = api_get(path, stored, err);

	free(path);
	free(text);
	return !ret ? 1 : ret == -ENOENT ? 0 : ret;
}

/* Nothing was done, for certain; or nobody was asked. */
static bool is_refusal(int ret)
{
	switch (ret) {
	case -EINVAL:
	case -EACCES:
	case -ENOENT:
	case -EEXIST:
	case -EHOSTUNREACH:
	case -ECONNREFUSED:
		return true;
	}
	return false;
}

/* With all that belongs to it at once, so that the catalog has it whole or not at all. */
static int enter_version(const struct image_version *version, unsigned int number, json_t **stored,
			 struct vdisk_error *err)
{
	json_t *one = must(json_pack("{s:i, s:s*, s:b}", "number", (int)number, "comment",
				     version->comment, "current", version->current == CURRENT_YES));
	char *versions = api_path("/v1/images/%s/versions", version->name);
	int ret = api_call("POST", versions, one, API_ANY_REVISION, stored, err), entered;
	struct vdisk_error why;

	json_decref(one);
	free(versions);
	if (!ret || is_refusal(ret))
		return ret;
	why = *err;
	entered = is_entered(version->name, number, stored, err);
	if (entered < 0)
		return vdisk_error_set(err, EINPROGRESS, "%s", why.text);
	*err = why;
	return entered ? 0 : ret;
}

static int make_current_if_prepared(const struct image_version *version, unsigned int number,
				    const json_t *stored, bool *is_current, struct vdisk_error *err)
{
	struct vdisk_error why;
	int ret;

	if (!json_is_true(json_object_get(stored, "prepared")))
		return 0;
	ret = make_current(version->name, number, &why);
	if (ret)
		return vdisk_error_set(err, -ret, "the server has it now, but not as the current version: run 'vdiskadm version publish %s@%u' (%s)",
				       version->name, number, why.text);
	*is_current = true;
	return 0;
}

/* The calls by which the catalog learns of it. */
int image_version_tell(const struct image_version *version, unsigned int number, bool *is_current,
		       struct vdisk_error *err)
{
	json_t *image = must(json_pack("{s:s, s:b}", "name", version->name, "public", version->public));
	char *itself = api_path("/v1/images/%s", version->name);
	struct vdisk_error ignored;
	json_t *stored = NULL;
	bool is_new;
	int ret;

	*is_current = false;
	ret = api_call("POST", "/v1/images", image, API_ANY_REVISION, NULL, err);
	is_new = !ret;
	if (!ret || ret == -EEXIST)
		ret = enter_version(version, number, &stored, err);
	if (ret == -EEXIST && !is_new && is_entered(version->name, number, NULL, &ignored) == 1)
		ret = -EALREADY;
	/* An image without a version is of no use to anybody. */
	if (is_new && ret && ret != -EINPROGRESS)
		api_call("DELETE", itself, NULL, API_ANY_REVISION, NULL, &ignored);
	if (!ret && version->current == CURRENT_YES)
		*is_current = true;
	else if (!ret && version->current == CURRENT_IF_PREPARED)
		ret = make_current_if_prepared(version, number, stored, is_current, err);
	json_decref(stored);
	json_decref(image);
	free(itself);
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
	if (ret == -EINPROGRESS)
		return vdisk_error_set(err, EINPROGRESS, "%s@%u is in the store, but nobody knows whether the server has it: 'vdiskadm version list %s' tells, and if not, 'vdiskadm image register %s@%u' enters it (%s)",
				       version->name, number, version->name, version->name, number,
				       why.text);
	/* The number was free in the store: such a row is of files that somebody took away. */
	if (ret == -EALREADY)
		return vdisk_error_set(err, EEXIST, "the server does not take it: it has a %s@%u already, whose files are gone from the store: 'vdiskadm version delete %s@%u' makes the number free (%s)",
				       version->name, number, version->name, number, why.text);
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
	/* A row without a version would be worse than a version without a row. */
	if (ret == -EINPROGRESS)
		return ret;
	if (ret < 0) {
		image_store_remove(incoming->store, version->name, stamp.version);
		return ret;
	}
	say("%s@%u  %.1f GiB  sha256 %s%s", version->name, stamp.version,
	    (double)stamp.size / (1 << 30), stamp.sha256,
	    ret ? "" : is_current ? "  now the current version" : "  not the current version");
	return 0;
}
