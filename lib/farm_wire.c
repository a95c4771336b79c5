// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "farm_wire.h"

enum { CONNECT_SECONDS = 6, HEADERS_MAX = 64 << 10, FIRST_ROOM = 4096 };

struct exchange {
	CURL *curl;
	const struct farm_wire *wire;
	struct farm_answer *answer;
	struct farm_outcome *outcome;
	size_t room, headers;
	bool too_long, no_memory;
	struct vdisk_error refused;	/* why the server does not count; code 0: it does */
};

static bool is_loopback(const char *address)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, address, &in) == 1)
		return ntohl(in.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}

static int check_peer(struct exchange *exchange)
{
	const struct farm_wire *wire = exchange->wire;
	const struct curl_tlssessioninfo *info = NULL;
	int ret;

	if (curl_easy_getinfo(exchange->curl, CURLINFO_TLS_SSL_PTR, &info) || !info ||
	    info->backend != CURLSSLBACKEND_GNUTLS || !info->internals)
		return vdisk_error_set(&exchange->refused, EPROTO,
				       "the connection is not encrypted by GnuTLS");
	ret = pin_check_session(info->internals, wire->trust_network ? NULL : wire->pin,
				exchange->outcome->pin, &exchange->refused);
	if (!ret)
		return 0;
	exchange->outcome->pin[0] = '\0';
	/* Who is trusted anyway need not prove anything, and then has no pin. */
	if (!wire->trust_network)
		return ret;
	exchange->refused.code = 0;
	return 0;
}

/*
 * Called between the handshake and the first byte of a request, for connections
 * that are used again too.  The certificates are looked at here and not by
 * libcurl, which knows no CA and minds dates.
 */
static int before_request(void *context, char *server_ip, char *local_ip, int server_port,
			  int local_port)
{
	struct exchange *exchange = context;
	const struct farm_wire *wire = exchange->wire;
	int ret = 0;

	(void)local_ip;
	(void)server_port;
	(void)local_port;
	if (wire->plain && !is_loopback(server_ip))
		ret = vdisk_error_set(&exchange->refused, EACCES,
				      "without TLS only a loopback address will do");
	if (!wire->plain && !wire->socket)
		ret = check_peer(exchange);
	if (ret < 0)
		return CURL_PREREQFUNC_ABORT;
	exchange->outcome->sent = true;
	return CURL_PREREQFUNC_OK;
}

static size_t take_body(char *data, size_t one, size_t len, void *context)
{
	struct exchange *exchange = context;
	struct farm_answer *answer = exchange->answer;
	size_t room = exchange->room;
	char *text;

	(void)one;
	if (len > exchange->wire->answer_max - answer->length) {
		exchange->too_long = true;
		return 0;
	}
	while (room < answer->length + len + 1)
		room = room ? room * 2 : FIRST_ROOM;
	if (room != exchange->room) {
		text = realloc(answer->text, room);
		if (!text) {
			exchange->no_memory = true;
			return 0;
		}
		answer->text = text;
		exchange->room = room;
	}
	memcpy(answer->text + answer->length, data, len);
	answer->length += len;
	answer->text[answer->length] = '\0';
	return len;
}

static size_t take_header(char *data, size_t one, size_t len, void *context)
{
	static const char name[] = "retry-after:";
	struct exchange *exchange = context;
	unsigned int seconds = 0;
	size_t i;

	(void)one;
	exchange->headers += len;
	if (exchange->headers > HEADERS_MAX) {
		exchange->too_long = true;
		return 0;
	}
	if (len <= sizeof(name) - 1 || strncasecmp(data, name, sizeof(name) - 1))
		return len;
	for (i = sizeof(name) - 1; i < len && data[i] == ' '; i++)
		;
	/* A date is legal too, and useless without a clock. */
	for (; i < len && data[i] >= '0' && data[i] <= '9' && seconds < 100000; i++)
		seconds = seconds * 10 + data[i] - '0';
	exchange->answer->retry_after = seconds;
	return len;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value,
				     bool *failed)
{
	struct curl_slist *longer;
	size_t size = strlen(name) + strlen(value) + 3;
	char *line = malloc(size);

	if (line) {
		snprintf(line, size, "%s: %s", name, value);
		longer = curl_slist_append(list, line);
		explicit_bzero(line, size);
		free(line);
		if (longer)
			return longer;
	}
	*failed = true;
	return list;
}

static void free_headers(struct curl_slist *list)
{
	struct curl_slist *one;

	/* One of them may be a token. */
	for (one = list; one; one = one->next)
		explicit_bzero(one->data, strlen(one->data));
	curl_slist_free_all(list);
}

