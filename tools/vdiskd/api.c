// SPDX-License-Identifier: GPL-2.0
/* The administrators' API: its resources, and what all its requests share. */
#include "api.h"

#include <errno.h>
#include <string.h>

#include "metrics.h"
#include "util.h"

static const char *const client_kept[] = { "bind_until", NULL };
static const char *const image_kept[] = { "current", "deleted", NULL };
static const char *const version_kept[] = {
	"image_id", "number", "state", "size", "sha256", "stamp", "kernel", "cmdline", "created", NULL,
};
static const char *const enrolment_kept[] = { "used", "within_id", NULL };
static const char *const token_hidden[] = { "hash", NULL };
static const char *const token_kept[] = { "last_used", "revoked", NULL };
static const char *const server_kept[] = { "last_seen", NULL };
static const char *const session_hidden[] = { "token_id", NULL };

const struct api_resource api_clients = {
	"clients", CATALOG_CLIENT, "name", API_SCOPED | API_MACS | API_PROPERTIES, NULL, client_kept,
};
const struct api_resource api_groups = {
	"groups", CATALOG_GROUP, "name", API_PROPERTIES, NULL, NULL,
};
const struct api_resource api_images = {
	"images", CATALOG_IMAGE, "name", 0, NULL, image_kept,
};
const struct api_resource api_tokens = {
	"tokens", CATALOG_TOKEN, "name", 0, token_hidden, token_kept,
};
const struct api_resource api_pending = {
	"pending", CATALOG_PENDING, NULL, API_SEEN, NULL, NULL,
};
const struct api_resource api_sessions = {
	"sessions", CATALOG_SESSION, NULL, API_NEWEST | API_TIMELINE, session_hidden, NULL,
};
const struct api_resource api_stopped = {
	"boots", CATALOG_BOOT, NULL, API_NEWEST, NULL, NULL,
};
const struct api_resource api_versions = { "versions", CATALOG_VERSION, NULL, 0, NULL, version_kept };
const struct api_resource api_events = { "events", CATALOG_EVENT, NULL, 0, NULL, NULL };
const struct api_resource api_audit = { "audit", CATALOG_AUDIT, NULL, API_NEWEST, NULL, NULL };

static const struct api_resource networks = {
	"networks", CATALOG_NETWORK, "cidr", 0, NULL, NULL,
};
static const struct api_resource assignments = {
	"assignments", CATALOG_ASSIGNMENT, NULL, 0, NULL, NULL,
};
static const struct api_resource enrolments = {
	"enrolments", CATALOG_ENROLMENT, NULL, API_SCOPED, NULL, enrolment_kept,
};
static const struct api_resource servers = {
	"servers", CATALOG_SERVER, "name", 0, NULL, server_kept,
};

