// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include "client.h"
#include "genl.h"

struct vdisk_client {
	struct vdisk_genl *genl;
};

struct vdisk_events {
	struct vdisk_genl *genl;
};

int vdisk_client_open(struct vdisk_client **client, struct vdisk_error *err)
{
	struct vdisk_client *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return vdisk_error_set(err, ENOMEM, "no memory");
	ret = vdisk_genl_open(&c->genl, err);
	if (ret < 0) {
		free(c);
		return ret;
	}
	*client = c;
	return 0;
}

void vdisk_client_close(struct vdisk_client *client)
{
	if (!client)
		return;
	vdisk_genl_close(client->genl);
	free(client);
}

/* --- requests --- */

static struct nlattr *nest_start(struct nl_msg *msg, int attr)
{
	return nla_nest_start(msg, attr | NLA_F_NESTED);
}

static int put_address(struct nl_msg *msg, const struct vdisk_address *address)
{
	struct nlattr *nest = nest_start(msg, VDISK_SERVER_A_ADDRESS);
	int ret;

	if (!nest)
		return -1;
	if (address->family == AF_INET)
		ret = nla_put(msg, VDISK_ADDRESS_A_IPV4, 4, address->bytes);
	else
		ret = nla_put(msg, VDISK_ADDRESS_A_IPV6, 16, address->bytes);
	if (!ret && address->scope)
		ret = nla_put_u32(msg, VDISK_ADDRESS_A_SCOPE, address->scope);
	if (ret < 0)
		return ret;
	return nla_nest_end(msg, nest);
}

static int put_server(struct nl_msg *msg, const struct vdisk_server *server)
{
	struct nlattr *nest = nest_start(msg, VDISK_A_SERVER);
	unsigned int i;

	if (!nest ||
	    nla_put_string(msg, VDISK_SERVER_A_HOST, server->host) ||
	    nla_put_u16(msg, VDISK_SERVER_A_PORT, server->port) ||
	    nla_put_string(msg, VDISK_SERVER_A_EXPORT, server->export))
		return -1;
	for (i = 0; i < server->nr_addresses; i++)
		if (put_address(msg, &server->address[i]))
			return -1;
	return nla_nest_end(msg, nest);
}

static int put_full(struct nl_msg *msg, const struct vdisk_overlay *overlay)
{
	if (nla_put_u32(msg, VDISK_OVERLAY_A_FULL, overlay->full))
		return -1;
	if (!overlay->has_full_seconds)
		return 0;
	return nla_put_u32(msg, VDISK_OVERLAY_A_FULL_SECONDS, overlay->full_seconds);
}

static int put_limit(struct nl_msg *msg, const struct vdisk_overlay *overlay)
{
	if (nla_put_u64(msg, VDISK_OVERLAY_A_LIMIT, overlay->limit))
		return -1;
	return overlay->overcommit ? nla_put_flag(msg, VDISK_OVERLAY_A_OVERCOMMIT) : 0;
}

