// SPDX-License-Identifier: GPL-2.0
/*
 * Where a machine is, and which enrolment takes it in there.
 *
 * A network of the catalog leads to its group: of those that an address is in,
 * the smallest counts.  An enrolment that names a network takes machines of that
 * one; one that an operator opened takes, besides, only machines whose network
 * leads to his group or one below it; one with neither takes whoever comes.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "catalog.h"
#include "control.h"
#include "error.h"
#include "login_internal.h"

static bool parse_address(const char *text, struct address *address)
{
	struct network one = { .bits = 0 };

	if (!network_parse(text, &one))
		return false;
	*address = one.address;
	return true;
}

json_t *login_network_among(const json_t *networks, const char *address)
{
	json_t *network, *found = NULL;
	struct network parsed = { .bits = 0 };
	struct address peer;
	unsigned int best = 0;
	size_t i;

	if (!address || !parse_address(address, &peer))
		return NULL;
	json_array_foreach(networks, i, network) {
		if (!network_parse(login_text(network, "cidr"), &parsed) ||
		    !network_has(&parsed, &peer) || (found && parsed.bits <= best))
			continue;
		found = network;
		best = parsed.bits;
	}
	return found;
}

int login_network(struct control *control, const char *address, json_t **network,
		  struct vdisk_error *err)
{
	json_t *networks = NULL;
	int ret;

	ret = catalog_list(control->catalog, CATALOG_NETWORK, NULL, &networks, err);
	*network = ret ? NULL : json_incref(login_network_among(networks, address));
	json_decref(networks);
	return ret;
}

int login_unknown_group(struct control *control, const char *address, json_t **group,
			struct vdisk_error *err)
{
	json_t *network, *id;
	int ret;

	*group = NULL;
	ret = login_network(control, address, &network, err);
	id = json_object_get(network, "group_id");
	if (!ret && json_is_integer(id))
		ret = catalog_get_id(control->catalog, CATALOG_GROUP, json_integer_value(id), group,
				     err);
	json_decref(network);
	return ret == -ENOENT ? 0 : ret;
}

static bool is_open(const json_t *window)
{
	return !json_is_true(json_object_get(window, "closed")) &&
	       login_integer(window, "until") > time(NULL) &&
	       login_integer(window, "used") < login_integer(window, "max");
}

/* Whether the network of @address leads to the group @id, or to one below it. */
static int leads_to(struct control *control, const char *address, int64_t id, bool *leads,
		    struct vdisk_error *err)
{
	json_t *network, *groups = NULL, *group, *group_id;
	size_t i;
	int ret;

	*leads = false;
	ret = login_network(control, address, &network, err);
	group_id = json_object_get(network, "group_id");
	if (!ret && json_is_integer(group_id))
		ret = catalog_groups(control->catalog, json_integer_value(group_id), &groups, err);
	json_array_foreach(groups, i, group)
		*leads |= login_integer(group, "id") == id;
	json_decref(groups);
	json_decref(network);
	/* The group went meanwhile: then it leads nowhere. */
	return ret == -ENOENT ? 0 : ret;
}

static bool is_in(const char *cidr, const char *address)
{
	struct network network = { .bits = 0 };
	struct address peer;

	return network_parse(cidr, &network) && parse_address(address, &peer) &&
	       network_has(&network, &peer);
}

int login_window_takes(struct control *control, const json_t *window, const char *address,
		       bool *takes, struct vdisk_error *err)
{
	const json_t *within = json_object_get(window, "within_id");
	const char *cidr = login_text(window, "network");

	*takes = is_open(window) && (!cidr || is_in(cidr, address));
	if (!*takes || !json_is_integer(within))
		return 0;
	return leads_to(control, address, json_integer_value(within), takes, err);
}

/* The more closely a window says whom it is for, the rather it is meant. */
static unsigned int closeness(const json_t *window)
{
	const char *cidr = login_text(window, "network");
	struct network network = { .bits = 0 };

	if (cidr && network_parse(cidr, &network))
		return 2 + network.bits;
	return json_is_integer(json_object_get(window, "within_id"));
}

int login_window(struct control *control, const char *address, json_t **window,
		 struct vdisk_error *err)
{
	json_t *filter, *rows = NULL, *row;
	bool takes;
	size_t i;
	int ret;

	*window = NULL;
	filter = json_pack("{s:b s:{s:I}}", "closed", 0, "until", "min",
			   (json_int_t)time(NULL) + 1);
	ret = catalog_list(control->catalog, CATALOG_ENROLMENT, filter, &rows, err);
	json_decref(filter);
	json_array_foreach(rows, i, row) {
		takes = false;
		if (!ret)
			ret = login_window_takes(control, row, address, &takes, err);
		if (!takes || (*window && closeness(row) <= closeness(*window)))
			continue;
		json_decref(*window);
		*window = json_incref(row);
	}
	json_decref(rows);
	if (ret) {
		json_decref(*window);
		*window = NULL;
	}
	return ret;
}
