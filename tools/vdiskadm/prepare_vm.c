// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing that the machine says is trusted: programs of the image have run in
 * it.  Its words are cleaned before they are printed, and decide nothing but
 * what is said of them.
 */
#include "prepare_vm.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "child.h"
#include "text.h"

#define MEMORY_MIB "2048"

enum {
	CPUS_MOST = 4,
	LINE_LONGEST = 1000,
	LINES_MOST = 20000,
	WORDS_MOST = 10,
	SIGN_OF_LIFE_SECONDS = 60,
};

struct talk {
	struct prepare_vm *vm;
	char line[LINE_LONGEST];
	size_t length;
	unsigned int lines;
	bool alive, done, failed;
	char why[LINE_LONGEST];
};

static bool is_kernel(const char *text)
{
	size_t length = strlen(text);

	return length && length < PREPARE_KERNEL && isalnum((unsigned char)*text) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-") == length;
}

static void take_step(struct talk *talk, const char *rest)
{
	struct prepare_vm *vm = talk->vm;

	snprintf(vm->step, sizeof(vm->step), "%.*s", PREPARE_STEP - 1, rest);
	if (!vm->quiet)
		say("%s:", vm->step);
}

static void take_change(struct talk *talk, const char *rest)
{
	talk->vm->changes++;
	if (!talk->vm->quiet)
		say("  %s", rest);
}

static void take_note(struct talk *talk, const char *rest)
{
	(void)talk;
	say("  (%s)", rest);
}

static void take_kernel(struct talk *talk, const char *rest)
{
	struct prepare_vm *vm = talk->vm;

	if (!is_kernel(rest))
		return;
	snprintf(vm->prepared, sizeof(vm->prepared), "%s", rest);
	if (!vm->quiet)
		say("  %s", rest);
}

static void take_error(struct talk *talk, const char *rest)
{
	talk->failed = true;
	snprintf(talk->why, sizeof(talk->why), "%s", rest);
}

static void take_end(struct talk *talk, const char *rest)
{
	(void)rest;
	talk->done = true;
}

static const struct {
	const char *word;
	void (*take)(struct talk *talk, const char *rest);
} words[] = {
	{ "step ", take_step }, { "change ", take_change }, { "note ", take_note },
	{ "kernel ", take_kernel }, { "error ", take_error }, { "done", take_end },
};

/* Not 0 when it says more than any image is worth. */
static int take_line(struct talk *talk)
{
	unsigned int i;

	talk->alive = true;
	if (++talk->lines > LINES_MOST)
		return -1;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strncmp(talk->line, words[i].word, strlen(words[i].word)))
			words[i].take(talk, talk->line + strlen(words[i].word));
	fflush(stdout);
	return 0;
}

static int listen_to(void *context, const char *data, size_t length)
{
	struct talk *talk = context;

	for (; length; data++, length--) {
		if (*data != '\n') {
			if (*data != '\r' && talk->length < sizeof(talk->line) - 1)
				talk->line[talk->length++] = *data;
			continue;
		}
		talk->line[talk->length] = '\0';
		talk->length = 0;
		if (take_line(talk))
			return -1;
	}
	return 0;
}

/* What its command line is made of; all of it is freed together. */
struct words {
	char *word[WORDS_MOST];
	size_t count;
};

static const char *keep(struct words *words, char *word)
{
	words->word[words->count++] = word;
	return word;
}

static const char *path_of(struct words *words, int fd)
{
	return keep(words, text_format("/proc/self/fd/%d", fd));
}

static const char *append_of(struct words *words, const struct prepare_vm *vm, bool emulated)
{
	return keep(words, text_format("console=ttyS0 panic=-1 loglevel=6 no_timer_check nowatchdog%s%s%s%s",
				       vm->out < 0 ? " prepare.dry" : "",
				       emulated ? " prepare.emulated" : "",
				       vm->image_kernel ? " prepare.kernel=" : "",
				       vm->image_kernel ? vm->image_kernel : ""));
}

static const char *cpus_of(struct words *words)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return keep(words, text_format("%ld", cpus < 1 ? 1 : cpus > CPUS_MOST ? CPUS_MOST : cpus));
}

