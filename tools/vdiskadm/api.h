/* SPDX-License-Identifier: GPL-2.0 */
/* Calls to the server: its local socket, or HTTPS with a pin and a token. */
#ifndef VDISKADM_API_H
#define VDISKADM_API_H

#include <jansson.h>
#include <stdint.h>
#include "error.h"

#define API_SOCKET "/run/vdisk/api.sock"

/* Where the server is; main() fills it in from the command line. */
struct api_target {
	const char *socket;		/* NULL: API_SOCKET */
	const char *server;		/* https://HOST[:PORT]; NULL: the socket */
	const char *pin;		/* NULL: from /etc/vdisk/farm.pin */
	const char *token_file;		/* NULL: ~/.config/vdisk/token */
};

extern struct api_target api_target;

/* Any revision will do. */
#define API_ANY_REVISION (-1)

/**
 * api_call - one request and its answer
 * @method: GET, POST, PATCH, DELETE
 * @path: with api_path(), or a constant
 * @body: may be NULL; not consumed
 * @revision: of the object as it was read, or API_ANY_REVISION
 * @answer: may be NULL; the answer's JSON, NULL when it has none; json_decref() it
 * @err: the server's reason on one line with its status, as "name is taken (409)"
 *
 * Return: 0, or a negative errno: -ENOENT (404), -EEXIST (409), -EAGAIN (412,
 * 503), -EACCES (401, 403), -EINVAL (other 4xx), -EHOSTUNREACH (nobody there),
 * -EPROTO (not an answer of ours), -EIO, or why it was not asked at all.
 */
int api_call(const char *method, const char *path, const json_t *body, int64_t revision,
	     json_t **answer, struct vdisk_error *err);

static inline int api_get(const char *path, json_t **answer, struct vdisk_error *err)
{
	return api_call("GET", path, NULL, API_ANY_REVISION, answer, err);
}

/**
 * api_path - "/v1/clients/lab%201" of "/v1/%s/%s": each %s percent-encoded
 *
 * Only %s and %% count. Return: allocated, never NULL (no memory ends the program).
 */
char *api_path(const char *format, ...);

/* api_close - frees what the calls kept. */
void api_close(void);

#endif
