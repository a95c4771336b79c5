// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners of the control plane, each a daemon of libmicrohttpd with a few
 * threads and an epoll each, and the way of a request through them:
 *
 *   begin_uri() -> on_request(), its header: parse_uri, route, authenticate, headers
 *               -> on_request(), its body in pieces
 *               -> on_request(), complete: parse the body, run the handler, send
 *               -> completed()
 *
 * Whatever refuses it on the way fills in the answer; a body that is still to
 * come is then read and dropped, or a client that is busy sending would never
 * see the answer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "http_internal.h"
#include "http_tls.h"
#include "listener.h"
#include "log.h"
#include "server.h"
#include "util.h"

enum {
	THREADS = 8,		/* of a listener */
	HEADER_MEMORY = 24 << 10,	/* of a connection: buffers, header lines */
	HEADER_MOST = 16 << 10,	/* what is less than that, and more than this, we refuse */
	IDLE_SECONDS = 30,
	DRAIN_MOST = 2 * HTTP_BODY_MOST,
	LIMIT_SLACK = 64,	/* ours is to be met first */
	SOCKET_BACKLOG = 128,
	API_PORT = 10811,
};

static const char *const kind_names[] = { "boot", "api", "api-plain", "local" };

static void *begin_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	exchange->uri = strdup(uri);
	if (!exchange->uri) {
		free(exchange);
		return NULL;
	}
	exchange->listener = context;
	exchange->answer.fd = -1;
	exchange->request.connection = connection;
	exchange->request.exchange = exchange;
	clock_gettime(CLOCK_MONOTONIC, &exchange->began);
	return exchange;
}

static struct http_connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void tell_sent(struct http_exchange *exchange)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	exchange->answer.sent(exchange->listener->control, &exchange->request, &exchange->answer,
			      now.tv_sec - exchange->began.tv_sec +
			      (now.tv_nsec - exchange->began.tv_nsec) / 1e9);
}

static void completed(void *context, struct MHD_Connection *connection, void **slot,
		      enum MHD_RequestTerminationCode code)
{
	struct http_exchange *exchange = *slot;

	(void)context;
	http_connection_wait(connection_of(connection));
	if (!exchange)
		return;
	*slot = NULL;
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && exchange->answer.sent && !exchange->head)
		tell_sent(exchange);
	http_drop_body(exchange);
	http_answer_free(&exchange->answer);
	json_decref(exchange->request.body);
	free(exchange->decoded);
	free(exchange->uri);
	free(exchange);
}

static void take_peer(struct http_exchange *exchange)
{
	struct http_request *request = &exchange->request;
	const union MHD_ConnectionInfo *info;
	struct address address;

	request->encrypted = exchange->listener->kind == HTTP_API ||
			     exchange->listener->kind == HTTP_LOCAL;
	request->peer.ss_family = AF_UNIX;
	info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (exchange->listener->kind == HTTP_LOCAL || !info || !info->client_addr) {
		snprintf(request->from, sizeof(request->from), "local");
		return;
	}
	memcpy(&request->peer, info->client_addr, info->client_addr->sa_family == AF_INET6 ?
	       sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	address = address_from_socket(&request->peer);
	address_format(&address, request->from);
}

static bool check_method(struct http_exchange *exchange, const char *method)
{
	struct http_answer *answer = &exchange->answer;

	exchange->head = !strcmp(method, "HEAD");
	exchange->request.method = exchange->head ? "GET" : method;
	if (exchange->listener->kind != HTTP_BOOT || !strcmp(exchange->request.method, "GET"))
		return true;
	http_problem(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "Method not allowed",
		     "here things can only be read");
	answer->allow = "GET, HEAD";
	return false;
}

/*
 * What libmicrohttpd would refuse itself, were it told to be strict: as a page of HTML,
 * or by closing.  It still does so with what is no HTTP, and with what has no room.
 */
static bool check_form(struct http_exchange *exchange, const char *version)
{
	struct MHD_Connection *connection = exchange->request.connection;
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (info && info->header_size > HEADER_MOST) {
		http_problem(&exchange->answer, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
			     "Header too large", "a request's header has at most %d bytes",
			     HEADER_MOST);
		return false;
	}
	if (strchr(exchange->request.path, ' ') ||
	    (exchange->query && strchr(exchange->query, ' '))) {
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad path",
			     "a path has no spaces: write %%20");
		return false;
	}
	if (!strcmp(version, MHD_HTTP_VERSION_1_1) &&
	    !MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST)) {
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "No host",
			     "HTTP/1.1 needs a Host");
		return false;
	}
	return true;
}

