// SPDX-License-Identifier: GPL-2.0
/* What is known of a file's pages: it may be old, but not for long. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "tap.h"

enum { SIZE = 5 * 256 * 1024 + 4096, MIDDLE = SIZE / 2, DEADLINE_S = 30 };

static char folder[32] = "/var/tmp/vdisk-image.XXXXXX";
static int file;
static struct image image;

static void fill(void)
{
	static char bytes[SIZE];

	memset(bytes, 'x', sizeof(bytes));
	tap_ok(pwrite(file, bytes, sizeof(bytes), 0) == SIZE && !fsync(file), "a file on a disk");
}

/* Its pages in memory, or not; what the kernel makes of it in a moment of its own. */
static bool becomes(bool resident, uint64_t offset, size_t length)
{
	static char bytes[SIZE];
	const time_t end = time(NULL) + DEADLINE_S;

	do {
		if (resident && pread(file, bytes, sizeof(bytes), 0) != SIZE)
			return false;
		if (!resident && posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED))
			return false;
		if (image_resident(&image, offset, length) == resident)
			return true;
	} while (time(NULL) < end);
	return false;
}

int main(void)
{
	char words[IMAGE_WORDS] = "";
	int directory;

	if (!mkdtemp(folder))
		return 1;
	directory = open(folder, O_RDONLY | O_DIRECTORY);
	file = openat(directory, "a", O_RDWR | O_CREAT, 0600);
	fill();
	tap_ok(!image_open(directory, "a", false, &image, words), "opens: %s", words);
	if (image.in_memory) {
		tap_ok(true, "residency # SKIP /var/tmp is in memory itself");
		goto out;
	}
	tap_ok(becomes(true, 0, SIZE), "what was read is in memory, from its begin to its end");
	tap_ok(becomes(true, SIZE - 1, 1), "its last byte, too");
	tap_ok(becomes(true, MIDDLE, 300000), "and what is in several regions");
	tap_ok(becomes(false, 0, SIZE), "what was dropped isn't known to be there for ever");
	tap_ok(becomes(true, 0, SIZE), "nor to be away");
	tap_ok(!image_resident(&image, 0, (4 << 20) + 1), "a very long one is never looked at");
out:
	image_close(&image);
	unlinkat(directory, "a", 0);
	rmdir(folder);
	return tap_done();
}
