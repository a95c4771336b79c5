// SPDX-License-Identifier: GPL-2.0
/* vdiskadm image prepare: a new version of an image, that boots from a vdisk. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "api.h"
#include "child.h"
#include "image_disk.h"
#include "image_store.h"
#include "image_verbs.h"
#include "image_version.h"
#include "interrupt.h"
#include "prepare_vm.h"
#include "show.h"
#include "text.h"
#include "vdiskadm.h"

#define TOOLS "usr/share/vdisk/prepare"

enum {
	MINUTES = 60,
	MINUTES_MOST = 24 * 60,
	BOOT_FILES_MOST = 1400 << 20,
	ROOM_FOR_CHANGES = 512 << 20,
	PATH_SAID = 4096,
};

struct prepare {
	char name[IMAGE_NAME_LONGEST + 1];
	unsigned int from;		/* version */
	const char *store, *root, *farm, *modules, *kernel, *comment;
	unsigned int minutes;
	enum image_current current;
	bool dry, offline, quiet;
	/* While it runs: a folder for what the helper needs. */
	char *work, *initramfs, *helper_kernel;
};

enum {
	OPT_DRY = 1, OPT_STORE, OPT_ROOT, OPT_FARM, OPT_MODULES, OPT_KERNEL, OPT_COMMENT,
	OPT_MINUTES, OPT_OFFLINE, OPT_QUIET, OPT_CURRENT,
};

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, OPT_DRY },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "from", required_argument, NULL, OPT_ROOT },
	{ "farm", required_argument, NULL, OPT_FARM },
	{ "modules", required_argument, NULL, OPT_MODULES },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "comment", required_argument, NULL, OPT_COMMENT },
	{ "minutes", required_argument, NULL, OPT_MINUTES },
	{ "offline", no_argument, NULL, OPT_OFFLINE },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "current", required_argument, NULL, OPT_CURRENT },
	{ 0 },
};

static int take_minutes(const char *text, unsigned int *minutes)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !value || value > MINUTES_MOST)
		return usage_error("--minutes '%s' is no number from 1 to %d", text, MINUTES_MOST);
	*minutes = value;
	return 0;
}

static int take_kernel(const char *text, const char **kernel)
{
	if (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-") !=
	    strlen(text) || strlen(text) >= PREPARE_KERNEL)
		return usage_error("--kernel '%s' is no version of a kernel", text);
	*kernel = text;
	return 0;
}

static int take(struct prepare *prepare, int option)
{
	switch (option) {
	case OPT_DRY:
		prepare->dry = true;
		break;
	case OPT_STORE:
		prepare->store = optarg;
		break;
	case OPT_ROOT:
		prepare->root = optarg;
		break;
	case OPT_FARM:
		prepare->farm = optarg;
		break;
	case OPT_MODULES:
		prepare->modules = optarg;
		break;
	case OPT_KERNEL:
		return take_kernel(optarg, &prepare->kernel);
	case OPT_COMMENT:
		prepare->comment = optarg;
		break;
	case OPT_MINUTES:
		return take_minutes(optarg, &prepare->minutes);
	case OPT_OFFLINE:
		prepare->offline = true;
		break;
	case OPT_QUIET:
		prepare->quiet = true;
		break;
	case OPT_CURRENT:
		return image_current_take(optarg, &prepare->current);
	default:
		return EXIT_USAGE;
	}
	return 0;
}

/* The version that the server calls current; 0: none, or there is no server. */
static int ask_for_current(const struct prepare *prepare, unsigned int *current,
			   struct vdisk_error *err)
{
	char *path = api_path("/v1/images/%s", prepare->name);
	json_t *image = NULL;
	int ret = api_get(path, &image, err);

	*current = ret ? 0 : number_of(image, "current", 0);
	json_decref(image);
	free(path);
	return ret == -EHOSTUNREACH || ret == -ECONNREFUSED || ret == -ENOENT ? 0 : ret;
}

/* The newest one when it was just imported; else what machines boot now. */
static int choose_version(struct prepare *prepare, const char *store, struct vdisk_error *err)
{
	unsigned int newest, current = 0;
	int ret;

	if (prepare->from)
		return 0;
	ret = image_store_newest(store, prepare->name, &newest, err);
	if (!ret && !newest)
		ret = vdisk_error_set(err, ENOENT, "there is no such image in the store %s", store);
	if (!ret && !prepare->offline)
		ret = ask_for_current(prepare, &current, err);
	if (ret)
		return ret;
	prepare->from = current && image_store_prepared(store, prepare->name, newest) ? current : newest;
	return 0;
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, ret = 0;
	char text[PATH_SAID];
	ssize_t n;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0)
		ret = -errno;
	while (!ret && (n = read(in, text, sizeof(text))))
		if (n < 0 || write(out, text, n) != n)
			ret = n < 0 ? -errno : -EIO;
	close(in);
	if (out >= 0)
		close(out);
	return ret;
}

