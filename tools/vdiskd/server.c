// SPDX-License-Identifier: GPL-2.0
#include "server.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admission.h"
#include "config.h"
#include "connection.h"
#include "control.h"
#include "counters.h"
#include "gate.h"
#include "http.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "util.h"

enum {
	TICK_MS = 1000,
	ACCEPTS_A_TURN = 64,
	STOP_SECONDS = 10,
	KEEPALIVE_IDLE = 20, KEEPALIVE_INTERVAL = 5, KEEPALIVE_COUNT = 4,
	UNACKED_MS = 60000,
	FULL_MS = 10,
	MMAP_LEAST = 128 << 10,
	DESCRIPTORS_KEPT = 256,		/* for images and the like */
	DESCRIPTORS_USUAL = 1024,
	DESCRIPTORS_MOST = 1 << 30,
};

/* A connection on its way to its loop. */
struct arrival {
	struct task task;
	struct connection *connection;
};

static void arrival_run(struct task *task)
{
	struct arrival *arrival = container_of(task, struct arrival, task);
	struct connection *c = arrival->connection;

	free(arrival);
	connection_start(c);
}

static struct loop *least_loaded(const struct server *server)
{
	struct loop *best = &server->loops[0];
	unsigned int i;

	for (i = 1; i < server->loop_count; i++)
		if (atomic_load(&server->loops[i].load) < atomic_load(&best->load))
			best = &server->loops[i];
	return best;
}

static void tune(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE, interval = KEEPALIVE_INTERVAL, count = KEEPALIVE_COUNT;
	unsigned int unacked = UNACKED_MS;

	/* All of these fail on a Unix socket, which needs none. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof(unacked));
}

static void admit(struct server *server, int fd, const struct sockaddr_storage *peer)
{
	struct arrival *arrival = malloc(sizeof(*arrival));
	struct connection *c;

	if (!arrival) {
		close(fd);
		log_limited(LOG_LEVEL_ERROR, "no memory for a connection");
		return;
	}
	tune(fd);
	c = connection_create(least_loaded(server), fd, peer);
	if (!c) {
		free(arrival);
		log_limited(LOG_LEVEL_ERROR, "no memory for a connection");
		return;
	}
	arrival->task.run = arrival_run;
	arrival->connection = c;
	loop_post(c->loop, &arrival->task);
}

static unsigned int connections(const struct server *server)
{
	unsigned int i, sum = 0;

	for (i = 0; i < server->loop_count; i++)
		sum += atomic_load(&server->loops[i].load);
	return sum;
}

/* No descriptor to be had: the oldest handshake makes room, if somebody waits for it. */
static void make_room(struct server *server, int listener, const char *why)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };

	if (poll(&waiting, 1, 0) != 1)
		return;
	log_limited(LOG_LEVEL_ERROR, "cannot accept a connection", "reason", why);
	admission_evict_oldest();
	/* Its loop closes it in a moment; there may be none, too. */
	server->full = true;
}

static void accept_some(struct server *server, int listener)
{
	struct sockaddr_storage peer;
	socklen_t length;
	int fd, i;

	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		if (connections(server) >= server->connections_most) {
			make_room(server, listener, "too many connections");
			return;
		}
		length = sizeof(peer);
		memset(&peer, 0, sizeof(peer));
		fd = accept4(listener, (struct sockaddr *)&peer, &length,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(server, fd, &peer);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		/* Of descriptors the kernel says so even when nobody waits. */
		make_room(server, listener, strerror(errno));
		return;
	}
}

/* sd_notify(3), without libsystemd. */
static void tell_manager(const char *state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(sa.sun_path))
		return;
	length = strlen(path);
	memcpy(sa.sun_path, path, length);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa,
		   offsetof(struct sockaddr_un, sun_path) + length) < 0)
		log_event(LOG_LEVEL_WARNING, "cannot notify the service manager", "reason",
			  strerror(errno));
	close(fd);
}

void server_loop_started(struct server *server, struct loop *loop, int error)
{
	(void)loop;
	pthread_mutex_lock(&server->lock);
	server->loops_started++;
	if (error)
		server->start_error = error;
	pthread_cond_signal(&server->started);
	pthread_mutex_unlock(&server->lock);
}

static int start_loops(struct server *server)
{
	unsigned int i;
	int ret = 0;

	server->loops = calloc(server->loop_count, sizeof(*server->loops));
	if (!server->loops)
		return -ENOMEM;
	for (i = 0; i < server->loop_count && !ret; i++)
		ret = loop_start(&server->loops[i], server);
	if (ret)
		return ret;
	pthread_mutex_lock(&server->lock);
	while (server->loops_started < server->loop_count)
		pthread_cond_wait(&server->started, &server->lock);
	ret = server->start_error;
	pthread_mutex_unlock(&server->lock);
	return ret;
}

/* Ends the loops; false when clients didn't take their replies in time. */
static bool stop_loops(struct server *server)
{
	struct timespec deadline;
	bool all = true;
	unsigned int i;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += STOP_SECONDS;
	for (i = 0; i < server->loop_count; i++)
		loop_stop(&server->loops[i]);
	for (i = 0; i < server->loop_count; i++)
		if (pthread_timedjoin_np(server->loops[i].thread, NULL, &deadline))
			all = false;
	return all;
}

bool server_watch_begin(struct server *server)
{
	if (atomic_fetch_add(&server->watchers, 1) < server->watchers_most)
		return true;
	server_watch_end(server);
	return false;
}

void server_watch_end(struct server *server)
{
	atomic_fetch_sub(&server->watchers, 1);
}

