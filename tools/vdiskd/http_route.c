// SPDX-License-Identifier: GPL-2.0
/* Routes: which handler a path and a method belong to. */
#include <stdio.h>
#include <string.h>

#include "http_internal.h"
#include "util.h"

enum { ALLOW_SIZE = 64, METHODS = 5 };

static size_t part_length(const char *text)
{
	return strcspn(text, "/");
}

/* Whether @path has the form of @pattern; notes what stands for the placeholders. */
static unsigned int match(const char *pattern, const char *path, const char **starts,
			  size_t *lengths, bool *matches)
{
	unsigned int count = 0;
	size_t p, t;

	*matches = false;
	while (*pattern && *path) {
		if (*pattern++ != '/' || *path++ != '/')
			return 0;
		p = part_length(pattern);
		t = part_length(path);
		if (*pattern == '{') {
			if (!t || count == HTTP_SEGMENTS_MOST)
				return 0;
			starts[count] = path;
			lengths[count++] = t;
		} else if (p != t || memcmp(pattern, path, p)) {
			return 0;
		}
		pattern += p;
		path += t;
	}
	*matches = !*pattern && !*path;
	return count;
}

static bool take_segments(struct http_exchange *exchange, const char **starts,
			  const size_t *lengths, unsigned int count)
{
	struct http_request *request = &exchange->request;
	const char *text;
	unsigned int i;

	for (i = 0; i < count; i++) {
		text = http_decode(exchange, starts[i], lengths[i], false);
		if (!text || (strchr(text, '/') && !(exchange->route->flags & ROUTE_SLASH))) {
			http_problem(&exchange->answer, MHD_HTTP_BAD_REQUEST, "Bad path",
				     "part %u of the path is no name", i + 1);
			return false;
		}
		request->segments[i] = text;
	}
	request->segment_count = count;
	return true;
}

/* The methods that the routes of one path have, in an order that is always the same. */
static const char *allow_text(unsigned int methods)
{
	static const char *const texts[1 << METHODS] = {
		[1] = "GET, HEAD", [2] = "POST", [3] = "GET, HEAD, POST", [4] = "PATCH",
		[5] = "GET, HEAD, PATCH", [8] = "DELETE", [9] = "GET, HEAD, DELETE",
		[10] = "POST, DELETE", [11] = "GET, HEAD, POST, DELETE", [12] = "PATCH, DELETE",
		[13] = "GET, HEAD, PATCH, DELETE", [15] = "GET, HEAD, POST, PATCH, DELETE",
		[16] = "PUT", [17] = "GET, HEAD, PUT",
	};

	return texts[methods] ? texts[methods] : "GET, HEAD";
}

static unsigned int method_bit(const char *method)
{
	static const char *const names[METHODS] = { "GET", "POST", "PATCH", "DELETE", "PUT" };
	unsigned int i;

	for (i = 0; i < METHODS; i++)
		if (!strcmp(names[i], method))
			return 1 << i;
	return 0;
}

bool http_route_find(struct http_exchange *exchange)
{
	const struct http_route *const *table = exchange->listener->tables;
	const char *starts[HTTP_SEGMENTS_MOST];
	size_t lengths[HTTP_SEGMENTS_MOST];
	const struct http_route *route;
	unsigned int count, methods = 0;
	bool matches;

	for (; *table; table++) {
		for (route = *table; route->method; route++) {
			count = match(route->pattern, exchange->request.path, starts, lengths,
				      &matches);
			if (!matches)
				continue;
			methods |= method_bit(route->method);
			if (strcmp(route->method, exchange->request.method))
				continue;
			exchange->route = route;
			return take_segments(exchange, starts, lengths, count);
		}
	}
	if (!methods) {
		http_problem(&exchange->answer, MHD_HTTP_NOT_FOUND, "Not found",
			     "there is nothing at this path");
		return false;
	}
	http_problem(&exchange->answer, MHD_HTTP_METHOD_NOT_ALLOWED, "Method not allowed",
		     "this path takes %s", allow_text(methods));
	exchange->answer.allow = allow_text(methods);
	return false;
}
