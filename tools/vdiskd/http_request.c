// SPDX-License-Identifier: GPL-2.0
/* What a request says: its path, parameters, conditions and body. */
#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog.h"
#include "http_internal.h"
#include "util.h"

static atomic_size_t bodies;	/* bytes of all bodies that are here */

static const char *header(const struct http_exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->request.connection, MHD_HEADER_KIND, name);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The library that reads JSON knows UTF-8: no other code for that. */
static bool is_text(const char *text, size_t length)
{
	json_t *string = json_stringn(text, length);
	size_t i;

	json_decref(string);
	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return string;
}

const char *http_decode(struct http_exchange *exchange, const char *text, size_t length, bool plus)
{
	char *start = exchange->decoded + exchange->decoded_length, *out = start;
	const char *end = text + length;
	int high, low;

	for (; text < end; text++) {
		if (*text == '+' && plus) {
			*out++ = ' ';
		} else if (*text == '%') {
			high = end - text > 2 ? hex_digit(text[1]) : -1;
			low = end - text > 2 ? hex_digit(text[2]) : -1;
			if (high < 0 || low < 0)
				return NULL;
			*out++ = high << 4 | low;
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
	exchange->decoded_length += out + 1 - start;
	return is_text(start, out - start) ? start : NULL;
}

static bool parse_query(struct http_exchange *exchange)
{
	const char *text = exchange->query, *equals;
	struct http_parameter *parameter;
	size_t length, name;
	unsigned int i;

	for (; text && *text; text += length + (text[length] == '&')) {
		length = strcspn(text, "&");
		if (!length)
			continue;
		if (exchange->parameter_count == PARAMETERS_MOST)
			return false;
		equals = memchr(text, '=', length);
		name = equals ? (size_t)(equals - text) : length;
		parameter = &exchange->parameters[exchange->parameter_count++];
		parameter->name = http_decode(exchange, text, name, true);
		parameter->value = equals ?
			http_decode(exchange, equals + 1, length - name - 1, true) : "";
		if (!parameter->name || !parameter->value)
			return false;
		for (i = 0; i + 1 < exchange->parameter_count; i++)
			if (!strcmp(exchange->parameters[i].name, parameter->name))
				return false;
	}
	return true;
}

bool http_parse_uri(struct http_exchange *exchange)
{
	size_t length = strlen(exchange->uri);

	exchange->request.path = "";
	if (length > HTTP_PATH_MOST) {
		http_problem(&exchange->answer, MHD_HTTP_URI_TOO_LONG, "Path too long",
			     "a path has at most %d bytes", HTTP_PATH_MOST);
		return false;
	}
	exchange->query = strchr(exchange->uri, '?');
	if (exchange->query)
		*exchange->query++ = '\0';
	exchange->request.path = exchange->uri;
	/* Each part grows by its final zero and nothing else. */
	exchange->decoded = malloc(length + HTTP_SEGMENTS_MOST + 2 * PARAMETERS_MOST + 1);
	if (!exchange->decoded) {
		http_problem(&exchange->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "No memory",
			     "the server has no memory left");
		return false;
	}
	if (parse_query(exchange))
		return true;
	http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad query",
		     "the part behind '?' is not valid: each parameter once, at most %d, UTF-8",
		     PARAMETERS_MOST);
	return false;
}

const char *http_query(const struct http_request *request, const char *name)
{
	const struct http_exchange *exchange = request->exchange;
	unsigned int i;

	for (i = 0; i < exchange->parameter_count; i++)
		if (!strcmp(exchange->parameters[i].name, name))
			return exchange->parameters[i].value;
	return NULL;
}

const char *http_bearer(const struct http_request *request)
{
	const char *value = header(request->exchange, MHD_HTTP_HEADER_AUTHORIZATION);

	if (!value || strncasecmp(value, "Bearer ", 7))
		return NULL;
	value += 7;
	return value + strspn(value, " ");
}

/* If-Match: "N" or *; only where something is changed. */
static bool parse_condition(struct http_exchange *exchange)
{
	const char *value = header(exchange, MHD_HTTP_HEADER_IF_MATCH);
	long long revision;
	char *end;

	exchange->request.revision = -1;
	if (!value || !strcmp(value, "*"))
		return true;
	errno = 0;
	revision = *value == '"' && isdigit((unsigned char)value[1]) ?
		   strtoll(value + 1, &end, 10) : -1;
	if (revision < 0 || errno || strcmp(end, "\"")) {
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad condition",
			     "If-Match takes one revision, in quotes, or *");
		return false;
	}
	exchange->request.revision = revision;
	return true;
}

