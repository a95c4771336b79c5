/* SPDX-License-Identifier: GPL-2.0 */
/* Partitions that keep a client's secret (keypart.h), as devices of this machine. */
#ifndef VDISKCTL_KEYDEV_H
#define VDISKCTL_KEYDEV_H

#include <limits.h>
#include "keypart.h"

/* Where udev's rules put a link to each. */
#define KEYDEV_FOLDER "/dev/vdisk-key"

/**
 * keydev_find - the key of this machine's partitions
 * @root: put before the folder's path
 * @where: the device that has it; or, without any, one that could: "" none
 *
 * Return: 0; -ENOENT: none has a key; -EBADMSG: one is damaged; -ENOTUNIQ: several have.
 */
int keydev_find(const char *root, struct proof_key *key, char where[PATH_MAX],
		struct vdisk_error *err);

/* keydev_read - of one device; results as those of keypart_decode(), and of reading. */
int keydev_read(const char *device, struct proof_key *key, struct vdisk_error *err);

/**
 * keydev_write - put @key into a partition that has none; NULL: take away what it has
 *
 * Return: 0; -EMEDIUMTYPE: it isn't a partition of this type, and was not touched;
 * -EEXIST: it has a key; -EBADMSG: it is damaged; others.
 */
int keydev_write(const char *device, const struct proof_key *key, struct vdisk_error *err);

#endif
