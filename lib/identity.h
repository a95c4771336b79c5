/* SPDX-License-Identifier: GPL-2.0 */
/* What a machine can say of itself: SMBIOS UUID and serial, MACs, firmware. */
#ifndef VDISK_IDENTITY_H
#define VDISK_IDENTITY_H

#include "error.h"

enum {
	IDENTITY_UUID = 36 + 1,
	IDENTITY_MAC = 17 + 1,
	IDENTITY_MACS_MAX = 16,
	IDENTITY_SERIAL = 64,
};

struct identity {
	char uuid[IDENTITY_UUID];	/* lower case; "" when the firmware has none */
	char serial[IDENTITY_SERIAL];	/* printable ASCII; "" unknown */
	char firmware[8];		/* "uefi" or "bios" */
	unsigned int nr_macs;
	char mac[IDENTITY_MACS_MAX][IDENTITY_MAC];	/* aa:bb:cc:dd:ee:ff, the boot NIC's first */
};

/**
 * identity_read - look at this machine
 * @root: put before each path of /sys and /proc; "" but in tests
 *
 * MACs are the ones burnt into physical Ethernet NICs, also of those in a bond;
 * bridges, VLANs, tunnels and the like have none of their own.  The boot NIC is
 * the one that BOOTIF= on the kernel's command line names.
 *
 * Return: 0; -ENODATA: neither a UUID nor a MAC, so nobody could know the machine.
 */
int identity_read(const char *root, struct identity *identity, struct vdisk_error *err);

/* identity_parse_mac - aa:bb:…, AA-BB-… or 01-aa-bb-… (as in BOOTIF=); 0 or -EINVAL. */
int identity_parse_mac(const char *text, char mac[IDENTITY_MAC]);

/* identity_parse_uuid - 0 and lower case, or -EINVAL. */
int identity_parse_uuid(const char *text, char uuid[IDENTITY_UUID]);

#endif
