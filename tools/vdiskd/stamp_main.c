// SPDX-License-Identifier: GPL-2.0
/* "vdiskd stamp FILE": hash an image and write its stamp beside it. */
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "image.h"

enum { EXIT_USAGE = 2, PIECE = 1 << 20, HASH_BYTES = 32 };

static int complain(const char *file, const char *what, const char *why)
{
	fprintf(stderr, "vdiskd: stamp: %s: %s: %s\n", file, what, why);
	return EXIT_FAILURE;
}

/* On a terminal only, and not more often than an eye can follow. */
static void show_progress(uint64_t done, uint64_t size)
{
	static time_t last;
	time_t now = time(NULL);

	if (!isatty(STDERR_FILENO) || (now == last && done < size))
		return;
	last = now;
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " MiB hashed%s", done >> 20, size >> 20,
		done < size ? "" : "\n");
}

static int hash_all(const struct image *image, gnutls_hash_hd_t hash, void *piece)
{
	uint64_t done = 0;
	ssize_t n;

	while (done < image->size) {
		n = pread(image->fd, piece, PIECE, done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ESTALE;
		if (gnutls_hash(hash, piece, n))
			return -EIO;
		done += n;
		show_progress(done, image->size);
	}
	return 0;
}

static int hash_image(const struct image *image, char *hex)
{
	uint8_t digest[HASH_BYTES];
	void *piece = malloc(PIECE);
	gnutls_hash_hd_t hash;
	int ret, i;

	if (!piece)
		return -ENOMEM;
	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256)) {
		free(piece);
		return -ENOMEM;
	}
	ret = hash_all(image, hash, piece);
	gnutls_hash_deinit(hash, digest);
	free(piece);
	for (i = 0; i < HASH_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	return ret;
}

/* The image keeps its name for life; only what it contains is new. */
static int name_it(const char *file, struct stamp *stamp)
{
	struct stamp old;
	int ret = stamp_read(AT_FDCWD, file, &old);

	if (ret && ret != -ENOENT)
		return complain(file, "its old stamp cannot be used; remove it to make a new one",
				ret == -EINVAL ? "not a stamp" : strerror(-ret));
	stamp->version = 1;
	if (!ret)
		strcpy(stamp->uuid, old.uuid);
	else
		ret = stamp_new_uuid(stamp->uuid);
	return ret && ret != -ENOENT ? complain(file, "cannot make a UUID", strerror(-ret)) : 0;
}

static int stamp_image(const char *file, const struct image *image)
{
	struct stamp stamp = { .size = image->size };
	struct image_identity now;
	char text[STAMP_TEXT];
	int ret;

	if (name_it(file, &stamp))
		return EXIT_FAILURE;
	ret = hash_image(image, stamp.sha256);
	if (ret)
		return complain(file, "cannot be read", strerror(-ret));
	ret = image_identity(image, &now);
	if (ret)
		return complain(file, "cannot stat it", strerror(-ret));
	if (!image_same(&now, &image->identity))
		return complain(file, "no stamp written", "it was changed meanwhile");
	stamp.modified = now.modified;
	ret = stamp_write(AT_FDCWD, file, &stamp);
	if (ret)
		return complain(file, "cannot write its stamp", strerror(-ret));
	stamp_format(&stamp, text);
	puts(text);
	return EXIT_SUCCESS;
}

int stamp_main(int argc, char **argv)
{
	char words[IMAGE_WORDS];
	struct image image;
	int ret;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		puts("usage: vdiskd stamp FILE\n"
		     "Hashes an image and writes FILE.stamp, by which servers and clients know its\n"
		     "content again.  Prints UUID:VERSION:SHA256.");
		return EXIT_SUCCESS;
	}
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "vdiskd: stamp: give one FILE; see 'vdiskd stamp --help'\n");
		return EXIT_USAGE;
	}
	ret = image_open(AT_FDCWD, argv[1], false, &image, words);
	if (ret) {
		fprintf(stderr, "vdiskd: stamp: %s: %s\n", argv[1], words);
		return EXIT_FAILURE;
	}
	ret = stamp_image(argv[1], &image);
	image_close(&image);
	return ret;
}
