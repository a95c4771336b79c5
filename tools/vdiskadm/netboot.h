/* SPDX-License-Identifier: GPL-2.0 */
/* What DHCP servers must say so that firmware finds us: our own and others. */
#ifndef VDISKADM_NETBOOT_H
#define VDISKADM_NETBOOT_H

#include <stdbool.h>
#include <stdio.h>

enum netboot_dhcp {
	NETBOOT_PROXY,			/* beside a DHCP server that gives addresses */
	NETBOOT_SERVER,
	NETBOOT_NONE			/* TFTP alone */
};

/* Addresses are written; they were checked. */
struct netboot {
	enum netboot_dhcp dhcp;
	const char *interface, *address, *network, *netmask;
	const char *first, *last;	/* of NETBOOT_SERVER */
	const char *router, *dns;	/* of NETBOOT_SERVER; may be NULL */
};

/** netboot_dnsmasq - the file of the dnsmasq that is ours alone */
void netboot_dnsmasq(FILE *out, const struct netboot *netboot);

/**
 * netboot_other - what to enter in another DHCP server
 * @name: of the program
 *
 * Return: false when there is no such one; netboot_others lists them.
 */
bool netboot_other(FILE *out, const char *name, const char *address);
extern const char *const netboot_others;

#endif
