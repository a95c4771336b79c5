// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "farm.h"
#include "farm_wire.h"

enum {
	ADDRESS_MAX = 300,
	PAUSE_MAX = 60,			/* seconds; a server that asks for more is asked sooner */
	PAUSE_FIRST = 1, PAUSE_LONGEST = 15,	/* seconds between rounds nobody answered */
};

struct farm {
	CURL *curl;
	char server[FARM_SERVERS_MAX][ADDRESS_MAX];
	unsigned int nr_servers, last;	/* last: the one that answered */
	char *socket, *token;
	char pin[PIN_TEXT], proved[PIN_TEXT];
	bool plain, trust_network, encrypted;
	unsigned int patience, try_seconds;
	size_t answer_max;
	void (*notice)(void *context, const char *text);
	void *context;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3)))
static void notice(const struct farm *farm, const char *format, ...)
{
	struct vdisk_error line;
	char text[600];
	va_list args;

	if (!farm->notice)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Cleans what a server said. */
	vdisk_error_set(&line, 0, "%s", text);
	farm->notice(farm->context, line.text);
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT, into what stands in a URL. */
static int take_server(const char *text, char *address, struct vdisk_error *err)
{
	size_t host = strcspn(text, text[0] == '[' ? "]" : ":"), i;
	const char *port;
	char *end;
	long number = FARM_PORT;

	if (text[0] == '[' && text[host] == ']')
		host++;
	port = text + host;
	for (i = 0; i < host; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(".-_[]:%", text[i]))
			return vdisk_error_set(err, EINVAL, "'%s' is not a server's name", text);
	if (!host || host > 255 || (text[0] == '[') != (port[-1] == ']') ||
	    (*port && *port != ':') || strchr(port + !!*port, ':'))
		return vdisk_error_set(err, EINVAL,
				       "'%s' is not HOST, HOST:PORT or [IPV6]:PORT", text);
	if (*port) {
		number = isdigit((unsigned char)port[1]) ? strtol(port + 1, &end, 10) : 0;
		if (number < 1 || number > 65535 || *end)
			return vdisk_error_set(err, EINVAL, "'%s': the port must be 1 to 65535", text);
	}
	snprintf(address, ADDRESS_MAX, "%.*s:%ld", (int)host, text, number);
	return 0;
}

static int check(const struct farm_options *options, struct vdisk_error *err)
{
	if (options->nr_servers > FARM_SERVERS_MAX)
		return vdisk_error_set(err, EINVAL, "more than %d servers", FARM_SERVERS_MAX);
	if (!options->socket == !options->nr_servers)
		return vdisk_error_set(err, EINVAL, "either servers or a local socket");
	if (options->pin && !pin_is_valid(options->pin))
		return vdisk_error_set(err, EINVAL, "the pin '%s' is not sha256//BASE64",
				       options->pin);
	if (options->pin && options->trust_network)
		return vdisk_error_set(err, EINVAL, "trust=network and a pin exclude each other");
	if (!options->pin && !options->trust_network && !options->plain && !options->socket)
		return vdisk_error_set(err, EINVAL,
				       "no pin of the farm to check its servers by, and trust=network is not set");
	return 0;
}

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int take_options(struct farm *farm, const struct farm_options *options,
			struct vdisk_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int ret;

	for (; farm->nr_servers < options->nr_servers; farm->nr_servers++) {
		ret = take_server(options->servers[farm->nr_servers],
				  farm->server[farm->nr_servers], err);
		if (ret < 0)
			return ret;
	}
	if (options->pin)
		strcpy(farm->pin, options->pin);
	farm->plain = options->plain;
	farm->trust_network = options->trust_network;
	farm->patience = options->patience;
	farm->try_seconds = options->try_seconds ? options->try_seconds : FARM_TRY_SECONDS;
	farm->answer_max = options->answer_max ? options->answer_max : FARM_ANSWER_MAX;
	farm->notice = options->notice;
	farm->context = options->context;
	if (options->socket) {
		farm->socket = strdup(options->socket);
		if (!farm->socket)
			return vdisk_error_set(err, ENOMEM, "no memory");
	}
	pthread_once(&once, init_curl);
	farm->curl = curl_easy_init();
	if (!farm->curl)
		return vdisk_error_set(err, ENOMEM, "libcurl does not start");
	return farm_set_token(farm, options->token, err);
}

int farm_open(struct farm **farmp, const struct farm_options *options, struct vdisk_error *err)
{
	struct farm *farm;
	int ret;

	ret = check(options, err);
	if (ret < 0)
		return ret;
	farm = calloc(1, sizeof(*farm));
	if (!farm)
		return vdisk_error_set(err, ENOMEM, "no memory");
	ret = take_options(farm, options, err);
	if (ret < 0) {
		farm_close(farm);
		return ret;
	}
	if (farm->trust_network)
		notice(farm, "warning: trust=network: whoever answers is taken for the farm; set its pin");
	*farmp = farm;
	return 0;
}

static void forget_token(struct farm *farm)
{
	if (farm->token)
		explicit_bzero(farm->token, strlen(farm->token));
	free(farm->token);
	farm->token = NULL;
}

void farm_close(struct farm *farm)
{
	if (!farm)
		return;
	forget_token(farm);
	free(farm->socket);
	if (farm->curl)
		curl_easy_cleanup(farm->curl);
	free(farm);
}

int farm_set_token(struct farm *farm, const char *token, struct vdisk_error *err)
{
	const char *c;

	forget_token(farm);
	if (!token)
		return 0;
	/* It stands in a header line. */
	for (c = token; *c; c++)
		if (*c <= ' ' || *c > '~')
			return vdisk_error_set(err, EINVAL, "the token is malformed");
	farm->token = strdup(token);
	return farm->token ? 0 : vdisk_error_set(err, ENOMEM, "no memory");
}

void farm_set_patience(struct farm *farm, unsigned int seconds)
{
	farm->patience = seconds;
}

void farm_answer_free(struct farm_answer *answer)
{
	json_decref(answer->json);
	if (answer->text)
		explicit_bzero(answer->text, answer->length);
	free(answer->text);
	memset(answer, 0, sizeof(*answer));
}

static bool may_repeat(const struct farm_request *request)
{
	return request->repeat || (strcmp(request->method, "POST") && strcmp(request->method, "PATCH"));
}

/* One of several reasons is kept: the one that tells most. */
static int weight(int code)
{
	switch (code) {
	case EACCES:
		return 3;
	case EPROTO:
		return 2;
	case EHOSTUNREACH:
		return 1;
	default:
		return 2;
	}
}

static void keep_worst(struct vdisk_error *worst, const struct vdisk_error *one)
{
	if (!worst->code || weight(one->code) > weight(worst->code))
		*worst = *one;
}

static const char *name_of(const struct farm *farm, unsigned int i)
{
	return farm->socket ? farm->socket : farm->server[i];
}

static int try_server(struct farm *farm, unsigned int i, const struct farm_request *request,
		      unsigned int seconds, struct farm_answer *answer, bool *sent,
		      struct vdisk_error *err)
{
	const struct farm_wire wire = {
		.address = farm->server[i], .socket = farm->socket, .plain = farm->plain,
		.trust_network = farm->trust_network, .pin = farm->pin, .token = farm->token,
		.try_seconds = seconds, .answer_max = farm->answer_max,
	};
	struct farm_outcome outcome;
	struct vdisk_error why;
	int ret;

	ret = farm_exchange(farm->curl, &wire, request, answer, &outcome, &why);
	*sent = outcome.sent;
	if (ret < 0)
		return vdisk_error_set(err, why.code, "%s: %s", name_of(farm, i), why.text);
	answer->server = name_of(farm, i);
	farm->last = i;
	memcpy(farm->proved, outcome.pin, sizeof(farm->proved));
	farm->encrypted = !farm->plain && !farm->socket;
	return 0;
}

/*
 * One round over the servers.  Returns 0 with an answer, which may be the 503 of
 * the last that gave one; -EAGAIN: nobody answered, another round may help;
 * other -errno: it would not.
 */
static int one_round(struct farm *farm, const struct farm_request *request, int64_t deadline,
		     struct farm_answer *answer, struct vdisk_error *err)
{
	unsigned int count = farm->socket ? 1 : farm->nr_servers, first = farm->last, n, seconds;
	struct vdisk_error why, worst = { .code = 0 };
	struct farm_answer busy = { .status = 0 };
	int64_t left;
	bool sent;

	for (n = 0; n < count; n++) {
		left = (deadline - now_ms() + 999) / 1000;
		seconds = farm->try_seconds;
		if (farm->patience && left < seconds)
			seconds = left > 1 ? left : 1;
		if (!try_server(farm, (first + n) % count, request, seconds, answer, &sent, &why)) {
			if (answer->status != 503) {
				farm_answer_free(&busy);
				return 0;
			}
			farm_answer_free(&busy);
			busy = *answer;
			continue;
		}
		keep_worst(&worst, &why);
		if (sent && !may_repeat(request)) {
			farm_answer_free(&busy);
			return vdisk_error_set(err, why.code, "%s", why.text);
		}
		if (why.code == ENOMEM)
			break;
	}
	*answer = busy;
	if (busy.status)
		return 0;
	*err = worst;
	return -EAGAIN;
}

static void wait_ms(int64_t ms)
{
	int64_t end = now_ms() + ms, left;

	while ((left = end - now_ms()) > 0)
		poll(NULL, 0, left);
}

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static bool should_wait(const struct farm_request *request, const struct farm_answer *answer)
{
	return answer->status == 503 || (answer->status == 202 && request->wait_pending);
}

static unsigned int pause_of(const struct farm_answer *answer, unsigned int fallback)
{
	json_int_t seconds = json_integer_value(json_object_get(answer->json, "retry_after"));

	if (seconds <= 0)
		seconds = answer->retry_after;
	if (seconds <= 0)
		seconds = fallback;
	return seconds < PAUSE_MAX ? seconds : PAUSE_MAX;
}

static void tell_wait(const struct farm *farm, const struct farm_answer *answer,
		      const struct vdisk_error *err, unsigned int seconds)
{
	const char *words;

	if (!answer->status) {
		notice(farm, "%s: trying again in %u s", err->text, seconds);
		return;
	}
	words = text_of(answer->json, answer->status == 202 ? "message" : "detail");
	if (!words[0])
		words = text_of(answer->json, answer->status == 202 ? "reason" : "title");
	notice(farm, "%s says to wait%s%s: asking again in %u s", answer->server,
	       words[0] ? ": " : "", words, seconds);
}

int farm_request(struct farm *farm, const struct farm_request *request,
		 struct farm_answer *answer, struct vdisk_error *err)
{
	int64_t deadline = now_ms() + farm->patience * 1000LL, left, pause;
	unsigned int next = PAUSE_FIRST;
	int ret;

	for (;;) {
		memset(answer, 0, sizeof(*answer));
		ret = one_round(farm, request, deadline, answer, err);
		if (ret && ret != -EAGAIN)
			return ret;
		if (!ret && !should_wait(request, answer))
			return 0;
		pause = pause_of(answer, next) * 1000LL;
		left = deadline - now_ms();
		if (left <= 0)
			return ret ? -err->code : 0;
		/* The last try comes at the end of the patience, not before. */
		if (pause > left)
			pause = left;
		tell_wait(farm, answer, err, (pause + 999) / 1000);
		farm_answer_free(answer);
		wait_ms(pause);
		next = next * 2 < PAUSE_LONGEST ? next * 2 : PAUSE_LONGEST;
	}
}

int farm_get(struct farm *farm, const char *path, struct farm_answer *answer,
	     struct vdisk_error *err)
{
	const struct farm_request request = { .method = "GET", .path = path };

	return farm_request(farm, &request, answer, err);
}

int farm_post(struct farm *farm, const char *path, const json_t *body,
	      struct farm_answer *answer, struct vdisk_error *err)
{
	const struct farm_request request = { .method = "POST", .path = path, .body = body };

	return farm_request(farm, &request, answer, err);
}

static int errno_of(unsigned int status)
{
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
	case 410:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 412:
		return -EAGAIN;
	case 503:
		return -EBUSY;
	}
	return status >= 500 ? -EIO : -EINVAL;
}

int farm_complaint(const struct farm_answer *answer, struct vdisk_error *err)
{
	const char *title, *detail;

	if (answer->status < 400)
		return 0;
	title = text_of(answer->json, "title");
	detail = text_of(answer->json, "detail");
	if (!title[0] && !detail[0])
		return vdisk_error_set(err, -errno_of(answer->status), "%s: HTTP status %u",
				       answer->server, answer->status);
	return vdisk_error_set(err, -errno_of(answer->status), "%s: %s%s%s", answer->server, title,
			       title[0] && detail[0] ? ": " : "", detail);
}

const char *farm_pin(const struct farm *farm)
{
	return farm->proved;
}

bool farm_is_encrypted(const struct farm *farm)
{
	return farm->encrypted;
}
