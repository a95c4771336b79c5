// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskctl medium: what a boot medium has for an initramfs that was not given it.
 *
 * Where the initramfs has something of its own, that counts; a pin that differs is an
 * error, for one of the two is another farm's.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pin.h"
#include "proof.h"
#include "target.h"
#include "vdiskctl.h"

enum { CONTENT_MAX = PROOF_KEY_FILE_MAX };

enum medium_file { FILE_PIN, FILE_CONF, FILE_KEY, FILES };

static const struct {
	const char *name;
	size_t most;
	mode_t mode;
} files[FILES] = {
	[FILE_PIN] = { "farm.pin", 128, 0644 },
	[FILE_CONF] = { "farm.conf", CONTENT_MAX, 0644 },
	[FILE_KEY] = { "client.key", PROOF_KEY_FILE_MAX, 0600 },
};

static ssize_t slurp(int fd, const char *path, char *data, size_t most, struct vdisk_error *err)
{
	ssize_t length = read(fd, data, most);

	return length < 0 ? vdisk_error_set(err, errno, "%s: %s", path, strerror(errno)) : length;
}

/* A plain file of at most @most bytes.  Returns its length; -ENOENT; other -errno. */
static ssize_t take_in(const char *path, char *data, size_t most, struct vdisk_error *err)
{
	struct stat st;
	ssize_t length;
	int fd;

	/* O_NONBLOCK: a pipe is not waited for. */
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return vdisk_error_set(err, errno == ENOTDIR ? ENOENT : errno, "%s: %s", path,
				       strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		length = vdisk_error_set(err, EINVAL, "%s: not a file", path);
	else if (st.st_size > (off_t)most)
		length = vdisk_error_set(err, EFBIG, "%s: %lld bytes, at most %zu are read", path,
					 (long long)st.st_size, most);
	else
		length = slurp(fd, path, data, most, err);
	close(fd);
	return length;
}

static int put_out(const char *path, const char *data, size_t length, mode_t mode,
		   struct vdisk_error *err)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (write(fd, data, length) != (ssize_t)length)
		ret = vdisk_error_set(err, EIO, "%s: cannot be written", path);
	if (close(fd) && !ret)
		ret = vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (ret)
		unlink(path);
	return ret;
}

/* The first word of a file that has a pin. */
static int pin_in(char *data, ssize_t length, const char *path, struct vdisk_error *err)
{
	data[length] = '\0';
	data[strcspn(data, " \t\r\n")] = '\0';
	if (pin_is_valid(data))
		return 0;
	return vdisk_error_set(err, EINVAL, "%s: not a pin, sha256//BASE64", path);
}

static int compare_pins(char *ours, ssize_t our_length, const char *our_path, char *theirs,
			ssize_t their_length, const char *their_path, struct vdisk_error *err)
{
	int ret = pin_in(ours, our_length, our_path, err);

	if (!ret)
		ret = pin_in(theirs, their_length, their_path, err);
	if (!ret && strcmp(ours, theirs))
		ret = vdisk_error_set(err, EPERM,
				      "this machine has the farm's pin, %s (%s), and its boot medium has %s: one of them is another farm's",
				      ours, our_path, theirs);
	return ret;
}

static int take(const char *root, const char *folder, enum medium_file file,
		struct vdisk_error *err)
{
	char ours[CONTENT_MAX + 1], theirs[CONTENT_MAX + 1], from[PATH_MAX], to[PATH_MAX];
	ssize_t our_length, their_length;
	int ret = 0;

	if (snprintf(from, sizeof(from), "%s/vdisk/%s", folder, files[file].name) >= (int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s/etc/vdisk/%s", root, files[file].name) >= (int)sizeof(to))
		return vdisk_error_set(err, ENAMETOOLONG, "%s: too long a name", folder);
	their_length = take_in(from, theirs, files[file].most, err);
	if (their_length < 0)
		return their_length == -ENOENT ? 0 : their_length;
	our_length = take_in(to, ours, files[file].most, err);
	if (our_length == -ENOENT) {
		if (file == FILE_PIN) {
			memcpy(ours, theirs, their_length);
			ret = pin_in(ours, their_length, from, err);
		}
		if (!ret)
			ret = put_out(to, theirs, their_length, files[file].mode, err);
	} else if (our_length < 0) {
		ret = our_length;
	} else if (file == FILE_PIN) {
		ret = compare_pins(ours, our_length, to, theirs, their_length, from, err);
	} else if (our_length != their_length || memcmp(ours, theirs, our_length)) {
		warn("medium: %s of the boot medium is not used: this machine has one of its own",
		     files[file].name);
	}
	explicit_bzero(ours, sizeof(ours));
	explicit_bzero(theirs, sizeof(theirs));
	return ret;
}

static int make_folder(const char *root, struct vdisk_error *err)
{
	char path[PATH_MAX];

	path_in(root, "/etc", path, sizeof(path));
	mkdir(path, 0755);
	path_in(root, "/etc/vdisk", path, sizeof(path));
	if (mkdir(path, 0755) && errno != EEXIST)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int medium_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	enum medium_file file;
	const char *root = "";
	struct vdisk_error err;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		root = optarg;
	}
	if (argc - optind != 1)
		return usage_error("medium: one folder");
	ret = make_folder(root, &err);
	for (file = 0; file < FILES && !ret; file++)
		ret = take(root, argv[optind], file, &err);
	return ret ? fail("medium: %s", err.text) : EXIT_DONE;
}
