// SPDX-License-Identifier: GPL-2.0
/* Bounds: who is bound to a group sees and changes what is in it and in its subgroups. */
#include <errno.h>
#include <stdio.h>

#include "api.h"
#include "login.h"

/* Adds the groups below those that are in already, as long as there are any. */
static void close_downwards(json_t *scope, const json_t *groups)
{
	json_t *group, *id, *parent;
	bool grown = true;
	size_t i;

	while (grown) {
		grown = false;
		json_array_foreach(groups, i, group) {
			id = json_object_get(group, "id");
			parent = json_object_get(group, "parent_id");
			if (!json_is_integer(parent))
				continue;
			char key[24], above[24];

			snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(id));
			snprintf(above, sizeof(above), "%lld",
				 (long long)json_integer_value(parent));
			if (json_object_get(scope, key) || !json_object_get(scope, above))
				continue;
			json_object_set(scope, key, id);
			grown = true;
		}
	}
}

int api_scope_load(struct api_call *call)
{
	const struct principal *who = &call->request->who;
	json_t *groups;
	char key[24];
	int ret;

	if (!who->group || who->role >= ROLE_ADMIN)
		return 0;
	ret = catalog_list(call->control->catalog, CATALOG_GROUP, NULL, &groups, &call->err);
	if (ret)
		return ret;
	snprintf(key, sizeof(key), "%lld", (long long)who->group);
	call->scope = json_pack("{s:I}", key, (json_int_t)who->group);
	close_downwards(call->scope, groups);
	json_decref(groups);
	return call->scope ? 0 : vdisk_error_set(&call->err, ENOMEM, "no memory");
}

bool api_scope_has(const struct api_call *call, int64_t group_id)
{
	char key[24];

	snprintf(key, sizeof(key), "%lld", (long long)group_id);
	return !call->scope || json_object_get(call->scope, key);
}

int api_scope_clients(struct api_call *call, json_t **clients)
{
	json_t *all = NULL, *client;
	char key[24];
	size_t i;
	int ret;

	*clients = NULL;
	if (!call->scope)
		return 0;
	ret = catalog_list(call->control->catalog, CATALOG_CLIENT, NULL, &all, &call->err);
	if (ret)
		return ret;
	*clients = json_object();
	json_array_foreach(all, i, client) {
		if (!api_scope_has(call, api_integer(client, "group_id")))
			continue;
		snprintf(key, sizeof(key), "%lld", (long long)api_integer(client, "id"));
		json_object_set_new(*clients, key, json_true());
	}
	json_decref(all);
	return 0;
}

int api_scope_networks(struct api_call *call)
{
	if (call->networks)
		return 0;
	return catalog_list(call->control->catalog, CATALOG_NETWORK, NULL, &call->networks,
			    &call->err);
}

bool api_scope_has_address(const struct api_call *call, const json_t *object)
{
	const char *address = json_string_value(json_object_get(object, "address"));
	const json_t *network = login_network_among(call->networks, address);

	return !call->scope || (network && api_scope_has(call, api_integer(network, "group_id")));
}

int api_scope_seen(struct api_call *call, const json_t *object)
{
	int ret = call->scope ? api_scope_networks(call) : 0;

	if (ret || api_scope_has_address(call, object))
		return ret;
	return vdisk_error_set(&call->err, EPERM,
			       "this token is for one group, and the machine was seen in no network that leads to it");
}

int api_scope_check(struct api_call *call, int64_t group_id)
{
	if (api_scope_has(call, group_id))
		return 0;
	return vdisk_error_set(&call->err, EPERM,
			       "this token is for one group and its subgroups, and this is in none of them");
}
