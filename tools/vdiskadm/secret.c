// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "secret.h"
#include "text.h"

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

/* As many bytes as there are, at most @most; fewer than those of a file that grows is fine. */
static ssize_t read_file(const char *path, bool secret, char *bytes, size_t most,
			 struct vdisk_error *err)
{
	ssize_t got = 1, length = 0;
	int fd, ret;

	/* a FIFO in its place must not hold us up */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return vdisk_error_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	ret = secret ? check_secret(fd, path, err) : 0;
	while (!ret && got > 0 && (size_t)length < most) {
		got = read(fd, bytes + length, most - length);
		if (got < 0)
			ret = vdisk_error_set(err, errno, "cannot read %s: %s", path,
					      strerror(errno));
		else
			length += got;
	}
	close(fd);
	return ret < 0 ? ret : length;
}

int read_line_file(const char *path, bool secret, char *line, struct vdisk_error *err)
{
	char bytes[LINE_FILE_MAX];
	ssize_t length;
	int ret;

	length = read_file(path, secret, bytes, sizeof(bytes), err);
	ret = length < 0 ? length : take_line(path, bytes, length, line, err);
	explicit_bzero(bytes, sizeof(bytes));
	return ret;
}

int read_secret_file(const char *path, char **text, struct vdisk_error *err)
{
	char *bytes = must(malloc(SECRET_FILE_MAX + 2));
	ssize_t length;
	int ret = 0;

	length = read_file(path, true, bytes, SECRET_FILE_MAX + 1, err);
	if (length < 0)
		ret = length;
	else if (length > SECRET_FILE_MAX)
		ret = vdisk_error_set(err, EINVAL, "%s is larger than %d bytes", path,
				      SECRET_FILE_MAX);
	else if (memchr(bytes, '\0', length))
		ret = vdisk_error_set(err, EINVAL, "%s is not a text", path);
	if (ret < 0) {
		explicit_bzero(bytes, SECRET_FILE_MAX + 2);
		free(bytes);
		return ret;
	}
	if (length && bytes[length - 1] == '\n')
		length--;
	bytes[length] = '\0';
	*text = bytes;
	return 0;
}
