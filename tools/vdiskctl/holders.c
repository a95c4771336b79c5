// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "holders.h"

enum { DEPTH_MAX = 8, NAMED_MAX = 4 };

/* A list in words: "a, b, c and others". */
struct words {
	char *text;
	size_t size, used;
	unsigned int count;
};

static void add_word(struct words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_word(struct words *words, const char *format, ...)
{
	char word[160];
	va_list args;
	int n;

	va_start(args, format);
	vsnprintf(word, sizeof(word), format, args);
	va_end(args);
	if (words->count++ > NAMED_MAX)
		return;
	n = snprintf(words->text + words->used, words->size - words->used, "%s%s",
		     words->used ? ", " : "", words->count > NAMED_MAX ? "others" : word);
	if (n > 0 && words->used + n < words->size)
		words->used += n;
	else
		words->text[words->used] = '\0';
}

/* "vdisk3" and "vdisk3p1" are of vdisk 3. */
static bool name_is_of(const char *name, uint32_t number)
{
	char disk[32];
	size_t len;

	len = snprintf(disk, sizeof(disk), "vdisk%u", number);
	return !strncmp(name, disk, len) &&
	       (!name[len] || (name[len] == 'p' && isdigit((unsigned char)name[len + 1])));
}

/* The name in sysfs of a block device: "vdisk0p1". */
static bool name_of_dev(dev_t dev, char *name, size_t size)
{
	char link[64], target[PATH_MAX];
	const char *base;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return false;
	strcpy(name, base);
	return true;
}

struct mount {
	dev_t dev;
	char where[PATH_MAX], type[64], source[PATH_MAX], options[PATH_MAX];
};

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool parse_mount(char *line, struct mount *mount)
{
	unsigned int dev_major, dev_minor;
	char *rest = strstr(line, " - ");

	mount->options[0] = '\0';
	if (!rest ||
	    sscanf(line, "%*d %*d %u:%u %*s %4095s", &dev_major, &dev_minor, mount->where) != 3 ||
	    sscanf(rest, " - %63s %4095s %4095s", mount->type, mount->source, mount->options) < 2)
		return false;
	mount->dev = makedev(dev_major, dev_minor);
	return true;
}

/* Calls @see with each mount until it returns true. */
static bool each_mount(bool (*see)(struct mount *mount, void *data), void *data)
{
	struct mount *mount = malloc(sizeof(*mount));
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool stop = false;
	char *line = NULL;
	size_t size = 0;

	while (mount && file && !stop && getline(&line, &size, file) >= 0)
		if (parse_mount(line, mount))
			stop = see(mount, data);
	free(line);
	free(mount);
	if (file)
		fclose(file);
	return stop;
}

struct search {
	uint32_t number;
	struct words words;
};

/* btrfs mounts have a device number of no disk: the source names the disk. */
static bool see_mount(struct mount *mount, void *data)
{
	struct search *search = data;
	char name[64];

	if (!name_of_dev(mount->dev, name, sizeof(name))) {
		if (strncmp(mount->source, "/dev/", 5))
			return false;
		snprintf(name, sizeof(name), "%.63s", mount->source + 5);
	}
	if (name_is_of(name, search->number))
		add_word(&search->words, "the mount on %s", mount->where);
	return false;
}

static void see_swaps(struct search *search)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[512], path[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "/dev/%255s", path) == 1 && name_is_of(path, search->number))
			add_word(&search->words, "swap on /dev/%s", path);
	if (file)
		fclose(file);
}

/* The stacked devices in a folder of sysfs; fine when it isn't there. */
static void see_holders(struct search *search, const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_word(&search->words, "the device %s", entry->d_name);
	if (dir)
		closedir(dir);
}

static void see_stacked(struct search *search)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/block/vdisk%u/holders", search->number);
	see_holders(search, path);
	snprintf(path, sizeof(path), "/sys/block/vdisk%u", search->number);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!name_is_of(entry->d_name, search->number))
			continue;
		snprintf(path, sizeof(path), "/sys/block/vdisk%u/%s/holders", search->number,
			 entry->d_name);
		see_holders(search, path);
	}
	if (dir)
		closedir(dir);
}

