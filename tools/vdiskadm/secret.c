// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "secret.h"

/* Looks at the open file: its name may mean another one a moment later. */
static int check_secret(int fd, const char *path, struct vdisk_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return vdisk_error_set(err, EACCES, "%s is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid)
		return vdisk_error_set(err, EACCES, "%s belongs to somebody else", path);
	if (st.st_mode & 077)
		return vdisk_error_set(err, EACCES,
				       "%s can be read by others: run 'chmod 600 %s'", path, path);
	return 0;
}

static int take_line(const char *path, const char *bytes, size_t length, char *line,
		     struct vdisk_error *err)
{
	static const char blanks[] = " \t\r";
	const char *end = memchr(bytes, '\n', length);

	if (end)
		length = end - bytes;
	while (length && strchr(blanks, *bytes)) {
		bytes++;
		length--;
	}
	while (length && strchr(blanks, bytes[length - 1]))
		length--;
	if (!length)
		return vdisk_error_set(err, EINVAL, "%s is empty", path);
	if (length >= LINE_FILE_MAX)
		return vdisk_error_set(err, EINVAL, "%s has too long a line", path);
	if (memchr(bytes, '\0', length))
		return vdisk_error_set(err, EINVAL, "%s is not a text", path);
	memcpy(line, bytes, length);
	line[length] = '\0';
	return 0;
}

int read_line_file(const char *path, bool secret, char *line, struct vdisk_error *err)
{
	char bytes[LINE_FILE_MAX];
	ssize_t length;
	int fd, ret;

	/* a FIFO in its place must not hold us up */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return vdisk_error_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	ret = secret ? check_secret(fd, path, err) : 0;
	if (!ret) {
		length = read(fd, bytes, sizeof(bytes));
		if (length < 0)
			ret = vdisk_error_set(err, errno, "cannot read %s: %s", path,
					      strerror(errno));
		else
			ret = take_line(path, bytes, length, line, err);
	}
	explicit_bzero(bytes, sizeof(bytes));
	close(fd);
	return ret;
}
