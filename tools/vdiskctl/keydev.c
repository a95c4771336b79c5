// SPDX-License-Identifier: GPL-2.0
#include <blkid/blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "keydev.h"
#include "target.h"

static int read_sector(int fd, const char *device, unsigned char *sector, struct vdisk_error *err)
{
	ssize_t got = pread(fd, sector, KEYPART_SECTOR, 0);

	if (got < 0)
		return vdisk_error_set(err, errno, "%s: %s", device, strerror(errno));
	if (got != KEYPART_SECTOR)
		return vdisk_error_set(err, EBADMSG, "%s: it ends after %zd bytes", device, got);
	return 0;
}

static int decode(int fd, const char *device, struct proof_key *key, struct vdisk_error *err)
{
	unsigned char sector[KEYPART_SECTOR];
	struct vdisk_error why = { .text = "" };
	int ret;

	ret = read_sector(fd, device, sector, err);
	if (ret < 0)
		return ret;
	ret = keypart_decode(sector, key, &why);
	explicit_bzero(sector, sizeof(sector));
	if (ret == -ENOENT)
		return vdisk_error_set(err, ENOENT, "%s: there is no key in it", device);
	return ret < 0 ? vdisk_error_set(err, -ret, "%s: %s", device, why.text) : 0;
}

int keydev_read(const char *device, struct proof_key *key, struct vdisk_error *err)
{
	int fd, ret;

	memset(key, 0, sizeof(*key));
	fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return vdisk_error_set(err, errno == ENOENT ? ENODEV : errno, "%s: %s", device,
				       strerror(errno));
	ret = decode(fd, device, key, err);
	close(fd);
	return ret;
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* What was found so far. */
struct search {
	struct proof_key *key;
	char *where;
	bool found;
};

static int look(const char *path, struct search *search, struct vdisk_error *err)
{
	struct proof_key key;
	int ret = keydev_read(path, &key, err);

	/* One that has just been pulled out is like one that never was. */
	if (ret == -ENODEV || ret == -ENXIO)
		return 0;
	if (ret == -ENOENT) {
		if (!search->where[0])
			strcpy(search->where, path);
		return 0;
	}
	if (!ret && search->found)
		ret = vdisk_error_set(err, ENOTUNIQ, "%s and %s both have a key: leave one of them",
				      search->where, path);
	if (!ret) {
		*search->key = key;
		strcpy(search->where, path);
		search->found = true;
	}
	proof_key_forget(&key);
	return ret;
}

int keydev_find(const char *root, struct proof_key *key, char where[PATH_MAX],
		struct vdisk_error *err)
{
	struct search search = { .key = key, .where = where };
	char folder[PATH_MAX], path[PATH_MAX];
	struct dirent **list;
	int count, i, ret = 0;

	where[0] = '\0';
	memset(key, 0, sizeof(*key));
	count = scandir(path_in(root, KEYDEV_FOLDER, folder, sizeof(folder)), &list, no_dots,
			alphasort);
	for (i = 0; i < count; i++) {
		if (!ret && snprintf(path, sizeof(path), "%.3000s/%s", folder, list[i]->d_name) > 0)
			ret = look(path, &search, err);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	if (ret)
		proof_key_forget(key);
	return ret ? ret : search.found ? 0 : -ENOENT;
}

/* What the partition table says now, not what udev remembers. */
static int check_type(const char *device, struct vdisk_error *err)
{
	blkid_probe probe = blkid_new_probe_from_filename(device);
	const char *type = NULL;
	int ret = 0;

	if (!probe)
		return vdisk_error_set(err, errno ? errno : EIO, "%s: %s", device,
				       strerror(errno ? errno : EIO));
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	if (blkid_do_safeprobe(probe) < 0 ||
	    blkid_probe_lookup_value(probe, "PART_ENTRY_TYPE", &type, NULL))
		type = NULL;
	if (!type || strcasecmp(type, KEYPART_TYPE))
		ret = vdisk_error_set(err, EMEDIUMTYPE,
				      "%s: a partition of type %s is wanted, and it is %s%s: nothing was written; make one with 'sgdisk --new=0:0:+1M --typecode=0:%s DISK'",
				      device, KEYPART_TYPE, type ? "of type " : "not a partition",
				      type ? type : "", KEYPART_TYPE);
	blkid_free_probe(probe);
	return ret;
}

static int write_sector(int fd, const char *device, const unsigned char *sector,
			struct vdisk_error *err)
{
	if (pwrite(fd, sector, KEYPART_SECTOR, 0) != KEYPART_SECTOR || fsync(fd))
		return vdisk_error_set(err, errno ? errno : EIO, "%s: %s", device,
				       strerror(errno ? errno : EIO));
	return 0;
}

static int put(int fd, const char *device, const struct proof_key *key, struct vdisk_error *err)
{
	unsigned char sector[KEYPART_SECTOR];
	struct proof_key old;
	int ret;

	ret = decode(fd, device, &old, err);
	proof_key_forget(&old);
	if (!ret && key)
		return vdisk_error_set(err, EEXIST, "%s: there is a key in it already", device);
	if (ret == -ENOENT)
		ret = key ? 0 : ret;
	if (!ret)
		ret = keypart_encode(key, sector, err);
	if (!ret)
		ret = write_sector(fd, device, sector, err);
	explicit_bzero(sector, sizeof(sector));
	return ret;
}

int keydev_write(const char *device, const struct proof_key *key, struct vdisk_error *err)
{
	int fd, ret;

	ret = check_type(device, err);
	if (ret < 0)
		return ret;
	/* Of a device O_EXCL means: nobody has it mounted, or opened like this. */
	fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return vdisk_error_set(err, errno, "%s: %s", device, strerror(errno));
	ret = put(fd, device, key, err);
	if (close(fd) < 0 && !ret)
		ret = vdisk_error_set(err, errno, "%s: %s", device, strerror(errno));
	return ret;
}
