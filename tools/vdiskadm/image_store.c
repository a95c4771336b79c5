// SPDX-License-Identifier: GPL-2.0
#include "image_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "text.h"

#define INCOMING ".incoming-"

enum {
	CONFIG_LINE = 4096,
	VERSION_DIGITS = 9,
	ROOM_LEFT = 64 << 20,		/* for whoever else writes there */
};

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

int image_name_check(const char *name, struct vdisk_error *err)
{
	size_t length = strlen(name);

	if (!length || length > IMAGE_NAME_LONGEST || strspn(name, name_letters) != length ||
	    strchr("._-", name[0]))
		return vdisk_error_set(err, EINVAL, "'%s' cannot name an image: use a-z, 0-9, '.', '_' and '-', at most %d of them, a letter or digit first",
				       name, IMAGE_NAME_LONGEST);
	return 0;
}

/* A decimal number from 1, written in one way only. */
static bool is_version(const char *text, unsigned int *version)
{
	size_t length = strlen(text);

	if (!length || length > VERSION_DIGITS || strspn(text, "0123456789") != length ||
	    *text == '0')
		return false;
	*version = strtoul(text, NULL, 10);
	return true;
}

int image_name_split(const char *text, char *name, unsigned int *version, struct vdisk_error *err)
{
	const char *at = strchr(text, '@');
	size_t length = at ? (size_t)(at - text) : strlen(text);

	*version = 0;
	if (length > IMAGE_NAME_LONGEST)
		return image_name_check(text, err);
	memcpy(name, text, length);
	name[length] = '\0';
	if (at && !is_version(at + 1, version))
		return vdisk_error_set(err, EINVAL, "'%s' names no version: write NAME@1", text);
	return image_name_check(name, err);
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* The last "store =" counts, as for vdiskd. */
static char *configured_store(FILE *file)
{
	char line[CONFIG_LINE], *value, *store = NULL;

	while (fgets(line, sizeof(line), file)) {
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(trim(line), "store"))
			continue;
		free(store);
		store = must(strdup(trim(value)));
	}
	return store;
}

char *image_store_find(const char *given, struct vdisk_error *err)
{
	char *store;
	FILE *file;

	if (given)
		return must(strdup(given));
	file = fopen(IMAGE_CONFIG, "re");
	if (!file) {
		vdisk_error_set(err, errno, "where is the store? cannot read %s: %s; give --store DIR",
				IMAGE_CONFIG, strerror(errno));
		return NULL;
	}
	store = configured_store(file);
	fclose(file);
	if (!store || !*store) {
		free(store);
		vdisk_error_set(err, ENOENT, "%s names no store: give --store DIR", IMAGE_CONFIG);
		return NULL;
	}
	return store;
}

int image_store_newest(const char *store, const char *name, unsigned int *version,
		       struct vdisk_error *err)
{
	char *path = text_format("%s/%s", store, name);
	DIR *directory = opendir(path);
	unsigned int number;
	struct dirent *entry;
	int ret = 0;

	*version = 0;
	if (!directory && errno != ENOENT)
		ret = vdisk_error_set(err, errno, "cannot read %s: %s", path, strerror(errno));
	free(path);
	while (directory && (entry = readdir(directory)))
		if (is_version(entry->d_name, &number) && number > *version)
			*version = number;
	if (directory)
		closedir(directory);
	return ret;
}

bool image_store_prepared(const char *store, const char *name, unsigned int version)
{
	static const char *const files[] = { "vmlinuz", "initrd.img" };
	bool good = true;
	unsigned int i;

	for (i = 0; good && i < sizeof(files) / sizeof(*files); i++) {
		char *path = text_format("%s/%s/%u/%s", store, name, version, files[i]);

		good = !access(path, F_OK);
		free(path);
	}
	return good;
}

/* Folders in it too: whoever unpacks boot files may have made some. */
static void remove_tree(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	DIR *directory;

	directory = fd < 0 ? NULL : fdopendir(fd);
	while (directory && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) && (errno == EISDIR || errno == EPERM))
			remove_tree(fd, entry->d_name);
	}
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* Who makes a version holds the folder's lock; without an owner it is waste. */
static void remove_left_behind(int store_fd)
{
	int copy = openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int fd;

	while (directory && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, INCOMING, sizeof(INCOMING) - 1))
			continue;
		fd = openat(store_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!flock(fd, LOCK_EX | LOCK_NB))
			remove_tree(store_fd, entry->d_name);
		close(fd);
	}
	if (directory)
		closedir(directory);
	else if (copy >= 0)
		close(copy);
}

