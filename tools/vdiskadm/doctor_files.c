// SPDX-License-Identifier: GPL-2.0
/* doctor: what lies on this machine: settings, images' space, keys, firmware's programs. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
#include "farm_keys.h"
#include "place.h"
#include "text.h"

enum {
	SPACE_LOW_PERCENT = 10,
	SPACE_GONE_MIB = 512,
	MIB = 1 << 20,
	YEAR = 365 * 24 * 3600,
	/* This was written in 2026; a clock from before that stands still. */
	CLOCK_FIRST_YEAR = 2026 - 1970, CLOCK_LAST_YEAR = 2100 - 1970,
};

void doctor_config(struct doctor *doctor)
{
	if (!place_exists(PLACE_CONFIG))
		doctor_find(doctor, FINDING_FAIL, "there is no %s%s: run 'vdiskadm init'", place_root,
			    PLACE_CONFIG);
	else if (!doctor->settings.store)
		doctor_find(doctor, FINDING_FAIL, "%s%s names no store: add 'store = DIR'", place_root,
			    PLACE_CONFIG);
	else if (!doctor->settings.catalog)
		doctor_find(doctor, FINDING_FAIL,
			    "%s%s names no catalog, so no client is known: run 'vdiskadm init'",
			    place_root, PLACE_CONFIG);
	else
		doctor_find(doctor, FINDING_OK, "%s%s", place_root, PLACE_CONFIG);
}

/* Whether files there can share blocks: an unnamed file is cloned into another. */
static int try_reflink(const char *folder)
{
	int from = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), to, ret;
	static const char block[65536] = "vdisk";

	if (from < 0)
		return -errno;
	to = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ret = to < 0 || write(from, block, sizeof(block)) != sizeof(block) || fsync(from) ||
	      ioctl(to, FICLONE, from) ? -errno : 0;
	if (to >= 0)
		close(to);
	close(from);
	return ret;
}

static void look_at_space(struct doctor *doctor, const char *folder)
{
	unsigned long long free_mib, all_mib;
	struct statvfs fs;

	if (statvfs(folder, &fs)) {
		doctor_find(doctor, FINDING_FAIL, "%s: %s", folder, strerror(errno));
		return;
	}
	free_mib = (unsigned long long)fs.f_bavail * fs.f_frsize / MIB;
	all_mib = (unsigned long long)fs.f_blocks * fs.f_frsize / MIB;
	if (free_mib < SPACE_GONE_MIB)
		doctor_find(doctor, FINDING_FAIL, "%llu MiB are free in %s: remove old versions of images",
			    free_mib, folder);
	else if (free_mib * 100 < all_mib * SPACE_LOW_PERCENT)
		doctor_find(doctor, FINDING_WARN, "only %llu of %llu MiB are free in %s", free_mib,
			    all_mib, folder);
	else
		doctor_find(doctor, FINDING_OK, "%llu MiB are free in %s", free_mib, folder);
}

void doctor_store(struct doctor *doctor)
{
	char *folder;
	int ret;

	if (!doctor->settings.store)
		return;
	folder = place_path(doctor->settings.store);
	ret = try_reflink(folder);
	if (!ret)
		doctor_find(doctor, FINDING_OK, "versions in %s can share blocks", folder);
	else if (ret == -EOPNOTSUPP || ret == -EINVAL || ret == -ENOTTY)
		doctor_find(doctor, FINDING_WARN,
			    "the filesystem of %s has no reflinks: each version takes its full size; XFS and Btrfs have them",
			    folder);
	else
		doctor_find(doctor, FINDING_FAIL, "cannot write to the store %s: %s", folder,
			    strerror(-ret));
	if (!ret || ret != -ENOENT)
		look_at_space(doctor, folder);
	free(folder);
}

