// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"

static void add(json_t *object, const char *key, json_t *value)
{
	/* Takes the reference of @value; fails only without memory. */
	if (json_object_set_new(object, key, value) < 0)
		abort();
}

static void add_number(json_t *object, const char *key, uint64_t value)
{
	add(object, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

/* What came from the network may be anything; JSON must be UTF-8. */
static void add_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);
	char *clean, *c;

	if (!value) {
		clean = strdup(text);
		for (c = clean; c && *c; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
		value = json_string(clean ? clean : "");
		free(clean);
	}
	add(object, key, value);
}

static json_t *address_json(const struct vdisk_address *address)
{
	char text[INET6_ADDRSTRLEN + 16];
	size_t len;

	if (!inet_ntop(address->family, address->bytes, text, sizeof(text)))
		return json_null();
	len = strlen(text);
	if (address->scope)
		snprintf(text + len, sizeof(text) - len, "%%%u", address->scope);
	return json_string(text);
}

static json_t *server_json(const struct vdisk_server_status *server)
{
	json_t *object = json_object(), *addresses = json_array();
	unsigned int i;

	for (i = 0; i < server->config.nr_addresses; i++)
		json_array_append_new(addresses, address_json(&server->config.address[i]));
	add_text(object, "host", server->config.host);
	add_number(object, "port", server->config.port);
	add_text(object, "export", server->config.export);
	add(object, "addresses", addresses);
	add_text(object, "state", vdisk_path_state_name(server->state));
	if (server->reason[0])
		add_text(object, "reason", server->reason);
	if (server->name[0])
		add_text(object, "name", server->name);
	add_number(object, "since_ms", server->since_ms);
	if (server->state != VDISK_PATH_UP)
		add_number(object, "next_try_ms", server->next_try_ms);
	add_number(object, "attempts", server->attempts);
	add_number(object, "connected", server->connected);
	add_number(object, "inflight", server->inflight);
	add_number(object, "rx_bytes", server->rx_bytes);
	add_number(object, "tx_bytes", server->tx_bytes);
	add_number(object, "requests", server->requests);
	add_number(object, "errors", server->errors);
	add_number(object, "reconnects", server->reconnects);
	return object;
}

static json_t *overlay_json(const struct vdisk_status *status)
{
	const struct vdisk_overlay *overlay = &status->overlay;
	json_t *object;

	if (overlay->kind == VDISK_OVERLAY_NONE)
		return json_null();
	object = json_object();
	add_text(object, "kind", vdisk_overlay_name(overlay->kind));
	add_number(object, "limit", overlay->limit);
	add_number(object, "used", status->used);
	add_number(object, "peak", status->peak);
	add_number(object, "blocks", status->blocks);
	add_number(object, "zero_bytes", status->zero_bytes);
	add_text(object, "full", vdisk_full_name(overlay->full));
	if (overlay->full == VDISK_FULL_WAIT)
		add_number(object, "full_seconds", overlay->full_seconds);
	add(object, "overcommit", json_boolean(overlay->overcommit));
	add_number(object, "waiting", status->waiting);
	add_number(object, "full_count", status->full_count);
	add_number(object, "nomem_count", status->nomem_count);
	return object;
}

static json_t *stats_json(const struct vdisk_status *status)
{
	json_t *object = json_object();
	int i;

	for (i = VDISK_STATS_A_UNSPEC + 1; i <= VDISK_STATS_A_MAX; i++)
		if (i != VDISK_STATS_A_PAD)
			add_number(object, vdisk_stats_name(i), status->stats[i]);
	return object;
}

static void add_device(json_t *object, uint32_t number)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vdisk%u", number);
	add_text(object, "device", path);
	add_number(object, "number", number);
}

json_t *json_status(const struct vdisk_status *status)
{
	json_t *object = json_object(), *servers = json_array();
	unsigned int i;

	for (i = 0; i < status->nr_servers; i++)
		json_array_append_new(servers, server_json(&status->server[i]));
	add_device(object, status->number);
	add_text(object, "state", vdisk_state_name(status->state));
	if (status->reason[0])
		add_text(object, "reason", status->reason);
	add_number(object, "size", status->size);
	add(object, "read_only", json_boolean(status->flags & VDISK_F_READ_ONLY));
	add(object, "write_through", json_boolean(status->flags & VDISK_F_WRITE_THROUGH));
	add_number(object, "openers", status->openers);
	add_number(object, "connections", status->connections);
	add_number(object, "read_ahead_kib", status->readahead_kb);
	add_text(object, "lost", vdisk_lost_name(status->lost));
	if (status->lost != VDISK_LOST_QUEUE)
		add_number(object, "lost_seconds", status->lost_seconds);
	if (status->stamp[0])
		add_text(object, "stamp", status->stamp);
	add(object, "overlay", overlay_json(status));
	add(object, "servers", servers);
	add(object, "stats", stats_json(status));
	return object;
}

json_t *json_event(const struct vdisk_event_info *event, const char *time)
{
	json_t *object = json_object(), *server;

	add_text(object, "time", time);
	add_text(object, "event", vdisk_event_name(event->kind));
	add_device(object, event->number);
	if (event->has_server) {
		server = json_object();
		add_text(server, "host", event->host);
		add_number(server, "port", event->port);
		add(object, "server", server);
	}
	if (event->kind == VDISK_EVENT_OVERLAY_LEVEL)
		add_number(object, "percent", event->percent);
	if (event->reason[0])
		add_text(object, "reason", event->reason);
	return object;
}

void print_object(json_t *object, bool compact)
{
	json_dumpf(object, stdout,
		   JSON_PRESERVE_ORDER | (compact ? JSON_COMPACT : JSON_INDENT(2)));
	putchar('\n');
	json_decref(object);
}
