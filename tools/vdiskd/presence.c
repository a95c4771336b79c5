// SPDX-License-Identifier: GPL-2.0
#include "presence.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "catalog.h"
#include "control.h"
#include "error.h"
#include "log.h"
#include "nbd.h"
#include "server.h"

/* Of no use to others: what only this machine reaches, or means all of its addresses. */
static bool is_own_only(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *four = (const struct sockaddr_in *)sa;

	if (sa->ss_family == AF_INET)
		return four->sin_addr.s_addr == INADDR_ANY ||
		       ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (sa->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr) ||
		       IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	return true;
}

static unsigned int port_of(const struct sockaddr_storage *sa)
{
	return ntohs(sa->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)sa)->sin6_port :
		     ((const struct sockaddr_in *)sa)->sin_port);
}

/* Addresses of one port; none when it listens on all: then whoever asks knows one. */
static json_t *addresses_of(const struct server *server, unsigned int *port)
{
	json_t *addresses = json_array();
	struct sockaddr_storage sa;
	struct address address;
	char text[ADDRESS_TEXT];
	socklen_t length;
	unsigned int i;

	*port = NBD_PORT;
	for (i = 0; i < server->listener_count; i++) {
		length = sizeof(sa);
		if (getsockname(server->listeners[i], (struct sockaddr *)&sa, &length) ||
		    is_own_only(&sa) || (json_array_size(addresses) && port_of(&sa) != *port))
			continue;
		*port = port_of(&sa);
		address = address_from_socket(&sa);
		json_array_append_new(addresses, json_string(address_format(&address, text)));
	}
	return addresses;
}

static int add(struct control *control, const char *name, int64_t now, json_t **row,
	       struct vdisk_error *err)
{
	static const struct catalog_who who = { .name = "vdiskd", .role = "none", .from = "local" };
	unsigned int port;
	json_t *addresses = addresses_of(control->server, &port), *object;
	int ret;

	object = json_pack("{s:s s:o s:i s:I}", "name", name, "addresses", addresses, "port",
			   (int)port, "last_seen", (json_int_t)now);
	ret = catalog_add(control->catalog, &who, CATALOG_SERVER, object, row, err);
	json_decref(object);
	return ret;
}

static int touch(struct control *control, const char *name, int64_t now, struct vdisk_error *err)
{
	json_t *filter = json_pack("{s:s}", "name", name), *row = NULL, *changes;
	int ret;

	ret = catalog_get(control->catalog, CATALOG_SERVER, filter, &row, err);
	json_decref(filter);
	if (ret == -ENOENT) {
		ret = add(control, name, now, &row, err);
	} else if (!ret) {
		changes = json_pack("{s:I}", "last_seen", (json_int_t)now);
		ret = catalog_change(control->catalog, NULL, CATALOG_SERVER,
				     json_integer_value(json_object_get(row, "id")), changes, -1,
				     NULL, err);
		json_decref(changes);
	}
	if (!ret)
		atomic_store(&control->server_id,
			     json_integer_value(json_object_get(row, "id")));
	json_decref(row);
	return ret;
}

void presence_name(char name[PRESENCE_NAME])
{
	memset(name, 0, PRESENCE_NAME);
	if (gethostname(name, PRESENCE_NAME - 1) || !*name)
		strcpy(name, "server");
}

bool presence_tell(struct control *control, int64_t now, bool now_anyway)
{
	struct vdisk_error err = { .code = 0 };
	char name[PRESENCE_NAME];
	int ret;

	/* A clock that was set back must not keep it silent. */
	if (!now_anyway && now >= control->told_presence &&
	    now - control->told_presence < PRESENCE_SECONDS)
		return true;
	presence_name(name);
	ret = touch(control, name, now, &err);
	if (catalog_is_down(ret))
		return false;
	/* Also when it can't be: not more than once a minute. */
	control->told_presence = now;
	if (ret)
		log_event(LOG_LEVEL_WARNING, "this server cannot be entered into the catalog",
			  "server", name, "reason", err.text);
	return true;
}