static struct curl_slist *make_headers(const struct farm_wire *wire,
				       const struct farm_request *request, bool *failed)
{
	struct curl_slist *list = NULL;
	char bearer[1200];

	/* No "Expect: 100-continue", which only costs a round trip. */
	list = curl_slist_append(list, "Expect:");
	*failed = !list;
	list = add_header(list, "Accept", "application/json, application/problem+json;q=0.9, */*;q=0.5",
			  failed);
	if (wire->token) {
		if (snprintf(bearer, sizeof(bearer), "Bearer %s", wire->token) >= (int)sizeof(bearer))
			*failed = true;
		else
			list = add_header(list, "Authorization", bearer, failed);
		explicit_bzero(bearer, sizeof(bearer));
	}
	if (request->if_match)
		list = add_header(list, "If-Match", request->if_match, failed);
	if (request->body)
		list = add_header(list, "Content-Type", "application/json", failed);
	else if (request->text)
		list = add_header(list, "Content-Type",
				  request->type ? request->type : "text/plain", failed);
	return list;
}

static void set_limits(const struct exchange *exchange)
{
	CURL *curl = exchange->curl;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)exchange->wire->try_seconds);
	/* What the environment of the one who calls says about proxies is not asked. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
}

static void set_security(const struct exchange *exchange)
{
	CURL *curl = exchange->curl;

	/* before_request() does what these would, and does it without dates. */
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* A resumed session has no certificates to look at. */
	curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, exchange);
}

/* Returns 0 or -ENOMEM. */
static int set_target(const struct exchange *exchange, const struct farm_request *request)
{
	const struct farm_wire *wire = exchange->wire;
	const char *host = wire->socket ? "localhost" : wire->address;
	CURL *curl = exchange->curl;
	char *url;
	int ret;

	if (asprintf(&url, "http%s://%s%s", wire->plain || wire->socket ? "" : "s", host,
		     request->path) < 0)
		return -ENOMEM;
	ret = curl_easy_setopt(curl, CURLOPT_URL, url) ? -ENOMEM : 0;
	free(url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
			 wire->plain || wire->socket ? "http" : "https");
	if (wire->socket)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, wire->socket);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	if (!strcmp(request->method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	return ret;
}

/* What went wrong on the way, in our errno and libcurl's words. */
static int explain(const struct exchange *exchange, CURLcode code, const char *words,
		   struct vdisk_error *err)
{
	const struct farm_wire *wire = exchange->wire;

	if (exchange->refused.code)
		return vdisk_error_set(err, exchange->refused.code, "%s", exchange->refused.text);
	if (exchange->no_memory)
		return vdisk_error_set(err, ENOMEM, "no memory for the answer");
	if (exchange->too_long)
		return vdisk_error_set(err, EPROTO, "the answer is longer than %zu bytes",
				       wire->answer_max);
	if (!words[0])
		words = curl_easy_strerror(code);
	if (exchange->outcome->sent)
		return vdisk_error_set(err, code == CURLE_UNSUPPORTED_PROTOCOL ? EPROTO : ECONNRESET,
				       "no answer to the request: %s", words);
	return vdisk_error_set(err, EHOSTUNREACH, "%s", words);
}

static void read_answer(struct exchange *exchange)
{
	struct farm_answer *answer = exchange->answer;
	const char *type = NULL;
	json_error_t why;
	long status = 0;

	curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
	answer->status = status;
	if (!curl_easy_getinfo(exchange->curl, CURLINFO_CONTENT_TYPE, &type) && type)
		snprintf(answer->type, sizeof(answer->type), "%s", type);
	if (answer->length && strstr(answer->type, "json"))
		answer->json = json_loadb(answer->text, answer->length, JSON_REJECT_DUPLICATES, &why);
}

static int perform(struct exchange *exchange, const struct farm_request *request,
		   struct vdisk_error *err)
{
	char words[CURL_ERROR_SIZE] = "", *body = NULL;
	const char *text = request->text;
	struct curl_slist *headers;
	CURLcode code;
	bool failed;
	int ret = 0;

	if (request->body)
		text = body = json_dumps(request->body, JSON_COMPACT);
	headers = make_headers(exchange->wire, request, &failed);
	if (failed || (request->body && !body) || set_target(exchange, request) < 0) {
		ret = vdisk_error_set(err, ENOMEM, "no memory for the request");
		goto out;
	}
	set_limits(exchange);
	set_security(exchange);
	curl_easy_setopt(exchange->curl, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(exchange->curl, CURLOPT_HTTPHEADER, headers);
	if (text) {
		curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)strlen(text));
		curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDS, text);
	} else if (!strcmp(request->method, "POST")) {
		curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDS, "");
	}
	code = curl_easy_perform(exchange->curl);
	if (code)
		ret = explain(exchange, code, words, err);
	else
		read_answer(exchange);
out:
	/* It keeps its connection, and none of our pointers. */
	curl_easy_reset(exchange->curl);
	free_headers(headers);
	if (body)
		explicit_bzero(body, strlen(body));
	free(body);
	return ret;
}

int farm_exchange(void *curl, const struct farm_wire *wire, const struct farm_request *request,
		  struct farm_answer *answer, struct farm_outcome *outcome,
		  struct vdisk_error *err)
{
	struct exchange exchange = {
		.curl = curl, .wire = wire, .answer = answer, .outcome = outcome,
	};
	int ret;

	memset(answer, 0, sizeof(*answer));
	memset(outcome, 0, sizeof(*outcome));
	ret = perform(&exchange, request, err);
	if (ret < 0)
		farm_answer_free(answer);
	return ret;
}
