/* SPDX-License-Identifier: GPL-2.0 */
/*
 * This machine's own disk, as the menu of an initramfs offers it.  Linux can't hand over
 * to a disk's boot loader; UEFI starts one at the next restart (BootNext), a BIOS can't.
 */
#ifndef VDISKCTL_LOCALDISK_H
#define VDISKCTL_LOCALDISK_H

#include <stdint.h>
#include "error.h"

/* Tells the boot scripts to restart the machine. */
#define LOCALDISK_FILE "/run/vdisk/local-disk"

/**
 * localdisk_find - the first of the firmware's boot entries that is a disk of this machine
 * @root: of the tree with /sys
 * @entry: its number
 *
 * The one that this machine was started by is none, nor is what is on USB: it may be the
 * boot medium.
 *
 * Return: 0; -errno: there is none that can be started, for the reason in @err.
 */
int localdisk_find(const char *root, uint16_t *entry, struct vdisk_error *err);

/** localdisk_next - have the firmware start it at the next restart, once; make LOCALDISK_FILE */
int localdisk_next(const char *root, uint16_t entry, struct vdisk_error *err);

#endif