int incoming_open(struct incoming *incoming, const char *store, struct vdisk_error *err)
{
	*incoming = (struct incoming) { .store_fd = -1, .fd = -1 };
	incoming->store_fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (incoming->store_fd < 0)
		return vdisk_error_set(err, errno, "cannot open the store %s: %s", store,
				       strerror(errno));
	incoming->store = must(strdup(store));
	/* One that makes a folder and one that clears away must not meet half-way. */
	flock(incoming->store_fd, LOCK_EX);
	remove_left_behind(incoming->store_fd);
	incoming->path = text_format("%s/" INCOMING "XXXXXX", store);
	if (mkdtemp(incoming->path)) {
		incoming->fd = open(incoming->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (incoming->fd >= 0)
			flock(incoming->fd, LOCK_EX | LOCK_NB);
	}
	if (incoming->fd < 0) {
		int error = errno;

		rmdir(incoming->path);
		free(incoming->path);
		incoming->path = NULL;
		flock(incoming->store_fd, LOCK_UN);
		return vdisk_error_set(err, error, "cannot make a folder in the store %s: %s", store,
				       strerror(error));
	}
	flock(incoming->store_fd, LOCK_UN);
	return 0;
}

int incoming_room(const struct incoming *incoming, uint64_t bytes, struct vdisk_error *err)
{
	struct statvfs fs;
	uint64_t left;

	if (fstatvfs(incoming->fd, &fs))
		return vdisk_error_set(err, errno, "cannot ask for the store's free space: %s",
				       strerror(errno));
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	/* A small store keeps less back. */
	if (left < bytes || left - bytes < (left / 20 > ROOM_LEFT ? ROOM_LEFT : left / 20))
		return vdisk_error_set(err, ENOSPC, "no space: %llu MiB are needed in the store %s, which has %llu MiB left",
				       (unsigned long long)(bytes >> 20) + 1, incoming->store,
				       (unsigned long long)(left >> 20));
	return 0;
}

int incoming_manifest(const struct incoming *incoming, const json_t *manifest,
		      struct vdisk_error *err)
{
	int fd = openat(incoming->fd, IMAGE_MANIFEST,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int ret = -1;

	errno = 0;
	if (fd >= 0) {
		ret = json_dumpfd(manifest, fd, JSON_INDENT(2));
		if (!ret)
			ret = write(fd, "\n", 1) == 1 ? fsync(fd) : -1;
		close(fd);
	}
	if (ret)
		return vdisk_error_set(err, errno ? errno : EIO, "cannot write %s/%s: %s",
				       incoming->path, IMAGE_MANIFEST, strerror(errno ? errno : EIO));
	return 0;
}

/* Everything in the folder, and the folder. */
static int sync_all(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, ret = 0;
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!directory) {
		ret = -errno;
		if (copy >= 0)
			close(copy);
		return ret;
	}
	while (!ret && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		fd = openat(folder, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fsync(fd))
			ret = -errno;
		if (fd >= 0)
			close(fd);
	}
	closedir(directory);
	if (!ret && fsync(folder))
		ret = -errno;
	return ret;
}

static int move_in(struct incoming *incoming, const char *name, unsigned int version)
{
	char *to = text_format("%u", version);
	int fd, ret = 0;

	if (mkdirat(incoming->store_fd, name, 0755) && errno != EEXIST)
		ret = -errno;
	fd = ret ? -1 : openat(incoming->store_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!ret && fd < 0)
		ret = -errno;
	if (!ret && renameat2(AT_FDCWD, incoming->path, fd, to, RENAME_NOREPLACE)) {
		/* NFS and others know no such flag; an empty folder is replaced at most. */
		if (errno == EINVAL && faccessat(fd, to, F_OK, 0) &&
		    !renameat(AT_FDCWD, incoming->path, fd, to))
			errno = 0;
		ret = -errno;
	}
	if (!ret && (fsync(fd) || fsync(incoming->store_fd)))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	if (ret)
		unlinkat(incoming->store_fd, name, AT_REMOVEDIR);	/* if it is empty */
	free(to);
	return ret;
}

int incoming_publish(struct incoming *incoming, const char *name, unsigned int version,
		     struct vdisk_error *err)
{
	int ret = fchmod(incoming->fd, 0755) ? -errno : sync_all(incoming->fd);

	if (!ret)
		ret = move_in(incoming, name, version);
	if (ret)
		return vdisk_error_set(err, -ret, "cannot put version %u of %s into the store %s: %s",
				       version, name, incoming->store, strerror(-ret));
	free(incoming->path);
	incoming->path = NULL;
	return 0;
}

void incoming_drop(struct incoming *incoming)
{
	if (incoming->path)
		remove_tree(incoming->store_fd, strrchr(incoming->path, '/') + 1);
	if (incoming->fd >= 0)
		close(incoming->fd);
	if (incoming->store_fd >= 0)
		close(incoming->store_fd);
	free(incoming->path);
	free(incoming->store);
	*incoming = (struct incoming) { .store_fd = -1, .fd = -1 };
}

void image_store_remove(const char *store, const char *name, unsigned int version)
{
	char *path = text_format("%s/%s", store, name), *number = text_format("%u", version);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0) {
		remove_tree(fd, number);
		close(fd);
		rmdir(path);		/* if it is empty */
	}
	free(number);
	free(path);
}

json_t *image_manifest_read(const char *store, const char *name, unsigned int version,
			    struct vdisk_error *err)
{
	char *path = text_format("%s/%s/%u/" IMAGE_MANIFEST, store, name, version);
	json_t *manifest;
	json_error_t why;

	manifest = json_load_file(path, 0, &why);
	if (!manifest)
		vdisk_error_set(err, EIO, "cannot read %s: %s", path, why.text);
	else if (!json_is_object(manifest)) {
		vdisk_error_set(err, EIO, "%s is no manifest", path);
		json_decref(manifest);
		manifest = NULL;
	}
	free(path);
	return manifest;
}
