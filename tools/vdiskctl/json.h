/* SPDX-License-Identifier: GPL-2.0 */
/* The JSON that vdiskctl prints; vdiskctl(8) documents its keys. */
#ifndef VDISKCTL_JSON_H
#define VDISKCTL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include "client.h"

/* json_status - one device. */
json_t *json_status(const struct vdisk_status *status);

/* json_event - one event; @time: as in "2026-11-20T11:22:33.123Z". */
json_t *json_event(const struct vdisk_event_info *event, const char *time);

/* print_object - prints and frees; @compact: on one line. */
void print_object(json_t *object, bool compact);

#endif
