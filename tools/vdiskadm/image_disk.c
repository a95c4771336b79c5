// SPDX-License-Identifier: GPL-2.0
#include "image_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../vdiskd/stamp.h"
#include "interrupt.h"
#include "progress.h"
#include "text.h"

enum { PIECE = 1 << 20, HASH_BYTES = 32 };

/* Walks a file piece by piece; a hole's pieces are given as NULL. */
struct walk {
	int fd;
	uint64_t size, offset;
	uint64_t data, hole;		/* where data begin, and where they end */
	uint8_t *piece;
};

/* A filesystem that knows no holes has data all over. */
static void find_data(struct walk *walk)
{
	off_t data, hole;

	if (walk->offset < walk->hole)
		return;
	data = lseek(walk->fd, walk->offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO) {
		walk->data = walk->hole = walk->size;
		return;
	}
	hole = data < 0 ? -1 : lseek(walk->fd, data, SEEK_HOLE);
	walk->data = data < 0 ? walk->offset : (uint64_t)data;
	walk->hole = hole < 0 ? walk->size : (uint64_t)hole;
}

/* The next piece: its length, 0 at the end, or -errno. */
static ssize_t step(struct walk *walk, const void **data)
{
	uint64_t left = walk->size - walk->offset;
	ssize_t n;

	if (!left)
		return 0;
	if (interrupt_came())
		return -EINTR;
	find_data(walk);
	if (walk->offset < walk->data) {
		*data = NULL;
		left = walk->data - walk->offset;
		n = left < PIECE ? left : PIECE;
	} else {
		left = walk->hole - walk->offset;
		n = pread(walk->fd, walk->piece, left < PIECE ? left : PIECE, walk->offset);
		if (n <= 0)
			return n ? -errno : -ESTALE;
		*data = walk->piece;
	}
	walk->offset += n;
	return n;
}

static int hash(struct walk *walk, gnutls_hash_hd_t handle, const char *what)
{
	uint8_t *zeros = must(calloc(1, PIECE));
	const void *data;
	ssize_t n;

	while ((n = step(walk, &data)) > 0) {
		if (gnutls_hash(handle, data ? data : zeros, n)) {
			n = -EIO;
			break;
		}
		progress(what, 100.0 * walk->offset / walk->size);
	}
	progress_end();
	free(zeros);
	return n;
}

static int hash_file(int fd, uint64_t size, const char *what, char *hex)
{
	struct walk walk = { .fd = fd, .size = size, .piece = must(malloc(PIECE)) };
	uint8_t digest[HASH_BYTES];
	gnutls_hash_hd_t handle;
	int ret = -ENOMEM, i;

	if (!gnutls_hash_init(&handle, GNUTLS_DIG_SHA256)) {
		ret = hash(&walk, handle, what);
		gnutls_hash_deinit(handle, digest);
		for (i = 0; i < HASH_BYTES; i++)
			sprintf(hex + 2 * i, "%02x", digest[i]);
	}
	free(walk.piece);
	return ret;
}

static int stamp_it(int directory, int fd, const char *name, const char *what, struct stamp *stamp)
{
	struct stat st, after;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	stamp->size = st.st_size;
	ret = hash_file(fd, st.st_size, what, stamp->sha256);
	if (ret)
		return ret;
	if (fstat(fd, &after))
		return -errno;
	if (after.st_size != st.st_size || after.st_mtim.tv_sec != st.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != st.st_mtim.tv_nsec)
		return -ESTALE;
	stamp->modified = st.st_mtim;
	return stamp_write(directory, name, stamp);
}

int image_disk_stamp(int directory, const char *name, const char *uuid, unsigned int version,
		     const char *what, struct stamp *stamp, struct vdisk_error *err)
{
	int fd, ret;

	*stamp = (struct stamp) { .version = version };
	if (uuid)
		snprintf(stamp->uuid, sizeof(stamp->uuid), "%s", uuid);
	else if (stamp_new_uuid(stamp->uuid))
		return vdisk_error_set(err, EIO, "cannot make a UUID: %s", strerror(errno));
	fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ret = fd < 0 ? -errno : stamp_it(directory, fd, name, what, stamp);
	if (fd >= 0)
		close(fd);
	if (ret == -EINTR)
		return vdisk_error_set(err, EINTR, "interrupted");
	if (ret)
		return vdisk_error_set(err, -ret, "cannot stamp the disk: %s", strerror(-ret));
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t length, uint64_t offset)
{
	ssize_t n;

	for (; length; data += n, length -= n, offset += n) {
		n = pwrite(fd, data, length, offset);
		if (n < 0)
			return -errno;
	}
	return 0;
}

static int copy_pieces(struct walk *walk, int to, const char *what)
{
	const void *data;
	ssize_t n;
	int ret;

	while ((n = step(walk, &data)) > 0) {
		ret = data ? write_all(to, data, n, walk->offset - n) : 0;
		if (ret)
			return ret;
		progress(what, 100.0 * walk->offset / walk->size);
	}
	return n;
}

int image_disk_copy(int from, int to, const char *what, struct vdisk_error *err)
{
	struct walk walk = { .fd = from };
	struct stat st;
	int ret;

	if (!ioctl(to, FICLONE, from))
		return 0;
	if (fstat(from, &st) || ftruncate(to, st.st_size))
		return vdisk_error_set(err, errno, "cannot copy the disk: %s", strerror(errno));
	walk.size = st.st_size;
	walk.piece = must(malloc(PIECE));
	ret = copy_pieces(&walk, to, what);
	progress_end();
	free(walk.piece);
	if (ret == -EINTR)
		return vdisk_error_set(err, EINTR, "interrupted");
	if (ret)
		return vdisk_error_set(err, -ret, "cannot copy the disk: %s", strerror(-ret));
	return 0;
}
