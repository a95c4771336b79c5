/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A world for the reply parser: requests with buffers, which hold the parser to
 * its contract.  A breach ends the program.
 */
#ifndef REPLY_WORLD_H
#define REPLY_WORLD_H

#include "../../kernel/wire_env.h"
#include "reply.h"

enum world_limits {
	WORLD_REQUESTS = 8,
	WORLD_LENGTH = 1 << 16,	/* of the longest request */
};

struct world_request {
	struct vdisk_reply_request rq;
	u64 cookie;
	bool done;
	u8 *data;		/* what came */
	char *how;		/* a letter for each byte: 'd' data, 'z' zeroes, '.' nothing */
	u32 texts;
	u32 text_len;
	char text[VDISK_REPLY_TEXT];
};

struct world {
	u32 n;
	struct world_request request[WORLD_REQUESTS];
};

void world_add(struct world *w, u64 cookie, u16 command, u64 offset, u32 length, bool df);
void world_free(struct world *w);

/* Is all of @q's coverage what the parser says of it? To be asked between feeds. */
void world_check_request(const struct world_request *q);

#endif
