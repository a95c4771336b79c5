/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink interface of the vdisk driver.
 *
 * The specification is Documentation/netlink/specs/vdisk.yaml; this header and
 * it are kept in step by a unit test.  Numbers are never reused.
 */
#ifndef _UAPI_LINUX_VDISK_H
#define _UAPI_LINUX_VDISK_H

#define VDISK_GENL_NAME		"vdisk"
#define VDISK_GENL_VERSION	1
#define VDISK_GENL_EVENTS	"events"

/* Limits of what one message may ask for. */
#define VDISK_NUMBER_MAX	1023	/* highest /dev/vdiskN */
#define VDISK_SERVERS_MAX	8	/* servers of a device */
#define VDISK_ADDRESSES_MAX	8	/* addresses of a server */
#define VDISK_CONNECTIONS_MAX	8	/* connections to a server */
#define VDISK_EXPORT_MAX	1024	/* bytes of an export name */
#define VDISK_HOST_MAX		255	/* bytes of a host's name */
#define VDISK_REASON_MAX	512	/* bytes of a reason, text for people */
#define VDISK_SECONDS_MAX	2592000	/* any patience: thirty days */
#define VDISK_READAHEAD_KB_MAX	65536	/* largest prefetch of a stream */

enum vdisk_cmd {
	VDISK_CMD_UNSPEC,
	VDISK_CMD_ATTACH,	/* do: check, start connecting, return the number */
	VDISK_CMD_DETACH,	/* do: start taking the device away */
	VDISK_CMD_GET,		/* do and dump: state of a device, of all */
	VDISK_CMD_SET,		/* do: change a living device */
	VDISK_CMD_EVENT,	/* notification, multicast group "events" */

	__VDISK_CMD_MAX
};

#define VDISK_CMD_MAX (__VDISK_CMD_MAX - 1)

/* Attributes of every message. */
enum vdisk_attr {
	VDISK_A_UNSPEC,
	VDISK_A_NUMBER,		/* u32: N of /dev/vdiskN */
	VDISK_A_STATE,		/* u32: enum vdisk_state */
	VDISK_A_SERVER,		/* nest, several: enum vdisk_server_attr, preferred first */
	VDISK_A_CONNECTIONS,	/* u32: connections to each server, 1 .. VDISK_CONNECTIONS_MAX */
	VDISK_A_FLAGS,		/* u32: enum vdisk_flags */
	VDISK_A_OVERLAY,	/* nest: enum vdisk_overlay_attr; absent: no overlay */
	VDISK_A_LOST,		/* u32: enum vdisk_lost, when every server is gone */
	VDISK_A_LOST_SECONDS,	/* u32: patience of VDISK_LOST_FAIL and _REBOOT */
	VDISK_A_PATIENCE,	/* u32: seconds until a first attach fails; 0: never */
	VDISK_A_FORCE,		/* flag: detach though it is open; fail its I/O */
	VDISK_A_SIZE,		/* u64: bytes of the published disk */
	VDISK_A_STAMP,		/* string: content stamp, absent when the server has none */
	VDISK_A_STATS,		/* nest: enum vdisk_stats_attr */
	VDISK_A_EVENT,		/* u32: enum vdisk_event */
	VDISK_A_REASON,		/* string: why, for people: of an event, of the state ended */
	VDISK_A_PERCENT,	/* u32: how full the overlay is, in an event */
	VDISK_A_FAIL_NOW,	/* flag, of SET: fail all I/O, now and from now on */
	VDISK_A_PAD,
	VDISK_A_OPENERS,	/* u32: how many have the device open */
	VDISK_A_READAHEAD_KB,	/* u32: largest prefetch of a stream, KiB; 0 switches it off */
	VDISK_A_TOKEN,		/* string, of SET: in place of exports that begin with '~' */

	__VDISK_A_MAX
};

#define VDISK_A_MAX (__VDISK_A_MAX - 1)

