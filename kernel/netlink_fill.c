// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to user space: a device's state, and events.
 *
 * Session tokens (names that begin with '~') open data connections, so only
 * CAP_SYS_ADMIN sees them; everybody else, and every listener of events, sees
 * "~".  Texts that came from a server may quote a token and are cleaned alike.
 */
#include <linux/ctype.h>
#include <linux/in.h>
#include <linux/socket.h>
#include <linux/string.h>
#include "device.h"
#include "netlink.h"
#include "netlink_message.h"

#define VDISK_TOKEN_MARK '~'

static int put_name(struct sk_buff *skb, int attr, const char *name, bool admin)
{
	if (!admin && name[0] == VDISK_TOKEN_MARK)
		return nla_put_string(skb, attr, "~");
	return nla_put_string(skb, attr, name);
}

/* The characters a token is made of; any other one ends it in a sentence. */
static bool in_token(char c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '.' || c == VDISK_TOKEN_MARK ||
	       c == '@' || c == '+' || c == '/' || c == '=';
}

void vdisk_netlink_clean(char *to, size_t size, const char *from, bool admin)
{
	char *end = to + size;

	while (*from && to < end - 1) {
		*to++ = *from++;
		if (admin || to[-1] != VDISK_TOKEN_MARK)
			continue;
		while (in_token(*from))
			from++;
	}
	memset(to, 0, end - to);
}

static int put_reason(struct sk_buff *skb, int attr, const char *reason, bool admin)
{
	size_t size = strnlen(reason, VDISK_REASON_MAX) + 1;
	struct nlattr *nla = nla_reserve(skb, attr, size);

	if (!nla)
		return -EMSGSIZE;
	/* The attribute keeps its length; a reader stops at the first zero. */
	vdisk_netlink_clean(nla_data(nla), size, reason, admin);
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value, int pad)
{
	return nla_put_u64_64bit(skb, attr, value, pad);
}