const struct api_resource *api_resource_by_name(const char *many, size_t length)
{
	static const struct api_resource *const all[] = {
		&api_clients, &api_groups, &api_images, &api_tokens, &api_pending, &api_sessions,
		&api_audit, &networks, &assignments, &enrolments, &servers,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (strlen(all[i]->many) == length && !memcmp(all[i]->many, many, length))
			return all[i];
	return NULL;
}

bool api_begin(struct api_call *call, struct control *control, struct http_request *request,
	       struct http_answer *answer, const struct api_resource *resource)
{
	int ret;

	*call = (struct api_call) {
		.control = control, .request = request, .answer = answer, .resource = resource,
		.who = http_who(request),
	};
	ret = api_scope_load(call);
	if (ret)
		api_end(call, ret);
	return !ret;
}

void api_end(struct api_call *call, int ret)
{
	json_decref(call->scope);
	json_decref(call->networks);
	if (ret)
		http_catalog_problem(call->answer, ret, &call->err);
}

void api_give(struct api_call *call, unsigned int status, json_t *object)
{
	call->answer->status = status;
	call->answer->json = object;
	call->answer->revision = api_integer(object, "revision");
}

#define KIND_ROUTES(kind, role, flags) \
	{ "GET", "/v1/" kind, ROLE_VIEWER, api_list_run, 0, 0 }, \
	{ "POST", "/v1/" kind, role, api_post_run, 0, 0 }, \
	{ "GET", "/v1/" kind "/{key}", ROLE_VIEWER, api_get_run, flags, 0 }, \
	{ "PATCH", "/v1/" kind "/{key}", role, api_patch_run, flags, 0 }, \
	{ "DELETE", "/v1/" kind "/{key}", role, api_delete_run, flags, 0 }

const struct http_route api_routes[] = {
	KIND_ROUTES("clients", ROLE_OPERATOR, 0),
	{ "POST", "/v1/clients/{key}/replace", ROLE_OPERATOR, api_client_replace_run, 0, 0 },
	{ "POST", "/v1/clients/{key}/debug", ROLE_OPERATOR, api_client_debug_run, 0, 0 },
	{ "POST", "/v1/clients/{key}/bind", ROLE_ADMIN, api_client_bind_run, 0, 0 },
	{ "POST", "/v1/clients/{key}/wake", ROLE_OPERATOR, api_client_wake_run, 0, 0 },
	KIND_ROUTES("groups", ROLE_ADMIN, 0),
	KIND_ROUTES("networks", ROLE_ADMIN, ROUTE_SLASH),
	KIND_ROUTES("assignments", ROLE_ADMIN, 0),
	KIND_ROUTES("enrolments", ROLE_OPERATOR, 0),
	KIND_ROUTES("servers", ROLE_ADMIN, 0),

	{ "GET", "/v1/images", ROLE_VIEWER, api_list_run, 0, 0 },
	{ "POST", "/v1/images", ROLE_ADMIN, api_post_run, 0, 0 },
	{ "GET", "/v1/images/{key}", ROLE_VIEWER, api_get_run, 0, 0 },
	{ "PATCH", "/v1/images/{key}", ROLE_ADMIN, api_patch_run, 0, 0 },
	{ "DELETE", "/v1/images/{key}", ROLE_ADMIN, api_image_delete_run, 0, 0 },
	{ "POST", "/v1/images/{key}/current", ROLE_ADMIN, api_image_current_run, 0, 0 },
	{ "GET", "/v1/images/{key}/versions", ROLE_VIEWER, api_version_list_run, 0, 0 },
	{ "POST", "/v1/images/{key}/versions", ROLE_ADMIN, api_version_post_run, 0, 0 },
	{ "GET", "/v1/images/{key}/versions/{number}", ROLE_VIEWER, api_version_get_run, 0, 0 },
	{ "PATCH", "/v1/images/{key}/versions/{number}", ROLE_ADMIN, api_version_patch_run, 0, 0 },
	{ "DELETE", "/v1/images/{key}/versions/{number}", ROLE_ADMIN, api_version_delete_run, 0, 0 },

	{ "GET", "/v1/pending", ROLE_VIEWER, api_list_run, 0, 0 },
	{ "GET", "/v1/pending/{key}", ROLE_VIEWER, api_get_run, 0, 0 },
	{ "DELETE", "/v1/pending/{key}", ROLE_OPERATOR, api_delete_run, 0, 0 },
	{ "POST", "/v1/pending/{key}/approve", ROLE_OPERATOR, api_pending_approve_run, 0, 0 },

	{ "GET", "/v1/sessions", ROLE_VIEWER, api_list_run, 0, 0 },
	{ "GET", "/v1/sessions/{id}", ROLE_VIEWER, api_session_get_run, 0, 0 },
	{ "GET", "/v1/boots", ROLE_VIEWER, api_stopped_list_run, 0, 0 },
	{ "GET", "/v1/boots/{key}", ROLE_VIEWER, api_stopped_get_run, 0, 0 },
	{ "POST", "/v1/sessions/{id}/fence", ROLE_OPERATOR, api_session_fence_run, 0, 0 },
	{ "POST", "/v1/sessions/{id}/orders", ROLE_OPERATOR, api_session_order_run, 0, 0 },

	{ "GET", "/v1/tokens", ROLE_VIEWER, api_list_run, 0, 0 },
	{ "POST", "/v1/tokens", ROLE_ADMIN, api_token_post_run, 0, 0 },
	{ "GET", "/v1/tokens/{key}", ROLE_VIEWER, api_get_run, 0, 0 },
	{ "PATCH", "/v1/tokens/{key}", ROLE_ADMIN, api_token_patch_run, 0, 0 },
	{ "DELETE", "/v1/tokens/{key}", ROLE_ADMIN, api_token_delete_run, 0, 0 },

	{ "GET", "/v1/audit", ROLE_VIEWER, api_list_run, 0, 0 },
	{ "GET", "/v1/status", ROLE_VIEWER, api_status_run, 0, 0 },
	{ "POST", "/v1/catalog/backup", ROLE_LOCAL, api_backup_run, 0, 0 },
	{ "GET", "/v1/openapi.yaml", ROLE_ANYONE, api_openapi_run, ROUTE_QUIET, 0 },
	{ "GET", "/metrics", ROLE_VIEWER, metrics_run, ROUTE_QUIET | ROUTE_LOOPBACK, 0 },
	{ "GET", "/healthz", ROLE_ANYONE, api_health_run, ROUTE_QUIET, 0 },
	{ .method = NULL },
};
