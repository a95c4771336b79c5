/* SPDX-License-Identifier: GPL-2.0 */
/* How far something is: on a terminal only, one line that changes. */
#ifndef VDISKADM_PROGRESS_H
#define VDISKADM_PROGRESS_H

/** progress - show that of @what @percent are done; not more often than an eye can follow */
void progress(const char *what, double percent);

/** progress_end - take the line away */
void progress_end(void);

#endif