static int put_overlay(struct nl_msg *msg, const struct vdisk_overlay *overlay)
{
	struct nlattr *nest;

	if (overlay->kind == VDISK_OVERLAY_NONE)
		return 0;
	nest = nest_start(msg, VDISK_A_OVERLAY);
	if (!nest ||
	    nla_put_u32(msg, VDISK_OVERLAY_A_KIND, overlay->kind) ||
	    put_limit(msg, overlay) || put_full(msg, overlay))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_lost(struct nl_msg *msg, uint32_t lost, uint32_t seconds)
{
	if (nla_put_u32(msg, VDISK_A_LOST, lost))
		return -1;
	return lost == VDISK_LOST_QUEUE ? 0 : nla_put_u32(msg, VDISK_A_LOST_SECONDS, seconds);
}

static int put_attach(struct nl_msg *msg, const struct vdisk_attach *attach)
{
	unsigned int i;

	if ((attach->number >= 0 && nla_put_u32(msg, VDISK_A_NUMBER, attach->number)) ||
	    (attach->connections &&
	     nla_put_u32(msg, VDISK_A_CONNECTIONS, attach->connections)) ||
	    (attach->has_readahead &&
	     nla_put_u32(msg, VDISK_A_READAHEAD_KB, attach->readahead_kb)) ||
	    nla_put_u32(msg, VDISK_A_FLAGS, attach->flags) ||
	    nla_put_u32(msg, VDISK_A_PATIENCE, attach->patience) ||
	    put_lost(msg, attach->lost, attach->lost_seconds) ||
	    put_overlay(msg, &attach->overlay))
		return -1;
	for (i = 0; i < attach->nr_servers; i++)
		if (put_server(msg, &attach->server[i]))
			return -1;
	return 0;
}

static int put_change(struct nl_msg *msg, const struct vdisk_change *change)
{
	const uint32_t of_overlay = VDISK_CHANGE_LIMIT | VDISK_CHANGE_FULL;
	struct nlattr *nest;

	if (change->what & of_overlay) {
		nest = nest_start(msg, VDISK_A_OVERLAY);
		if (!nest ||
		    ((change->what & VDISK_CHANGE_LIMIT) && put_limit(msg, &change->overlay)) ||
		    ((change->what & VDISK_CHANGE_FULL) && put_full(msg, &change->overlay)) ||
		    nla_nest_end(msg, nest))
			return -1;
	}
	if ((change->what & VDISK_CHANGE_LOST) &&
	    put_lost(msg, change->lost, change->lost_seconds))
		return -1;
	if ((change->what & VDISK_CHANGE_READAHEAD) &&
	    nla_put_u32(msg, VDISK_A_READAHEAD_KB, change->readahead_kb))
		return -1;
	if ((change->what & VDISK_CHANGE_TOKEN) &&
	    nla_put_string(msg, VDISK_A_TOKEN, change->token))
		return -1;
	if (change->what & VDISK_CHANGE_FAIL_NOW)
		return nla_put_flag(msg, VDISK_A_FAIL_NOW);
	return 0;
}

static int too_large(struct nl_msg *msg, struct vdisk_error *err)
{
	nlmsg_free(msg);
	return vdisk_error_set(err, EMSGSIZE, "the request does not fit a netlink message");
}

static int no_memory(struct vdisk_error *err)
{
	return vdisk_error_set(err, ENOMEM, "no memory for a netlink request");
}

/* --- replies --- */

/* Which attributes are numbers, and where they go. */
struct field {
	int attr;
	size_t offset;
};

#define FIELD(attr, type, member) { attr, offsetof(type, member) }

static uint64_t number_of(const struct nlattr *attr)
{
	switch (nla_len(attr)) {
	case sizeof(uint16_t):
		return nla_get_u16(attr);
	case sizeof(uint32_t):
		return nla_get_u32(attr);
	case sizeof(uint64_t):
		return nla_get_u64(attr);
	default:
		return 0;
	}
}

static void take_u32(struct nlattr **attrs, const struct field *fields, size_t count, void *to)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (attrs[fields[i].attr])
			*(uint32_t *)((char *)to + fields[i].offset) =
				number_of(attrs[fields[i].attr]);
}

static void take_u64(struct nlattr **attrs, const struct field *fields, size_t count, void *to)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (attrs[fields[i].attr])
			*(uint64_t *)((char *)to + fields[i].offset) =
				number_of(attrs[fields[i].attr]);
}

static void take_string(const struct nlattr *attr, char *to, size_t size)
{
	if (attr)
		nla_strlcpy(to, attr, size);
}

static void take_address(struct nlattr *nest, struct vdisk_address *address)
{
	struct nlattr *attrs[VDISK_ADDRESS_A_MAX + 1];

	if (nla_parse_nested(attrs, VDISK_ADDRESS_A_MAX, nest, NULL) < 0)
		return;
	address->family = attrs[VDISK_ADDRESS_A_IPV6] ? AF_INET6 : AF_INET;
	if (attrs[VDISK_ADDRESS_A_IPV4])
		nla_memcpy(address->bytes, attrs[VDISK_ADDRESS_A_IPV4], 4);
	if (attrs[VDISK_ADDRESS_A_IPV6])
		nla_memcpy(address->bytes, attrs[VDISK_ADDRESS_A_IPV6], 16);
	if (attrs[VDISK_ADDRESS_A_SCOPE])
		address->scope = number_of(attrs[VDISK_ADDRESS_A_SCOPE]);
}