enum vdisk_state {
	VDISK_STATE_CONNECTING,	/* never been ready yet */
	VDISK_STATE_READY,	/* published, a server answers */
	VDISK_STATE_LOST,	/* published, no server answers */
	VDISK_STATE_FAILED,	/* attach failed, or the policy gave the servers up */
	VDISK_STATE_DETACHING,
	VDISK_STATE_ENDED,	/* published, its session is over: REASON */
};

enum vdisk_flags {
	VDISK_F_READ_ONLY	= 1 << 0,	/* the disk refuses writes */
	VDISK_F_WRITE_THROUGH	= 1 << 1,	/* writes go to the server, no overlay */
};

#define VDISK_F_ALL (VDISK_F_READ_ONLY | VDISK_F_WRITE_THROUGH)

enum vdisk_lost {
	VDISK_LOST_QUEUE,	/* I/O waits for ever */
	VDISK_LOST_FAIL,	/* I/O fails after LOST_SECONDS */
	VDISK_LOST_REBOOT,	/* the machine restarts after LOST_SECONDS */
};

enum vdisk_server_attr {
	VDISK_SERVER_A_UNSPEC,
	VDISK_SERVER_A_HOST,	/* string: as the user wrote it, for display */
	VDISK_SERVER_A_PORT,	/* u16, host order */
	VDISK_SERVER_A_EXPORT,	/* string; shown only to CAP_SYS_ADMIN when it starts with '~' */
	VDISK_SERVER_A_ADDRESS,	/* nest, several: enum vdisk_address_attr */
	VDISK_SERVER_A_STATE,	/* u32: enum vdisk_path_state */
	VDISK_SERVER_A_REASON,	/* string: why it is down or refused, the server's words if any */
	VDISK_SERVER_A_SINCE,	/* u64: milliseconds in this state */
	VDISK_SERVER_A_NEXT_TRY,/* u64: milliseconds until the next attempt */
	VDISK_SERVER_A_ATTEMPTS,/* u32: attempts since it was last up */
	VDISK_SERVER_A_CONNECTED,/* u32: connections that are up */
	VDISK_SERVER_A_INFLIGHT,/* u32: wire requests under way */
	VDISK_SERVER_A_RX_BYTES,/* u64: payload received */
	VDISK_SERVER_A_TX_BYTES,/* u64: payload sent */
	VDISK_SERVER_A_REQUESTS,/* u64: wire requests answered */
	VDISK_SERVER_A_ERRORS,	/* u64: error replies */
	VDISK_SERVER_A_RECONNECTS,/* u64: connections lost after they were up */
	VDISK_SERVER_A_NAME,	/* string: NBD_INFO_NAME, the version it serves */
	VDISK_SERVER_A_PAD,

	__VDISK_SERVER_A_MAX
};

#define VDISK_SERVER_A_MAX (__VDISK_SERVER_A_MAX - 1)

enum vdisk_path_state {
	VDISK_PATH_DOWN,	/* waiting for the next attempt */
	VDISK_PATH_CONNECTING,
	VDISK_PATH_UP,
	VDISK_PATH_REFUSED,	/* the server answered, and will not serve us */
};

enum vdisk_address_attr {
	VDISK_ADDRESS_A_UNSPEC,
	VDISK_ADDRESS_A_IPV4,	/* binary, 4 bytes, network order */
	VDISK_ADDRESS_A_IPV6,	/* binary, 16 bytes */
	VDISK_ADDRESS_A_SCOPE,	/* u32: interface of a link-local IPv6 address */

	__VDISK_ADDRESS_A_MAX
};

#define VDISK_ADDRESS_A_MAX (__VDISK_ADDRESS_A_MAX - 1)

enum vdisk_overlay_kind {
	VDISK_OVERLAY_NONE,
	VDISK_OVERLAY_RAM,
};

enum vdisk_overlay_full {
	VDISK_FULL_WAIT,	/* new blocks wait FULL_SECONDS, then ENOSPC */
	VDISK_FULL_ERROR,	/* ENOSPC at once */
};

