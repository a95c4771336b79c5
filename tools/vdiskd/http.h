/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control plane's HTTP: listeners, routes, requests and answers.
 *
 * A handler runs on a thread of its listener, never on an event loop of the data
 * plane, and finds its request checked: who asks and whether they may, the
 * placeholders decoded, the body an object.  It fills in the answer and returns.
 */
#ifndef VDISKD_HTTP_H
#define VDISKD_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "address.h"

struct MHD_Connection;
struct catalog_who;
struct control;
struct http_answer;
struct http_exchange;
struct http_request;
struct vdisk_error;

enum http_limits {
	HTTP_BODY_MOST = 1 << 20,
	HTTP_BODIES_MOST = 64 << 20,	/* of all requests together */
	HTTP_DEPTH_MOST = 16,		/* of JSON */
	HTTP_PATH_MOST = 2048,
	HTTP_SEGMENTS_MOST = 8,
	HTTP_CONNECTIONS_MOST = 4096,
	HTTP_RETRY_SECONDS = 5,
};

/* Who may use a route; each role may do what those before it may. */
enum http_role {
	ROLE_ANYONE,		/* or the handler looks by itself */
	ROLE_VIEWER,
	ROLE_OPERATOR,
	ROLE_ADMIN,
	ROLE_LOCAL,		/* root, by the local socket */
};

enum http_route_flags {
	ROUTE_LOOPBACK = 1,	/* from this machine anybody may */
	ROUTE_QUIET = 2,	/* no line in the log: it comes often */
	ROUTE_SLASH = 4,	/* what stands for a placeholder may have a '/' in it, as %2F */
};

struct principal {
	enum http_role role;
	char name[64];
	int64_t group;		/* id of the group that an operator is bound to; 0: none */
};

struct http_request {
	const char *method;	/* GET for HEAD, too */
	const char *path;	/* as it came, without the query */
	const char *segments[HTTP_SEGMENTS_MOST]; /* what stands for the placeholders, decoded */
	unsigned int segment_count;
	json_t *body;		/* an object, or NULL when nothing was sent */
	struct principal who;
	struct sockaddr_storage peer;
	char from[ADDRESS_TEXT]; /* the peer without its port; "local" by the local socket */
	bool encrypted;		/* nobody on the network reads along */
	int64_t revision;	/* of If-Match; -1: any */
	struct MHD_Connection *connection;
	struct http_exchange *exchange;
};

/*
 * Empty at first: status 0 stands for 200, or 204 when there is nothing to say.
 * One of json, text and fd.
 */
struct http_answer {
	unsigned int status;
	json_t *json;		/* the answer's from now on */
	char *text;		/* malloc'ed; the answer's */
	const char *type;	/* of text or fd; a literal */
	int fd;			/* -1, or a file: the answer's */
	off_t size;		/* of the file; ranges are cut out by http.c */
	unsigned int retry_after;	/* seconds; 0: says nothing */
	int64_t revision;	/* for ETag; 0: none */
	char location[HTTP_PATH_MOST];	/* of what was made; "": none */
	char link[HTTP_PATH_MOST + 128];	/* to the page that follows; "": none */
	const char *allow;	/* of a 405 */
	/* NULL, or called when all of it is with the client; on a listener's thread. */
	void (*sent)(struct control *control, const struct http_request *request,
		     const struct http_answer *answer, double seconds);
};

struct http_route {
	const char *method;
	const char *pattern;	/* "/v1/clients/{name}" */
	enum http_role role;
	void (*run)(struct control *control, struct http_request *request,
		    struct http_answer *answer);
	unsigned int flags;
	size_t body_most;	/* 0: HTTP_BODY_MOST */
};

/* Ended by an entry without a method. */
extern const struct http_route api_routes[];	/* administrators; api*.c */
extern const struct http_route login_routes[];	/* sessions; login.c */
extern const struct http_route boot_routes[];	/* firmware; bootscript.c */

/* http_request.c */

/** http_query - the decoded value of a parameter behind the '?', or NULL */
const char *http_query(const struct http_request *request, const char *name);

/** http_bearer - the token of "Authorization: Bearer", or NULL */
const char *http_bearer(const struct http_request *request);

/** http_who - for the catalog's audit: valid as long as @request is */
struct catalog_who http_who(const struct http_request *request);

/* http_answer.c */

/**
 * http_problem - answer with an application/problem+json
 * @answer: whatever it held is dropped
 * @title:  short, always the same for the same kind of problem; a literal
 * @detail: for people, as printf
 *
 * Further members may be put into @answer->json afterwards.
 */
void http_problem(struct http_answer *answer, unsigned int status, const char *title,
		  const char *detail, ...) __attribute__((format(printf, 4, 5)));

/** http_catalog_problem - the same, for what a function of the catalog returned */
void http_catalog_problem(struct http_answer *answer, int ret, const struct vdisk_error *err);

/** http_catalog_failed - whether the catalog could not be used just now */
bool http_catalog_failed(void);

/* http_auth.c */

/**
 * http_refused - an authentication failed; after some of them the address has to wait
 *
 * For routes that look at tokens by themselves.  Fills in a 401, or a 429.
 */
void http_refused(struct http_request *request, struct http_answer *answer);

/* http.c */

/** http_start - listen as the configuration says; complains by itself; 0 or -1 */
int http_start(struct control *control);

/** http_stop - end all requests and listeners */
void http_stop(struct control *control);

/** http_reload - read the server's certificate anew; a broken one changes nothing */
void http_reload(struct control *control);

/** http_api_port - of the first listener for the API; 10811 when there is none */
unsigned int http_api_port(const struct control *control);

/** http_tick - a second has passed */
void http_tick(void);

#endif