static void take_server(struct nlattr *nest, struct vdisk_server_status *server)
{
	static const struct field words[] = {
		FIELD(VDISK_SERVER_A_STATE, struct vdisk_server_status, state),
		FIELD(VDISK_SERVER_A_ATTEMPTS, struct vdisk_server_status, attempts),
		FIELD(VDISK_SERVER_A_CONNECTED, struct vdisk_server_status, connected),
		FIELD(VDISK_SERVER_A_INFLIGHT, struct vdisk_server_status, inflight),
	};
	static const struct field longs[] = {
		FIELD(VDISK_SERVER_A_SINCE, struct vdisk_server_status, since_ms),
		FIELD(VDISK_SERVER_A_NEXT_TRY, struct vdisk_server_status, next_try_ms),
		FIELD(VDISK_SERVER_A_RX_BYTES, struct vdisk_server_status, rx_bytes),
		FIELD(VDISK_SERVER_A_TX_BYTES, struct vdisk_server_status, tx_bytes),
		FIELD(VDISK_SERVER_A_REQUESTS, struct vdisk_server_status, requests),
		FIELD(VDISK_SERVER_A_ERRORS, struct vdisk_server_status, errors),
		FIELD(VDISK_SERVER_A_RECONNECTS, struct vdisk_server_status, reconnects),
	};
	struct nlattr *attrs[VDISK_SERVER_A_MAX + 1];
	struct vdisk_server *config = &server->config;
	struct nlattr *attr;
	int rem;

	if (nla_parse_nested(attrs, VDISK_SERVER_A_MAX, nest, NULL) < 0)
		return;
	take_u32(attrs, words, sizeof(words) / sizeof(*words), server);
	take_u64(attrs, longs, sizeof(longs) / sizeof(*longs), server);
	take_string(attrs[VDISK_SERVER_A_HOST], config->host, sizeof(config->host));
	take_string(attrs[VDISK_SERVER_A_EXPORT], config->export, sizeof(config->export));
	take_string(attrs[VDISK_SERVER_A_REASON], server->reason, sizeof(server->reason));
	take_string(attrs[VDISK_SERVER_A_NAME], server->name, sizeof(server->name));
	if (attrs[VDISK_SERVER_A_PORT])
		config->port = number_of(attrs[VDISK_SERVER_A_PORT]);
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == VDISK_SERVER_A_ADDRESS &&
		    config->nr_addresses < VDISK_ADDRESSES_MAX)
			take_address(attr, &config->address[config->nr_addresses++]);
	}
}

static void take_overlay(struct nlattr *nest, struct vdisk_status *status)
{
	static const struct field words[] = {
		FIELD(VDISK_OVERLAY_A_KIND, struct vdisk_status, overlay.kind),
		FIELD(VDISK_OVERLAY_A_FULL, struct vdisk_status, overlay.full),
		FIELD(VDISK_OVERLAY_A_FULL_SECONDS, struct vdisk_status, overlay.full_seconds),
		FIELD(VDISK_OVERLAY_A_WAITING, struct vdisk_status, waiting),
	};
	static const struct field longs[] = {
		FIELD(VDISK_OVERLAY_A_LIMIT, struct vdisk_status, overlay.limit),
		FIELD(VDISK_OVERLAY_A_USED, struct vdisk_status, used),
		FIELD(VDISK_OVERLAY_A_PEAK, struct vdisk_status, peak),
		FIELD(VDISK_OVERLAY_A_BLOCKS, struct vdisk_status, blocks),
		FIELD(VDISK_OVERLAY_A_ZERO_BYTES, struct vdisk_status, zero_bytes),
		FIELD(VDISK_OVERLAY_A_FULL_COUNT, struct vdisk_status, full_count),
		FIELD(VDISK_OVERLAY_A_NOMEM_COUNT, struct vdisk_status, nomem_count),
	};
	struct nlattr *attrs[VDISK_OVERLAY_A_MAX + 1];

	if (nla_parse_nested(attrs, VDISK_OVERLAY_A_MAX, nest, NULL) < 0)
		return;
	take_u32(attrs, words, sizeof(words) / sizeof(*words), status);
	take_u64(attrs, longs, sizeof(longs) / sizeof(*longs), status);
	status->overlay.has_full_seconds = attrs[VDISK_OVERLAY_A_FULL_SECONDS];
	status->overlay.overcommit = attrs[VDISK_OVERLAY_A_OVERCOMMIT];
}

static void take_stats(struct nlattr *nest, struct vdisk_status *status)
{
	struct nlattr *attrs[VDISK_STATS_A_MAX + 1];
	int i;

	if (nla_parse_nested(attrs, VDISK_STATS_A_MAX, nest, NULL) < 0)
		return;
	for (i = 0; i <= VDISK_STATS_A_MAX; i++)
		if (attrs[i] && i != VDISK_STATS_A_PAD)
			status->stats[i] = number_of(attrs[i]);
}