static bool is_json(const char *type)
{
	size_t length;

	if (!type)
		return false;
	length = strcspn(type, "; \t");
	return (length == 16 && !strncasecmp(type, "application/json", length)) ||
	       (length == 28 && !strncasecmp(type, "application/merge-patch+json", length));
}

static bool check_length(struct http_exchange *exchange, const char *length)
{
	unsigned long long bytes;

	if (header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		http_problem(&exchange->answer, MHD_HTTP_LENGTH_REQUIRED, "Length required",
			     "say with Content-Length how long the body is");
		return false;
	}
	bytes = length ? strtoull(length, NULL, 10) : 0;
	if (!bytes)
		return true;
	if (!strcmp(exchange->request.method, "GET")) {
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Unexpected body",
			     "a GET has no body");
		return false;
	}
	if (bytes > exchange->body_most) {
		http_problem(&exchange->answer, MHD_HTTP_CONTENT_TOO_LARGE, "Body too large",
			     "the body has at most %zu bytes here", exchange->body_most);
		return false;
	}
	if (is_json(header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE)))
		return true;
	http_problem(&exchange->answer, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
		     "the body has to be application/json");
	return false;
}

bool http_check_headers(struct http_exchange *exchange)
{
	exchange->body_most = exchange->route->body_most ? exchange->route->body_most :
			      HTTP_BODY_MOST;
	return check_length(exchange, header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH)) &&
	       parse_condition(exchange);
}

void http_drop_body(struct http_exchange *exchange)
{
	if (!exchange->body.room)
		return;
	atomic_fetch_sub(&bodies, exchange->body.room);
	http_connection_hold(exchange->client, 0);
	text_free(&exchange->body);
}

bool http_take_body(struct http_exchange *exchange, const char *data, size_t size)
{
	struct text *body = &exchange->body;
	size_t before = body->room;

	if (size > exchange->body_most || body->length + size > exchange->body_most) {
		http_problem(&exchange->answer, MHD_HTTP_CONTENT_TOO_LARGE, "Body too large",
			     "the body has at most %zu bytes here", exchange->body_most);
		return false;
	}
	text_add(body, data, size);
	atomic_fetch_add(&bodies, body->room - before);
	if (!body->failed && atomic_load(&bodies) <= HTTP_BODIES_MOST &&
	    http_connection_hold(exchange->client, body->room))
		return true;
	http_problem(&exchange->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "Busy",
		     "too many requests at once");
	exchange->answer.retry_after = HTTP_RETRY_SECONDS;
	http_drop_body(exchange);
	return false;
}

/* Before the parser sees it: its recursion is bounded, but ours over the result is, too. */
static bool too_deep(const struct text *body)
{
	unsigned int depth = 0;
	bool string = false;
	size_t i;

	for (i = 0; i < body->length; i++) {
		char c = body->data[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > HTTP_DEPTH_MOST)
				return true;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return false;
}

bool http_parse_body(struct http_exchange *exchange)
{
	const struct text *body = &exchange->body;
	json_error_t error;
	json_t *value;

	if (!body->length)
		return true;
	if (too_deep(body)) {
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad JSON",
			     "it is nested more than %d deep", HTTP_DEPTH_MOST);
		return false;
	}
	value = json_loadb((const char *)body->data, body->length, JSON_REJECT_DUPLICATES, &error);
	if (!value) {
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad JSON",
			     "line %d, column %d: %s", error.line, error.column, error.text);
		return false;
	}
	http_drop_body(exchange);
	if (!json_is_object(value)) {
		json_decref(value);
		http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad JSON",
			     "the body has to be an object");
		return false;
	}
	exchange->request.body = value;
	return true;
}

struct catalog_who http_who(const struct http_request *request)
{
	static const char *const roles[] = {
		[ROLE_ANYONE] = "none", [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator",
		[ROLE_ADMIN] = "admin", [ROLE_LOCAL] = "admin",
	};

	return (struct catalog_who) {
		.name = request->who.name, .role = roles[request->who.role], .from = request->from,
	};
}
