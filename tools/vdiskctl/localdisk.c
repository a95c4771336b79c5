// SPDX-License-Identifier: GPL-2.0
/* The firmware's variables are files: four bytes of attributes, then the value. */
#include "localdisk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VARIABLES "%s/sys/firmware/efi/efivars/"
#define VENDOR "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

enum {
	PATH_SIZE = 4096,
	ATTRIBUTES = 4,
	VALUE_MOST = 4096,
	STORED = 7,			/* kept, and for boot loaders and systems to see */
	OPTION_ACTIVE = 1,
};

/* Nodes of a device path: type and subtype. */
enum {
	NODE_HEAD = 4,
	END = 0x7f,
	MESSAGING = 3,
	MEDIA = 4,
};

/* Of MESSAGING: buses of disks, and what is none of ours to start. */
static const uint8_t disk_buses[] = { 1, 2, 10, 18, 22, 23, 25, 26, 29 };
static const uint8_t other_buses[] = { 5, 11, 12, 13, 15, 16, 20, 24 };

enum { MEDIA_DISK = 1 };

static bool is_in(uint8_t value, const uint8_t *list, size_t count)
{
	return memchr(list, value, count);
}

static unsigned int word(const uint8_t *data)
{
	return data[0] | data[1] << 8;
}

/* The value's length, or -errno. */
static int read_variable(const char *root, const char *name, uint8_t *value)
{
	uint8_t data[ATTRIBUTES + VALUE_MOST];
	char path[PATH_SIZE];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), VARIABLES "%s" VENDOR, root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = read(fd, data, sizeof(data));
	close(fd);
	if (length < ATTRIBUTES)
		return length < 0 ? -errno : -EIO;
	memcpy(value, data + ATTRIBUTES, length - ATTRIBUTES);
	return length - ATTRIBUTES;
}

static bool path_is_disk(const uint8_t *node, const uint8_t *end)
{
	bool disk = false;
	unsigned int length;

	for (; end - node >= NODE_HEAD && *node != END; node += length) {
		length = word(node + 2);
		if (length < NODE_HEAD || length > end - node)
			return false;
		if (*node == MEDIA && node[1] != MEDIA_DISK)
			return disk && node[1] == 4;	/* a file's name, behind a disk */
		if (*node == MESSAGING && is_in(node[1], other_buses, sizeof(other_buses)))
			return false;
		disk |= *node == MEDIA;
		disk |= *node == MESSAGING && is_in(node[1], disk_buses, sizeof(disk_buses));
	}
	return disk;
}

/* Attributes, the path's length, a description that ends with 0, the path. */
static bool entry_is_disk(const char *root, uint16_t entry)
{
	uint8_t value[VALUE_MOST];
	int length, at = 6, bytes;
	char name[16];

	snprintf(name, sizeof(name), "Boot%04X", entry);
	length = read_variable(root, name, value);
	if (length < at || !(value[0] & OPTION_ACTIVE))
		return false;
	bytes = word(value + 4);
	while (at + 1 < length && word(value + at))
		at += 2;
	at += 2;
	return at + bytes <= length && path_is_disk(value + at, value + at + bytes);
}

int localdisk_find(const char *root, uint16_t *entry, struct vdisk_error *err)
{
	uint8_t order[VALUE_MOST], current[VALUE_MOST];
	char path[PATH_SIZE];
	bool known;
	int length, i;

	snprintf(path, sizeof(path), "%s/sys/firmware/efi", root);
	if (access(path, F_OK))
		return vdisk_error_set(err, ENOTSUP, "a BIOS started this machine, and cannot be told to start a disk");
	length = read_variable(root, "BootOrder", order);
	if (length < 0)
		return vdisk_error_set(err, -length, "the firmware's boot order cannot be read: %s",
				       strerror(-length));
	known = read_variable(root, "BootCurrent", current) == 2;
	for (i = 0; i + 1 < length; i += 2) {
		*entry = word(order + i);
		if ((!known || *entry != word(current)) && entry_is_disk(root, *entry))
			return 0;
	}
	return vdisk_error_set(err, ENOENT, "the firmware has no boot entry of a disk of this machine");
}

static int write_file(const char *path, const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), ret = 0;

	if (fd < 0)
		return -errno;
	/* The firmware takes a variable in one piece. */
	if (write(fd, data, length) != (ssize_t)length)
		ret = errno ? -errno : -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

int localdisk_next(const char *root, uint16_t entry, struct vdisk_error *err)
{
	const uint8_t value[] = { STORED, 0, 0, 0, entry & 0xff, entry >> 8 };
	char path[PATH_SIZE];
	int ret;

	snprintf(path, sizeof(path), VARIABLES "BootNext" VENDOR, root);
	ret = write_file(path, value, sizeof(value));
	if (ret)
		return vdisk_error_set(err, -ret, "the firmware does not take the local disk as its next start: %s",
				       strerror(-ret));
	snprintf(path, sizeof(path), "%s" LOCALDISK_FILE, root);
	ret = write_file(path, "\n", 1);
	if (ret)
		return vdisk_error_set(err, -ret, "cannot write %s: %s", path, strerror(-ret));
	return 0;
}
