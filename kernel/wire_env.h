/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What reply.c and handshake.c need of their surroundings: they are compiled as
 * parts of the module, and for user space by unit tests and fuzzers.  They use
 * no more of the kernel than is listed here.
 */
#ifndef VDISK_WIRE_ENV_H
#define VDISK_WIRE_ENV_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>
#else
#include "../tests/fuzz/kernel_shim.h"
#endif

#endif
