// SPDX-License-Identifier: GPL-2.0
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const char heading[] = "# vdisk stamp\n";

enum { FILE_LONGEST = 1024 };

static bool is_hex(const char *text, size_t length)
{
	return strspn(text, "0123456789abcdef") == length && strlen(text) == length;
}

static bool is_uuid(const char *text)
{
	size_t i;

	if (strlen(text) != STAMP_UUID - 1)
		return false;
	for (i = 0; i < STAMP_UUID - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return true;
}

static int parse(const char *text, struct stamp *stamp)
{
	long long seconds;
	int end = 0;

	if (strncmp(text, heading, sizeof(heading) - 1))
		return -EINVAL;
	if (sscanf(text + sizeof(heading) - 1,
		   "uuid = %36s version = %u sha256 = %64s size = %" SCNu64
		   " modified = %lld.%9ld %n", stamp->uuid, &stamp->version, stamp->sha256,
		   &stamp->size, &seconds, &stamp->modified.tv_nsec, &end) != 6 ||
	    text[sizeof(heading) - 1 + end])
		return -EINVAL;
	stamp->modified.tv_sec = seconds;
	if (!is_uuid(stamp->uuid) || !is_hex(stamp->sha256, STAMP_SHA256 - 1) || !stamp->version)
		return -EINVAL;
	return 0;
}

int stamp_read(int directory, const char *image, struct stamp *stamp)
{
	char path[PATH_MAX], text[FILE_LONGEST];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s.stamp", image) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	text[n] = '\0';
	return parse(text, stamp);
}

static int write_whole(int fd, const struct stamp *stamp)
{
	if (dprintf(fd, "%suuid = %s\nversion = %u\nsha256 = %s\nsize = %" PRIu64
		    "\nmodified = %lld.%09ld\n", heading, stamp->uuid, stamp->version,
		    stamp->sha256, stamp->size, (long long)stamp->modified.tv_sec,
		    stamp->modified.tv_nsec) < 0)
		return -errno;
	return fchmod(fd, 0644) || fsync(fd) ? -errno : 0;
}

int stamp_write(int directory, const char *image, const struct stamp *stamp)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int fd, ret;

	if (snprintf(path, sizeof(path), "%s.stamp", image) >= (int)sizeof(path) ||
	    snprintf(temporary, sizeof(temporary), "%s.stamp.%ld", image, (long)getpid()) >=
	    (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_whole(fd, stamp);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(directory, temporary, directory, path))
		ret = -errno;
	if (ret)
		unlinkat(directory, temporary, 0);
	return ret;
}

void stamp_format(const struct stamp *stamp, char *text)
{
	snprintf(text, STAMP_TEXT, "%s:%u:%s", stamp->uuid, stamp->version, stamp->sha256);
}

int stamp_new_uuid(char *text)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -errno;
	b[6] = (b[6] & 0x0f) | 0x40;	/* version 4: random */
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(text, STAMP_UUID,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
	return 0;
}