static int bad_message(struct vdisk_error *err)
{
	return vdisk_error_set(err, EPROTO, "the kernel module sent a message that makes no sense");
}

static int take_status(struct nlmsghdr *message, struct vdisk_status *status,
		       struct vdisk_error *err)
{
	static const struct field words[] = {
		FIELD(VDISK_A_NUMBER, struct vdisk_status, number),
		FIELD(VDISK_A_STATE, struct vdisk_status, state),
		FIELD(VDISK_A_FLAGS, struct vdisk_status, flags),
		FIELD(VDISK_A_CONNECTIONS, struct vdisk_status, connections),
		FIELD(VDISK_A_LOST, struct vdisk_status, lost),
		FIELD(VDISK_A_LOST_SECONDS, struct vdisk_status, lost_seconds),
		FIELD(VDISK_A_READAHEAD_KB, struct vdisk_status, readahead_kb),
		FIELD(VDISK_A_OPENERS, struct vdisk_status, openers),
	};
	static const struct field longs[] = {
		FIELD(VDISK_A_SIZE, struct vdisk_status, size),
	};
	struct nlattr *attrs[VDISK_A_MAX + 1];
	struct nlattr *attr;
	int rem;

	memset(status, 0, sizeof(*status));
	if (genlmsg_parse(message, 0, attrs, VDISK_A_MAX, NULL) < 0 || !attrs[VDISK_A_NUMBER])
		return bad_message(err);
	take_u32(attrs, words, sizeof(words) / sizeof(*words), status);
	take_u64(attrs, longs, sizeof(longs) / sizeof(*longs), status);
	take_string(attrs[VDISK_A_REASON], status->reason, sizeof(status->reason));
	take_string(attrs[VDISK_A_STAMP], status->stamp, sizeof(status->stamp));
	if (attrs[VDISK_A_OVERLAY])
		take_overlay(attrs[VDISK_A_OVERLAY], status);
	if (attrs[VDISK_A_STATS])
		take_stats(attrs[VDISK_A_STATS], status);
	nlmsg_for_each_attr(attr, message, GENL_HDRLEN, rem) {
		if (nla_type(attr) == VDISK_A_SERVER && status->nr_servers < VDISK_SERVERS_MAX)
			take_server(attr, &status->server[status->nr_servers++]);
	}
	return 0;
}

/* --- the commands --- */

static int on_attached(struct nlmsghdr *message, void *data, struct vdisk_error *err)
{
	struct nlattr *attrs[VDISK_A_MAX + 1];

	if (genlmsg_parse(message, 0, attrs, VDISK_A_MAX, NULL) < 0 || !attrs[VDISK_A_NUMBER])
		return bad_message(err);
	*(uint32_t *)data = number_of(attrs[VDISK_A_NUMBER]);
	return 0;
}

int vdisk_client_attach(struct vdisk_client *client, const struct vdisk_attach *attach,
			uint32_t *number, struct vdisk_error *err)
{
	struct nl_msg *msg = vdisk_genl_request(client->genl, VDISK_CMD_ATTACH, 0);
	int ret;

	if (!msg)
		return no_memory(err);
	if (put_attach(msg, attach))
		return too_large(msg, err);
	*number = UINT32_MAX;
	ret = vdisk_genl_talk(client->genl, msg, on_attached, number, err);
	if (!ret && *number == UINT32_MAX)
		return bad_message(err);
	return ret;
}

int vdisk_client_detach(struct vdisk_client *client, uint32_t number, bool force,
			struct vdisk_error *err)
{
	struct nl_msg *msg = vdisk_genl_request(client->genl, VDISK_CMD_DETACH, 0);

	if (!msg)
		return no_memory(err);
	if (nla_put_u32(msg, VDISK_A_NUMBER, number) ||
	    (force && nla_put_flag(msg, VDISK_A_FORCE)))
		return too_large(msg, err);
	return vdisk_genl_talk(client->genl, msg, NULL, NULL, err);
}

int vdisk_client_set(struct vdisk_client *client, uint32_t number,
		     const struct vdisk_change *change, struct vdisk_error *err)
{
	struct nl_msg *msg = vdisk_genl_request(client->genl, VDISK_CMD_SET, 0);

	if (!msg)
		return no_memory(err);
	if (nla_put_u32(msg, VDISK_A_NUMBER, number) || put_change(msg, change))
		return too_large(msg, err);
	return vdisk_genl_talk(client->genl, msg, NULL, NULL, err);
}

