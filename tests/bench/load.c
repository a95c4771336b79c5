// SPDX-License-Identifier: GPL-2.0
/*
 * load: a thousand clients of an NBD server in one process, each with its own
 * connection, each replaying the recorded reads of a boot.  See load.sh.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"

static const char usage[] =
	"usage: load [OPTION]... nbd://HOST[:PORT]/NAME\n"
	"       load --make-image FILE [--trace FILE]\n"
	"Replays the reads of a boot with many clients at once.\n"
	"  --clients N      (1000)\n"
	"  --trace FILE     (tests/bench/boot.trace)\n"
	"  --fraction F     of the trace's reads, from its begin (1)\n"
	"  --window N       requests of one client under way (4)\n"
	"  --speed F        as recorded, F times as fast; else as the replies come\n"
	"  --structured     structured replies, where the server has them\n"
	"  --ramp S         connections begin within so many seconds (0)\n"
	"  --timeout S      for all (600)\n"
	"  --verify FILE    compare with this image: the begin of each reply, 1 in 64 as a whole\n"
	"  --json           figures as one JSON object\n"
	"Exit 0: all clients have had all replies.\n";

enum { EVENTS = 256, TICK_MS = 5, SHOWN = 5 };

struct run {
	struct load load;
	struct client *clients;
	unsigned int count;
	unsigned int waiting;		/* those behind have begun */
	double ramp, timeout;
	uint64_t begin;
	bool json;
};

struct result {
	unsigned int completed, failed, unfinished;
	uint64_t bytes;
	double seconds, fastest, median, slowest;
};

/*----- options -----*/

static double number(const char *text, double least, double most, const char *what)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most))
		errx(2, "%s: '%s' is no number from %g to %g", what, text, least, most);
	return value;
}

/* nbd://HOST[:PORT]/NAME; an IPv6 address stands in brackets. */
static void parse_uri(struct load *load, const char *uri)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char host[256], port[8] = "10809";
	int at = 0, ret;

	if (sscanf(uri, "nbd://[%255[^]]]%n", host, &at) != 1 &&
	    sscanf(uri, "nbd://%255[^:/[]%n", host, &at) != 1)
		errx(2, "'%s' is no nbd://HOST[:PORT]/NAME", uri);
	uri += at;
	at = 0;
	if (*uri == ':' && (sscanf(uri, ":%7[0-9]%n", port, &at) != 1 || !at))
		errx(2, "no port in '%s'", uri);
	uri += at;
	if (*uri++ != '/' || strlen(uri) >= sizeof(load->name))
		errx(2, "no name of an export at the end of the URI");
	strcpy(load->name, uri);
	ret = getaddrinfo(host, port, &hints, &found);
	if (ret)
		errx(1, "%s: %s", host, gai_strerror(ret));
	memcpy(&load->address, found->ai_addr, found->ai_addrlen);
	load->address_length = found->ai_addrlen;
	freeaddrinfo(found);
}

static const uint8_t *map_image(const char *path, uint64_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st))
		err(1, "can't open %s", path);
	if ((uint64_t)st.st_size < size)
		errx(1, "%s is smaller than the trace needs", path);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "can't map %s", path);
	close(fd);
	return map;
}

static const struct option options[] = {
	{ "clients", required_argument, NULL, 'c' },
	{ "trace", required_argument, NULL, 't' },
	{ "fraction", required_argument, NULL, 'f' },
	{ "window", required_argument, NULL, 'w' },
	{ "speed", required_argument, NULL, 's' },
	{ "structured", no_argument, NULL, 'S' },
	{ "ramp", required_argument, NULL, 'r' },
	{ "timeout", required_argument, NULL, 'T' },
	{ "verify", required_argument, NULL, 'v' },
	{ "json", no_argument, NULL, 'j' },
	{ "make-image", required_argument, NULL, 'm' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void parse_options(struct run *run, int argc, char **argv)
{
	const char *trace = "tests/bench/boot.trace", *verify = NULL, *image = NULL;
	struct load *load = &run->load;
	double fraction = 1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c': run->count = number(optarg, 1, 100000, "--clients"); break;
		case 't': trace = optarg; break;
		case 'f': fraction = number(optarg, 0, 1, "--fraction"); break;
		case 'w': load->window = number(optarg, 1, WINDOW_MOST, "--window"); break;
		case 's': load->speed = number(optarg, 0.001, 1e6, "--speed"); break;
		case 'S': load->structured = true; break;
		case 'r': run->ramp = number(optarg, 0, 1e6, "--ramp"); break;
		case 'T': run->timeout = number(optarg, 0, 1e6, "--timeout"); break;
		case 'v': verify = optarg; break;
		case 'j': run->json = true; break;
		case 'm': image = optarg; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (argc - optind != !image) {
		fputs(usage, stderr);
		exit(2);
	}
	trace_load(&load->trace, trace, fraction);
	if (image) {
		trace_make_image(&load->trace, image);
		exit(0);
	}
	parse_uri(load, argv[optind]);
	if (verify)
		load->image = map_image(verify, load->trace.size);
}

/*----- the run -----*/

static void raise_descriptors(unsigned int clients)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < clients + 16)
		errx(1, "%u clients need as many descriptors: ulimit -n is %llu", clients,
		     (unsigned long long)limit.rlim_cur);
}

