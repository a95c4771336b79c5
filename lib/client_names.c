// SPDX-License-Identifier: GPL-2.0
/* Words for the driver's numbers.  They are part of vdiskctl's JSON: never change one. */
#include "client.h"

#define NAME_OF(names, value) \
	((value) < sizeof(names) / sizeof(*(names)) && (names)[value] ? (names)[value] : "unknown")

const char *vdisk_state_name(uint32_t state)
{
	static const char *const names[] = {
		[VDISK_STATE_CONNECTING] = "connecting",
		[VDISK_STATE_READY] = "ready",
		[VDISK_STATE_LOST] = "lost",
		[VDISK_STATE_FAILED] = "failed",
		[VDISK_STATE_DETACHING] = "detaching",
		[VDISK_STATE_ENDED] = "ended",
	};

	return NAME_OF(names, state);
}

const char *vdisk_path_state_name(uint32_t state)
{
	static const char *const names[] = {
		[VDISK_PATH_DOWN] = "down",
		[VDISK_PATH_CONNECTING] = "connecting",
		[VDISK_PATH_UP] = "up",
		[VDISK_PATH_REFUSED] = "refused",
	};

	return NAME_OF(names, state);
}

const char *vdisk_lost_name(uint32_t lost)
{
	static const char *const names[] = {
		[VDISK_LOST_QUEUE] = "queue",
		[VDISK_LOST_FAIL] = "fail",
		[VDISK_LOST_REBOOT] = "reboot",
	};

	return NAME_OF(names, lost);
}

const char *vdisk_full_name(uint32_t full)
{
	static const char *const names[] = {
		[VDISK_FULL_WAIT] = "wait",
		[VDISK_FULL_ERROR] = "error",
	};

	return NAME_OF(names, full);
}

const char *vdisk_overlay_name(uint32_t kind)
{
	static const char *const names[] = {
		[VDISK_OVERLAY_NONE] = "none",
		[VDISK_OVERLAY_RAM] = "ram",
	};

	return NAME_OF(names, kind);
}

const char *vdisk_event_name(uint32_t kind)
{
	static const char *const names[] = {
		[VDISK_EVENT_READY] = "ready",
		[VDISK_EVENT_FAILED] = "failed",
		[VDISK_EVENT_GONE] = "gone",
		[VDISK_EVENT_PATH_UP] = "path-up",
		[VDISK_EVENT_PATH_DOWN] = "path-down",
		[VDISK_EVENT_PATH_REFUSED] = "path-refused",
		[VDISK_EVENT_LOST] = "lost",
		[VDISK_EVENT_BACK] = "back",
		[VDISK_EVENT_GIVEN_UP] = "given-up",
		[VDISK_EVENT_OVERLAY_LEVEL] = "overlay-level",
		[VDISK_EVENT_OVERLAY_FULL] = "overlay-full",
		[VDISK_EVENT_OVERLAY_NOMEM] = "overlay-nomem",
		[VDISK_EVENT_OVERLAY_ENOSPC] = "overlay-enospc",
		[VDISK_EVENT_ENDED] = "ended",
	};

	return NAME_OF(names, kind);
}

const char *vdisk_stats_name(uint32_t attr)
{
	static const char *const names[] = {
		[VDISK_STATS_A_READS] = "reads",
		[VDISK_STATS_A_READ_BYTES] = "read_bytes",
		[VDISK_STATS_A_WRITES] = "writes",
		[VDISK_STATS_A_WRITE_BYTES] = "write_bytes",
		[VDISK_STATS_A_DISCARDS] = "discards",
		[VDISK_STATS_A_FLUSHES] = "flushes",
		[VDISK_STATS_A_ERRORS] = "errors",
		[VDISK_STATS_A_OVERLAY_READ_BYTES] = "overlay_read_bytes",
		[VDISK_STATS_A_PREFETCH_BYTES] = "prefetch_bytes",
		[VDISK_STATS_A_PREFETCH_HIT_BYTES] = "prefetch_hit_bytes",
		[VDISK_STATS_A_RETRIES] = "retries",
	};

	return NAME_OF(names, attr);
}
