// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image import: a disk image becomes a version of an image. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "image_source.h"
#include "image_store.h"
#include "image_verbs.h"
#include "image_version.h"
#include "interrupt.h"
#include "text.h"
#include "vdiskadm.h"

enum { MOST_GIB = 2048, MOST_GIB_EVER = 16 << 20 };

struct import {
	struct image_version version;
	const char *file, *format, *store;
	uint64_t most;
};

enum { OPT_FORMAT = 1, OPT_COMMENT, OPT_PUBLIC, OPT_STORE, OPT_MAX_SIZE, OPT_OFFLINE };

static const struct option options[] = {
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "comment", required_argument, NULL, OPT_COMMENT },
	{ "public", no_argument, NULL, OPT_PUBLIC },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "offline", no_argument, NULL, OPT_OFFLINE },
	{ 0 },
};

static int take_size(const char *text, uint64_t *most)
{
	char *end;
	unsigned long gib = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !gib || gib > MOST_GIB_EVER)
		return usage_error("--max-size '%s' is no number of GiB from 1 to %d", text,
				   MOST_GIB_EVER);
	*most = (uint64_t)gib << 30;
	return 0;
}

static int take(struct import *import, int option)
{
	switch (option) {
	case OPT_FORMAT:
		import->format = image_format(optarg);
		if (!import->format)
			return usage_error("the format '%s' cannot be imported: it is %s", optarg,
					   image_formats());
		break;
	case OPT_COMMENT:
		import->version.comment = optarg;
		break;
	case OPT_PUBLIC:
		import->version.public = true;
		break;
	case OPT_STORE:
		import->store = optarg;
		break;
	case OPT_MAX_SIZE:
		return take_size(optarg, &import->most);
	case OPT_OFFLINE:
		import->version.offline = true;
		break;
	default:
		return EXIT_USAGE;
	}
	return 0;
}

static int unpack(const struct incoming *incoming, const struct image_source *source,
		  const char *name, struct vdisk_error *err)
{
	int out = openat(incoming->fd, IMAGE_DISK, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char *what;
	int ret;

	if (out < 0)
		return vdisk_error_set(err, errno, "cannot make a file in the store: %s",
				       strerror(errno));
	what = text_format("importing %s", name);
	ret = image_source_unpack(source, out, what, err);
	if (!ret && fsync(out))
		ret = vdisk_error_set(err, errno, "cannot write the disk: %s", strerror(errno));
	free(what);
	close(out);
	return ret;
}

static int import_into(struct import *import, const char *store, const struct image_source *source,
		       struct vdisk_error *err)
{
	struct incoming incoming;
	int ret;

	ret = incoming_open(&incoming, store, err);
	if (!ret)
		ret = incoming_room(&incoming, source->needed, err);
	if (!ret)
		ret = unpack(&incoming, source, import->version.name, err);
	if (!ret)
		ret = image_version_finish(&incoming, &import->version, err);
	incoming_drop(&incoming);
	return ret;
}

static int run(struct import *import, struct vdisk_error *err)
{
	char *store = image_store_find(import->store, err);
	struct image_source source;
	int ret;

	if (!store)
		return -err->code;
	ret = image_source_open(&source, import->file, import->format, import->most, err);
	if (!ret) {
		import->version.format = source.format;
		ret = import_into(import, store, &source, err);
	}
	image_source_close(&source);
	free(store);
	if (!ret)
		say("no machine boots it yet: run 'vdiskadm image prepare %s'", import->version.name);
	return ret;
}

int image_import_main(int argc, char **argv)
{
	struct import import = { .most = (uint64_t)MOST_GIB << 30 };
	struct vdisk_error err;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (take(&import, option))
			return EXIT_USAGE;
	}
	if (argc - optind != 2)
		return usage_error("give the image's NAME, and one FILE or DEVICE");
	import.version.name = argv[optind];
	import.file = argv[optind + 1];
	if (image_name_check(import.version.name, &err))
		return usage_error("%s", err.text);
	interrupt_catch();
	if (run(&import, &err))
		return fail_here("%s: %s", import.version.name, err.text);
	return EXIT_DONE;
}
