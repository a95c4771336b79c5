// SPDX-License-Identifier: GPL-2.0
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

enum {
	PAGE = 4096,
	REGION_PAGES = 64,		/* looked at together */
	REGION = REGION_PAGES * PAGE,
	REGION_MS = 500,		/* so long what was seen there holds */
	RESIDENT_MOST = 4 << 20,	/* longer reads aren't worth a look */
	BLOCK_OF_STAT = 512,
};

struct image_identity image_identity_of(const struct stat *st, uint64_t size)
{
	/* A node in /dev says nothing of its device's content but which one it is. */
	if (S_ISBLK(st->st_mode))
		return (struct image_identity) { .device = st->st_rdev, .size = size };
	return (struct image_identity) {
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = size,
		.modified = st->st_mtim,
	};
}

bool image_same(const struct image_identity *a, const struct image_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

static int say(char *words, const char *what, int error)
{
	snprintf(words, IMAGE_WORDS, "%s: %s", what, strerror(error));
	return -error;
}

static int learn_size(struct image *image, const struct stat *st, char *words)
{
	int sector;

	image->sector = 1;
	if (S_ISREG(st->st_mode)) {
		image->size = st->st_size;
		return 0;
	}
	if (!S_ISBLK(st->st_mode)) {
		snprintf(words, IMAGE_WORDS, "neither a file nor a block device");
		return -EINVAL;
	}
	image->block_device = true;
	if (ioctl(image->fd, BLKGETSIZE64, &image->size))
		return say(words, "cannot ask the block device for its size", errno);
	if (ioctl(image->fd, BLKSSZGET, &sector))
		return say(words, "cannot ask the block device for its sectors", errno);
	image->sector = sector;
	return 0;
}

/*
 * A flock on the file itself: of two servers (or two exports that are links to
 * one file) one may write, or any number may read.  Block devices are left
 * alone: there the lock means "don't probe" to udev.
 */
static int take_lock(const struct image *image, char *words)
{
	if (image->block_device || !flock(image->fd, (image->writable ? LOCK_EX : LOCK_SH) | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return say(words, "cannot lock it", errno);
	snprintf(words, IMAGE_WORDS, "in use by another server or export%s",
		 image->writable ? "" : " that writes to it");
	return -EBUSY;
}

/* What the kernel can tell us without waiting, and what we may ask it. */
static void learn_memory(struct image *image, const struct stat *st)
{
	struct statfs fs;

	if (!image->block_device && !fstatfs(image->fd, &fs))
		image->in_memory = fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
	image->map = MAP_FAILED;
	if (!image->size)
		return;
	if (image->in_memory) {
		/* A fault fills a hole, read() doesn't. */
		if (image->writable || (uint64_t)st->st_blocks * BLOCK_OF_STAT < image->size)
			return;
		/* Given to the kernel alone, which says EFAULT where the file has become shorter. */
		image->map = mmap(NULL, image->size, PROT_READ, MAP_SHARED, image->fd, 0);
		if (image->map != MAP_FAILED)
			image->bytes = image->map;
		return;
	}
	/* To others mincore() says that all is resident. */
	if (st->st_uid != geteuid() && geteuid() != 0 && faccessat(image->fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS))
		return;
	image->map = mmap(NULL, image->size, PROT_NONE, MAP_SHARED, image->fd, 0);
	if (image->map != MAP_FAILED)
		image->regions = calloc((image->size - 1) / REGION + 1, sizeof(*image->regions));
}

int image_open(int directory, const char *path, bool writable, struct image *image, char *words)
{
	struct stat st;
	int ret;

	memset(image, 0, sizeof(*image));
	image->writable = writable;
	image->map = MAP_FAILED;
	pthread_mutex_init(&image->extent_lock, NULL);
	/* Without O_NONBLOCK a fifo in the store would hold us for ever. */
	image->fd = openat(directory, path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (image->fd < 0)
		return say(words, "cannot open it", errno);
	ret = fstat(image->fd, &st) ? say(words, "cannot stat it", errno) : 0;
	if (!ret)
		ret = learn_size(image, &st, words);
	if (!ret && image->size > INT64_MAX) {
		snprintf(words, IMAGE_WORDS, "larger than any disk can be");
		ret = -EFBIG;
	}
	if (!ret)
		ret = take_lock(image, words);
	if (ret) {
		close(image->fd);
		return ret;
	}
	/* Without it, opens of FIFOs are done; reads of files shall wait again. */
	fcntl(image->fd, F_SETFL, fcntl(image->fd, F_GETFL) & ~O_NONBLOCK);
	image->identity = image_identity_of(&st, image->size);
	learn_memory(image, &st);
	return 0;
}

int image_identity(const struct image *image, struct image_identity *identity)
{
	uint64_t size;
	struct stat st;

	if (fstat(image->fd, &st))
		return -errno;
	size = st.st_size;
	if (image->block_device && ioctl(image->fd, BLKGETSIZE64, &size))
		return -errno;
	*identity = image_identity_of(&st, size);
	return 0;
}

void image_close(struct image *image)
{
	if (image->map != MAP_FAILED)
		munmap(image->map, image->size);
	free(image->regions);
	pthread_mutex_destroy(&image->extent_lock);
	close(image->fd);
}

/* Whether all pages of a part, at most a region, are in memory. */
static bool pages_resident(const struct image *image, uint64_t from, uint64_t to)
{
	unsigned char pages[REGION_PAGES];
	size_t i, count;

	from &= ~(uint64_t)(PAGE - 1);
	count = (to - from + PAGE - 1) / PAGE;
	if (mincore((char *)image->map + from, to - from, pages))
		return false;
	for (i = 0; i < count; i++)
		if (!(pages[i] & 1))
			return false;
	return true;
}

/*
 * Whether all of a region was in memory a moment ago.  Asking for each read takes
 * a fifth of a small one's time.  Pages that go meanwhile are those that nobody
 * has read for long, and not those around what is being read.
 */
static bool region_resident(struct image *image, uint64_t region, uint32_t now)
{
	uint32_t seen = atomic_load_explicit(&image->regions[region], memory_order_relaxed);
	uint64_t from = region * REGION;

	/* The lowest bit is the answer, the others the time. */
	if (!seen || now - (seen & ~1U) >= REGION_MS * 2) {
		seen = now | pages_resident(image, from, MIN(from + REGION, image->size));
		atomic_store_explicit(&image->regions[region], seen, memory_order_relaxed);
	}
	return seen & 1;
}

/* In half milliseconds, and even; it runs around, differences don't mind. */
static uint32_t coarse_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000) * 2;
}

bool image_resident(struct image *image, uint64_t offset, size_t length)
{
	uint64_t end = offset + length, part_end;
	uint32_t now = coarse_now();

	if (!image->regions || length > RESIDENT_MOST)
		return false;
	for (; offset < end; offset = part_end) {
		part_end = MIN((offset / REGION + 1) * REGION, end);
		if (!region_resident(image, offset / REGION, now) &&
		    !pages_resident(image, offset, part_end))
			return false;
	}
	return true;
}

void image_not_resident(struct image *image, uint64_t offset)
{
	atomic_store_explicit(&image->regions[offset / REGION], 0, memory_order_relaxed);
}
