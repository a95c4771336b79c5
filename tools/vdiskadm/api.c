// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include "api.h"
#include "farm.h"
#include "secret.h"
#include "text.h"

#define PIN_FILE "/etc/vdisk/farm.pin"

enum {
	ANSWER_MAX = 64 << 20,		/* a farm of ten thousand clients is 10 MiB */
	ANSWER_SECONDS = 120,
};

struct api_target api_target;

static struct farm *farm;		/* kept, and with it the connection */

/* The token is from a file: a command line and an environment can be read by others. */
static int read_token(char *token, struct vdisk_error *err)
{
	const char *home = getenv("HOME");
	char *path;
	int ret;

	if (api_target.token_file)
		return read_line_file(api_target.token_file, true, token, err);
	if (!home || !*home)
		return vdisk_error_set(err, ENOENT, "no HOME to find the token in: give --token-file");
	path = text_format("%s/.config/vdisk/token", home);
	ret = read_line_file(path, true, token, err);
	free(path);
	return ret;
}

static int read_pin(char *pin, struct vdisk_error *err)
{
	if (!api_target.pin)
		return read_line_file(PIN_FILE, false, pin, err);
	if (strlen(api_target.pin) >= LINE_FILE_MAX)
		return vdisk_error_set(err, EINVAL, "the pin is too long");
	strcpy(pin, api_target.pin);
	return 0;
}

/* https://HOST[:PORT][/]; http:// is for addresses of this machine, farm_open() sees to that. */
static int take_url(struct farm_options *options, char *server, size_t size,
		    struct vdisk_error *err)
{
	const char *host = api_target.server;
	size_t length;

	if (!strncmp(host, "https://", 8)) {
		host += 8;
	} else if (!strncmp(host, "http://", 7)) {
		host += 7;
		options->plain = true;
	} else {
		return vdisk_error_set(err, EINVAL, "'%s' is not https://HOST[:PORT]", host);
	}
	length = strcspn(host, "/");
	if (host[length] && host[length + 1])
		return vdisk_error_set(err, EINVAL, "'%s' has a path behind the host",
				       api_target.server);
	if (length >= size)
		return vdisk_error_set(err, EINVAL, "the server's name is too long");
	memcpy(server, host, length);
	server[length] = '\0';
	return 0;
}

static int open_server(struct farm_options options, struct vdisk_error *err)
{
	char server[300], token[LINE_FILE_MAX], pin[LINE_FILE_MAX];
	const char *first = server;
	int ret;

	ret = take_url(&options, server, sizeof(server), err);
	if (!ret && !options.plain) {
		ret = read_pin(pin, err);
		options.pin = pin;
	}
	if (!ret)
		ret = read_token(token, err);
	if (ret < 0)
		return ret;
	options.servers = &first;
	options.nr_servers = 1;
	options.token = token;
	ret = farm_open(&farm, &options, err);
	explicit_bzero(token, sizeof(token));
	return ret;
}

static int open_farm(struct vdisk_error *err)
{
	struct farm_options options = { .try_seconds = ANSWER_SECONDS, .answer_max = ANSWER_MAX };

	if (farm)
		return 0;
	if (api_target.server)
		return open_server(options, err);
	options.socket = api_target.socket ? api_target.socket : API_SOCKET;
	return farm_open(&farm, &options, err);
}

static int error_of(unsigned int status)
{
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 412:
	case 503:
		return -EAGAIN;
	}
	return status >= 500 ? -EIO : -EINVAL;
}

/* problem+json: what it says of this very case, else of the kind, with the status. */
static int problem(const struct farm_answer *answer, struct vdisk_error *err)
{
	const char *text = json_string_value(json_object_get(answer->json, "detail"));
	char again[64] = "";

	if (!text || !*text)
		text = json_string_value(json_object_get(answer->json, "title"));
	if (!text || !*text)
		text = answer->status == 503 ? "the server cannot do it now" :
					       "the server refuses, and does not say why";
	if (answer->status == 503 && answer->retry_after)
		snprintf(again, sizeof(again), "; try again in %u s", answer->retry_after);
	return vdisk_error_set(err, -error_of(answer->status), "%s (%u)%s", text, answer->status,
			       again);
}

static int understand(struct farm_answer *answer, json_t **result, struct vdisk_error *err)
{
	if (answer->status < 200 || answer->status > 299)
		return problem(answer, err);
	if (answer->length && !answer->json)
		return vdisk_error_set(err, EPROTO, "%s answers with something that is not JSON",
				       answer->server);
	if (result)
		*result = json_incref(answer->json);
	return 0;
}

/* Where nobody listens at the socket, it says more to tell what to start. */
static int explain(int ret, struct vdisk_error *err)
{
	struct vdisk_error why = *err;

	if (ret != -EHOSTUNREACH || api_target.server)
		return ret;
	return vdisk_error_set(err, EHOSTUNREACH, "%s: is vdiskd running, with a catalog?",
			       why.text);
}

int api_call(const char *method, const char *path, const json_t *body, int64_t revision,
	     json_t **result, struct vdisk_error *err)
{
	struct farm_request request = { .method = method, .path = path, .body = body };
	struct farm_answer answer;
	char match[32];
	int ret;

	if (result)
		*result = NULL;
	ret = open_farm(err);
	if (ret < 0)
		return ret;
	if (revision != API_ANY_REVISION) {
		snprintf(match, sizeof(match), "\"%" PRId64 "\"", revision);
		request.if_match = match;
	}
	ret = farm_request(farm, &request, &answer, err);
	if (ret < 0)
		return explain(ret, err);
	ret = understand(&answer, result, err);
	farm_answer_free(&answer);
	return ret;
}

char *api_path(const char *format, ...)
{
	char *text = NULL, *word;
	size_t size = 0;
	va_list args;
	FILE *to;

	to = must(open_memstream(&text, &size));
	va_start(args, format);
	for (; *format; format++) {
		if (format[0] != '%' || format[1] != 's') {
			fputc(*format, to);
			continue;
		}
		word = must(curl_easy_escape(NULL, va_arg(args, const char *), 0));
		fputs(word, to);
		curl_free(word);
		format++;
	}
	va_end(args);
	if (fclose(to))
		must(NULL);
	return text;
}

void api_close(void)
{
	farm_close(farm);
	farm = NULL;
}
