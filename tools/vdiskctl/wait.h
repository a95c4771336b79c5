/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waiting for what a device becomes.  Events tell; the state is looked up too,
 * every second, so that a lost event delays and never hangs.
 */
#ifndef VDISKCTL_WAIT_H
#define VDISKCTL_WAIT_H

#include <stdbool.h>
#include "client.h"

struct waiter {
	struct vdisk_client *client;
	struct vdisk_events *events;
	int signals;			/* signalfd of SIGINT and SIGTERM, or -1 */
	struct vdisk_event_info last;	/* the last trouble with a server; no reason: none */
};

/* waiter_open - listens to events; @interruptible: SIGINT and SIGTERM end a wait. */
int waiter_open(struct waiter *waiter, bool interruptible, struct vdisk_error *err);
void waiter_close(struct waiter *waiter);

/* waiter_deafen - from now on SIGINT and SIGTERM end no wait. */
void waiter_deafen(struct waiter *waiter);

/* wait_ready - 0; -EINTR; or -errno with the reason why the attach failed. */
int wait_ready(struct waiter *waiter, uint32_t number, struct vdisk_error *err);

/* wait_gone - after a detach: 0; -EINTR; -ETIMEDOUT after @timeout_ms. */
int wait_gone(struct waiter *waiter, uint32_t number, int timeout_ms, struct vdisk_error *err);

/* now_ms - the monotonic clock. */
int64_t now_ms(void);

#endif