static void size_up(struct server *server, unsigned int descriptors)
{
	const struct config *config = server->config;
	unsigned long long mib = config->buffers;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct sysinfo info;

	/*
	 * More than there are processors: a loop whose turn it isn't finds the
	 * more to do when it comes, and so do its clients.
	 */
	server->loop_count = config->threads ? config->threads :
			     processors > 1 ? (unsigned int)MIN(2 * processors, processors + 8) : 1;
	server->watchers_most = MAX(processors, 0L) / 2;
	if (!mib) {
		mib = 64;
		if (!sysinfo(&info))
			mib = (unsigned long long)info.totalram * info.mem_unit >> 24;
		mib = MIN(MAX(mib, 64ULL), 512ULL);
	}
	server->pool_cap = (mib << 20) / server->loop_count;
	if (config->catalog) {
		server->http_most = MIN(descriptors / 4, (unsigned int)HTTP_CONNECTIONS_MOST);
		/* Its threads have the catalog open, too. */
		descriptors -= server->http_most + MIN(DESCRIPTORS_KEPT, descriptors / 8);
	}
	/* The rest is kept, so that those who are let in find their image opened. */
	server->connections_most = descriptors - MIN((unsigned int)DESCRIPTORS_KEPT, descriptors / 2);
}

/* As many as we may have: how many that is. */
static unsigned int raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return DESCRIPTORS_USUAL;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		getrlimit(RLIMIT_NOFILE, &limit);
	return MIN(limit.rlim_cur, (rlim_t)DESCRIPTORS_MOST);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Before any thread exists, so that all inherit it. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A limit on the size of files is an error to a client, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* False: told to end. */
static bool take_signal(struct server *server, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGHUP)
		return false;
	store_reload(&server->store);
	control_reload(server->control);
	return true;
}

/* About once a second, however busy the listeners are. */
static bool tick_is_due(struct server *server)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec == server->last_tick)
		return false;
	server->last_tick = now.tv_sec;
	return true;
}

/* Accepts until a signal ends it. */
static void serve(struct server *server, int signals)
{
	struct pollfd polls[2 + LISTENERS_MOST] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = server->store.watch, .events = POLLIN },
	};
	unsigned int i, count;
	int timeout;

	for (i = 0; i < server->listener_count; i++)
		polls[2 + i] = (struct pollfd) { .fd = server->listeners[i], .events = POLLIN };
	for (;;) {
		/* A listener that nothing can be accepted from would wake us without end. */
		count = server->full ? 2 : 2 + server->listener_count;
		timeout = server->full ? FULL_MS : TICK_MS;
		for (i = 2; i < 2 + server->listener_count; i++)
			polls[i].revents = server->full ? POLLIN : 0;
		server->full = false;
		if (poll(polls, count, timeout) < 0 && errno != EINTR)
			return;
		if (polls[0].revents && !take_signal(server, signals))
			return;
		if (polls[1].revents)
			watch_events(&server->watch);
		for (i = 0; i < server->listener_count; i++)
			if (polls[2 + i].revents)
				accept_some(server, polls[2 + i].fd);
		if (tick_is_due(server)) {
			admission_expire();
			watch_tick(&server->watch);
			control_tick(server->control);
			for (i = 0; i < server->loop_count; i++)
				loop_tick(&server->loops[i]);
		}
	}
}

static int complain(const char *what, const char *on, int error)
{
	log_event(LOG_LEVEL_ERROR, what, "on", on, "reason", strerror(error));
	return EXIT_FAILURE;
}

int server_run(const struct config *config)
{
	struct server server = { .config = config };
	unsigned int i;
	int ret, signals;
	bool all;

	/* Buffers come from the system and go back there: in between they leave no gaps. */
	mallopt(M_MMAP_THRESHOLD, MMAP_LEAST);
	signals = open_signals();
	if (signals < 0)
		return complain("cannot catch signals", "signalfd", errno);
	size_up(&server, raise_descriptors());
	pthread_mutex_init(&server.lock, NULL);
	pthread_cond_init(&server.started, NULL);
	ret = store_open(&server.store, config->store);
	if (ret)
		return complain("cannot open the store", config->store, -ret);
	server.store.writable = config->writable;
	workers_init(&server.workers);
	workers_init(&server.doorkeepers);
	watch_init(&server.watch, &server);
	ret = listener_open_all(config, server.listeners, LISTENERS_MOST);
	if (ret < 0)
		return EXIT_FAILURE;
	server.listener_count = ret;
	ret = start_loops(&server);
	if (ret)
		return complain("cannot start an event loop; Linux 6.1 with io_uring is needed",
				"io_uring", -ret);
	if (config->catalog) {
		server.control = control_start(config, &server);
		if (!server.control)
			_exit(EXIT_FAILURE);	/* the loops have nobody to serve yet */
	}
	log_event(LOG_LEVEL_INFO, "serving", "store", config->store);
	tell_manager("READY=1");
	serve(&server, signals);
	tell_manager("STOPPING=1");
	for (i = 0; i < server.listener_count; i++)
		close(server.listeners[i]);
	control_stop(server.control);
	all = stop_loops(&server);
	log_event(all ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "ended", "reason",
		  all ? NULL : "some clients did not take their last replies");
	if (!all)
		_exit(EXIT_SUCCESS);
	workers_stop(&server.workers);
	workers_stop(&server.doorkeepers);
	store_close(&server.store);
	for (i = 0; i < server.loop_count; i++)
		counters_free(&server.loops[i]);
	gate_close(server.gate);
	free(server.loops);
	close(signals);
	return EXIT_SUCCESS;
}