/* Whether the rest of the request is worth reading only to be dropped. */
static bool worth_draining(const struct http_exchange *exchange)
{
	struct MHD_Connection *connection = exchange->request.connection;
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT))
		return false;
	return !length || strtoull(length, NULL, 10) <= DRAIN_MOST;
}

static enum MHD_Result begin(struct http_exchange *exchange, const char *method,
			     const char *version)
{
	exchange->begun = true;
	exchange->client = connection_of(exchange->request.connection);
	take_peer(exchange);
	if (check_method(exchange, method) && http_parse_uri(exchange) &&
	    check_form(exchange, version) && http_route_find(exchange) && http_authenticate(exchange) &&
	    http_check_headers(exchange))
		return MHD_YES;
	exchange->answered = true;
	if (worth_draining(exchange))
		return MHD_YES;
	http_connection_work(exchange->client);
	return http_send(exchange);
}

static enum MHD_Result finish(struct http_exchange *exchange)
{
	http_connection_work(exchange->client);
	if (!exchange->answered && http_parse_body(exchange))
		exchange->route->run(exchange->listener->control, &exchange->request,
				     &exchange->answer);
	return http_send(exchange);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *url, const char *method, const char *version,
				  const char *data, size_t *size, void **slot)
{
	struct http_exchange *exchange = *slot;

	(void)context;
	(void)connection;
	(void)url;
	if (!exchange)
		return MHD_NO;
	if (!exchange->begun)
		return begin(exchange, method, version);
	if (!*size)
		return finish(exchange);
	if (!exchange->answered)
		exchange->answered = !http_take_body(exchange, data, *size);
	*size = 0;
	return MHD_YES;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *address, *fd;

	(void)context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_connection_close(*slot);
		*slot = NULL;
		return;
	}
	address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (address && fd)
		*slot = http_connection_open(fd->connect_fd, address->client_addr);
}

/* The library's own words: of TLS handshakes that fail and the like. */
static void log_library(void *context, const char *format, va_list ap)
{
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, ap);
	text[strcspn(text, "\n")] = '\0';
	log_limited(LOG_LEVEL_DEBUG, "http", "reason", text);
}

static int complain(const char *what, const char *on, const char *reason)
{
	log_event(LOG_LEVEL_ERROR, what, "on", on, "reason", reason);
	return -1;
}

static struct MHD_Daemon *start_daemon(struct http_listener *listener)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC;
	unsigned int most = listener->control->connections_most + LIMIT_SLACK;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_END, 0, NULL }, { MHD_OPTION_END, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_Daemon *daemon;

	if (listener->kind == HTTP_API) {
		if (http_tls_load(listener->control->config->keys, listener->control->pin))
			return NULL;
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem) { MHD_OPTION_HTTPS_CERT_CALLBACK2, 0,
			(void *)http_tls_retrieve };
		tls[1] = (struct MHD_OptionItem) { MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" };
	}
	daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, listener,
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, listener->fd,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned int)THREADS,
		MHD_OPTION_CONNECTION_LIMIT, most,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MEMORY,
		/* Strict would be to answer by itself what check_form() answers. */
		MHD_OPTION_STRICT_FOR_CLIENT, 0,
		MHD_OPTION_URI_LOG_CALLBACK, begin_uri, listener,
		MHD_OPTION_NOTIFY_COMPLETED, completed, listener,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!daemon)
		complain("cannot start a listener", kind_names[listener->kind], "no threads");
	return daemon;
}

