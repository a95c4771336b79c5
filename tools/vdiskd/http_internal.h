/* SPDX-License-Identifier: GPL-2.0 */
/* What the files http*.c share and nobody else needs. */
#ifndef VDISKD_HTTP_INTERNAL_H
#define VDISKD_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <time.h>

#include "http.h"
#include "text.h"

enum http_kind { HTTP_BOOT, HTTP_API, HTTP_API_PLAIN, HTTP_LOCAL };

enum http_internal_limits { TABLES_MOST = 4, PARAMETERS_MOST = 16 };

struct http_listener {
	struct http_listener *next;
	struct control *control;
	enum http_kind kind;
	const struct http_route *tables[TABLES_MOST];	/* up to a NULL */
	struct MHD_Daemon *daemon;
	int fd;				/* the daemon's once it runs */
	char *path;			/* of a Unix socket */
};

struct http_connection;

struct http_parameter {
	const char *name, *value;
};

/* One request on its way; belongs to a thread of its listener. */
struct http_exchange {
	struct http_listener *listener;
	struct http_connection *client;	/* NULL: there was no memory for one */
	const struct http_route *route;	/* NULL: there is none */
	struct http_request request;
	struct http_answer answer;
	char *uri;			/* as it came; query and path point into it */
	char *query;			/* NULL: none */
	char *decoded;			/* room for segments and parameters */
	size_t decoded_length;
	struct http_parameter parameters[PARAMETERS_MOST];
	unsigned int parameter_count;
	struct text body;
	size_t body_most;
	bool head;			/* the method is HEAD */
	bool begun;			/* its header was looked at */
	bool answered;			/* @answer is ready before the body has come */
	unsigned int status;		/* that was sent */
	struct timespec began;
};

/* http_route.c */

/**
 * http_route_find - the route for a request
 *
 * Sets @exchange->route and the request's segments; otherwise answers, and returns false.
 */
bool http_route_find(struct http_exchange *exchange);

/* http_request.c */

/** http_parse_uri - take path and query apart; false: answered */
bool http_parse_uri(struct http_exchange *exchange);

/** http_decode - %XX of @length bytes into @exchange->decoded; NULL: not valid */
const char *http_decode(struct http_exchange *exchange, const char *text, size_t length, bool plus);

/** http_check_headers - length, type and conditions; false: answered */
bool http_check_headers(struct http_exchange *exchange);

/** http_take_body - bytes of the body have come; false: answered */
bool http_take_body(struct http_exchange *exchange, const char *data, size_t size);

/** http_parse_body - it is complete; false: answered */
bool http_parse_body(struct http_exchange *exchange);

/** http_drop_body - give its memory back */
void http_drop_body(struct http_exchange *exchange);

/* http_answer.c */

/** http_send - hand the answer to the library, and log it */
enum MHD_Result http_send(struct http_exchange *exchange);

/** http_answer_free - drop what it holds */
void http_answer_free(struct http_answer *answer);

/* http_auth.c */

/** http_authenticate - who asks, and whether they may; false: answered */
bool http_authenticate(struct http_exchange *exchange);

/* http_connection.c */

/**
 * http_connection_limit - what is allowed; before there are any
 * @most: how many there may be of all listeners together
 * @request_seconds: until a request must be here; 0: as usual
 */
void http_connection_limit(unsigned int most, unsigned int request_seconds);

/** http_connection_open - the kernel has accepted @fd; NULL without memory */
struct http_connection *http_connection_open(int fd, const struct sockaddr *peer);

/** http_connection_close - it is about to be closed */
void http_connection_close(struct http_connection *connection);

/** http_connection_wait - the client is to send a request, and not to take for ever */
void http_connection_wait(struct http_connection *connection);

/** http_connection_work - the request is here: no deadline */
void http_connection_work(struct http_connection *connection);

/**
 * http_connection_hold - @bytes are kept for its request; false: its address has too many
 *
 * Small requests are always kept.
 */
bool http_connection_hold(struct http_connection *connection, size_t bytes);

/** http_connection_expire - end those that took too long; once a second */
void http_connection_expire(void);

/** http_connection_count - how many there are */
unsigned int http_connection_count(void);

#endif
