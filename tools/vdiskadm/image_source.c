// SPDX-License-Identifier: GPL-2.0
#include "image_source.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "child.h"
#include "image_format.h"
#include "progress.h"
#include "text.h"

/* As is advised for images from strangers; unpacking may take its time. */
enum {
	LOOK_SECONDS = 60,
	UNPACK_SECONDS = 600,
	UNPACK_SECONDS_GIB = 60,
	ANSWER_MOST = 4 << 20,
	CHECK_FAILED = 1, CHECK_CORRUPT = 2,
};
#define MEMORY (2ULL << 30)

struct answer {
	char *text;
	size_t length;
};

static int gather(void *context, const char *data, size_t length)
{
	struct answer *answer = context;

	if (length > ANSWER_MOST - answer->length)
		return -1;
	answer->text = must(realloc(answer->text, answer->length + length));
	memcpy(answer->text + answer->length, data, length);
	answer->length += length;
	return 0;
}

/*
 * What qemu-img says of the file, by which it is told to the administrator: the
 * path we gave it means nothing to him.
 */
static int complain(const struct image_source *source, const struct child *child,
		    struct vdisk_error *err)
{
	const char *said = child->said, *path;

	if (!strncmp(said, "qemu-img: ", 10))
		said += 10;
	path = strstr(said, source->path);
	if (!path)
		return vdisk_error_set(err, EINVAL, "'%s' cannot be read as %s: %s", source->name,
				       source->format, *said ? said : "qemu-img failed");
	return vdisk_error_set(err, EINVAL, "'%s' cannot be read as %s: %.*s%s%s", source->name,
			       source->format, (int)(path - said), said, source->name,
			       path + strlen(source->path));
}

/* Asks qemu-img for @what; its status, or -errno. */
static int ask(const struct image_source *source, const char *const *argv, json_t **json,
	       struct vdisk_error *err)
{
	const int read[] = { source->fd, -1 };
	struct answer answer = { .text = NULL };
	struct child child = {
		.argv = argv, .confined = true, .read = read, .memory = MEMORY,
		.seconds = LOOK_SECONDS, .patience = 2 * LOOK_SECONDS,
		.output = gather, .context = &answer,
	};
	json_error_t why;
	int ret = child_run(&child, err);

	*json = answer.length ? json_loadb(answer.text, answer.length, 0, &why) : NULL;
	free(answer.text);
	if (ret == -ENOENT)
		return vdisk_error_set(err, ENOENT, "there is no qemu-img here: install qemu-utils");
	if (ret >= 0 && !*json)
		return complain(source, &child, err);
	return ret;
}

static bool has_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text;
}

static int refuse(const struct image_source *source, const char *why, const char *what,
		  struct vdisk_error *err)
{
	return vdisk_error_set(err, EINVAL, "'%s' is refused: it %s%s%s; flatten it first by qemu-img convert, where you trust it",
			       source->name, why, what ? " " : "", what ? what : "");
}

/* A VMDK of one file has one extent, itself. */
static int check_extents(const struct image_source *source, const json_t *data,
			 struct vdisk_error *err)
{
	const json_t *extents = json_object_get(data, "extents"), *extent;
	const char *file;
	size_t i;

	if (!json_array_size(extents))
		return refuse(source, "does not say where its data are", NULL, err);
	for (i = 0; i < json_array_size(extents); i++) {
		extent = json_array_get(extents, i);
		file = json_string_value(json_object_get(extent, "filename"));
		if (!file || strcmp(file, source->path))
			return refuse(source, "has its data in another file,", file, err);
	}
	return 0;
}

static int check_alone(const struct image_source *source, const json_t *info,
		       struct vdisk_error *err)
{
	const json_t *data = json_object_get(json_object_get(info, "format-specific"), "data");
	const char *format = json_string_value(json_object_get(info, "format"));

