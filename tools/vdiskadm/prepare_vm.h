/* SPDX-License-Identifier: GPL-2.0 */
/* The throw-away machine in which an image is prepared. */
#ifndef VDISKADM_PREPARE_VM_H
#define VDISKADM_PREPARE_VM_H

#include <stdbool.h>
#include "error.h"

enum { PREPARE_KERNEL = 65, PREPARE_STEP = 100 };

struct prepare_vm {
	const char *kernel, *initramfs;	/* what it boots */
	const char *image_kernel;	/* version to prepare, or NULL: the newest */
	int disk;			/* the image's; opened for reading only in a dry run */
	int out;			/* for its boot files; -1 in a dry run */
	const char *log;		/* its console goes there */
	unsigned int minutes;		/* until it is ended */
	bool quiet;			/* print no changes */
	/* What came of it. */
	char step[PREPARE_STEP];	/* the last one begun */
	char prepared[PREPARE_KERNEL];	/* the image's kernel */
	unsigned int changes;
};

/**
 * prepare_vm_run - run it to its end; prints changes as they come
 * Return: 0, or -errno with the step that failed in @err.
 */
int prepare_vm_run(struct prepare_vm *vm, struct vdisk_error *err);

/**
 * prepare_vm_unpack - write the boot files that it left into a folder
 *
 * Only vmlinuz, initrd.img and cmdline, each checked for what it may be.
 */
int prepare_vm_unpack(int out, int folder, struct vdisk_error *err);

#endif
