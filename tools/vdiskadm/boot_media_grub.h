/* SPDX-License-Identifier: GPL-2.0 */
/* A program for UEFI that boots from the servers' names, where iPXE can't: GRUB. */
#ifndef VDISKADM_BOOT_MEDIA_GRUB_H
#define VDISKADM_BOOT_MEDIA_GRUB_H

#include "error.h"

/** boot_media_grub_missing - the package that lacks for it, or NULL */
const char *boot_media_grub_missing(void);

/** boot_media_connect - write the program that starts it, at EFI/vdisk/grubx64.efi of a medium */
int boot_media_connect(const char *file, struct vdisk_error *err);

/**
 * boot_media_grub - make it
 * @file: where to
 * @config: where its configuration may lie meanwhile
 * @servers: HOST or HOST:PORT, which mean nothing to GRUB
 */
int boot_media_grub(const char *file, const char *config, const char *const *servers,
		    unsigned int count, struct vdisk_error *err);

#endif