/* A file of the farm's; -ENOENT: there is none. */
static int gather_file(const struct prepare *prepare, const char *name, struct vdisk_error *err)
{
	char *from = text_format("%s/%s", prepare->farm, name);
	char *to = text_format("%s/farm/%s", prepare->work, name);
	int ret = copy_file(from, to);

	if (ret)
		vdisk_error_set(err, -ret, "cannot copy %s: %s", from, strerror(-ret));
	free(from);
	free(to);
	return ret;
}

/* What clients know their servers by. */
static int gather_farm(const struct prepare *prepare, struct vdisk_error *err)
{
	char *folder = text_format("%s/farm", prepare->work), *to;
	FILE *note;
	int ret;

	ret = mkdir(folder, 0755) ? vdisk_error_set(err, errno, "cannot make %s: %s", folder,
						    strerror(errno)) :
				    gather_file(prepare, "farm.pin", err);
	if (ret == -ENOENT) {
		warn("there is no %s/farm.pin: machines log in only where their command line has the pin, rd.vdisk.pin=",
		     prepare->farm);
		ret = 0;
	}
	/* Where the farm is they are told by what boots them: few have this. */
	if (!ret)
		ret = gather_file(prepare, "farm.conf", err);
	if (ret == -ENOENT)
		ret = 0;
	to = text_format("%s/prepared", folder);
	note = ret ? NULL : fopen(to, "we");
	if (note) {
		fprintf(note, "image = %s\nfrom = %u\n", prepare->name, prepare->from);
		if (fclose(note))
			ret = vdisk_error_set(err, errno, "cannot write %s: %s", to, strerror(errno));
	} else if (!ret) {
		ret = vdisk_error_set(err, errno, "cannot write %s: %s", to, strerror(errno));
	}
	free(to);
	free(folder);
	return ret;
}

struct line {
	char text[PATH_SAID];
	size_t length;
};

static int gather_line(void *context, const char *data, size_t length)
{
	struct line *line = context;

	if (length >= sizeof(line->text) - line->length)
		return -1;
	memcpy(line->text + line->length, data, length);
	line->length += length;
	line->text[line->length] = '\0';
	return 0;
}

/* The helper's initramfs, with everything that the image is to get. */
static int make_initramfs(struct prepare *prepare, struct vdisk_error *err)
{
	char *script = text_format("%s/" TOOLS "/initramfs", prepare->root);
	char *farm = text_format("%s/farm", prepare->work);
	const char *const argv[] = { script, prepare->initramfs, prepare->root, farm, prepare->modules,
				     NULL };
	struct line said = { .length = 0 };
	struct child child = { .argv = argv, .output = gather_line, .context = &said };
	int ret = child_run(&child, err);

	if (ret > 0)
		ret = vdisk_error_set(err, EIO, "cannot make the helper's %s", child.said);
	said.text[strcspn(said.text, "\n")] = '\0';
	if (!ret)
		prepare->helper_kernel = must(strdup(said.text));
	free(script);
	free(farm);
	return ret;
}

static int run_helper(struct prepare *prepare, struct prepare_vm *vm, struct vdisk_error *err)
{
	char *log = text_format("%s/console", prepare->work);
	int ret;

	vm->kernel = prepare->helper_kernel;
	vm->initramfs = prepare->initramfs;
	vm->image_kernel = prepare->kernel;
	vm->minutes = prepare->minutes;
	vm->quiet = prepare->quiet && !prepare->dry;
	vm->log = log;
	ret = prepare_vm_run(vm, err);
	vm->log = NULL;
	free(log);
	return ret;
}

static int list_changes(struct prepare *prepare, int disk, struct vdisk_error *err)
{
	struct prepare_vm vm = { .disk = disk, .out = -1 };
	int ret = run_helper(prepare, &vm, err);

	if (!ret)
		say("%u changes would be made to %s@%u; nothing was touched", vm.changes, prepare->name,
		    prepare->from);
	return ret;
}

/* Works on the copy that lies in @incoming. */
static int work_on_copy(struct prepare *prepare, struct incoming *incoming, int disk,
			struct vdisk_error *err)
{
	struct image_version version = {
		.name = prepare->name, .format = "raw", .comment = prepare->comment,
		.offline = prepare->offline, .current = prepare->current,
	};
	struct prepare_vm vm = { .disk = disk };
	char *path = text_format("%s/boot-files", prepare->work);
	int ret;

