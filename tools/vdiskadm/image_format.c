// SPDX-License-Identifier: GPL-2.0
/* What format an image has, by the bytes that make it one. */
#include "image_format.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include "image_source.h"

struct magic {
	const char *name;
	off_t offset;
	size_t length;
	const char *bytes;
};

static const struct magic formats[] = {
	{ "qcow2", 0, 4, "QFI\xfb" },
	{ "vmdk", 0, 4, "KDMV" },
	{ "vmdk", 0, 21, "# Disk DescriptorFile" },
	{ "vhdx", 0, 8, "vhdxfile" },
	{ "vdi", 64, 4, "\x7f\x10\xda\xbe" },
};

/* What is often taken for an image. */
static const struct magic others[] = {
	{ "compressed by gzip: unpack it first", 0, 2, "\x1f\x8b" },
	{ "compressed by xz: unpack it first", 0, 6, "\xfd" "7zXZ" },
	{ "compressed by zstd: unpack it first", 0, 4, "\x28\xb5\x2f\xfd" },
	{ "compressed by bzip2: unpack it first", 0, 3, "BZh" },
	{ "a ZIP archive: unpack it first", 0, 4, "PK\x03\x04" },
	{ "a tar archive (an OVA?): unpack it first", 257, 5, "ustar" },
	{ "a VHD, not VHDX: convert it by 'qemu-img convert -f vpc -O raw'", 0, 8, "conec" "tix" },
	{ "an ISO image, not that of a disk", 32769, 5, "CD001" },
};

/* A disk starts with a boot sector or a filesystem. */
static const struct magic disks[] = {
	{ "a boot sector", 510, 2, "\x55\xaa" },
	{ "ext4", 1080, 2, "\x53\xef" },
	{ "xfs", 0, 4, "XFSB" },
	{ "btrfs", 65600, 8, "_BHRfS_M" },
	{ "f2fs", 1024, 4, "\x10\x20\xf5\xf2" },
	{ "squashfs", 0, 4, "hsqs" },
};

static const char *const names[] = { "raw", "qcow2", "vmdk", "vhdx", "vdi" };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *image_format(const char *text)
{
	unsigned int i;

	for (i = 0; i < COUNT(names); i++)
		if (!strcmp(text, names[i]))
			return names[i];
	return NULL;
}

const char *image_formats(void)
{
	return "raw, qcow2, vmdk, vhdx or vdi";
}

static const char *find(int fd, const struct magic *magics, size_t count)
{
	char bytes[32];
	size_t i;

	for (i = 0; i < count; i++)
		if (pread(fd, bytes, magics[i].length, magics[i].offset) == (ssize_t)magics[i].length &&
		    !memcmp(bytes, magics[i].bytes, magics[i].length))
			return magics[i].name;
	return NULL;
}

int image_format_see(int fd, const char *name, const char **format, struct vdisk_error *err)
{
	const char *other;

	*format = find(fd, formats, COUNT(formats));
	if (*format)
		return 0;
	/* A disk that can be started from a CD drive, too, is a disk. */
	*format = "raw";
	if (find(fd, disks, COUNT(disks)) && !find(fd, &others[COUNT(others) - 1], 1))
		return 0;
	other = find(fd, others, COUNT(others));
	if (other)
		return vdisk_error_set(err, EINVAL, "'%s' is %s", name, other);
	return vdisk_error_set(err, EINVAL, "'%s' looks like no disk image: no format is known by such a start, and it has neither a boot sector nor a filesystem; to take it as it is give --format raw",
			       name);
}