static void make_clients(struct run *run)
{
	unsigned int i;

	raise_descriptors(run->count);
	run->load.epoll = epoll_create1(EPOLL_CLOEXEC);
	run->clients = calloc(run->count, sizeof(*run->clients));
	if (run->load.epoll < 0 || !run->clients)
		err(1, "can't make %u clients", run->count);
	for (i = 0; i < run->count; i++) {
		run->clients[i].load = &run->load;
		run->clients[i].id = i;
		run->clients[i].fd = -1;
	}
	run->waiting = run->count;
}

/* Connects those whose turn it is. */
static void begin_clients(struct run *run)
{
	double since = (now_ns() - run->begin) / 1e9;
	unsigned int i;

	while (run->waiting) {
		i = run->count - run->waiting;
		if (since < run->ramp * i / run->count)
			return;
		client_connect(&run->clients[i]);
		run->waiting--;
	}
}

/* Sends what is due by the recorded times. */
static void ask_by_time(struct run *run)
{
	uint64_t now = now_ns(), at;
	unsigned int i;

	for (i = 0; i < run->count; i++) {
		at = client_ask_at(&run->clients[i]);
		if (at && at <= now)
			client_ask(&run->clients[i]);
	}
}

static bool any_active(const struct run *run)
{
	static unsigned int first;

	/* None becomes active again: what was seen to have ended isn't looked at. */
	while (first < run->count - run->waiting && !client_active(&run->clients[first]))
		first++;
	return run->waiting || first < run->count;
}

static void run_clients(struct run *run)
{
	uint64_t deadline = now_ns() + run->timeout * 1e9;
	struct epoll_event events[EVENTS];
	int n, i;

	run->begin = now_ns();
	while (any_active(run) && now_ns() < deadline) {
		begin_clients(run);
		n = epoll_wait(run->load.epoll, events, EVENTS,
			       run->waiting || run->load.speed ? TICK_MS : 100);
		if (n < 0 && errno != EINTR)
			err(1, "epoll");
		for (i = 0; i < n; i++)
			client_event(events[i].data.ptr, events[i].events);
		if (run->load.speed)
			ask_by_time(run);
	}
}

/*----- the figures -----*/

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint64_t bytes_of(const struct client *c)
{
	uint64_t bytes = 0;
	uint32_t i;

	if (c->state == CLIENT_DONE)
		return c->load->trace.bytes;
	/* But for the order of the last few, these are what it had. */
	for (i = 0; i < c->completed; i++)
		bytes += c->load->trace.reads[i].length;
	return bytes;
}

static void sum_up(const struct run *run, struct result *result)
{
	double *seconds = calloc(run->count, sizeof(*seconds));
	unsigned int i, n = 0;

	if (!seconds)
		err(1, "no memory for the result");
	memset(result, 0, sizeof(*result));
	result->seconds = (now_ns() - run->begin) / 1e9;
	for (i = 0; i < run->count; i++) {
		const struct client *c = &run->clients[i];

		result->bytes += bytes_of(c);
		if (c->state == CLIENT_DONE)
			seconds[n++] = (c->end - c->begin) / 1e9;
		else if (c->state == CLIENT_FAILED)
			result->failed++;
		else
			result->unfinished++;
	}
	result->completed = n;
	if (n) {
		qsort(seconds, n, sizeof(*seconds), compare_doubles);
		result->fastest = seconds[0];
		result->median = n % 2 ? seconds[n / 2] : (seconds[n / 2 - 1] + seconds[n / 2]) / 2;
		result->slowest = seconds[n - 1];
	}
	free(seconds);
}

static void show_failures(const struct run *run, const struct result *result)
{
	unsigned int i, shown = 0;

	for (i = 0; i < run->count && shown < SHOWN; i++) {
		const struct client *c = &run->clients[i];

		if (c->state != CLIENT_FAILED)
			continue;
		warnx("client %u, %u of %u reads: %s", i, c->completed, run->load.trace.count, c->why);
		shown++;
	}
	if (result->failed > shown)
		warnx("and %u more that failed", result->failed - shown);
	if (result->unfinished)
		warnx("%u of %u clients were not done after %g s", result->unfinished, run->count,
		      run->timeout);
}

static void show(const struct run *run, const struct result *r)
{
	double ratio = r->median > 0 ? r->slowest / r->median : 0;
	double mib = r->bytes / 1048576.0;

	printf(run->json ?
	       "{\"clients\": %u, \"completed\": %u, \"failed\": %u, \"unfinished\": %u, "
	       "\"reads\": %u, \"fastest\": %.3f, \"median\": %.3f, \"slowest\": %.3f, "
	       "\"ratio\": %.3f, \"seconds\": %.3f, \"mib\": %.1f, \"mib_per_s\": %.1f}\n" :
	       "%u clients: %u completed, %u failed, %u not done; %u reads each\n"
	       "seconds of a client: fastest %.3f, median %.3f, slowest %.3f; slowest/median %.3f\n"
	       "%.3f s, %.1f MiB, %.1f MiB/s\n",
	       run->count, r->completed, r->failed, r->unfinished, run->load.trace.count,
	       r->fastest, r->median, r->slowest, ratio, r->seconds, mib, mib / r->seconds);
}

int main(int argc, char **argv)
{
	struct run run = {
		.load.window = 4,
		.count = 1000,
		.timeout = 600,
	};
	struct result result;

	parse_options(&run, argc, argv);
	make_clients(&run);
	run_clients(&run);
	sum_up(&run, &result);
	show(&run, &result);
	show_failures(&run, &result);
	free(run.clients);
	free(run.load.trace.reads);
	return result.completed == run.count ? 0 : 1;
}
