// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image export: a version's disk, as a file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "image_disk.h"
#include "image_source.h"
#include "image_store.h"
#include "image_verbs.h"
#include "interrupt.h"
#include "text.h"
#include "vdiskadm.h"

enum { OPT_FORMAT = 1, OPT_STORE };

static const struct option options[] = {
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "store", required_argument, NULL, OPT_STORE },
	{ 0 },
};

static int write_out(int disk, int out, const char *format, struct vdisk_error *err)
{
	int ret;

	if (strcmp(format, "raw"))
		ret = image_pack(disk, out, format, "exporting", err);
	else
		ret = image_disk_copy(disk, out, "exporting", err);
	if (!ret && fsync(out))
		ret = vdisk_error_set(err, errno, "cannot write it: %s", strerror(errno));
	return ret;
}

/* Under another name until it is whole. */
static int export_disk(int disk, const char *file, const char *format, struct vdisk_error *err)
{
	char *temporary = text_format("%s.XXXXXX", file);
	int out = mkostemp(temporary, O_CLOEXEC), ret;

	if (out < 0) {
		ret = vdisk_error_set(err, errno, "cannot make a file beside '%s': %s", file,
				      strerror(errno));
		free(temporary);
		return ret;
	}
	ret = write_out(disk, out, format, err);
	close(out);
	if (!ret && renameat2(AT_FDCWD, temporary, AT_FDCWD, file, RENAME_NOREPLACE))
		ret = vdisk_error_set(err, errno, "'%s': %s", file, strerror(errno));
	if (ret)
		unlink(temporary);
	free(temporary);
	return ret;
}

static int run(const char *text, const char *file, const char *given, const char *format,
	       struct vdisk_error *err)
{
	char name[IMAGE_NAME_LONGEST + 1], *path, *store;
	unsigned int version;
	int disk, ret = image_name_split(text, name, &version, err);

	store = ret ? NULL : image_store_find(given, err);
	if (!store)
		return -err->code;
	if (!version)
		ret = image_store_newest(store, name, &version, err);
	if (!ret && !access(file, F_OK))
		ret = vdisk_error_set(err, EEXIST, "'%s' exists already", file);
	path = text_format("%s/%s/%u/" IMAGE_DISK, store, name, version);
	disk = ret ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (!ret && disk < 0)
		ret = vdisk_error_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	free(path);
	free(store);
	if (ret)
		return ret;
	ret = export_disk(disk, file, format, err);
	close(disk);
	return ret;
}

int image_export_main(int argc, char **argv)
{
	const char *store = NULL, *format = "raw";
	struct vdisk_error err;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case OPT_FORMAT:
			format = image_format(optarg);
			if (!format)
				return usage_error("the format '%s' cannot be written: it is %s",
						   optarg, image_formats());
			break;
		case OPT_STORE:
			store = optarg;
			break;
		case 'h':
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 2)
		return usage_error("give the image's NAME, or NAME@VERSION, and a FILE");
	interrupt_catch();
	if (run(argv[optind], argv[optind + 1], store, format, &err))
		return fail_here("%s: %s", argv[optind], err.text);
	return EXIT_DONE;
}
