/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Admission: how many connections may be in their handshake, from one address
 * (of IPv6: one /64) and in all, and for how long.  Only these are ever evicted,
 * the oldest first.
 */
#ifndef VDISKD_ADMISSION_H
#define VDISKD_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

enum admission_limits {
	HANDSHAKE_SECONDS = 10,
	HANDSHAKES_MOST = 8192,
	HANDSHAKES_FROM_ONE = 1280,	/* a thousand behind one NAT reconnect at once */
};

struct source;

struct admission {
	struct admission *next, **previous;		/* of all, oldest first */
	struct admission *next_same, **previous_same;	/* of one source */
	struct source *source;
	struct address address;
	uint64_t order;					/* higher than that of all older ones */
	uint64_t deadline;				/* in ns; 0: none for now */
	uint64_t left;					/* then: what was left of it */
	int fd;
};

/**
 * admission_enter - a connection begins its handshake
 *
 * May evict an older one, by shutting its socket down.  From any thread.
 * Return: false without memory.
 */
bool admission_enter(struct admission *admission, const struct address *address, int fd);

/** admission_leave - it is negotiated, or about to be closed */
void admission_leave(struct admission *admission);

/** admission_pause - it waits for us and not we for it: no deadline */
void admission_pause(struct admission *admission);

/** admission_resume - it has its answer: the deadline goes on */
void admission_resume(struct admission *admission);

/** admission_evict_oldest - make room for another descriptor */
void admission_evict_oldest(void);

/** admission_expire - shut down those past their deadline; once a second */
void admission_expire(void);

#endif