	if (!format || strcmp(format, source->format))
		return refuse(source, "is not of the format", source->format, err);
	if (has_text(info, "backing-filename") || has_text(info, "full-backing-filename"))
		return refuse(source, "needs a backing file,",
			      json_string_value(json_object_get(info, "backing-filename")), err);
	if (has_text(data, "data-file"))
		return refuse(source, "has its data in another file,",
			      json_string_value(json_object_get(data, "data-file")), err);
	if (json_is_true(json_object_get(info, "encrypted")))
		return vdisk_error_set(err, EINVAL, "'%s' is refused: it is encrypted", source->name);
	if (json_is_true(json_object_get(data, "corrupt")))
		return vdisk_error_set(err, EINVAL, "'%s' is refused: it is marked as corrupt",
				       source->name);
	if (!strcmp(source->format, "vmdk"))
		return check_extents(source, data, err);
	return 0;
}

static int look(struct image_source *source, uint64_t most, struct vdisk_error *err)
{
	const char *const argv[] = { "qemu-img", "info", "--output=json", "-f", source->format,
				     source->path, NULL };
	json_t *info;
	json_int_t size;
	int ret = ask(source, argv, &info, err);

	if (ret < 0)
		return ret;
	size = json_integer_value(json_object_get(info, "virtual-size"));
	ret = check_alone(source, info, err);
	json_decref(info);
	if (ret)
		return ret;
	if (size <= 0)
		return vdisk_error_set(err, EINVAL, "'%s' is empty", source->name);
	if ((uint64_t)size > most)
		return vdisk_error_set(err, EFBIG, "'%s' is refused: its disk has %lld GiB, more than %llu; say what you take by --max-size",
				       source->name, (long long)(size >> 30),
				       (unsigned long long)(most >> 30));
	source->size = size;
	return 0;
}

/* What qemu-img does not look at: whether a VDI's blocks are all there. */
static bool vdi_is_whole(const struct image_source *source)
{
	enum { AT_DATA = 0x158, AT_BLOCK_SIZE = 0x178, AT_ALLOCATED = 0x184, HEADER = 0x188 };
	uint8_t header[HEADER];
	uint32_t data, size, allocated;

	if (pread(source->fd, header, sizeof(header), 0) != sizeof(header))
		return false;
	memcpy(&data, header + AT_DATA, sizeof(data));
	memcpy(&size, header + AT_BLOCK_SIZE, sizeof(size));
	memcpy(&allocated, header + AT_ALLOCATED, sizeof(allocated));
	return source->length >= le32toh(data) + (uint64_t)le32toh(size) * le32toh(allocated);
}

static int damaged(const struct image_source *source, struct vdisk_error *err)
{
	return vdisk_error_set(err, EINVAL, "'%s' is refused: it is damaged, or only a part of it is here ('qemu-img check -f %s' may tell more)",
			       source->name, source->format);
}

/* A file that was cut short reads as zeros where it ends: only this tells. */
static int check(const struct image_source *source, struct vdisk_error *err)
{
	const char *const argv[] = { "qemu-img", "check", "--output=json", "-f", source->format,
				     source->path, NULL };
	json_t *result;
	json_int_t corruptions, errors;
	int ret;

	if (!strcmp(source->format, "raw"))
		return 0;
	if (!strcmp(source->format, "vdi") && !vdi_is_whole(source))
		return damaged(source, err);
	ret = ask(source, argv, &result, err);
	if (ret < 0)
		return ret;
	corruptions = json_integer_value(json_object_get(result, "corruptions"));
	errors = json_integer_value(json_object_get(result, "check-errors"));
	json_decref(result);
	if (ret == CHECK_CORRUPT || ret == CHECK_FAILED || corruptions || errors)
		return damaged(source, err);
	return 0;
}

/* As qcow2 it takes what its content takes, and a little more. */
static int measure(struct image_source *source, struct vdisk_error *err)
{
	const char *const argv[] = { "qemu-img", "measure", "--output=json", "-f", source->format,
				     "-O", "qcow2", source->path, NULL };
	json_t *result;
	json_int_t needed;
	int ret = ask(source, argv, &result, err);

	if (ret < 0)
		return ret;
	needed = json_integer_value(json_object_get(result, "required"));
	json_decref(result);
	if (ret || needed < 0)
		return vdisk_error_set(err, EINVAL, "'%s' cannot be measured by qemu-img", source->name);
	source->needed = (uint64_t)needed < source->size ? (uint64_t)needed : source->size;
	return 0;
}

