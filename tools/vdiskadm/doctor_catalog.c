// SPDX-License-Identifier: GPL-2.0
/* doctor: what the catalog says. */
#include "doctor.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "catalog.h"
#include "place.h"
#include "show.h"
#include "text.h"
#include "when.h"

enum { SILENT_SECONDS = 24 * 3600 };

/* Groups whose secrets go to machines that are known by UUID and MAC alone. */
static void look_at_groups(struct doctor *doctor, struct catalog *catalog)
{
	json_t *filter = json_pack("{s:s}", "secrets", "network"), *groups, *group;
	struct vdisk_error err;
	size_t i;
	int ret = catalog_list(catalog, CATALOG_GROUP, filter, &groups, &err);

	json_decref(filter);
	if (ret) {
		doctor_find(doctor, FINDING_FAIL, "%s", err.text);
		return;
	}
	json_array_foreach(groups, i, group) {
		doctor_find(doctor, FINDING_WARN,
			    "group %s gives its secrets to machines known by UUID and MAC alone (--secrets=network)",
			    json_string_value(json_object_get(group, "name")));
	}
	json_decref(groups);
}

static bool has_boot_files(const char *store, const char *image, json_int_t version)
{
	static const char *const names[] = { "vmlinuz", "initrd.img", NULL };
	const char *const *name;
	bool good = true;

	for (name = names; *name && good; name++) {
		char *path = text_format("%s/%s/%lld/%s", store, image, (long long)version, *name);

		good = place_exists(path);
		free(path);
	}
	return good;
}

static void look_at_image(struct doctor *doctor, const json_t *image)
{
	const char *name = json_string_value(json_object_get(image, "name"));
	json_int_t version = json_integer_value(json_object_get(image, "current"));
	char *disk;

	if (json_is_true(json_object_get(image, "deleted")))
		return;
	if (!version) {
		doctor_find(doctor, FINDING_WARN,
			    "image %s has no current version, so no machine boots it: run 'vdiskadm image prepare %s'",
			    name, name);
		return;
	}
	disk = text_format("%s/%s/%lld/disk.img", doctor->settings.store, name, (long long)version);
	if (!place_exists(disk))
		doctor_find(doctor, FINDING_FAIL, "image %s: there is no %s", name, disk);
	else if (!has_boot_files(doctor->settings.store, name, version))
		doctor_find(doctor, FINDING_WARN,
			    "image %s has no boot files, so no machine boots it: run 'vdiskadm image prepare %s'",
			    name, name);
	free(disk);
}

static void look_at_images(struct doctor *doctor, struct catalog *catalog)
{
	struct vdisk_error err;
	json_t *images, *image;
	size_t i;

	if (catalog_list(catalog, CATALOG_IMAGE, NULL, &images, &err)) {
		doctor_find(doctor, FINDING_FAIL, "%s", err.text);
		return;
	}
	if (!json_array_size(images))
		doctor_find(doctor, FINDING_WARN, "there is no image yet: 'vdiskadm image import NAME FILE'");
	json_array_foreach(images, i, image) {
		if (doctor->settings.store)
			look_at_image(doctor, image);
	}
	json_decref(images);
}

/* Machines are told the addresses of all servers, and try them in order. */
static void look_at_server(struct doctor *doctor, const json_t *server, const char *host)
{
	const char *name = json_string_value(json_object_get(server, "name"));
	const json_t *addresses = json_object_get(server, "addresses");
	json_int_t seen = json_integer_value(json_object_get(server, "last_seen"));
	char when[64];

	if (!strcmp(name, host)) {
		/* None at all: machines are told the one they came to. */
		if (doctor->settings.address && json_array_size(addresses) &&
		    !list_has(addresses, doctor->settings.address))
			doctor_find(doctor, FINDING_WARN,
				    "server %s: machines are not told %s, the address of vdiskd.conf: see 'vdiskadm server list', and 'vdiskadm server set'",
				    name, doctor->settings.address);
	} else if (seen && time(NULL) - seen > SILENT_SECONDS) {
		doctor_find(doctor, FINDING_WARN,
			    "server %s has been silent since %s, and machines are told its addresses: run 'vdiskadm server remove %s' if it is gone",
			    name, format_time(seen, when, sizeof(when)), name);
	}
}

static void look_at_servers(struct doctor *doctor, struct catalog *catalog)
{
	struct vdisk_error err;
	json_t *servers, *server;
	char host[256] = "";
	size_t i;

	if (catalog_list(catalog, CATALOG_SERVER, NULL, &servers, &err)) {
		doctor_find(doctor, FINDING_FAIL, "%s", err.text);
		return;
	}
	gethostname(host, sizeof(host) - 1);
	json_array_foreach(servers, i, server) {
		look_at_server(doctor, server, host);
	}
	json_decref(servers);
}

void doctor_catalog(struct doctor *doctor)
{
	const char *uri = doctor->settings.catalog;
	struct catalog *catalog;
	struct vdisk_error err;
	char *there;

	if (!uri || strncmp(uri, "sqlite:", 7))
		return;
	/* Opening would make a new one. */
	if (!place_exists(uri + 7)) {
		doctor_find(doctor, FINDING_FAIL, "there is no %s%s: restore a backup, or run 'vdiskadm init'",
			    place_root, uri + 7);
		return;
	}
	there = text_format("sqlite:%s%s", place_root, uri + 7);
	if (catalog_open(&catalog, there, &err)) {
		doctor_find(doctor, FINDING_FAIL, "%s", err.text);
		free(there);
		return;
	}
	free(there);
	if (catalog_check(catalog, &err))
		doctor_find(doctor, FINDING_FAIL, "%s: restore a backup with 'vdiskadm catalog restore'",
			    err.text);
	else
		doctor_find(doctor, FINDING_OK, "the catalog is whole");
	look_at_groups(doctor, catalog);
	look_at_images(doctor, catalog);
	look_at_servers(doctor, catalog);
	catalog_close(catalog);
}
