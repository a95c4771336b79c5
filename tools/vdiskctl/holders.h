/* SPDX-License-Identifier: GPL-2.0 */
/* Who uses a device, and which devices the root filesystem is on. */
#ifndef VDISKCTL_HOLDERS_H
#define VDISKCTL_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

enum { ROOT_DISKS_MAX = 16 };

/* The vdisks below /, also through device mapper. */
struct root_disks {
	unsigned int count;
	uint32_t number[ROOT_DISKS_MAX];
};

/*
 * holders_of - who uses a device or a partition of it, in words.
 * Mounts, swaps, device mapper and processes are looked at.  Returns false when
 * nobody was found.
 */
bool holders_of(uint32_t number, char *text, size_t size);

/*
 * find_root_disks - 0, also when / is on no disk at all; -errno when that can't
 * be told, with the reason.
 */
int find_root_disks(struct root_disks *disks, struct vdisk_error *err);
bool root_disks_have(const struct root_disks *disks, uint32_t number);

#endif
