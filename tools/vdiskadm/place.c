// SPDX-License-Identifier: GPL-2.0
/* Where a server's files are, and how they are written: whole, and never over another's. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_MAX = 16 << 20 };

extern char **environ;

const char *const place_ipxe_files[] = { "undionly.kpxe", "snponly.efi", "ipxe.efi", NULL };
const char *place_root = "";

char *place_path(const char *path)
{
	char *full;

	if (asprintf(&full, "%s%s", place_root, path) < 0)
		abort();
	return full;
}

bool place_exists(const char *path)
{
	char *full = place_path(path);
	bool there = !access(full, F_OK);

	free(full);
	return there;
}

static char *read_all(int fd, size_t *size)
{
	char *text = NULL, *more;
	size_t used = 0, room = 0;
	ssize_t n;

	do {
		if (room - used < 2) {
			room = room ? 2 * room : 4096;
			more = room <= 2 * READ_MAX ? realloc(text, room) : NULL;
			if (!more) {
				free(text);
				errno = EFBIG;
				return NULL;
			}
			text = more;
		}
		n = read(fd, text + used, room - used - 1);
		if (n > 0)
			used += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[used] = '\0';
	if (size)
		*size = used;
	return text;
}

char *place_read(const char *path, size_t *size, struct vdisk_error *err)
{
	char *full = place_path(path), *text = NULL;
	int fd = open(full, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		text = read_all(fd, size);
	if (!text)
		vdisk_error_set(err, errno, "cannot read %s: %s", full, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(full);
	return text;
}

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(fd, data, size);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			size -= n;
		}
	}
	return fsync(fd);
}

/* A name beside the file, then a rename: a crash leaves the old one or the new one. */
static int write_beside(const char *full, const void *data, size_t size, mode_t mode)
{
	char *beside;
	int fd, ret;

	if (asprintf(&beside, "%s.XXXXXX", full) < 0)
		abort();
	fd = mkostemp(beside, O_CLOEXEC);
	ret = fd < 0 ? -errno : 0;
	if (!ret) {
		if (write_all(fd, data, size) || fchmod(fd, mode) || rename(beside, full)) {
			ret = -errno;
			unlink(beside);
		}
		close(fd);
	}
	free(beside);
	return ret;
}

int place_write(const char *path, const void *data, size_t size, mode_t mode,
		struct vdisk_error *err)
{
	char *full = place_path(path);
	int ret = write_beside(full, data, size, mode);

	if (ret)
		vdisk_error_set(err, -ret, "cannot write %s: %s", full, strerror(-ret));
	free(full);
	return ret;
}

int place_folder(const char *path, mode_t mode, struct vdisk_error *err)
{
	char *full = place_path(path), *slash = full;
	struct stat st;
	int ret = 0;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(full, slash ? 0755 : mode) && errno != EEXIST)
			ret = -errno;
		else if (stat(full, &st))
			ret = -errno;
		else if (!S_ISDIR(st.st_mode))
			ret = -ENOTDIR;
		if (ret)
			vdisk_error_set(err, -ret, "cannot make %s: %s", full, strerror(-ret));
		if (slash)
			*slash = '/';
	} while (slash && !ret);
	free(full);
	return ret;
}

int place_run(const char *const *words, struct vdisk_error *err)
{
	posix_spawn_file_actions_t actions;
	int ret, status;
	pid_t child;

	fflush(stdout);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	ret = posix_spawnp(&child, words[0], &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return vdisk_error_set(err, ret, "cannot run %s: %s", words[0], strerror(ret));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return vdisk_error_set(err, errno, "cannot wait for %s: %s", words[0],
					       strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return vdisk_error_set(err, EIO, "'%s %s' failed", words[0],
				       words[1] ? words[1] : "");
	return 0;
}
