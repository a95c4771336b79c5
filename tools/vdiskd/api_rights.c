// SPDX-License-Identifier: GPL-2.0
/*
 * What an operator may not store, even of his own groups' things.
 *
 * A client's key: whoever gives a client a key of his own logs in as it, and gets
 * what groups above his give to it alone.  An operator can forget a key, no more.
 *
 * A shell: whoever sits in front of a client that has a key reads that key there, or
 * what was given to it alone.
 *
 * A file: whoever puts files of his choice into a machine is root on it, and reads
 * there what it was given.
 *
 * An enrolment assigns its image to whoever comes.  An operator's names only images
 * that his machines have anyway, and takes machines only from networks that lead to
 * his groups ("within", which each change by an operator sets to his group).
 */
#include <errno.h>
#include <string.h>

#include "address.h"
#include "api.h"

static int check_key(struct api_call *call, const json_t *before, const json_t *changes)
{
	const json_t *key = json_object_get(changes, "public_key");

	if (!key || json_is_null(key) || json_equal(key, json_object_get(before, "public_key")))
		return 0;
	return vdisk_error_set(&call->err, EPERM,
			       "public_key: only an administrator gives a client a key; an operator can forget it");
}

static int check_debug(struct api_call *call, const json_t *before, const json_t *changes)
{
	const json_t *key = json_object_get(changes, "public_key");

	if (!json_is_true(json_object_get(changes, "debug_once")) ||
	    !json_is_string(key ? key : json_object_get(before, "public_key")))
		return 0;
	return vdisk_error_set(&call->err, EPERM,
			       "debug_once: only an administrator has a client that has a key give a shell");
}

/* What machines bind themselves by is his who brings them, so one enrolment is as good as a key. */
static int check_bind(struct api_call *call, const json_t *changes)
{
	if (!json_is_true(json_object_get(changes, "bind")))
		return 0;
	return vdisk_error_set(&call->err, EPERM,
			       "bind: only an administrator has machines bound as they enrol");
}

int api_rights_property(struct api_call *call, const char *name)
{
	if (call->request->who.role >= ROLE_ADMIN || strncmp(name, "file:", strlen("file:")))
		return 0;
	return vdisk_error_set(&call->err, EPERM,
			       "properties: '%s' is a file on its machines, which only an administrator gives: it could make anybody root there",
			       name);
}

/* Whether the caller's group, one below it or one above it has @assignment. */
static bool groups_have(const struct api_call *call, const json_t *above, const json_t *assignment)
{
	int64_t id = api_integer(assignment, "group_id");
	json_t *group;
	size_t i;

	if (id && api_scope_has(call, id))
		return true;
	json_array_foreach(above, i, group)
		if (id && id == api_integer(group, "id"))
			return true;
	return false;
}

static int client_has(struct api_call *call, const json_t *assignment, bool *has)
{
	int64_t id = api_integer(assignment, "client_id");
	json_t *client = NULL;
	int ret;

	if (!id)
		return 0;
	ret = catalog_get_id(call->control->catalog, CATALOG_CLIENT, id, &client, &call->err);
	*has = !ret && api_scope_has(call, api_integer(client, "group_id"));
	json_decref(client);
	return ret;
}

/* Whether the caller's machines have the image; a private one only as their group's. */
static int find_image(struct api_call *call, int64_t id, bool private, bool *found)
{
	struct catalog *catalog = call->control->catalog;
	json_t *filter = json_pack("{s:I}", "image_id", (json_int_t)id);
	json_t *above = NULL, *assignments = NULL, *assignment;
	size_t i;
	int ret;

	*found = false;
	ret = catalog_list(catalog, CATALOG_ASSIGNMENT, filter, &assignments, &call->err);
	json_decref(filter);
	if (!ret)
		ret = catalog_groups(catalog, call->request->who.group, &above, &call->err);
	json_array_foreach(assignments, i, assignment)
		*found |= groups_have(call, above, assignment);
	json_array_foreach(assignments, i, assignment) {
		if (ret || *found || private)
			break;
		ret = client_has(call, assignment, found);
	}
	json_decref(above);
	json_decref(assignments);
	return ret;
}

