// SPDX-License-Identifier: GPL-2.0
/* The boot files from the throw-away machine: a disk with files one behind the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "prepare_vm.h"

enum { PIECE = 1 << 16, HEADER = 64, CMDLINE_MOST = 2048 };

struct boot_file {
	const char *name;
	uint64_t most;
};

/* In this order, and no others. */
static const struct boot_file files[] = {
	{ "vmlinuz", 256 << 20 },
	{ "initrd.img", 1 << 30 },
	{ "cmdline", CMDLINE_MOST },
};

static int not_ours(const char *what, struct vdisk_error *err)
{
	return vdisk_error_set(err, EPROTO, "the helper left no boot files that can be read (%s)", what);
}

/* "file NAME SIZE\n"; moves @offset behind it. */
static int read_header(int out, off_t *offset, const struct boot_file *file, uint64_t *size,
		       struct vdisk_error *err)
{
	char text[HEADER + 1], name[HEADER + 1];
	unsigned long long given;
	ssize_t n = pread(out, text, HEADER, *offset);
	char *end;

	text[n < 0 ? 0 : n] = '\0';
	end = strchr(text, '\n');
	if (!end)
		return not_ours(file->name, err);
	*end = '\0';
	if (sscanf(text, "file %64s %llu", name, &given) != 2 || strcmp(name, file->name) ||
	    !given || given > file->most)
		return not_ours(file->name, err);
	*size = given;
	*offset += end + 1 - text;
	return 0;
}

static int copy(int from, off_t *offset, int to, uint64_t size)
{
	char *piece = malloc(PIECE);
	ssize_t n = 0;

	while (piece && size) {
		n = pread(from, piece, size < PIECE ? size : PIECE, *offset);
		if (n <= 0 || write(to, piece, n) != n)
			break;
		*offset += n;
		size -= n;
	}
	free(piece);
	return size ? -EIO : 0;
}

static int unpack_one(int out, off_t *offset, int folder, const struct boot_file *file,
		      struct vdisk_error *err)
{
	uint64_t size = 0;
	int to, ret = read_header(out, offset, file, &size, err);

	if (ret)
		return ret;
	to = openat(folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ret = to < 0 ? -errno : copy(out, offset, to, size);
	if (!ret && fchmod(to, 0644))
		ret = -errno;
	if (to >= 0)
		close(to);
	if (ret)
		return vdisk_error_set(err, -ret, "cannot write %s: %s", file->name, strerror(-ret));
	return 0;
}

/* It goes into scripts of iPXE and to kernels: words of plain signs. */
static int check_cmdline(int folder, struct vdisk_error *err)
{
	char text[CMDLINE_MOST + 1];
	int fd = openat(folder, "cmdline", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, CMDLINE_MOST), i;

	if (fd >= 0)
		close(fd);
	if (n <= 0 || text[n - 1] != '\n')
		return not_ours("cmdline", err);
	for (i = 0; i < n - 1; i++)
		if (text[i] < ' ' || text[i] > '~' || strchr("\"'$`\\{}<>|&;", text[i]))
			return not_ours("cmdline", err);
	return 0;
}

int prepare_vm_unpack(int out, int folder, struct vdisk_error *err)
{
	off_t offset = 0;
	unsigned int i;
	char end[4];
	int ret;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		ret = unpack_one(out, &offset, folder, &files[i], err);
		if (ret)
			return ret;
	}
	if (pread(out, end, sizeof(end), offset) != sizeof(end) || memcmp(end, "end\n", sizeof(end)))
		return not_ours("its end", err);
	return check_cmdline(folder, err);
}