/* @log, @kernel, @initramfs and @kvm (-1 without) are open. */
static int run_files(struct prepare_vm *vm, struct talk *talk, int log, int kernel, int initramfs,
		     int kvm, struct vdisk_error *err)
{
	bool dry = vm->out < 0;
	const int read[] = { kernel, initramfs, dry ? vm->disk : -1, -1 };
	const int write[] = { log, dry ? kvm : vm->disk, dry ? -1 : vm->out, kvm, -1 };
	struct words words = { .count = 0 };
	/* An emulated "rep movsb" is slow. */
	const char *const argv[] = {
		"qemu-system-x86_64", "-M", "q35,sata=off,smbus=off",
		"-accel", kvm >= 0 ? "kvm" : "tcg,thread=multi",
		"-cpu", kvm >= 0 ? "host" : "max,la57=off,erms=off,fsrm=off",
		"-smp", cpus_of(&words), "-m", MEMORY_MIB,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-chardev", keep(&words, text_format("file,id=console,path=/proc/self/fd/%d", log)),
		"-serial", "chardev:console",
		"-chardev", "stdio,id=talk,signal=off", "-serial", "chardev:talk",
		"-kernel", path_of(&words, kernel), "-initrd", path_of(&words, initramfs),
		"-append", append_of(&words, vm, kvm < 0),
		"-drive", keep(&words, text_format("file=/proc/self/fd/%d,format=raw,if=none,id=disk,cache=unsafe,%s",
						   vm->disk, dry ? "readonly=on" :
						   "discard=unmap,detect-zeroes=unmap")),
		"-device", "virtio-blk-pci,drive=disk",
		dry ? NULL : "-drive",
		keep(&words, text_format("file=/proc/self/fd/%d,format=raw,if=none,id=out,cache=unsafe", vm->out)),
		"-device", "virtio-blk-pci,drive=out", NULL,
	};
	struct child child = {
		.argv = argv, .confined = true, .read = read, .write = write,
		.patience = vm->minutes * 60, .first = kvm >= 0 ? SIGN_OF_LIFE_SECONDS : 0,
		.output = listen_to, .context = talk,
	};
	int ret = child_run(&child, err);

	if (ret > 0)
		ret = vdisk_error_set(err, EIO, "qemu-system-x86_64 failed: %s", child.said);
	while (words.count)
		free(words.word[--words.count]);
	return ret;
}

static int run_with(struct prepare_vm *vm, struct talk *talk, int kvm, struct vdisk_error *err)
{
	int log = open(vm->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int kernel = open(vm->kernel, O_RDONLY | O_CLOEXEC);
	int initramfs = open(vm->initramfs, O_RDONLY | O_CLOEXEC), ret;

	if (log < 0 || kernel < 0 || initramfs < 0)
		ret = vdisk_error_set(err, errno, "cannot open what the helper boots from: %s",
				      strerror(errno));
	else
		ret = run_files(vm, talk, log, kernel, initramfs, kvm, err);
	if (log >= 0)
		close(log);
	if (kernel >= 0)
		close(kernel);
	if (initramfs >= 0)
		close(initramfs);
	return ret;
}

/* /dev/kvm can be there and not work: only a machine that speaks proves it. */
static int run_somehow(struct prepare_vm *vm, struct talk *talk, struct vdisk_error *err)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), ret;

	if (kvm >= 0) {
		ret = run_with(vm, talk, kvm, err);
		close(kvm);
		if (talk->alive || ret == -EINTR || ret == -ENOENT)
			return ret;
	}
	return run_with(vm, talk, -1, err);
}

int prepare_vm_run(struct prepare_vm *vm, struct vdisk_error *err)
{
	struct talk talk = { .vm = vm };
	struct vdisk_error why;
	int ret;

	snprintf(vm->step, sizeof(vm->step), "starting the helper");
	ret = run_somehow(vm, &talk, &why);
	if (ret == -EINTR)
		return vdisk_error_set(err, EINTR, "interrupted");
	if (ret == -ENOENT)
		return vdisk_error_set(err, ENOENT, "there is no qemu-system-x86_64 here: install qemu-system-x86");
	if (talk.failed)
		return vdisk_error_set(err, EIO, "%s", talk.why);
	if (ret)
		return vdisk_error_set(err, -ret, "in the step '%s': %s; its console is in %s", vm->step,
				       why.text, vm->log);
	if (!talk.done)
		return vdisk_error_set(err, EIO, "in the step '%s': the helper ended early; its console is in %s",
				       vm->step, vm->log);
	return 0;
}
