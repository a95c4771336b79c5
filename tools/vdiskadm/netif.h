/* SPDX-License-Identifier: GPL-2.0 */
/* The server's network: the interface that its clients are on. */
#ifndef VDISKADM_NETIF_H
#define VDISKADM_NETIF_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include "error.h"

/* IPv4: what firmware boots by. Addresses are in network order. */
struct netif {
	char name[IFNAMSIZ];
	unsigned char mac[6];
	bool has_mac;
	struct in_addr address, mask;
	/* Written: address, network, mask. */
	char text[INET_ADDRSTRLEN], network[INET_ADDRSTRLEN], netmask[INET_ADDRSTRLEN];
};

/**
 * netif_find - an interface and its address
 * @address: which one, when it has several; may be NULL for the first
 *
 * Return: 0; -ENODEV, -EADDRNOTAVAIL, -EINVAL.
 */
int netif_find(const char *name, const char *address, struct netif *netif,
	       struct vdisk_error *err);

/** netif_has - whether @address is in the interface's network */
bool netif_has(const struct netif *netif, struct in_addr address);

/**
 * port_taken - whether somebody has a port on this address already
 * @type: SOCK_STREAM or SOCK_DGRAM
 * @who: "NAME (PID)" of who it is, or "another program"
 *
 * Return: 1 if so, 0 if not, or a negative errno.
 */
int port_taken(int type, struct in_addr address, unsigned int port, char *who, size_t size);

#endif
