/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VDISKCTL_KLOG_H
#define VDISKCTL_KLOG_H

/*
 * kernel_log - the last 200 lines of the kernel's log, where the initramfs writes too,
 * as printable ASCII.  The caller frees it; NULL when nobody lets us read it.
 */
char *kernel_log(void);

#endif