struct one {
	struct vdisk_status *status;
	bool found;
};

static int on_device(struct nlmsghdr *message, void *data, struct vdisk_error *err)
{
	struct one *one = data;

	one->found = true;
	return take_status(message, one->status, err);
}

int vdisk_client_get(struct vdisk_client *client, uint32_t number, struct vdisk_status *status,
		     struct vdisk_error *err)
{
	struct nl_msg *msg = vdisk_genl_request(client->genl, VDISK_CMD_GET, 0);
	struct one one = { .status = status };
	int ret;

	if (!msg)
		return no_memory(err);
	if (nla_put_u32(msg, VDISK_A_NUMBER, number))
		return too_large(msg, err);
	ret = vdisk_genl_talk(client->genl, msg, on_device, &one, err);
	if (!ret && !one.found)
		return bad_message(err);
	return ret;
}

struct list {
	struct vdisk_status *status;
	size_t count;
};

static int on_listed(struct nlmsghdr *message, void *data, struct vdisk_error *err)
{
	struct list *list = data;
	struct vdisk_status *grown;

	grown = reallocarray(list->status, list->count + 1, sizeof(*grown));
	if (!grown)
		return vdisk_error_set(err, ENOMEM, "no memory for the list of devices");
	list->status = grown;
	return take_status(message, &grown[list->count++], err);
}

int vdisk_client_list(struct vdisk_client *client, struct vdisk_status **status, size_t *count,
		      struct vdisk_error *err)
{
	struct nl_msg *msg = vdisk_genl_request(client->genl, VDISK_CMD_GET, NLM_F_DUMP);
	struct list list = { 0 };
	int ret;

	if (!msg)
		return no_memory(err);
	ret = vdisk_genl_talk(client->genl, msg, on_listed, &list, err);
	if (ret < 0) {
		free(list.status);
		return ret;
	}
	*status = list.status;
	*count = list.count;
	return 0;
}

/* --- events --- */

int vdisk_events_open(struct vdisk_events **events, struct vdisk_error *err)
{
	struct vdisk_events *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return vdisk_error_set(err, ENOMEM, "no memory");
	ret = vdisk_genl_open(&e->genl, err);
	if (ret < 0)
		goto err_free;
	ret = vdisk_genl_join(e->genl, VDISK_GENL_EVENTS, err);
	if (ret < 0)
		goto err_close;
	*events = e;
	return 0;

err_close:
	vdisk_genl_close(e->genl);
err_free:
	free(e);
	return ret;
}

void vdisk_events_close(struct vdisk_events *events)
{
	if (!events)
		return;
	vdisk_genl_close(events->genl);
	free(events);
}

int vdisk_events_fd(const struct vdisk_events *events)
{
	return vdisk_genl_fd(events->genl);
}

static int on_event(struct nlmsghdr *message, void *data, struct vdisk_error *err)
{
	struct nlattr *attrs[VDISK_A_MAX + 1], *server[VDISK_SERVER_A_MAX + 1];
	struct vdisk_event_info *event = data;

	memset(event, 0, sizeof(*event));
	if (genlmsg_parse(message, 0, attrs, VDISK_A_MAX, NULL) < 0 ||
	    !attrs[VDISK_A_EVENT] || !attrs[VDISK_A_NUMBER])
		return bad_message(err);
	event->kind = number_of(attrs[VDISK_A_EVENT]);
	event->number = number_of(attrs[VDISK_A_NUMBER]);
	if (attrs[VDISK_A_PERCENT])
		event->percent = number_of(attrs[VDISK_A_PERCENT]);
	take_string(attrs[VDISK_A_REASON], event->reason, sizeof(event->reason));
	if (!attrs[VDISK_A_SERVER])
		return 0;
	if (nla_parse_nested(server, VDISK_SERVER_A_MAX, attrs[VDISK_A_SERVER], NULL) < 0)
		return bad_message(err);
	event->has_server = true;
	take_string(server[VDISK_SERVER_A_HOST], event->host, sizeof(event->host));
	if (server[VDISK_SERVER_A_PORT])
		event->port = number_of(server[VDISK_SERVER_A_PORT]);
	return 0;
}

int vdisk_events_next(struct vdisk_events *events, struct vdisk_event_info *event,
		      struct vdisk_error *err)
{
	return vdisk_genl_receive(events->genl, on_event, event, err);
}
