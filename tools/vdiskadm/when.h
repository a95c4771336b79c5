/* SPDX-License-Identifier: GPL-2.0 */
/* Durations and points in time, as people write and read them. */
#ifndef VDISKADM_WHEN_H
#define VDISKADM_WHEN_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"

/* parse_duration - "90s", "30m", "1h", "1h30m", "2d", "1w"; seconds. 0 or -EINVAL. */
int parse_duration(const char *text, int64_t *seconds, struct vdisk_error *err);

/*
 * parse_since - a duration (that long before @now), "today", "2026-11-20",
 * "2026-11-20 14:30", "2026-11-20T14:30:00" in local time, or seconds since
 * 1970 as "@1763600000".  0 or -EINVAL.
 */
int parse_since(const char *text, int64_t now, int64_t *time, struct vdisk_error *err);

/* format_time - "2026-11-20 14:30:00", local time. Returns @text. */
char *format_time(int64_t time, char *text, size_t size);

/* format_seconds - "45 s", "3 min 20 s", "2 h 10 min", "4 d 3 h". Returns @text. */
char *format_seconds(int64_t seconds, char *text, size_t size);

#endif
