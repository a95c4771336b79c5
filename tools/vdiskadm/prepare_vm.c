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

enum {
	MEMORY_MIB = 2048,
	CPUS_MOST = 4,
	LINE_LONGEST = 1000,
	CHANGES_MOST = 10000,
	SIGN_OF_LIFE_SECONDS = 60,
};

struct talk {
	struct prepare_vm *vm;
	char line[LINE_LONGEST];
	size_t length;
	bool alive, done, failed;
	char why[LINE_LONGEST];
};

static bool is_kernel(const char *text)
{
	size_t length = strlen(text);

	return length && length < PREPARE_KERNEL && isalnum((unsigned char)*text) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-") == length;
}

static const char *after(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) || line[length] != ' ' ? NULL : line + length + 1;
}

static int take_line(struct talk *talk)
{
	struct prepare_vm *vm = talk->vm;
	const char *rest;

	talk->alive = true;
	if ((rest = after(talk->line, "step"))) {
		snprintf(vm->step, sizeof(vm->step), "%.*s", PREPARE_STEP - 1, rest);
		if (!vm->quiet)
			say("%s:", vm->step);
	} else if ((rest = after(talk->line, "change"))) {
		if (++vm->changes > CHANGES_MOST)
			return -1;
		if (!vm->quiet)
			say("  %s", rest);
	} else if ((rest = after(talk->line, "note"))) {
		say("  (%s)", rest);
	} else if ((rest = after(talk->line, "kernel")) && is_kernel(rest)) {
		snprintf(vm->prepared, sizeof(vm->prepared), "%s", rest);
		if (!vm->quiet)
			say("  %s", rest);
	} else if ((rest = after(talk->line, "error"))) {
		talk->failed = true;
		snprintf(talk->why, sizeof(talk->why), "%s", rest);
	} else if (!strcmp(talk->line, "done")) {
		talk->done = true;
	}
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

static int run_with(struct prepare_vm *vm, struct talk *talk, const char *accel, const char *cpu,
		    int kvm, struct vdisk_error *err)
{
	int log = open(vm->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int kernel = open(vm->kernel, O_RDONLY | O_CLOEXEC);
	int initramfs = open(vm->initramfs, O_RDONLY | O_CLOEXEC);
	bool dry = vm->out < 0;
	const int read[] = { kernel, initramfs, dry ? vm->disk : -1, -1 };
	const int write[] = { log, dry ? kvm : vm->disk, dry ? -1 : vm->out, kvm, -1 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char *memory = text_format("%d", MEMORY_MIB);
	char *smp = text_format("%ld", cpus < 1 ? 1 : cpus > CPUS_MOST ? CPUS_MOST : cpus);
	char *console = text_format("file,id=console,path=/proc/self/fd/%d", log);
	char *kernel_path = text_format("/proc/self/fd/%d", kernel);
	char *initramfs_path = text_format("/proc/self/fd/%d", initramfs);
	char *append = text_format("console=ttyS0 panic=-1 loglevel=6 no_timer_check nowatchdog%s%s%s",
				   dry ? " prepare.dry" : "",
				   vm->image_kernel ? " prepare.kernel=" : "",
				   vm->image_kernel ? vm->image_kernel : "");
	char *disk = text_format("file=/proc/self/fd/%d,format=raw,if=none,id=disk,cache=unsafe%s", vm->disk,
				 dry ? ",readonly=on" : ",discard=unmap,detect-zeroes=unmap");
	char *out = text_format("file=/proc/self/fd/%d,format=raw,if=none,id=out,cache=unsafe", vm->out);
	const char *const argv[] = {
		"qemu-system-x86_64", "-M", "q35,sata=off,smbus=off", "-accel", accel, "-cpu", cpu,
		"-smp", smp, "-m", memory, "-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", "-nic", "none",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-chardev", console, "-serial", "chardev:console", "-chardev", "stdio,id=talk,signal=off",
		"-serial", "chardev:talk", "-kernel", kernel_path, "-initrd", initramfs_path,
		"-append", append, "-drive", disk, "-device", "virtio-blk-pci,drive=disk",
		dry ? NULL : "-drive", out, "-device", "virtio-blk-pci,drive=out", NULL,
	};
	struct child child = {
		.argv = argv, .confined = true, .read = read, .write = write,
		.patience = vm->minutes * 60, .first = kvm >= 0 ? SIGN_OF_LIFE_SECONDS : 0,
		.output = listen_to, .context = talk,
	};
	int ret;

	if (log < 0 || kernel < 0 || initramfs < 0)
		ret = vdisk_error_set(err, errno, "cannot open what the helper boots from: %s",
				      strerror(errno));
	else
		ret = child_run(&child, err);
	if (ret > 0)
		ret = vdisk_error_set(err, EIO, "qemu-system-x86_64 failed: %s", child.said);
	free(memory);
	free(smp);
	free(console);
	free(kernel_path);
	free(initramfs_path);
	free(append);
	free(disk);
	free(out);
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
		ret = run_with(vm, talk, "kvm", "host", kvm, err);
		close(kvm);
		if (talk->alive || ret == -EINTR || ret == -ENOENT)
			return ret;
	}
	/* An emulated "rep movsb" is slow. */
	return run_with(vm, talk, "tcg,thread=multi", "max,la57=off,erms=off,fsrm=off", -1, err);
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
