// SPDX-License-Identifier: GPL-2.0
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"

enum {
	ANSWER_MAX = 64 << 20,		/* a farm of ten thousand clients is 10 MiB */
	CONNECT_SECONDS = 10,
	ANSWER_SECONDS = 120,
};

struct api_target api_target;

static CURL *handle;			/* kept, and with it the connection */

struct answer {
	char *bytes;
	size_t length;
	bool too_long;
	char retry_after[16];		/* seconds; "" when it did not say */
};

static size_t take_bytes(char *bytes, size_t one, size_t count, void *arg)
{
	struct answer *answer = arg;
	char *grown;

	if (answer->length + count > ANSWER_MAX) {
		answer->too_long = true;
		return 0;
	}
	grown = realloc(answer->bytes, answer->length + count + 1);
	if (!grown)
		return 0;
	answer->bytes = grown;
	memcpy(grown + answer->length, bytes, count * one);
	answer->length += count;
	grown[answer->length] = '\0';
	return count;
}

static size_t take_header(char *bytes, size_t one, size_t count, void *arg)
{
	static const char name[] = "Retry-After:";
	struct answer *answer = arg;
	size_t length = sizeof(name) - 1, digits = 0;

	if (count * one > length && !strncasecmp(bytes, name, length)) {
		while (length < count && bytes[length] == ' ')
			length++;
		while (length < count && bytes[length] >= '0' && bytes[length] <= '9' &&
		       digits < sizeof(answer->retry_after) - 1)
			answer->retry_after[digits++] = bytes[length++];
		answer->retry_after[digits] = '\0';
	}
	return count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (!longer)
		abort();
	return longer;
}

static struct curl_slist *headers_of(const json_t *body, int64_t revision)
{
	struct curl_slist *list = add_header(NULL, "Accept: application/json");
	char line[64];

	list = add_header(list, "Expect:");
	if (body)
		list = add_header(list, "Content-Type: application/json");
	if (revision != API_ANY_REVISION) {
		snprintf(line, sizeof(line), "If-Match: \"%" PRId64 "\"", revision);
		list = add_header(list, line);
	}
	return list;
}

/* The socket, so far: HTTPS comes with the pin's verification. */
static int set_target(const char *path, char **url, struct vdisk_error *err)
{
	const char *socket = api_target.socket ? api_target.socket : API_SOCKET;

	if (api_target.server)
		return vdisk_error_set(err, EOPNOTSUPP, "--server is not supported yet");
	curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, socket);
	if (asprintf(url, "http://localhost%s", path) < 0)
		abort();
	return 0;
}

static const char *target_name(void)
{
	if (api_target.server)
		return api_target.server;
	return api_target.socket ? api_target.socket : API_SOCKET;
}

static int perform(const char *method, const char *body, struct curl_slist *headers,
		   struct answer *answer, long *status, struct vdisk_error *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode code;

	curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(handle, CURLOPT_HEADERDATA, answer);
	curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT, (long)ANSWER_SECONDS);
	if (body)
		curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(handle);
	curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, NULL);
	if (answer->too_long)
		return vdisk_error_set(err, EPROTO, "the answer of %s is too long", target_name());
	if (code == CURLE_COULDNT_CONNECT)
		return vdisk_error_set(err, ECONNREFUSED,
				       "no server answers at %s: is vdiskd running with a catalog?",
				       target_name());
	if (code != CURLE_OK)
		return vdisk_error_set(err, EIO, "%s: %s", target_name(),
				       reason[0] ? reason : curl_easy_strerror(code));
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
	return 0;
}

static int error_of(long status)
{
	switch (status) {
	case 401:
	case 403:
		return EACCES;
	case 404:
		return ENOENT;
	case 409:
		return EEXIST;
	case 412:
	case 503:
		return EAGAIN;
	case 400:
	case 405:
	case 413:
	case 422:
		return EINVAL;
	}
	return EIO;
}

/* problem+json: "title: detail", or whichever is there; else the status alone. */
static int problem(long status, json_t *json, const struct answer *answer, struct vdisk_error *err)
{
	const char *title = json_string_value(json_object_get(json, "title"));
	const char *detail = json_string_value(json_object_get(json, "detail"));
	char again[64] = "";

	if (!title && !detail)
		title = status == 503 ? "the server cannot do it now" : "the server refused";
	if (status == 503 && answer->retry_after[0])
		snprintf(again, sizeof(again), "; try again in %s s", answer->retry_after);
	if (detail && *detail)
		return vdisk_error_set(err, error_of(status), "%s (%ld)%s", detail, status, again);
	return vdisk_error_set(err, error_of(status), "%s (%ld)%s", title ? title : "", status,
			       again);
}

static int understand(long status, const struct answer *answer, json_t **result,
		      struct vdisk_error *err)
{
	json_error_t reason;
	json_t *json = NULL;
	int ret = 0;

	if (answer->length)
		json = json_loadb(answer->bytes, answer->length, JSON_ALLOW_NUL, &reason);
	if (status < 200 || status > 299)
		ret = problem(status, json, answer, err);
	else if (answer->length && !json)
		ret = vdisk_error_set(err, EPROTO, "%s answers with something that is not JSON: %s",
				      target_name(), reason.text);
	if (!ret && result)
		*result = json;
	else
		json_decref(json);
	return ret;
}

int api_call(const char *method, const char *path, const json_t *body, int64_t revision,
	     json_t **result, struct vdisk_error *err)
{
	struct curl_slist *headers;
	struct answer answer = { 0 };
	char *text = NULL, *url;
	long status = 0;
	int ret;

	if (result)
		*result = NULL;
	if (!handle)
		handle = curl_easy_init();
	if (!handle)
		return vdisk_error_set(err, ENOMEM, "no memory");
	curl_easy_reset(handle);
	ret = set_target(path, &url, err);
	if (ret < 0)
		return ret;
	if (body)
		text = json_dumps(body, JSON_COMPACT);
	headers = headers_of(body, revision);
	curl_easy_setopt(handle, CURLOPT_URL, url);
	ret = perform(method, text, headers, &answer, &status, err);
	if (!ret)
		ret = understand(status, &answer, result, err);
	curl_slist_free_all(headers);
	free(answer.bytes);
	free(text);
	free(url);
	return ret;
}

char *api_path(const char *format, ...)
{
	char *text = NULL, *word;
	size_t size = 0;
	va_list args;
	FILE *to;

	to = open_memstream(&text, &size);
	if (!to)
		abort();
	va_start(args, format);
	for (; *format; format++) {
		if (format[0] != '%' || format[1] != 's') {
			fputc(*format, to);
			continue;
		}
		word = curl_easy_escape(NULL, va_arg(args, const char *), 0);
		if (!word)
			abort();
		fputs(word, to);
		curl_free(word);
		format++;
	}
	va_end(args);
	if (fclose(to))
		abort();
	return text;
}

void api_close(void)
{
	curl_easy_cleanup(handle);
	handle = NULL;
}
