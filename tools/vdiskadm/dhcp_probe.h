/* SPDX-License-Identifier: GPL-2.0 */
/* Asks the network as a machine does that boots from it, and takes no answer. */
#ifndef VDISKADM_DHCP_PROBE_H
#define VDISKADM_DHCP_PROBE_H

#include <netinet/in.h>
#include "error.h"
#include "netif.h"

enum dhcp_probe_limits { DHCP_PROBE_OFFERS = 16, DHCP_PROBE_FILE = 129 };

struct dhcp_offer {
	struct in_addr from;			/* who sent it */
	struct in_addr address;			/* offered; 0 of a proxy */
	char file[DHCP_PROBE_FILE];		/* to boot; as it came, "" if none */
};

/**
 * dhcp_probe - broadcast a DHCPDISCOVER of a BIOS, and gather what is offered
 * @milliseconds: how long to listen
 *
 * Return: the number of offers, from different servers, or a negative errno.
 */
int dhcp_probe(const struct netif *netif, unsigned int milliseconds,
	       struct dhcp_offer offers[DHCP_PROBE_OFFERS], struct vdisk_error *err);

#endif
