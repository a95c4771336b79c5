/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding a farm's servers: what is written out (--server, rd.vdisk.server=) alone, or else
 * the boot medium, DHCP, DNS and, when asked for, multicast DNS, in this order.
 * What is found is a name only: a server counts when it proves the farm's pin.
 */
#ifndef VDISKCTL_DISCOVER_H
#define VDISKCTL_DISCOVER_H

#include "target.h"

enum { FOUND_MAX = 16 };

struct found {
	unsigned int count;
	struct {
		char server[TARGET_SERVER];
		char image[TARGET_IMAGE];
		const char *source;	/* a constant: "command line", "DHCP", … */
	} list[FOUND_MAX];
};

/* discover_all - looks everywhere; waits for name servers, some seconds at most. */
void discover_all(const struct farm_means *means, struct found *found);

/* discover_servers - fills in target->server; -EHOSTUNREACH: nothing found. */
int discover_servers(struct farm_target *target, const struct farm_means *means,
		     unsigned int patience, struct vdisk_error *err);

/* found_add - @text: HOST[:PORT] or vdisk://HOST[:PORT][/IMAGE]; what is neither is left out. */
void found_add(struct found *found, const char *text, const char *source);

/* discover_dns - SRV records of _vdisk._tcp in @domain and the search list. */
void discover_dns(const char *domain, struct found *found);

/* discover_multicast - asks the link for _vdisk._tcp.local, and listens for two seconds. */
void discover_multicast(struct found *found);

/* discover_records - takes the servers out of a DNS answer; @from: who sent it, or NULL. */
void discover_records(const unsigned char *message, size_t len, const char *from,
		      const char *source, struct found *found);

#endif
