/* SPDX-License-Identifier: GPL-2.0 */
/* The form for people. */
#ifndef VDISKCTL_FORMAT_H
#define VDISKCTL_FORMAT_H

#include <stddef.h>
#include "client.h"

/* print_status - one device, several lines. */
void print_status(const struct vdisk_status *status);

/* print_event - one line. */
void print_event(const struct vdisk_event_info *event, const char *time);

/* format_bytes - "1.5 GiB"; exact below 1 KiB. Returns @text. */
char *format_bytes(uint64_t bytes, char *text, size_t size);

/* format_ms - "1.5 s", "3 min 20 s", "2 h 10 min", "4 d 3 h". Returns @text. */
char *format_ms(uint64_t ms, char *text, size_t size);

#endif
