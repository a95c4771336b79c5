/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a device, one set a CPU: no shared cache line in the I/O path. */
#ifndef VDISK_STATS_H
#define VDISK_STATS_H

#include <linux/percpu.h>
#include "uapi/linux/vdisk.h"

struct vdisk_stats {
	u64 count[VDISK_STATS_A_MAX + 1];	/* by enum vdisk_stats_attr */
};

static inline void vdisk_stats_add(struct vdisk_stats __percpu *stats,
				   enum vdisk_stats_attr which, u64 n)
{
	this_cpu_add(stats->count[which], n);
}

static inline void vdisk_stats_sub(struct vdisk_stats __percpu *stats,
				   enum vdisk_stats_attr which, u64 n)
{
	this_cpu_sub(stats->count[which], n);
}

/* Sums all CPUs into @sum, which has VDISK_STATS_A_MAX + 1 places. */
static inline void vdisk_stats_sum(struct vdisk_stats __percpu *stats, u64 *sum)
{
	int cpu, i;

	for (i = 0; i <= VDISK_STATS_A_MAX; i++) {
		sum[i] = 0;
		for_each_possible_cpu(cpu)
			sum[i] += per_cpu_ptr(stats, cpu)->count[i];
	}
}

#endif
