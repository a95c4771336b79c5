// SPDX-License-Identifier: GPL-2.0
/* The server itself: whether it is well, what it knows, its API's description, a backup. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "api.h"
#include "config.h"
#include "http_internal.h"
#include "loop.h"
#include "server.h"

/* Documentation/openapi.yaml, as it was when the server was built. */
__asm__(".section .rodata\n"
	"api_openapi_start: .incbin \"Documentation/openapi.yaml\"\n"
	".byte 0\n"
	".previous\n");
extern const char api_openapi_start[];

void api_openapi_run(struct control *control, struct http_request *request,
		     struct http_answer *answer)
{
	(void)control;
	(void)request;
	answer->text = strdup(api_openapi_start);
	answer->type = "application/yaml";
}

void api_health_run(struct control *control, struct http_request *request,
		    struct http_answer *answer)
{
	(void)control;
	(void)request;
	answer->text = strdup("ok\n");
}

static int count(struct api_call *call, json_t *into, const char *name, enum catalog_kind kind,
		 json_t *filter)
{
	int64_t number = 0;
	int ret = catalog_count(call->control->catalog, kind, filter, &number, &call->err);

	json_decref(filter);
	if (!ret)
		json_object_set_new(into, name, json_integer(number));
	return ret;
}

static int count_all(struct api_call *call, json_t *counts)
{
	static const char *const states[] = { "starting", "live", "lost" };
	json_t *sessions = json_object();
	unsigned int i;
	int ret;

	json_object_set_new(counts, "sessions", sessions);
	ret = count(call, counts, "clients", CATALOG_CLIENT, NULL);
	if (!ret)
		ret = count(call, counts, "images", CATALOG_IMAGE, NULL);
	if (!ret)
		ret = count(call, counts, "pending", CATALOG_PENDING, NULL);
	for (i = 0; !ret && i < 3; i++)
		ret = count(call, sessions, states[i], CATALOG_SESSION,
			    json_pack("{s:s}", "state", states[i]));
	return ret;
}

static json_t *store_status(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs))
		return json_pack("{s:s, s:n, s:n}", "path", path, "size", "free");
	return json_pack("{s:s, s:I, s:I}", "path", path, "size",
			 (json_int_t)fs.f_blocks * fs.f_frsize, "free",
			 (json_int_t)fs.f_bavail * fs.f_frsize);
}

static json_int_t nbd_connections(const struct server *server)
{
	json_int_t sum = 0;
	unsigned int i;

	for (i = 0; i < server->loop_count; i++)
		sum += atomic_load(&server->loops[i].load);
	return sum;
}

/* With a catalog that is down this still answers, on the local socket at least. */
void api_status_run(struct control *control, struct http_request *request,
		    struct http_answer *answer)
{
	struct api_call call;
	json_t *counts;
	int ret;

	if (!api_begin(&call, control, request, answer, NULL))
		return;
	counts = json_object();
	ret = count_all(&call, counts);
	if (!ret || catalog_is_down(ret)) {
		answer->json = json_pack("{s:I, s:I, s:s, s:b, s:I, s:i, s:o, s:o}", "started",
			(json_int_t)control->started, "now", (json_int_t)time(NULL), "catalog",
			ret ? "down" : "ok", "logins", control->has_farm_key, "nbd_connections",
			nbd_connections(control->server), "http_connections",
			(int)http_connection_count(), "store",
			store_status(control->config->store), "counts",
			ret ? json_null() : json_incref(counts));
		ret = 0;
	}
	json_decref(counts);
	api_end(&call, ret);
}

/* {"file": PATH}: a copy of the catalog on this machine, which only its root may ask for. */
void api_backup_run(struct control *control, struct http_request *request,
		    struct http_answer *answer)
{
	const char *file = NULL;
	struct api_call call;
	int ret, overwrite = 0;

	if (!api_begin(&call, control, request, answer, NULL))
		return;
	if (!request->body ||
	    json_unpack(request->body, "{s:s, s?:b !}", "file", &file, "overwrite", &overwrite) ||
	    *file != '/')
		ret = vdisk_error_set(&call.err, EINVAL, "file: give an absolute path");
	else
		ret = catalog_backup(control->config->catalog, file, overwrite, &call.err);
	if (!ret) {
		answer->status = MHD_HTTP_CREATED;
		answer->json = json_pack("{s:s}", "file", file);
	}
	api_end(&call, ret);
}