static int open_it(struct image_source *source, struct vdisk_error *err)
{
	struct stat st;

	source->fd = open(source->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source->fd < 0 || fstat(source->fd, &st))
		return vdisk_error_set(err, errno, "cannot open '%s': %s", source->name,
				       strerror(errno));
	if (S_ISREG(st.st_mode)) {
		source->length = st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return vdisk_error_set(err, EINVAL, "'%s' is neither a file nor a block device",
				       source->name);
	source->block_device = true;
	close(source->fd);
	/* Whatever is mounted changes while we read it. */
	source->fd = open(source->name, O_RDONLY | O_CLOEXEC | O_EXCL);
	if (source->fd < 0)
		return vdisk_error_set(err, errno, "cannot open '%s': %s", source->name,
				       errno == EBUSY ? "it is in use (mounted?)" : strerror(errno));
	if (ioctl(source->fd, BLKGETSIZE64, &source->length))
		return vdisk_error_set(err, errno, "cannot ask '%s' for its size: %s", source->name,
				       strerror(errno));
	return 0;
}

int image_source_open(struct image_source *source, const char *name, const char *format,
		      uint64_t most, struct vdisk_error *err)
{
	int ret;

	*source = (struct image_source) { .fd = -1, .name = name, .format = format };
	ret = open_it(source, err);
	if (ret)
		return ret;
	snprintf(source->path, sizeof(source->path), "/proc/self/fd/%d", source->fd);
	if (!source->length)
		return vdisk_error_set(err, EINVAL, "'%s' is empty", name);
	if (!format)
		ret = image_format_see(source->fd, name, &source->format, err);
	if (!ret)
		ret = look(source, most, err);
	if (!ret)
		ret = check(source, err);
	return ret ? ret : measure(source, err);
}

void image_source_close(struct image_source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}

/* "    (12.34/100%)\r" */
static int show_percent(void *context, const char *data, size_t length)
{
	char text[64];
	const char *open;
	double percent;

	if (length >= sizeof(text)) {
		data += length - sizeof(text) + 1;
		length = sizeof(text) - 1;
	}
	memcpy(text, data, length);
	text[length] = '\0';
	open = strrchr(text, '(');
	if (open && sscanf(open, "(%lf/100%%)", &percent) == 1)
		progress(context, percent);
	return 0;
}

static int convert(struct child *child, const char *what, struct vdisk_error *err)
{
	char *words = must(strdup(what));
	int ret;

	child->confined = true;
	child->memory = MEMORY;
	child->output = show_percent;
	child->context = words;
	ret = child_run(child, err);
	progress_end();
	free(words);
	return ret;
}

int image_source_unpack(const struct image_source *source, int out, const char *what,
			struct vdisk_error *err)
{
	const int read[] = { source->fd, -1 }, write[] = { out, -1 };
	char path[32];
	/* -n: into the file there is, whose zeros need not be written. */
	const char *const argv[] = { "qemu-img", "convert", "-p", "-n", "--target-is-zero", "-S", "4k",
				     "-f", source->format, "-O", "raw", source->path, path, NULL };
	struct child child = {
		.argv = argv, .read = read, .write = write, .file = source->size,
		.seconds = UNPACK_SECONDS + (source->size >> 30) * UNPACK_SECONDS_GIB,
	};
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
	if (ftruncate(out, source->size))
		return vdisk_error_set(err, errno, "the store cannot have a file of %llu GiB: %s",
				       (unsigned long long)(source->size >> 30), strerror(errno));
	ret = convert(&child, what, err);
	return ret > 0 ? complain(source, &child, err) : ret;
}

int image_pack(int disk, int out, const char *format, const char *what, struct vdisk_error *err)
{
	const int read[] = { disk, -1 }, write[] = { out, -1 };
	char from[32], to[32];
	const char *const argv[] = { "qemu-img", "convert", "-p", "-f", "raw", "-O", format, from, to,
				     NULL };
	struct child child = { .argv = argv, .read = read, .write = write };
	int ret;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", disk);
	snprintf(to, sizeof(to), "/proc/self/fd/%d", out);
	ret = convert(&child, what, err);
	if (ret > 0)
		return vdisk_error_set(err, EIO, "cannot write it as %s: %s", format, child.said);
	return ret;
}
