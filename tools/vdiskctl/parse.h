/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands in options: sizes, numbers, devices, policies.  Each returns 0,
 * or -EINVAL (malformed) or -EOPNOTSUPP (known, but not yet) with the reason.
 */
#ifndef VDISKCTL_PARSE_H
#define VDISKCTL_PARSE_H

#include "client.h"

/* A decimal number within [min, max]; @what names it in the reason. */
int parse_number(const char *text, uint32_t min, uint32_t max, const char *what,
		 uint32_t *value, struct vdisk_error *err);

/* Bytes: a number with K, M, G or T (powers of 1024) behind it, or without. */
int parse_size(const char *text, uint64_t *bytes, struct vdisk_error *err);

/* SIZE or N%; @memory: bytes the machine has.  Rounded down to 4 KiB. */
int parse_limit(const char *text, uint64_t memory, uint64_t *bytes, struct vdisk_error *err);

/* none, ram, ram:SIZE, ram:N%: fills in kind and limit. */
int parse_overlay(const char *text, uint64_t memory, struct vdisk_overlay *overlay,
		  struct vdisk_error *err);

/* wait, wait:SECONDS, error. */
int parse_full(const char *text, struct vdisk_overlay *overlay, struct vdisk_error *err);

/* queue, fail:SECONDS, reboot:SECONDS. */
int parse_lost(const char *text, uint32_t *lost, uint32_t *seconds, struct vdisk_error *err);

/* 0, vdisk0 or /dev/vdisk0. */
int parse_device(const char *text, uint32_t *number, struct vdisk_error *err);

/* What the machine has, bytes. */
uint64_t memory_total(void);

#endif
