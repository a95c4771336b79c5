// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "install.h"

/* As in a chroot: no link and no ".." leads out. */
static int open_within(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return syscall(SYS_openat2, root, path, &how, sizeof(how));
}

int install_exists(int root, const char *path)
{
	int fd = open_within(root, path, O_PATH);

	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

/* The directory of @path, made where it is missing.  Returns a descriptor or -errno. */
static int open_directory(int root, const char *path, const char *end)
{
	char part[PATH_MAX];
	int parent, fd;
	const char *cut;

	if (end == path)
		return open_within(root, "/", O_PATH | O_DIRECTORY);
	snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
	fd = open_within(root, part, O_PATH | O_DIRECTORY);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	cut = strrchr(part, '/');
	parent = open_directory(root, path, path + (cut - part));
	if (parent < 0)
		return parent;
	if (mkdirat(parent, cut + 1, 0755) < 0 && errno != EEXIST) {
		fd = -errno;
		close(parent);
		return fd;
	}
	close(parent);
	fd = open_within(root, part, O_PATH | O_DIRECTORY);
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

static int write_in(int directory, const char *name, mode_t mode, const void *data, size_t len)
{
	char temporary[NAME_MAX + 1];
	int fd, ret;

	snprintf(temporary, sizeof(temporary), ".vdisk.%d", getpid());
	unlinkat(directory, temporary, 0);
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, len);
	if (!ret && fchmod(fd, mode) < 0)
		ret = -errno;
	if (close(fd) < 0 && !ret)
		ret = -errno;
	if (!ret && renameat(directory, temporary, directory, name) < 0)
		ret = -errno;
	if (ret < 0)
		unlinkat(directory, temporary, 0);
	return ret;
}

int install_file(int root, const char *path, mode_t mode, const void *data, size_t len,
		 struct vdisk_error *err)
{
	const char *name = strrchr(path, '/');
	int directory, ret;

	if (!name || !name[1] || strlen(path) >= PATH_MAX)
		return vdisk_error_set(err, EINVAL, "%s: not a file's path", path);
	directory = open_directory(root, path, name);
	if (directory < 0)
		return vdisk_error_set(err, -directory, "%s: its directory: %s", path,
				       strerror(-directory));
	ret = write_in(directory, name + 1, mode, data, len);
	close(directory);
	return ret < 0 ? vdisk_error_set(err, -ret, "%s: %s", path, strerror(-ret)) : 0;
}