static void look_at_secret(struct doctor *doctor, const char *path, mode_t allowed, bool *good)
{
	char *full = place_path(path);
	struct stat st;

	if (stat(full, &st)) {
		doctor_find(doctor, FINDING_FAIL, "%s: %s: run 'vdiskadm init' again", full,
			    strerror(errno));
		*good = false;
	} else if (st.st_mode & 07777 & ~allowed) {
		doctor_find(doctor, FINDING_FAIL, "%s can be read by others: run 'chmod %o %s'", full,
			    allowed, full);
		*good = false;
	} else if (st.st_uid && !doctor->elsewhere) {
		doctor_find(doctor, FINDING_FAIL, "%s belongs to another user: run 'chown root: %s'",
			    full, full);
		*good = false;
	}
	free(full);
}

static void look_at_certificate(struct doctor *doctor, bool *good)
{
	struct farm_keys_state state;
	struct vdisk_error err;
	bool named = true;

	if (farm_keys_look(doctor->settings.address, doctor->settings.address ? &named : NULL, &state,
			   &err)) {
		doctor_find(doctor, FINDING_FAIL, "%s", err.text);
	} else if (!state.signed_by_ca || !state.key_matches) {
		doctor_find(doctor, FINDING_FAIL, "server.crt is not of %s: no client trusts it; run 'vdiskadm init' again",
			    state.signed_by_ca ? "server.key" : "this farm's CA");
	} else if (state.ends - time(NULL) < YEAR) {
		doctor_find(doctor, FINDING_WARN, "server.crt ends soon: clients don't mind, browsers do");
	} else if (!named) {
		doctor_find(doctor, FINDING_WARN, "server.crt doesn't name %s: run 'vdiskadm init' again",
			    doctor->settings.address);
	} else {
		return;
	}
	*good = false;
}

void doctor_keys(struct doctor *doctor)
{
	static const char *const secrets[] = { "ca.key", "server.key", "farm.key", "ssh_ca", NULL };
	const char *const *name;
	bool good = true;

	look_at_secret(doctor, PLACE_KEYS, 0700, &good);
	if (!good)
		return;
	for (name = secrets; *name; name++) {
		char *path = text_format("%s/%s", PLACE_KEYS, *name);

		look_at_secret(doctor, path, 0600, &good);
		free(path);
	}
	if (good)
		look_at_certificate(doctor, &good);
	if (good)
		doctor_find(doctor, FINDING_OK, "keys are there, and nobody else's");
}

/* Whether the kernel knows of somebody who keeps its clock right. */
static bool clock_is_kept(void)
{
	struct timex timex = { .modes = 0 };

	return adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC);
}

void doctor_clock(struct doctor *doctor)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	strftime(text, sizeof(text), "%F %T UTC", gmtime_r(&now, &tm));
	if (now / YEAR < CLOCK_FIRST_YEAR || now / YEAR > CLOCK_LAST_YEAR)
		doctor_find(doctor, FINDING_FAIL,
			    "it can't be %s: set the clock, sessions and audit depend on it", text);
	else if (!clock_is_kept())
		doctor_find(doctor, FINDING_WARN,
			    "%s, but nothing keeps the clock right: 'apt install systemd-timesyncd' does", text);
	else
		doctor_find(doctor, FINDING_OK, "%s", text);
}

void doctor_ipxe(struct doctor *doctor)
{
	const char *const *file;
	bool good = true;

	for (file = place_ipxe_files; *file; file++) {
		char *path = text_format("%s/%s", PLACE_TFTP, *file);
		char *full = place_path(path);
		struct stat st;

		if (stat(full, &st) || !st.st_size || (st.st_mode & 0444) != 0444) {
			doctor_find(doctor, FINDING_FAIL,
				    "%s is missing or can't be read by all: run 'vdiskadm init' again",
				    full);
			good = false;
		}
		free(full);
		free(path);
	}
	if (good)
		doctor_find(doctor, FINDING_OK, "firmware's programs are in %s%s", place_root, PLACE_TFTP);
}
