/* SPDX-License-Identifier: GPL-2.0 */
/* What doctor's checks share. */
#ifndef VDISKADM_DOCTOR_H
#define VDISKADM_DOCTOR_H

#include <stdbool.h>
#include "settings.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct doctor {
	struct settings settings;	/* all NULL when there is no vdiskd.conf */
	bool elsewhere;			/* below --root: nothing runs there */
	const char *check;		/* the one that runs */
};

/**
 * doctor_find - one finding of the check that runs
 * @text: what was found, and for all but FINDING_OK what to do about it
 */
void doctor_find(struct doctor *doctor, enum finding finding, const char *text, ...)
	__attribute__((format(printf, 3, 4)));

/* doctor_files.c: what lies on this machine */
void doctor_config(struct doctor *doctor);
void doctor_store(struct doctor *doctor);
void doctor_keys(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_ipxe(struct doctor *doctor);

/* doctor_catalog.c: what the catalog says */
void doctor_catalog(struct doctor *doctor);

/* doctor_network.c: what runs, and who else answers */
void doctor_server(struct doctor *doctor);
void doctor_netboot(struct doctor *doctor);
void doctor_dhcp(struct doctor *doctor);

#endif