static bool process_holds(int proc, const char *pid, uint32_t number)
{
	char path[64], target[PATH_MAX];
	struct dirent *entry;
	bool holds = false;
	DIR *dir;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && !holds && (entry = readdir(dir))) {
		n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		holds = !strncmp(target, "/dev/", 5) && name_is_of(target + 5, number);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return holds;
}

static void see_process(struct search *search, int proc, const char *pid)
{
	char path[64], name[32] = "?";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = '\0';
		name[strcspn(name, "\n")] = '\0';
		close(fd);
	}
	add_word(&search->words, "process %s (%s)", pid, name);
}

static void see_processes(struct search *search)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_holds(dirfd(proc), entry->d_name, search->number))
			see_process(search, dirfd(proc), entry->d_name);
	if (proc)
		closedir(proc);
}

bool holders_of(uint32_t number, char *text, size_t size)
{
	struct search search = { .number = number, .words = { .text = text, .size = size } };

	text[0] = '\0';
	each_mount(see_mount, &search);
	see_swaps(&search);
	see_stacked(&search);
	see_processes(&search);
	return search.words.count > 0;
}

/* --- the root filesystem's disks --- */

/* @path: a folder of sysfs.  Follows partitions to disks, and disks to what they are made of. */
static void collect(struct root_disks *disks, const char *path, int depth)
{
	char real[PATH_MAX], below[PATH_MAX + 272];
	struct dirent *entry;
	bool stacked = false;
	unsigned int number;
	const char *base;
	DIR *dir;

	if (depth > DEPTH_MAX || !realpath(path, real))
		return;
	snprintf(below, sizeof(below), "%s/partition", real);
	if (!access(below, F_OK))
		*strrchr(real, '/') = '\0';
	snprintf(below, sizeof(below), "%s/slaves", real);
	dir = opendir(below);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		stacked = true;
		snprintf(below, sizeof(below), "%s/slaves/%.255s", real, entry->d_name);
		collect(disks, below, depth + 1);
	}
	if (dir)
		closedir(dir);
	base = strrchr(real, '/');
	if (!stacked && base && sscanf(base, "/vdisk%u", &number) == 1 &&
	    disks->count < ROOT_DISKS_MAX)
		disks->number[disks->count++] = number;
}

static void collect_dev(struct root_disks *disks, dev_t dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	collect(disks, path, 0);
}

static bool is_root(struct mount *mount, void *data)
{
	if (strcmp(mount->where, "/"))
		return false;
	*(struct mount *)data = *mount;
	/* A later mount on / hides an earlier one. */
	return false;
}

/* A root filesystem that no disk holds, so that no vdisk can hold it. */
static bool is_diskless(const char *type)
{
	static const char *const types[] = {
		"rootfs", "tmpfs", "ramfs", "nfs", "nfs4", "9p", "virtiofs", "cifs", "ceph",
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static int find_by_mount(struct root_disks *disks, struct mount *root, struct vdisk_error *err)
{
	struct stat st;

	memset(root, 0, sizeof(*root));
	each_mount(is_root, root);
	/* An initramfs has no line for its root. */
	if (!root->type[0] || is_diskless(root->type))
		return 0;
	if (stat(root->source, &st) < 0 || !S_ISBLK(st.st_mode))
		return vdisk_error_set(err, ENODEV, "cannot tell which disk / (%s) is on",
				       root->type);
	collect_dev(disks, st.st_rdev);
	return 0;
}

int find_root_disks(struct root_disks *disks, struct vdisk_error *err)
{
	struct mount *root;
	struct stat st;
	int ret;

	disks->count = 0;
	if (stat("/", &st) < 0)
		return vdisk_error_set(err, errno, "/: %s", strerror(errno));
	/* Major 0: no disk's number; btrfs and stacked filesystems have one of their own. */
	if (major(st.st_dev)) {
		collect_dev(disks, st.st_dev);
		return 0;
	}
	root = malloc(sizeof(*root));
	if (!root)
		return vdisk_error_set(err, ENOMEM, "no memory");
	ret = find_by_mount(disks, root, err);
	free(root);
	return ret;
}

bool root_disks_have(const struct root_disks *disks, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < disks->count; i++)
		if (disks->number[i] == number)
			return true;
	return false;
}