static int check_image(struct api_call *call, const json_t *image_id)
{
	json_t *image = NULL;
	bool private, found;
	int ret;

	if (!json_is_integer(image_id))
		return 0;
	ret = catalog_get_id(call->control->catalog, CATALOG_IMAGE, json_integer_value(image_id),
			     &image, &call->err);
	if (ret)
		return ret;
	private = !strcmp(json_string_value(json_object_get(image, "kind")), "private");
	ret = find_image(call, json_integer_value(image_id), private, &found);
	if (!ret && !found)
		ret = vdisk_error_set(&call->err, EPERM, private ?
				      "image: '%s' is private, and no administrator assigned it to this token's group" :
				      "image: '%s' is assigned neither to this token's group nor to a client in it: an administrator does that",
				      json_string_value(json_object_get(image, "name")));
	json_decref(image);
	return ret;
}

static bool overlap(const struct network *a, const struct network *b)
{
	return a->bits < b->bits ? network_has(a, &b->address) : network_has(b, &a->address);
}

/* There must be machines that such an enrolment could take. */
static int check_network(struct api_call *call, const json_t *named)
{
	struct network wanted = { .bits = 0 }, own = { .bits = 0 };
	const char *cidr = json_string_value(named);
	bool any = false, meant = false;
	json_t *network;
	size_t i;
	int ret = api_scope_networks(call);

	if (ret || (cidr && !network_parse(cidr, &wanted)))
		return ret;	/* what is no network the catalog refuses, with its words */
	json_array_foreach(call->networks, i, network) {
		if (!api_scope_has(call, api_integer(network, "group_id")) ||
		    !network_parse(json_string_value(json_object_get(network, "cidr")), &own))
			continue;
		any = true;
		meant |= !cidr || overlap(&wanted, &own);
	}
	if (meant)
		return 0;
	if (any)
		return vdisk_error_set(&call->err, EPERM,
				       "network: '%s' does not lead to the group of this token", cidr);
	return vdisk_error_set(&call->err, EPERM,
			       "no network leads to the group of this token: an administrator says which with 'vdiskadm network add CIDR --group GROUP'");
}

/* To end it is always allowed; whatever else an operator changes makes it his. */
static int check_enrolment(struct api_call *call, const json_t *before, json_t *changes)
{
	json_t *after;
	int ret;

	if (before && json_object_size(changes) == 1 &&
	    json_is_true(json_object_get(changes, "closed")))
		return 0;
	after = before ? json_copy((json_t *)before) : json_object();
	if (!after || json_object_update(after, changes)) {
		json_decref(after);
		return vdisk_error_set(&call->err, ENOMEM, "no memory");
	}
	ret = check_image(call, json_object_get(after, "image_id"));
	if (!ret)
		ret = check_network(call, json_object_get(after, "network"));
	json_decref(after);
	json_object_set_new(changes, "within_id", json_integer(call->request->who.group));
	/* Nor does one of an administrator's go on binding machines that the operator brings. */
	if (json_is_true(json_object_get(before, "bind")))
		json_object_set_new(changes, "bind", json_false());
	return ret;
}

int api_rights_check(struct api_call *call, const json_t *before, json_t *changes)
{
	enum catalog_kind kind = call->resource->kind;

	if (call->request->who.role < ROLE_ADMIN && kind == CATALOG_CLIENT)
		return check_key(call, before, changes) ? -EPERM : check_debug(call, before, changes);
	if (kind != CATALOG_ENROLMENT)
		return 0;
	if (call->request->who.role < ROLE_ADMIN && check_bind(call, changes))
		return -EPERM;
	if (call->scope)
		return check_enrolment(call, before, changes);
	/* An administrator who says from where says it in place of the operator's bounds. */
	if (json_object_get(changes, "network"))
		json_object_set_new(changes, "within_id", json_null());
	return 0;
}