	vm.out = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (vm.out < 0 || ftruncate(vm.out, BOOT_FILES_MOST))
		ret = vdisk_error_set(err, errno, "cannot make %s: %s", path, strerror(errno));
	else
		ret = run_helper(prepare, &vm, err);
	if (!ret)
		ret = prepare_vm_unpack(vm.out, incoming->fd, err);
	if (!ret && fsync(disk))
		ret = vdisk_error_set(err, errno, "cannot write the disk: %s", strerror(errno));
	if (vm.out >= 0)
		close(vm.out);
	/* It lies in the version's folder, which is to have what is served. */
	unlink(path);
	free(path);
	version.kernel = vm.prepared;
	return ret ? ret : image_version_finish(incoming, &version, err);
}

static int make_version(struct prepare *prepare, const char *store, int original,
			struct vdisk_error *err)
{
	struct incoming incoming;
	struct stat st;
	int disk = -1, ret = incoming_open(&incoming, store, err);

	if (!ret && fstat(original, &st))
		ret = vdisk_error_set(err, errno, "cannot stat the disk: %s", strerror(errno));
	if (!ret)
		ret = incoming_room(&incoming, st.st_blocks * 512ULL + ROOM_FOR_CHANGES, err);
	if (!ret) {
		disk = openat(incoming.fd, IMAGE_DISK, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (disk < 0)
			ret = vdisk_error_set(err, errno, "cannot make a file in the store: %s",
					      strerror(errno));
	}
	if (!ret)
		ret = image_disk_copy(original, disk, "copying", err);
	if (!ret)
		ret = work_on_copy(prepare, &incoming, disk, err);
	if (disk >= 0)
		close(disk);
	incoming_drop(&incoming);
	return ret;
}

static int open_disk(const struct prepare *prepare, const char *store, struct vdisk_error *err)
{
	char *path = text_format("%s/%s/%u/" IMAGE_DISK, store, prepare->name, prepare->from);
	int disk = open(path, O_RDONLY | O_CLOEXEC);

	if (disk < 0)
		disk = vdisk_error_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	free(path);
	return disk;
}

/* With a folder for the helper; its console stays when something failed. */
static int run_in_folder(struct prepare *prepare, const char *store, struct vdisk_error *err)
{
	int disk = open_disk(prepare, store, err), ret = disk < 0 ? disk : 0;
	char *const argv[] = { "rm", "-rf", "--", prepare->work, NULL };
	struct child remove = { .argv = (const char *const *)argv };
	struct vdisk_error ignored;

	if (!ret)
		ret = gather_farm(prepare, err);
	if (!ret)
		ret = make_initramfs(prepare, err);
	if (!ret)
		ret = prepare->dry ? list_changes(prepare, disk, err) :
				     make_version(prepare, store, disk, err);
	if (disk >= 0)
		close(disk);
	/* Where the error names the console's file, it is to be there. */
	interrupt_forget();
	if (!ret || !strstr(err->text, prepare->work))
		child_run(&remove, &ignored);
	return ret;
}

static int run(struct prepare *prepare, struct vdisk_error *err)
{
	char *store = image_store_find(prepare->store, err);
	int ret = store ? choose_version(prepare, store, err) : -err->code;

	if (!ret) {
		prepare->work = text_format("%s/vdisk-prepare-XXXXXX",
					    getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp");
		if (!mkdtemp(prepare->work))
			ret = vdisk_error_set(err, errno, "cannot make %s: %s", prepare->work,
					      strerror(errno));
	}
	if (!ret) {
		prepare->initramfs = text_format("%s/initramfs", prepare->work);
		err->text[0] = '\0';
		ret = run_in_folder(prepare, store, err);
	}
	free(prepare->initramfs);
	free(prepare->helper_kernel);
	free(prepare->work);
	free(store);
	return ret;
}

int image_prepare_main(int argc, char **argv)
{
	struct prepare prepare = {
		.root = "/", .farm = "/etc/vdisk", .minutes = MINUTES, .current = CURRENT_YES,
	};
	struct vdisk_error err;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (take(&prepare, option))
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return usage_error("give one image's NAME, or NAME@VERSION");
	if (image_name_split(argv[optind], prepare.name, &prepare.from, &err))
		return usage_error("%s", err.text);
	interrupt_catch();
	if (run(&prepare, &err))
		return fail_here("%s: %s%s", prepare.name, err.text,
				 err.code == EINPROGRESS ? "" : "; the image is as it was");
	return EXIT_DONE;
}
