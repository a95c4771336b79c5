/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VDISKD_METRICS_H
#define VDISKD_METRICS_H
#endif
