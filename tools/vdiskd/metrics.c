// SPDX-License-Identifier: GPL-2.0
#include "metrics.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "control.h"
#include "counters.h"
#include "http_internal.h"
#include "loop.h"
#include "presence.h"
#include "server.h"
#include "text.h"
#include "util.h"

enum { COUNTS_MOST = 1024, LOGINS_MOST = 16 };

/* A route and one status that it had. */
struct count {
	const struct http_route *route;
	unsigned int status;
	unsigned long n;
};

struct login {
	const char *result;
	unsigned long n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* all below */
static struct count counts[COUNTS_MOST];
static struct login logins[LOGINS_MOST];

/* Sums over all loops of one image, linked by image. */
struct sum {
	struct sum *next;
	const char *image;
	unsigned long requests[COUNTERS_COMMANDS];
	unsigned long errors, read_bytes, written_bytes;
	unsigned long latency[COUNTERS_BUCKETS], latency_ns;
};

void metrics_http(const struct http_route *route, unsigned int status)
{
	size_t i = ((uintptr_t)route / sizeof(void *) * 31 + status) % COUNTS_MOST, tries;

	pthread_mutex_lock(&lock);
	for (tries = 0; tries < COUNTS_MOST; tries++, i = (i + 1) % COUNTS_MOST) {
		if (counts[i].n && (counts[i].route != route || counts[i].status != status))
			continue;
		counts[i].route = route;
		counts[i].status = status;
		counts[i].n++;
		break;
	}
	pthread_mutex_unlock(&lock);
}

void metrics_login(const char *result)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < LOGINS_MOST && logins[i].result; i++)
		if (!strcmp(logins[i].result, result))
			break;
	if (i < LOGINS_MOST) {
		logins[i].result = result;
		logins[i].n++;
	}
	pthread_mutex_unlock(&lock);
}

