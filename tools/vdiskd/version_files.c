// SPDX-License-Identifier: GPL-2.0
#include "version_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum { PATH_SIZE = 192, MANIFEST_MOST = 64 << 10, CMDLINE_MOST = 4096, DEPTH_MOST = 3 };

static int open_store(const char *store, struct vdisk_error *err)
{
	int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return vdisk_error_set(err, errno, "the store '%s' cannot be opened: %s", store,
			       strerror(errno));
}

static void place(char *path, const char *image, int64_t number)
{
	if (number)
		snprintf(path, PATH_SIZE, "%s/%lld", image, (long long)number);
	else
		snprintf(path, PATH_SIZE, "%s", image);
}

/* A small text file; NULL and 0: it isn't there. */
static int read_text(int folder, const char *name, size_t most, char **text,
		     struct vdisk_error *err)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got;

	*text = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return vdisk_error_set(err, EINVAL, "%s: %s", name, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size > most) {
		close(fd);
		return vdisk_error_set(err, EINVAL, "%s is no file of at most %zu bytes", name, most);
	}
	*text = calloc(1, st.st_size + 1);
	got = *text ? read(fd, *text, st.st_size) : -1;
	close(fd);
	if (got >= 0)
		return 0;
	free(*text);
	*text = NULL;
	return vdisk_error_set(err, EIO, "%s cannot be read", name);
}

static int check_disk(int folder, const json_t *manifest, struct vdisk_error *err)
{
	json_int_t size = json_integer_value(json_object_get(manifest, "size"));
	struct stat st;

	if (fstatat(folder, "disk.img", &st, AT_SYMLINK_NOFOLLOW))
		return vdisk_error_set(err, errno == ENOENT ? ENOENT : EINVAL, "disk.img: %s",
				       strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size != size || !size)
		return vdisk_error_set(err, EINVAL, "disk.img has %lld bytes, and manifest.json says %lld",
				       (long long)st.st_size, (long long)size);
	return 0;
}

static int read_manifest(int folder, json_t **manifest, struct vdisk_error *err)
{
	json_error_t why;
	char *text;
	int ret = read_text(folder, "manifest.json", MANIFEST_MOST, &text, err);

	if (ret)
		return ret;
	if (!text)
		return vdisk_error_set(err, ENOENT, "there is no manifest.json");
	*manifest = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	free(text);
	if (json_is_object(*manifest))
		return 0;
	json_decref(*manifest);
	*manifest = NULL;
	return vdisk_error_set(err, EINVAL, "manifest.json is not valid: %s", why.text);
}

static int collect(int folder, json_t **fields, struct vdisk_error *err)
{
	static const char *const texts[] = { "sha256", "stamp", "kernel" };
	json_t *manifest = NULL;
	char *cmdline = NULL;
	unsigned int i;
	int ret = read_manifest(folder, &manifest, err);

	if (!ret)
		ret = check_disk(folder, manifest, err);
	if (!ret)
		ret = read_text(folder, "cmdline", CMDLINE_MOST, &cmdline, err);
	if (ret) {
		json_decref(manifest);
		return ret;
	}
	*fields = json_object();
	json_object_set(*fields, "size", json_object_get(manifest, "size"));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (json_is_string(json_object_get(manifest, texts[i])))
			json_object_set(*fields, texts[i], json_object_get(manifest, texts[i]));
	if (json_is_integer(json_object_get(manifest, "created")))
		json_object_set(*fields, "created", json_object_get(manifest, "created"));
	json_decref(manifest);
	if (cmdline) {
		cmdline[strcspn(cmdline, "\r\n")] = '\0';
		if (json_object_set_new(*fields, "cmdline", json_string(cmdline)))
			ret = vdisk_error_set(err, EINVAL, "the file cmdline is not UTF-8");
		free(cmdline);
	}
	return ret;
}

int version_files_read(const char *store, const char *image, int64_t number, json_t **fields,
		       struct vdisk_error *err)
{
	int top = open_store(store, err), folder, ret;
	char path[PATH_SIZE];

	*fields = NULL;
	if (top < 0)
		return top;
	place(path, image, number);
	folder = openat(top, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ret = folder < 0 ? -errno : 0;
	close(top);
	if (ret)
		return vdisk_error_set(err, ret == -ENOENT ? ENOENT : EINVAL,
				       "%s in the store: %s", path, strerror(-ret));
	ret = collect(folder, fields, err);
	close(folder);
	if (ret) {
		json_decref(*fields);
		*fields = NULL;
	}
	return ret;
}

bool version_files_prepared(const char *store, const char *image, int64_t number)
{
	static const char *const files[] = { "vmlinuz", "initrd.img" };
	struct vdisk_error ignored;
	char path[PATH_SIZE];
	struct stat st;
	bool good = true;
	int top, folder;
	unsigned int i;

	top = open_store(store, &ignored);
	if (top < 0)
		return false;
	place(path, image, number);
	folder = openat(top, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(top);
	if (folder < 0)
		return false;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		good = good && !fstatat(folder, files[i], &st, 0) && S_ISREG(st.st_mode);
	close(folder);
	return good;
}

int version_files_hide(const char *store, const char *image, int64_t number, char *trash,
		       struct vdisk_error *err)
{
	int top = open_store(store, err), ret = 0;
	char path[PATH_SIZE];
	struct timespec now;

	*trash = '\0';
	if (top < 0)
		return top;
	place(path, image, number);
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(trash, TRASH_SIZE, ".deleted-%s-%lld-%lld%09ld", image, (long long)number,
		 (long long)now.tv_sec, now.tv_nsec);
	if (renameat(top, path, top, trash)) {
		ret = -errno;
		*trash = '\0';
	}
	close(top);
	if (!ret || ret == -ENOENT)
		return 0;
	return vdisk_error_set(err, EBUSY, "%s in the store cannot be deleted: %s", path,
			       strerror(-ret));
}

void version_files_unhide(const char *store, const char *image, int64_t number, const char *trash)
{
	int top = *trash ? open_store(store, NULL) : -1;
	char path[PATH_SIZE];

	if (top < 0)
		return;
	place(path, image, number);
	if (renameat(top, trash, top, path))
		log_event(LOG_LEVEL_ERROR, "a version cannot be put back", "from", trash, "to", path,
			  "reason", strerror(errno));
	close(top);
}

/* Takes @fd. */
static void empty(int fd, unsigned int depth)
{
	DIR *folder = fdopendir(fd);
	struct dirent *entry;
	int inner;

	if (!folder) {
		close(fd);
		return;
	}
	while ((entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!unlinkat(fd, entry->d_name, 0) || errno != EISDIR || depth == DEPTH_MOST)
			continue;
		inner = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner >= 0)
			empty(inner, depth + 1);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(folder);
}

void version_files_delete(const char *store, const char *trash)
{
	int top = *trash ? open_store(store, NULL) : -1, folder;

	if (top < 0)
		return;
	folder = openat(top, trash, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0)
		empty(folder, 0);
	if (unlinkat(top, trash, AT_REMOVEDIR))
		log_event(LOG_LEVEL_WARNING, "deleted files stay in the store", "folder", trash,
			  "reason", strerror(errno));
	close(top);
}
