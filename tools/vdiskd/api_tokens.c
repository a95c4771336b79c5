// SPDX-License-Identifier: GPL-2.0
/*
 * Tokens of administrators.  What one is stands in the answer that makes it, and
 * never again.  A revoked one stays, so that people see it was there, until
 * another takes its name.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "apitoken.h"
#include "http_internal.h"

/* An operator is bound to a group, and an administrator to none. */
static int check_role(struct api_call *call, const json_t *token)
{
	const char *role = json_string_value(json_object_get(token, "role"));
	bool bound = api_integer(token, "group_id");

	if (role && !strcmp(role, "operator") && !bound)
		return vdisk_error_set(&call->err, EINVAL, "group: an operator has one");
	if (role && !strcmp(role, "admin") && bound)
		return vdisk_error_set(&call->err, EINVAL, "group: an admin has none");
	return 0;
}

static int remove_revoked(struct api_call *call, const json_t *fields)
{
	json_t *filter, *old;
	int ret;

	filter = json_pack("{s:O?, s:{s:n}}", "name", json_object_get(fields, "name"), "revoked", "not");
	ret = catalog_get(call->control->catalog, CATALOG_TOKEN, filter, &old, &call->err);
	json_decref(filter);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = catalog_remove(call->control->catalog, &call->who, CATALOG_TOKEN,
			     api_integer(old, "id"), -1, &call->err);
	json_decref(old);
	return ret;
}

static int store(struct api_call *call, const json_t *fields, json_t **stored)
{
	struct catalog *catalog = call->control->catalog;
	int ret = catalog_begin(catalog, &call->err);

	if (ret)
		return ret;
	if (json_is_string(json_object_get(fields, "name")))
		ret = remove_revoked(call, fields);
	if (!ret)
		ret = catalog_add(catalog, &call->who, CATALOG_TOKEN, fields, stored, &call->err);
	if (ret == -ENOENT)
		ret = -EINVAL;
	if (!ret)
		return catalog_commit(catalog, &call->err);
	catalog_rollback(catalog);
	return ret;
}

static int make(struct api_call *call, json_t **stored, char *text)
{
	char hash[APITOKEN_HASH_SIZE];
	json_t *fields;
	int ret;

	if (!call->request->body)
		return vdisk_error_set(&call->err, EINVAL, "the request has no body");
	ret = api_accept(call, call->request->body, &fields);
	if (ret)
		return ret;
	ret = check_role(call, fields);
	if (!ret && apitoken_make(text))
		ret = vdisk_error_set(&call->err, EIO, "there is no randomness");
	if (!ret) {
		apitoken_hash(text, hash);
		json_object_set_new(fields, "hash", json_string(hash));
		ret = store(call, fields, stored);
	}
	json_decref(fields);
	return ret;
}

void api_token_post_run(struct control *control, struct http_request *request,
			struct http_answer *answer)
{
	char text[APITOKEN_SIZE] = "";
	json_t *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_tokens))
		return;
	ret = make(&call, &stored, text);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_CREATED, stored);
	if (!ret)
		json_object_set_new(answer->json, "token", json_string(text));
	gnutls_memset(text, 0, sizeof(text));
	json_decref(stored);
	api_end(&call, ret);
}

static int change(struct api_call *call, const json_t *token, json_t **stored)
{
	json_t *fields, *after;
	int ret;

	if (!call->request->body)
		return vdisk_error_set(&call->err, EINVAL, "the request has no body");
	ret = api_accept(call, call->request->body, &fields);
	if (ret)
		return ret;
	after = json_copy((json_t *)token);
	json_object_update(after, fields);
	ret = check_role(call, after);
	json_decref(after);
	json_decref(fields);
	if (ret)
		return ret;
	return api_change(call, api_integer(token, "id"), call->request->body,
			  call->request->revision, stored);
}

void api_token_patch_run(struct control *control, struct http_request *request,
			 struct http_answer *answer)
{
	json_t *token = NULL, *stored = NULL;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_tokens))
		return;
	ret = api_find(&call, &api_tokens, request->segments[0], &token);
	if (!ret)
		ret = change(&call, token, &stored);
	if (!ret)
		ret = api_show(&call, MHD_HTTP_OK, stored);
	json_decref(token);
	json_decref(stored);
	api_end(&call, ret);
}

void api_token_delete_run(struct control *control, struct http_request *request,
			  struct http_answer *answer)
{
	json_t *token = NULL, *changes;
	struct api_call call;
	int ret;

	if (!api_begin(&call, control, request, answer, &api_tokens))
		return;
	ret = api_find(&call, &api_tokens, request->segments[0], &token);
	if (!ret && json_is_null(json_object_get(token, "revoked"))) {
		changes = json_pack("{s:I}", "revoked", (json_int_t)time(NULL));
		ret = catalog_change(control->catalog, &call.who, CATALOG_TOKEN,
				     api_integer(token, "id"), changes, request->revision, NULL,
				     &call.err);
		json_decref(changes);
	}
	json_decref(token);
	api_end(&call, ret);
}
