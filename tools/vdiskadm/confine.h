/* SPDX-License-Identifier: GPL-2.0 */
/* A process that is to read what nobody vouches for: what it may still do. */
#ifndef VDISKADM_CONFINE_H
#define VDISKADM_CONFINE_H

/**
 * confine - take everything from this process that reading an image doesn't need
 * @read:  descriptors of files it may read, -1 ends them
 * @write: descriptors of files it may read and write, -1 ends them
 *
 * No new privileges, hardly a capability, no network when we are root; by
 * Landlock, where the kernel has it, no file but these and the programs and
 * libraries of the system.  Meant for between fork() and exec().
 *
 * Return: 0, or -1 with errno.
 */
int confine(const int *read, const int *write);

#endif
