/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few things of the kernel that kernel/reply.c and kernel/handshake.c use,
 * for user space.  See kernel/wire_env.h.
 */
#ifndef KERNEL_SHIM_H
#define KERNEL_SHIM_H

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define U32_MAX	UINT32_MAX
#define S64_MAX	INT64_MAX
#define likely(x) __builtin_expect(!!(x), 1)
#define __packed __attribute__((packed))

#define be16_to_cpu(x)	be16toh(x)
#define be32_to_cpu(x)	be32toh(x)
#define be64_to_cpu(x)	be64toh(x)
#define cpu_to_be16(x)	htobe16(x)
#define cpu_to_be32(x)	htobe32(x)
#define cpu_to_be64(x)	htobe64(x)

#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

#define GFP_ATOMIC	0
#define GFP_NOIO	0

/* Each program defines it; true: no memory is to be had. */
extern bool kernel_shim_no_memory;

static inline void *kmalloc(size_t size, int gfp)
{
	(void)gfp;
	return kernel_shim_no_memory ? NULL : malloc(size);
}

static inline void *kmalloc_array(size_t n, size_t size, int gfp)
{
	return kmalloc(n * size, gfp);
}

static inline void kfree(const void *p)
{
	free((void *)p);
}

#endif