static void choose_tables(struct http_listener *listener)
{
	const struct http_route **table = listener->tables;

	if (listener->kind == HTTP_BOOT) {
		*table++ = boot_routes;
		return;
	}
	*table++ = api_routes;
	*table++ = login_routes;
}

/* Puts a listener into the list and starts it; @fd is closed on failure. */
static int add(struct control *control, enum http_kind kind, int fd, const char *path)
{
	struct http_listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		close(fd);
		return complain("cannot listen", kind_names[kind], strerror(ENOMEM));
	}
	listener->control = control;
	listener->kind = kind;
	listener->fd = fd;
	listener->path = path ? strdup(path) : NULL;
	choose_tables(listener);
	listener->daemon = start_daemon(listener);
	if (!listener->daemon) {
		close(fd);
		free(listener->path);
		free(listener);
		return -1;
	}
	listener->next = control->listeners;
	control->listeners = listener;
	return 0;
}

static int add_all(struct control *control, enum http_kind kind, const struct config_listen *listen)
{
	struct sockaddr_storage sa;
	socklen_t length;
	char text[ADDRESS_TEXT];
	int fd;

	for (; listen; listen = listen->next) {
		fd = listener_open(listen);
		if (fd < 0)
			return complain("cannot listen", listen->text, strerror(-fd));
		length = sizeof(sa);
		if (getsockname(fd, (struct sockaddr *)&sa, &length)) {
			close(fd);
			return complain("cannot listen", listen->text, strerror(errno));
		}
		if (add(control, kind, fd, NULL))
			return -1;
		log_event(LOG_LEVEL_INFO, "listening for http", "kind", kind_names[kind],
			  "address", endpoint_format(&sa, text));
	}
	return 0;
}

/* What another server left behind goes; one that still answers stays. */
static int clear_path(const struct sockaddr_un *sa)
{
	int fd, ret;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? -errno : -EADDRINUSE;
	close(fd);
	if (ret == -ECONNREFUSED)
		ret = unlink(sa->sun_path) ? -errno : 0;
	return ret == -ENOENT ? 0 : ret;
}

static int open_local(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *slash;
	mode_t mask;
	int fd, ret;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	slash = strrchr(sa.sun_path, '/');
	if (slash && slash != sa.sun_path) {
		*slash = '\0';
		if (mkdir(sa.sun_path, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	ret = clear_path(&sa);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, SOCKET_BACKLOG) ? -errno : 0;
	umask(mask);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int http_start(struct control *control)
{
	const struct config *config = control->config;
	int fd;

	http_connection_limit(control->connections_most, config->test_request_seconds);
	fd = open_local(config->socket);
	if (fd < 0)
		return complain("cannot listen", config->socket, strerror(-fd));
	if (add(control, HTTP_LOCAL, fd, config->socket))
		return -1;
	if (add_all(control, HTTP_BOOT, config->http) ||
	    add_all(control, HTTP_API, config->api) ||
	    add_all(control, HTTP_API_PLAIN, config->api_plain))
		return -1;
	return 0;
}

void http_stop(struct control *control)
{
	struct http_listener *listener;

	while ((listener = control->listeners)) {
		control->listeners = listener->next;
		MHD_stop_daemon(listener->daemon);
		if (listener->path)
			unlink(listener->path);
		free(listener->path);
		free(listener);
	}
	http_tls_forget();
}

void http_reload(struct control *control)
{
	const struct http_listener *listener = control->listeners;

	while (listener && listener->kind != HTTP_API)
		listener = listener->next;
	if (listener && !http_tls_load(control->config->keys, control->pin))
		log_event(LOG_LEVEL_INFO, "the server's certificate was read anew");
}

void http_tick(void)
{
	http_connection_expire();
}

unsigned int http_api_port(const struct control *control)
{
	const struct http_listener *listener;
	struct sockaddr_storage sa;
	socklen_t length;

	for (listener = control->listeners; listener; listener = listener->next) {
		length = sizeof(sa);
		if (listener->kind != HTTP_API ||
		    getsockname(listener->fd, (struct sockaddr *)&sa, &length))
			continue;
		return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port :
			     ((struct sockaddr_in *)&sa)->sin_port);
	}
	return API_PORT;
}
