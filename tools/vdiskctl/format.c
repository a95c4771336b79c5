// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include "format.h"

char *format_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = bytes / 1024.0;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, size, "%" PRIu64 " B", bytes);
		return text;
	}
	while (value >= 1024 && unit < sizeof(units) / sizeof(*units) - 1) {
		value /= 1024;
		unit++;
	}
	snprintf(text, size, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

char *format_ms(uint64_t ms, char *text, size_t size)
{
	uint64_t s = ms / 1000;

	if (s < 60)
		snprintf(text, size, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		snprintf(text, size, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, size, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	else
		snprintf(text, size, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
	return text;
}

static const char *mode_of(const struct vdisk_status *status)
{
	if (status->flags & VDISK_F_READ_ONLY)
		return "read-only";
	if (status->flags & VDISK_F_WRITE_THROUGH)
		return "write-through";
	return "overlay";
}

static void print_overlay(const struct vdisk_status *status)
{
	const struct vdisk_overlay *overlay = &status->overlay;
	char used[32], limit[32], peak[32];

	if (overlay->kind == VDISK_OVERLAY_NONE)
		return;
	printf("  overlay   %s, %s of %s used, peak %s, full: %s",
	       vdisk_overlay_name(overlay->kind),
	       format_bytes(status->used, used, sizeof(used)),
	       format_bytes(overlay->limit, limit, sizeof(limit)),
	       format_bytes(status->peak, peak, sizeof(peak)), vdisk_full_name(overlay->full));
	if (overlay->full == VDISK_FULL_WAIT)
		printf(" %u s", overlay->full_seconds);
	putchar('\n');
	if (status->waiting || status->full_count || status->nomem_count)
		printf("            %u requests wait, %" PRIu64 " met the limit, %" PRIu64
		       " found no memory\n",
		       status->waiting, status->full_count, status->nomem_count);
}

static void print_server(const struct vdisk_server_status *server, bool tried)
{
	char since[32], next[32], rx[32], tx[32];

	printf("  server    %s port %u export '%s': %s for %s", server->config.host,
	       server->config.port, server->config.export, vdisk_path_state_name(server->state),
	       format_ms(server->since_ms, since, sizeof(since)));
	if (server->state == VDISK_PATH_UP)
		printf(", %u connections, %u requests under way", server->connected,
		       server->inflight);
	else if (tried)
		printf(", attempt %u, next in %s", server->attempts,
		       format_ms(server->next_try_ms, next, sizeof(next)));
	putchar('\n');
	if (server->reason[0])
		printf("            %s\n", server->reason);
	if (server->name[0])
		printf("            serves '%s'\n", server->name);
	printf("            %s received, %s sent, %" PRIu64 " requests, %" PRIu64
	       " errors, %" PRIu64 " reconnects\n",
	       format_bytes(server->rx_bytes, rx, sizeof(rx)),
	       format_bytes(server->tx_bytes, tx, sizeof(tx)), server->requests, server->errors,
	       server->reconnects);
}

static void print_stats(const struct vdisk_status *status)
{
	const uint64_t *stats = status->stats;
	char read[32], written[32], ahead[32], hit[32];

	printf("  reads     %" PRIu64 ", %s\n", stats[VDISK_STATS_A_READS],
	       format_bytes(stats[VDISK_STATS_A_READ_BYTES], read, sizeof(read)));
	printf("  writes    %" PRIu64 ", %s; %" PRIu64 " discards, %" PRIu64 " flushes\n",
	       stats[VDISK_STATS_A_WRITES],
	       format_bytes(stats[VDISK_STATS_A_WRITE_BYTES], written, sizeof(written)),
	       stats[VDISK_STATS_A_DISCARDS], stats[VDISK_STATS_A_FLUSHES]);
	printf("  prefetch  %s, %s of it used\n",
	       format_bytes(stats[VDISK_STATS_A_PREFETCH_BYTES], ahead, sizeof(ahead)),
	       format_bytes(stats[VDISK_STATS_A_PREFETCH_HIT_BYTES], hit, sizeof(hit)));
	if (stats[VDISK_STATS_A_ERRORS] || stats[VDISK_STATS_A_RETRIES])
		printf("  trouble   %" PRIu64 " errors, %" PRIu64 " retries\n",
		       stats[VDISK_STATS_A_ERRORS], stats[VDISK_STATS_A_RETRIES]);
}

void print_status(const struct vdisk_status *status)
{
	unsigned int i;
	char size[32];

	printf("/dev/vdisk%u  %s, %s", status->number, vdisk_state_name(status->state),
	       mode_of(status));
	if (status->size)
		printf(", %s", format_bytes(status->size, size, sizeof(size)));
	printf(", %u openers, when lost: %s", status->openers, vdisk_lost_name(status->lost));
	if (status->lost != VDISK_LOST_QUEUE)
		printf(" after %u s", status->lost_seconds);
	putchar('\n');
	if (status->reason[0])
		printf("  %s\n", status->reason);
	if (status->stamp[0])
		printf("  stamp     %s\n", status->stamp);
	print_overlay(status);
	for (i = 0; i < status->nr_servers; i++)
		print_server(&status->server[i], status->state != VDISK_STATE_ENDED);
	print_stats(status);
}

void print_event(const struct vdisk_event_info *event, const char *time)
{
	printf("%s vdisk%u %s", time, event->number, vdisk_event_name(event->kind));
	if (event->has_server)
		printf(" %s port %u", event->host, event->port);
	if (event->kind == VDISK_EVENT_OVERLAY_LEVEL)
		printf(" %u%%", event->percent);
	if (event->reason[0])
		printf(": %s", event->reason);
	putchar('\n');
}
