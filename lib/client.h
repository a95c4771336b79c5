/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's whole interface as plain C: attach, detach, change, look, listen.
 *
 * Nothing here prints, exits or waits for the network.  Functions return 0 or
 * -errno and put the reason, the kernel's own words if it said any, into a
 * struct vdisk_error.
 */
#ifndef VDISK_CLIENT_H
#define VDISK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vdisk.h>
#include "error.h"

struct vdisk_client;
struct vdisk_events;

struct vdisk_address {
	int family;			/* AF_INET, AF_INET6 */
	uint32_t scope;			/* interface, of link-local IPv6 */
	uint8_t bytes[16];		/* network order; 4 of them for AF_INET */
};

/* A server as the driver is told of it. */
struct vdisk_server {
	char host[VDISK_HOST_MAX + 1];
	char export[VDISK_EXPORT_MAX + 1];
	uint16_t port;
	unsigned int nr_addresses;
	struct vdisk_address address[VDISK_ADDRESSES_MAX];
};

struct vdisk_overlay {
	uint32_t kind;			/* enum vdisk_overlay_kind */
	uint64_t limit;			/* bytes */
	uint32_t full;			/* enum vdisk_overlay_full */
	uint32_t full_seconds;		/* of VDISK_FULL_WAIT */
	bool has_full_seconds;		/* else the driver's default */
	bool overcommit;
};

/* What to attach.  All zeroes but for the servers, and number -1, is valid. */
struct vdisk_attach {
	int number;			/* of /dev/vdiskN; -1: the lowest free one */
	uint32_t flags;			/* enum vdisk_flags */
	uint32_t connections;		/* to each server; 0: the driver's default */
	uint32_t lost;			/* enum vdisk_lost */
	uint32_t lost_seconds;
	uint32_t patience;		/* seconds until a first connection; 0: for ever */
	uint32_t readahead_kb;
	bool has_readahead;		/* else the driver's default */
	struct vdisk_overlay overlay;
	unsigned int nr_servers;
	struct vdisk_server server[VDISK_SERVERS_MAX];
};

/* What to change of a living device. */
enum vdisk_change_what {
	VDISK_CHANGE_LIMIT	= 1 << 0,	/* overlay.limit, overlay.overcommit */
	VDISK_CHANGE_FULL	= 1 << 1,	/* overlay.full, overlay.full_seconds */
	VDISK_CHANGE_LOST	= 1 << 2,	/* lost, lost_seconds */
	VDISK_CHANGE_READAHEAD	= 1 << 3,	/* readahead_kb */
	VDISK_CHANGE_FAIL_NOW	= 1 << 4,	/* all I/O that waits fails, from now on */
	VDISK_CHANGE_TOKEN	= 1 << 5,	/* token: a session's, renewed */
};

struct vdisk_change {
	uint32_t what;			/* enum vdisk_change_what */
	uint32_t lost, lost_seconds, readahead_kb;
	struct vdisk_overlay overlay;
	char token[VDISK_EXPORT_MAX + 1];
};

struct vdisk_server_status {
	struct vdisk_server config;	/* export is "~" where it is a secret */
	uint32_t state;			/* enum vdisk_path_state */
	char reason[VDISK_REASON_MAX + 1];
	char name[VDISK_EXPORT_MAX + 1];/* the version it serves, "" unknown */
	uint64_t since_ms, next_try_ms;
	uint32_t attempts, connected, inflight;
	uint64_t rx_bytes, tx_bytes, requests, errors, reconnects;
};

struct vdisk_status {
	uint32_t number;
	uint32_t state;			/* enum vdisk_state */
	uint32_t flags, connections, lost, lost_seconds, readahead_kb, openers;
	uint64_t size;			/* bytes, 0 until published */
	char reason[VDISK_REASON_MAX + 1];	/* of VDISK_STATE_ENDED */
	char stamp[128];
	struct vdisk_overlay overlay;
	uint64_t used, peak, blocks, zero_bytes, full_count, nomem_count;
	uint32_t waiting;
	uint64_t stats[VDISK_STATS_A_MAX + 1];	/* by enum vdisk_stats_attr */
	unsigned int nr_servers;
	struct vdisk_server_status server[VDISK_SERVERS_MAX];
};

struct vdisk_event_info {
	uint32_t kind;			/* enum vdisk_event */
	uint32_t number;
	uint32_t percent;
	bool has_server;
	char host[VDISK_HOST_MAX + 1];
	uint16_t port;
	char reason[VDISK_REASON_MAX + 1];
};

/* vdisk_client_open - -ENOENT when the module is not loaded. */
int vdisk_client_open(struct vdisk_client **client, struct vdisk_error *err);
void vdisk_client_close(struct vdisk_client *client);

/* vdisk_client_attach - begin to attach; the events READY or FAILED of @number tell the end. */
int vdisk_client_attach(struct vdisk_client *client, const struct vdisk_attach *attach,
			uint32_t *number, struct vdisk_error *err);

/* vdisk_client_detach - begin to detach; the event GONE tells the end. -EBUSY: it is open. */
int vdisk_client_detach(struct vdisk_client *client, uint32_t number, bool force,
			struct vdisk_error *err);
int vdisk_client_set(struct vdisk_client *client, uint32_t number,
		     const struct vdisk_change *change, struct vdisk_error *err);

/* vdisk_client_get - the state of one device; -ENODEV. */
int vdisk_client_get(struct vdisk_client *client, uint32_t number, struct vdisk_status *status,
		     struct vdisk_error *err);

/* vdisk_client_list - the state of all devices; the caller frees *@list. */
int vdisk_client_list(struct vdisk_client *client, struct vdisk_status **list, size_t *count,
		      struct vdisk_error *err);

/* vdisk_events_open - listen; events from before are not seen. */
int vdisk_events_open(struct vdisk_events **events, struct vdisk_error *err);
void vdisk_events_close(struct vdisk_events *events);

/* vdisk_events_fd - readable when vdisk_events_next() may have one. */
int vdisk_events_fd(const struct vdisk_events *events);

/**
 * vdisk_events_next - take one event, without waiting
 *
 * Return: 1 and *@event; 0 when there is none; -ENOBUFS when an unknown number
 * was lost: read the state anew and go on; -errno.
 */
int vdisk_events_next(struct vdisk_events *events, struct vdisk_event_info *event,
		      struct vdisk_error *err);

/* Words for numbers, as vdiskctl prints them; "unknown" for those of a newer driver. */
const char *vdisk_state_name(uint32_t state);
const char *vdisk_path_state_name(uint32_t state);
const char *vdisk_lost_name(uint32_t lost);
const char *vdisk_full_name(uint32_t full);
const char *vdisk_overlay_name(uint32_t kind);
const char *vdisk_event_name(uint32_t kind);
const char *vdisk_stats_name(uint32_t attr);

#endif
