/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Read-ahead of streams.  The page cache's own read-ahead stays small, because
 * it also reads around every page fault; what is read in sequence is detected
 * here and asked of the server ahead of demand, in chunks that wait in memory.
 *
 * Only for bases that never change: a written-through device has none.
 */
#ifndef VDISK_STREAM_H
#define VDISK_STREAM_H

#include <linux/types.h>
#include "cursor.h"

struct vdisk_device;
struct vdisk_io;
struct vdisk_streams;

/* vdisk_streams_create - sleeps; NULL when there is no memory. */
struct vdisk_streams *vdisk_streams_create(struct vdisk_device *dev);
/* vdisk_streams_destroy - after the source was stopped: nothing is under way. */
void vdisk_streams_destroy(struct vdisk_streams *streams);

/*
 * vdisk_stream_read - what has been read ahead of a demand read.
 * @pos, @len: bytes, whole sectors.
 * @io: the demand; its pending count is raised for each piece that is still on
 *	its way and will be copied when it comes.
 * @cur: the data at @pos; moved on by the result.
 *
 * Returns how many bytes from @pos on are taken care of.  Also notes the read
 * for the detection.  Never sleeps.
 */
u32 vdisk_stream_read(struct vdisk_streams *streams, struct vdisk_io *io, u64 pos, u32 len,
		      struct vdisk_cursor *cur);

/*
 * vdisk_stream_ahead - asks for what should be read ahead now; after the
 * demand's own wire requests were submitted, so that they go first;
 * vdisk_source_kick() must follow.  Never sleeps.
 */
void vdisk_stream_ahead(struct vdisk_streams *streams);

#endif
