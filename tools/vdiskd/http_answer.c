// SPDX-License-Identifier: GPL-2.0
/* Answers: problems, and how an answer becomes bytes on the wire. */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "error.h"
#include "http_internal.h"
#include "log.h"
#include "metrics.h"
#include "util.h"

enum { DETAIL_SIZE = 1024 };

struct range {
	uint64_t start, length;
};

static long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec + 1;
}

void http_answer_free(struct http_answer *answer)
{
	json_decref(answer->json);
	free(answer->text);
	if (answer->fd >= 0)
		close(answer->fd);
	*answer = (struct http_answer) { .fd = -1 };
}

/* What people are told may quote what came from the network. */
static json_t *clean_string(char *text)
{
	json_t *string;
	char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	string = json_string(text);
	if (string)
		return string;
	for (c = text; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(text);
}

void http_problem(struct http_answer *answer, unsigned int status, const char *title,
		  const char *detail, ...)
{
	char text[DETAIL_SIZE];
	va_list ap;

	va_start(ap, detail);
	vsnprintf(text, sizeof(text), detail, ap);
	va_end(ap);
	http_answer_free(answer);
	answer->status = status;
	answer->json = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title", title,
				 "status", (int)status, "detail", clean_string(text));
}

static atomic_long failed;	/* when the catalog was last found down; 0: never */

bool http_catalog_failed(void)
{
	long when = atomic_load(&failed);

	return when && now() - when < HTTP_RETRY_SECONDS;
}

void http_catalog_problem(struct http_answer *answer, int ret, const struct vdisk_error *err)
{
	static const struct {
		int error;
		unsigned int status;
		const char *title;
	} problems[] = {
		{ -ENOENT, MHD_HTTP_NOT_FOUND, "Not found" },
		{ -EINVAL, MHD_HTTP_BAD_REQUEST, "Not valid" },
		{ -EEXIST, MHD_HTTP_CONFLICT, "Exists already" },
		{ -EBUSY, MHD_HTTP_CONFLICT, "In use" },
		{ -EPERM, MHD_HTTP_FORBIDDEN, "Forbidden" },
		{ -EAGAIN, MHD_HTTP_PRECONDITION_FAILED, "Changed meanwhile" },
	};
	unsigned int i;

	if (catalog_is_down(ret)) {
		atomic_store(&failed, now());
		log_limited(LOG_LEVEL_ERROR, "the catalog cannot be used", "reason", err->text);
		http_problem(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "Catalog not available",
			     "the catalog cannot be used now; try again");
		answer->retry_after = HTTP_RETRY_SECONDS;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(problems); i++) {
		if (problems[i].error == ret) {
			http_problem(answer, problems[i].status, problems[i].title, "%s", err->text);
			return;
		}
	}
	log_limited(LOG_LEVEL_ERROR, "a request failed", "reason", err->text);
	http_problem(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "Failed", "%s", err->text);
}

/* One range: "bytes=A-B", "bytes=A-" or "bytes=-N"; anything else stands for the whole. */
static bool parse_range(const char *value, uint64_t size, struct range *range, bool *outside)
{
	unsigned long long from, to;
	char *end;

	*outside = false;
	if (!value || strncmp(value, "bytes=", 6) || strchr(value, ','))
		return false;
	value += 6;
	errno = 0;
	if (*value == '-') {
		if (value[1] < '0' || value[1] > '9')
			return false;
		to = strtoull(value + 1, &end, 10);
		if (*end || errno)
			return false;
		*outside = !to || !size;
		range->length = MIN(to, size);
		range->start = size - range->length;
		return true;
	}
	if (*value < '0' || *value > '9')
		return false;
	from = strtoull(value, &end, 10);
	if (*end++ != '-' || errno)
		return false;
	to = UINT64_MAX - 1;
	if (*end) {
		if (*end < '0' || *end > '9')
			return false;
		to = strtoull(end, &end, 10);
		if (*end || errno || to < from)
			return false;
	}
	*outside = from >= size;
	if (*outside)
		return true;
	range->start = from;
	range->length = MIN(to, size - 1) + 1 - from;
	return true;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		log_limited(LOG_LEVEL_WARNING, "a header is left out", "header", name);
}

static struct MHD_Response *from_file(struct http_exchange *exchange)
{
	struct http_answer *answer = &exchange->answer;
	struct range range = { .length = answer->size };
	struct MHD_Response *response;
	const char *value = NULL;
	char text[80];
	bool outside;