static int fill_address(struct sk_buff *skb, const struct vdisk_address *address)
{
	struct nlattr *nest = nla_nest_start(skb, VDISK_SERVER_A_ADDRESS);

	if (!nest)
		return -EMSGSIZE;
	if (address->family == AF_INET) {
		if (nla_put_in_addr(skb, VDISK_ADDRESS_A_IPV4, address->in4.s_addr))
			return -EMSGSIZE;
	} else {
		if (nla_put_in6_addr(skb, VDISK_ADDRESS_A_IPV6, &address->in6) ||
		    (address->scope &&
		     nla_put_u32(skb, VDISK_ADDRESS_A_SCOPE, address->scope)))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_server_config(struct sk_buff *skb, const struct vdisk_server_config *server,
			      const char *export, bool admin)
{
	u32 i;

	if (nla_put_string(skb, VDISK_SERVER_A_HOST, server->host) ||
	    nla_put_u16(skb, VDISK_SERVER_A_PORT, server->port) ||
	    put_name(skb, VDISK_SERVER_A_EXPORT, export, admin))
		return -EMSGSIZE;
	for (i = 0; i < server->nr_addresses; i++)
		if (fill_address(skb, &server->address[i]) < 0)
			return -EMSGSIZE;
	return 0;
}

static int fill_server_counters(struct sk_buff *skb, const struct vdisk_path_info *path)
{
	const struct { int attr; u64 value; } counters[] = {
		{ VDISK_SERVER_A_SINCE, path->since_ms },
		{ VDISK_SERVER_A_RX_BYTES, path->rx_bytes },
		{ VDISK_SERVER_A_TX_BYTES, path->tx_bytes },
		{ VDISK_SERVER_A_REQUESTS, path->requests },
		{ VDISK_SERVER_A_ERRORS, path->errors },
		{ VDISK_SERVER_A_RECONNECTS, path->reconnects },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (put_u64(skb, counters[i].attr, counters[i].value, VDISK_SERVER_A_PAD))
			return -EMSGSIZE;
	return 0;
}

static int fill_server(struct sk_buff *skb, const struct vdisk_path_info *path, bool admin)
{
	struct nlattr *nest = nla_nest_start(skb, VDISK_A_SERVER);

	if (!nest)
		return -EMSGSIZE;
	if (fill_server_config(skb, path->config, path->export, admin) ||
	    nla_put_u32(skb, VDISK_SERVER_A_STATE, path->state) ||
	    nla_put_u32(skb, VDISK_SERVER_A_ATTEMPTS, path->attempts) ||
	    nla_put_u32(skb, VDISK_SERVER_A_CONNECTED, path->connected) ||
	    nla_put_u32(skb, VDISK_SERVER_A_INFLIGHT, path->inflight) ||
	    fill_server_counters(skb, path))
		return -EMSGSIZE;
	if (path->state != VDISK_PATH_UP &&
	    put_u64(skb, VDISK_SERVER_A_NEXT_TRY, path->next_try_ms, VDISK_SERVER_A_PAD))
		return -EMSGSIZE;
	if (path->reason[0] &&
	    put_reason(skb, VDISK_SERVER_A_REASON, path->reason, admin))
		return -EMSGSIZE;
	if (path->name[0] && put_name(skb, VDISK_SERVER_A_NAME, path->name, admin))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_overlay(struct sk_buff *skb, const struct vdisk_info *info)
{
	const struct vdisk_overlay_config *overlay = &info->overlay;
	const struct { int attr; u64 value; } counters[] = {
		{ VDISK_OVERLAY_A_LIMIT, overlay->limit },
		{ VDISK_OVERLAY_A_USED, info->used },
		{ VDISK_OVERLAY_A_PEAK, info->peak },
		{ VDISK_OVERLAY_A_BLOCKS, info->blocks },
		{ VDISK_OVERLAY_A_ZERO_BYTES, info->zero_bytes },
		{ VDISK_OVERLAY_A_FULL_COUNT, info->full_count },
		{ VDISK_OVERLAY_A_NOMEM_COUNT, info->nomem_count },
	};
	struct nlattr *nest;
	int i;

	if (overlay->kind == VDISK_OVERLAY_NONE)
		return 0;
	nest = nla_nest_start(skb, VDISK_A_OVERLAY);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VDISK_OVERLAY_A_KIND, overlay->kind) ||
	    nla_put_u32(skb, VDISK_OVERLAY_A_FULL, overlay->full) ||
	    nla_put_u32(skb, VDISK_OVERLAY_A_WAITING, info->waiting))
		return -EMSGSIZE;
	if (overlay->full == VDISK_FULL_WAIT &&
	    nla_put_u32(skb, VDISK_OVERLAY_A_FULL_SECONDS, overlay->full_seconds))
		return -EMSGSIZE;
	if (overlay->overcommit && nla_put_flag(skb, VDISK_OVERLAY_A_OVERCOMMIT))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (put_u64(skb, counters[i].attr, counters[i].value, VDISK_OVERLAY_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_stats(struct sk_buff *skb, const struct vdisk_info *info)
{
	struct nlattr *nest = nla_nest_start(skb, VDISK_A_STATS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = VDISK_STATS_A_UNSPEC + 1; i <= VDISK_STATS_A_MAX; i++) {
		if (i == VDISK_STATS_A_PAD)
			continue;
		if (put_u64(skb, i, info->stats[i], VDISK_STATS_A_PAD))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* The largest message must fit what netlink.c allocates. */
static void check_sizes(void)
{
	const size_t number = nla_total_size_64bit(sizeof(u64));
	const size_t address = nla_total_size(nla_total_size(sizeof(struct in6_addr)) + number);
	const size_t server = nla_total_size(VDISK_HOST_MAX + 1) +
			      2 * nla_total_size(VDISK_EXPORT_MAX + 1) +
			      nla_total_size(VDISK_REASON_MAX + 1) +
			      VDISK_ADDRESSES_MAX * address + VDISK_SERVER_A_MAX * number;

	BUILD_BUG_ON(VDISK_SERVERS_MAX * nla_total_size(server) +
		     (VDISK_A_MAX + VDISK_OVERLAY_A_MAX + VDISK_STATS_A_MAX) * number +
		     nla_total_size(sizeof(((struct vdisk_info *)NULL)->stamp)) +
		     nla_total_size(VDISK_REASON_MAX + 1) >
		     VDISK_MESSAGE_MAX);
}

int vdisk_fill_info(struct sk_buff *skb, const struct vdisk_info *info, bool admin)
{
	u32 i;

	check_sizes();
	if (nla_put_u32(skb, VDISK_A_NUMBER, info->number) ||
	    nla_put_u32(skb, VDISK_A_STATE, info->state) ||
	    nla_put_u32(skb, VDISK_A_FLAGS, info->flags) ||
	    nla_put_u32(skb, VDISK_A_CONNECTIONS, info->connections) ||
	    nla_put_u32(skb, VDISK_A_LOST, info->lost) ||
	    nla_put_u32(skb, VDISK_A_READAHEAD_KB, info->readahead_kb) ||
	    nla_put_u32(skb, VDISK_A_OPENERS, info->openers))
		return -EMSGSIZE;
	if (info->lost != VDISK_LOST_QUEUE &&
	    nla_put_u32(skb, VDISK_A_LOST_SECONDS, info->lost_seconds))
		return -EMSGSIZE;
	if (info->size && put_u64(skb, VDISK_A_SIZE, info->size, VDISK_A_PAD))
		return -EMSGSIZE;
	if (info->reason[0] && put_reason(skb, VDISK_A_REASON, info->reason, admin))
		return -EMSGSIZE;
	if (info->stamp[0] && nla_put_string(skb, VDISK_A_STAMP, info->stamp))
		return -EMSGSIZE;
	if (fill_overlay(skb, info) || fill_stats(skb, info))
		return -EMSGSIZE;
	for (i = 0; i < info->nr_paths; i++)
		if (fill_server(skb, &info->path[i], admin) < 0)
			return -EMSGSIZE;
	return 0;
}

static int fill_event_server(struct sk_buff *skb, const struct vdisk_server_config *server)
{
	struct nlattr *nest = nla_nest_start(skb, VDISK_A_SERVER);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_string(skb, VDISK_SERVER_A_HOST, server->host) ||
	    nla_put_u16(skb, VDISK_SERVER_A_PORT, server->port))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int vdisk_fill_event(struct sk_buff *skb, u32 kind, u32 number,
		     const struct vdisk_event_data *data)
{
	if (nla_put_u32(skb, VDISK_A_EVENT, kind) ||
	    nla_put_u32(skb, VDISK_A_NUMBER, number))
		return -EMSGSIZE;
	if (!data)
		return 0;
	if (data->server && fill_event_server(skb, data->server) < 0)
		return -EMSGSIZE;
	if (data->reason && put_reason(skb, VDISK_A_REASON, data->reason, false) < 0)
		return -EMSGSIZE;
	if (kind == VDISK_EVENT_OVERLAY_LEVEL &&
	    nla_put_u32(skb, VDISK_A_PERCENT, data->percent))
		return -EMSGSIZE;
	return 0;
}
