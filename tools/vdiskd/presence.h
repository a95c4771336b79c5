/* SPDX-License-Identifier: GPL-2.0 */
/* This server's own row in the catalog: that it is there, and when it was last. */
#ifndef VDISKD_PRESENCE_H
#define VDISKD_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

struct control;

enum presence_limits {
	PRESENCE_NAME = 256,
	PRESENCE_SECONDS = 60,		/* between writes */
	PRESENCE_SILENT_SECONDS = 150,	/* one not seen for so long is told to be silent */
};

/** presence_name - what this server is called: by its host */
void presence_name(char name[PRESENCE_NAME]);

/**
 * presence_tell - write that this server runs, when that is due; on the writer's thread
 * @now_anyway: it is due in any case
 *
 * A row that isn't there is made.  One that is keeps its addresses: they are the
 * administrator's.  Return: false: the catalog is down.
 */
bool presence_tell(struct control *control, int64_t now, bool now_anyway);

#endif