enum vdisk_overlay_attr {
	VDISK_OVERLAY_A_UNSPEC,
	VDISK_OVERLAY_A_KIND,	/* u32: enum vdisk_overlay_kind */
	VDISK_OVERLAY_A_LIMIT,	/* u64: bytes, pages and index and zero extents together */
	VDISK_OVERLAY_A_FULL,	/* u32: enum vdisk_overlay_full */
	VDISK_OVERLAY_A_FULL_SECONDS,/* u32 */
	VDISK_OVERLAY_A_OVERCOMMIT,/* flag: more than the machine has free */
	VDISK_OVERLAY_A_USED,	/* u64: bytes */
	VDISK_OVERLAY_A_PEAK,	/* u64: most bytes ever used */
	VDISK_OVERLAY_A_BLOCKS,	/* u64: 4 KiB blocks with data */
	VDISK_OVERLAY_A_ZERO_BYTES,/* u64: bytes that read as zeroes above the base */
	VDISK_OVERLAY_A_WAITING,/* u32: requests that wait for space or memory */
	VDISK_OVERLAY_A_FULL_COUNT,/* u64: requests that met a full overlay */
	VDISK_OVERLAY_A_NOMEM_COUNT,/* u64: requests whose allocation failed below the limit */
	VDISK_OVERLAY_A_PAD,

	__VDISK_OVERLAY_A_MAX
};

#define VDISK_OVERLAY_A_MAX (__VDISK_OVERLAY_A_MAX - 1)

enum vdisk_stats_attr {
	VDISK_STATS_A_UNSPEC,
	VDISK_STATS_A_READS,		/* u64: block requests */
	VDISK_STATS_A_READ_BYTES,	/* u64 */
	VDISK_STATS_A_WRITES,		/* u64 */
	VDISK_STATS_A_WRITE_BYTES,	/* u64 */
	VDISK_STATS_A_DISCARDS,		/* u64: discards and write-zeroes */
	VDISK_STATS_A_FLUSHES,		/* u64 */
	VDISK_STATS_A_ERRORS,		/* u64: block requests that failed */
	VDISK_STATS_A_OVERLAY_READ_BYTES,/* u64: of READ_BYTES, from the overlay */
	VDISK_STATS_A_PREFETCH_BYTES,	/* u64: asked of servers ahead of demand */
	VDISK_STATS_A_PREFETCH_HIT_BYTES,/* u64: of READ_BYTES, from what was prefetched */
	VDISK_STATS_A_RETRIES,		/* u64: wire requests sent again */
	VDISK_STATS_A_PAD,

	__VDISK_STATS_A_MAX
};

#define VDISK_STATS_A_MAX (__VDISK_STATS_A_MAX - 1)

enum vdisk_event {
	VDISK_EVENT_READY,		/* the disk is published */
	VDISK_EVENT_FAILED,		/* the attach failed: REASON; the device goes */
	VDISK_EVENT_GONE,		/* the device is gone, its number is free */
	VDISK_EVENT_PATH_UP,		/* SERVER: its index is SERVER's place, host, port */
	VDISK_EVENT_PATH_DOWN,		/* SERVER, REASON */
	VDISK_EVENT_PATH_REFUSED,	/* SERVER, REASON */
	VDISK_EVENT_LOST,		/* no server answers */
	VDISK_EVENT_BACK,		/* one answers again */
	VDISK_EVENT_GIVEN_UP,		/* LOST_SECONDS are over, I/O fails */
	VDISK_EVENT_OVERLAY_LEVEL,	/* PERCENT: 80, 90 or 95 was reached */
	VDISK_EVENT_OVERLAY_FULL,	/* a write met the limit */
	VDISK_EVENT_OVERLAY_NOMEM,	/* allocation failed below the limit */
	VDISK_EVENT_OVERLAY_ENOSPC,	/* a write was failed with ENOSPC */
	VDISK_EVENT_ENDED,		/* its session is over: REASON; I/O fails */
};

#endif