static void print(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print(struct text *text, const char *format, ...)
{
	char line[1024];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	text_add(text, line, MIN((size_t)length, sizeof(line) - 1));
}

static void head(struct text *text, const char *name, const char *type, const char *help)
{
	print(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static unsigned long load(const atomic_ulong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct sum *sum_of(struct sum **sums, const char *image)
{
	struct sum *sum;

	for (sum = *sums; sum; sum = sum->next)
		if (!strcmp(sum->image, image))
			return sum;
	sum = calloc(1, sizeof(*sum));
	if (!sum)
		return NULL;
	sum->image = image;
	sum->next = *sums;
	*sums = sum;
	return sum;
}

static void add(struct sum *sum, const struct counters *counters)
{
	unsigned int i;

	for (i = 0; i < COUNTERS_COMMANDS; i++)
		sum->requests[i] += load(&counters->requests[i]);
	for (i = 0; i < COUNTERS_BUCKETS; i++)
		sum->latency[i] += load(&counters->latency[i]);
	sum->errors += load(&counters->errors);
	sum->read_bytes += load(&counters->read_bytes);
	sum->written_bytes += load(&counters->written_bytes);
	sum->latency_ns += load(&counters->latency_ns);
}

/* False without memory. */
static bool sum_up(const struct server *server, struct sum **sums)
{
	const struct counters *counters;
	struct sum *sum;
	unsigned int i;

	for (i = 0; i < server->loop_count; i++) {
		counters = atomic_load_explicit(&server->loops[i].counters, memory_order_acquire);
		for (; counters; counters = counters->next) {
			sum = sum_of(sums, counters->image);
			if (!sum)
				return false;
			add(sum, counters);
		}
	}
	return true;
}

static void print_requests(struct text *text, const struct sum *sums, const char *server)
{
	static const char *const commands[COUNTERS_COMMANDS] = {
		"read", "write", "disconnect", "flush", "trim", "cache", "write_zeroes",
		"block_status",
	};
	const struct sum *sum;
	unsigned int i;

	head(text, "vdisk_requests_total", "counter", "NBD requests begun");
	for (sum = sums; sum; sum = sum->next)
		for (i = 0; i < COUNTERS_COMMANDS; i++)
			if (sum->requests[i])
				print(text, "vdisk_requests_total{image=\"%s\",server=\"%s\",command=\"%s\"} %lu\n",
				      sum->image, server, commands[i], sum->requests[i]);
	head(text, "vdisk_request_errors_total", "counter", "NBD requests answered with an error");
	for (sum = sums; sum; sum = sum->next)
		print(text, "vdisk_request_errors_total{image=\"%s\",server=\"%s\"} %lu\n",
		      sum->image, server, sum->errors);
	head(text, "vdisk_read_bytes_total", "counter", "bytes that reads asked for");
	for (sum = sums; sum; sum = sum->next)
		print(text, "vdisk_read_bytes_total{image=\"%s\",server=\"%s\"} %lu\n",
		      sum->image, server, sum->read_bytes);
	head(text, "vdisk_written_bytes_total", "counter", "bytes that writes brought");
	for (sum = sums; sum; sum = sum->next)
		print(text, "vdisk_written_bytes_total{image=\"%s\",server=\"%s\"} %lu\n",
		      sum->image, server, sum->written_bytes);
}

static void print_latency(struct text *text, const struct sum *sums, const char *server)
{
	static const char name[] = "vdisk_read_latency_seconds";
	const struct sum *sum;
	unsigned long below;
	unsigned int i;

	head(text, name, "histogram", "from a read request seen to its reply handed to the network");
	for (sum = sums; sum; sum = sum->next) {
		below = 0;
		for (i = 0; i < COUNTERS_BUCKETS - 1; i++) {
			below += sum->latency[i];
			print(text, "%s_bucket{image=\"%s\",server=\"%s\",le=\"%.9g\"} %lu\n", name,
			      sum->image, server,
			      (double)((uint64_t)COUNTERS_FIRST_NS << i) / 1e9, below);
		}
		below += sum->latency[i];
		print(text, "%s_bucket{image=\"%s\",server=\"%s\",le=\"+Inf\"} %lu\n", name,
		      sum->image, server, below);
		print(text, "%s_sum{image=\"%s\",server=\"%s\"} %.9f\n", name, sum->image, server,
		      sum->latency_ns / 1e9);
		print(text, "%s_count{image=\"%s\",server=\"%s\"} %lu\n", name, sum->image, server,
		      below);
	}
}

/* What a label may have: a host's name is letters, digits and little else. */
static void label_of_server(char name[PRESENCE_NAME])
{
	char *c;

	presence_name(name);
	for (c = name; *c; c++)
		if (*c == '"' || *c == '\\' || *c < ' ')
			*c = '_';
}

static bool print_images(struct text *text, const struct server *server)
{
	struct sum *sums = NULL, *next;
	bool all = sum_up(server, &sums);
	char name[PRESENCE_NAME];

	label_of_server(name);

	if (all) {
		print_requests(text, sums, name);
		print_latency(text, sums, name);
	}
	for (; sums; sums = next) {
		next = sums->next;
		free(sums);
	}
	return all;
}

static void print_connections(struct text *text, const struct server *server)
{
	unsigned int i, sum = 0;

	for (i = 0; i < server->loop_count; i++)
		sum += atomic_load(&server->loops[i].load);
	head(text, "vdisk_connections", "gauge", "connections that are open");
	print(text, "vdisk_connections{kind=\"nbd\"} %u\n", sum);
	print(text, "vdisk_connections{kind=\"http\"} %u\n", http_connection_count());
}

static void print_control(struct text *text)
{
	unsigned int i;

	head(text, "vdisk_http_requests_total", "counter", "requests of the control plane");
	pthread_mutex_lock(&lock);
	for (i = 0; i < COUNTS_MOST; i++)
		if (counts[i].n)
			print(text, "vdisk_http_requests_total{method=\"%s\",route=\"%s\",status=\"%u\"} %lu\n",
			      counts[i].route ? counts[i].route->method : "",
			      counts[i].route ? counts[i].route->pattern : "", counts[i].status,
			      counts[i].n);
	head(text, "vdisk_logins_total", "counter", "logins of clients, by what came of them");
	for (i = 0; i < LOGINS_MOST && logins[i].result; i++)
		print(text, "vdisk_logins_total{result=\"%s\"} %lu\n", logins[i].result,
		      logins[i].n);
	pthread_mutex_unlock(&lock);
}

/* What only the catalog knows is left out while it is down. */
static void print_catalog(struct text *text, struct catalog *catalog)
{
	static const char *const states[] = { "starting", "live", "lost" };
	int64_t in_state[ARRAY_SIZE(states)], pending = 0;
	json_t *filter;
	unsigned int i;
	int ret;

	ret = catalog_count(catalog, CATALOG_PENDING, NULL, &pending, NULL);
	for (i = 0; !ret && i < ARRAY_SIZE(states); i++) {
		filter = json_pack("{s:s}", "state", states[i]);
		ret = catalog_count(catalog, CATALOG_SESSION, filter, &in_state[i], NULL);
		json_decref(filter);
	}
	head(text, "vdisk_catalog_up", "gauge", "whether the catalog can be used");
	print(text, "vdisk_catalog_up %d\n", !ret);
	if (ret)
		return;
	head(text, "vdisk_sessions", "gauge", "sessions that have not ended");
	for (i = 0; i < ARRAY_SIZE(states); i++)
		print(text, "vdisk_sessions{state=\"%s\"} %lld\n", states[i],
		      (long long)in_state[i]);
	head(text, "vdisk_pending_machines", "gauge", "machines that wait for approval");
	print(text, "vdisk_pending_machines %lld\n", (long long)pending);
}

void metrics_run(struct control *control, struct http_request *request,
		 struct http_answer *answer)
{
	struct text text = { .data = NULL };
	bool all = print_images(&text, control->server);

	(void)request;
	print_connections(&text, control->server);
	print_control(&text);
	print_catalog(&text, control->catalog);
	text_add(&text, "", 1);
	if (!all || text.failed) {
		text_free(&text);
		http_problem(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "No memory",
			     "the server has no memory left");
		return;
	}
	answer->text = (char *)text.data;
	answer->type = "text/plain; version=0.0.4; charset=utf-8";
}