	if (!MHD_lookup_connection_value(exchange->request.connection, MHD_HEADER_KIND,
					 MHD_HTTP_HEADER_IF_RANGE))
		value = MHD_lookup_connection_value(exchange->request.connection, MHD_HEADER_KIND,
						    MHD_HTTP_HEADER_RANGE);
	if (parse_range(value, answer->size, &range, &outside)) {
		if (outside) {
			snprintf(text, sizeof(text), "bytes */%lld", (long long)answer->size);
			http_problem(answer, MHD_HTTP_RANGE_NOT_SATISFIABLE, "Range not satisfiable",
				     "the file ends before");
			return NULL;
		}
		answer->status = MHD_HTTP_PARTIAL_CONTENT;
		snprintf(text, sizeof(text), "bytes %llu-%llu/%lld", (unsigned long long)range.start,
			 (unsigned long long)(range.start + range.length - 1),
			 (long long)answer->size);
	} else {
		text[0] = '\0';
	}
	response = MHD_create_response_from_fd_at_offset64(range.length, answer->fd, range.start);
	if (!response)
		return NULL;
	answer->fd = -1;	/* the library's now */
	add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (text[0])
		add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		   answer->type ? answer->type : "application/octet-stream");
	return response;
}

static struct MHD_Response *from_text(char *text, const char *type)
{
	struct MHD_Response *response;

	response = MHD_create_response_from_buffer_with_free_callback(strlen(text), text, free);
	if (!response)
		free(text);
	else
		add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return response;
}

static struct MHD_Response *make_response(struct http_exchange *exchange)
{
	struct http_answer *answer = &exchange->answer;
	struct MHD_Response *response = NULL;
	char *text;

	if (answer->fd >= 0) {
		response = from_file(exchange);
		if (response || !answer->json)
			return response;
	}
	if (answer->json) {
		text = json_dumps(answer->json, JSON_COMPACT);
		if (!text)
			return NULL;
		return from_text(text, answer->status >= MHD_HTTP_BAD_REQUEST ?
				 "application/problem+json" : "application/json");
	}
	if (answer->text) {
		text = answer->text;
		answer->text = NULL;
		return from_text(text, answer->type ? answer->type : "text/plain; charset=utf-8");
	}
	if (!answer->status)
		answer->status = MHD_HTTP_NO_CONTENT;
	return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

static void add_headers(struct MHD_Response *response, const struct http_answer *answer)
{
	char text[32];

	add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	if (answer->link[0])
		add_header(response, "Link", answer->link);
	if (answer->location[0])
		add_header(response, MHD_HTTP_HEADER_LOCATION, answer->location);
	if (answer->allow)
		add_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
	if (answer->status == MHD_HTTP_UNAUTHORIZED)
		add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (answer->retry_after) {
		snprintf(text, sizeof(text), "%u", answer->retry_after);
		add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
	}
	if (answer->revision) {
		snprintf(text, sizeof(text), "\"%lld\"", (long long)answer->revision);
		add_header(response, MHD_HTTP_HEADER_ETAG, text);
	}
}

/* One line a change: who, what, from where, with what result. */
static void log_access(const struct http_exchange *exchange)
{
	const struct http_request *request = &exchange->request;
	char status[16];

	if (!strcmp(request->method, "GET") ||
	    (exchange->route && exchange->route->flags & ROUTE_QUIET))
		return;
	snprintf(status, sizeof(status), "%u", exchange->status);
	if (exchange->route && request->who.role != ROLE_ANYONE)
		log_event(LOG_LEVEL_INFO, "change", "who", request->who.name, "from",
			  request->from, "method", request->method, "path", request->path,
			  "status", status);
	else
		log_limited(LOG_LEVEL_INFO, "request", "from", request->from, "method",
			    request->method, "path", request->path, "status", status);
}

enum MHD_Result http_send(struct http_exchange *exchange)
{
	struct http_answer *answer = &exchange->answer;
	struct MHD_Response *response = make_response(exchange);
	enum MHD_Result ret;

	if (!response) {
		http_problem(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "Failed",
			     "the answer could not be made");
		response = make_response(exchange);
		if (!response)
			return MHD_NO;
	}
	if (!answer->status)
		answer->status = MHD_HTTP_OK;
	exchange->status = answer->status;
	add_headers(response, answer);
	ret = MHD_queue_response(exchange->request.connection, answer->status, response);
	MHD_destroy_response(response);
	metrics_http(exchange->route, answer->status);
	log_access(exchange);
	return ret;
}
