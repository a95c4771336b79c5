/* SPDX-License-Identifier: GPL-2.0 */
/* One HTTP exchange with one server.  Part of farm.c, nobody else's. */
#ifndef VDISK_FARM_WIRE_H
#define VDISK_FARM_WIRE_H

#include <stdbool.h>
#include "farm.h"

/* How a server is reached, and what it must prove. */
struct farm_wire {
	const char *address;		/* "HOST:PORT" or "[IPV6]:PORT" */
	const char *socket;		/* or a Unix socket's path */
	bool plain;
	bool trust_network;
	const char *pin;
	const char *token;
	unsigned int try_seconds;
	size_t answer_max;
};

/* What came of it, beside the answer. */
struct farm_outcome {
	bool sent;			/* something of the request may have arrived */
	char pin[PIN_TEXT];		/* that the server proved; "" without TLS */
};

/* farm_exchange - 0 when there is an answer; else -errno as farm_request() has it. */
int farm_exchange(void *curl, const struct farm_wire *wire, const struct farm_request *request,
		  struct farm_answer *answer, struct farm_outcome *outcome,
		  struct vdisk_error *err);

#endif
