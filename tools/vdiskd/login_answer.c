// SPDX-License-Identifier: GPL-2.0
/* What a client is told of its new session, and what it isn't. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalog.h"
#include "config.h"
#include "control.h"
#include "error.h"
#include "http.h"
#include "login_internal.h"
#include "server.h"
#include "session.h"
#include "text.h"

enum {
	STREAM_KEY_BYTES = 32,
	FILE_MOST = 256 << 10,
	NBD_PORT = 10809,
	SERVERS_MOST = 8,		/* that the driver takes */
};

static const char file_prefix[] = "file:";

/* --- servers */

static void add_server(json_t *servers, const char *address, int64_t port)
{
	if (json_array_size(servers) == SERVERS_MOST)
		return;
	json_array_append_new(servers, json_pack("{s:s s:I}", "address", address, "port",
						 (json_int_t)port));
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct address x = address_from_socket(a), y = address_from_socket(b);

	return address_equal(&x, &y);
}

static unsigned int port_of(const struct sockaddr_storage *sa)
{
	return ntohs(sa->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)sa)->sin6_port :
		     ((const struct sockaddr_in *)sa)->sin_port);
}

static bool is_any(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ((const struct sockaddr_in *)sa)->sin_addr.s_addr == INADDR_ANY;
	return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

/* Where this server's data plane is, as seen by who came to its address @here. */
static void add_this(const struct server *server, const struct sockaddr_storage *here,
		     json_t *servers)
{
	struct sockaddr_storage sa, best = { .ss_family = AF_UNSPEC };
	struct address address;
	char text[ADDRESS_TEXT];
	socklen_t length;
	unsigned int i;

	for (i = 0; i < server->listener_count; i++) {
		length = sizeof(sa);
		if (getsockname(server->listeners[i], (struct sockaddr *)&sa, &length))
			continue;
		if (is_any(&sa) || same_host(&sa, here)) {
			address = address_from_socket(here);
			add_server(servers, address_format(&address, text), port_of(&sa));
			return;
		}
		if (best.ss_family == AF_UNSPEC)
			best = sa;
	}
	if (best.ss_family == AF_UNSPEC)
		return;
	address = address_from_socket(&best);
	add_server(servers, address_format(&address, text), port_of(&best));
}

static void local_address(const struct http_request *request, struct sockaddr_storage *here)
{
	const union MHD_ConnectionInfo *info;
	socklen_t length = sizeof(*here);

	info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info && !getsockname(info->connect_fd, (struct sockaddr *)here, &length) &&
	    here->ss_family != AF_UNIX)
		return;
	memset(here, 0, sizeof(*here));
	here->ss_family = AF_INET;
	((struct sockaddr_in *)here)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void add_known(json_t *servers, const json_t *server)
{
	const json_t *addresses = json_object_get(server, "addresses");
	json_t *address;
	size_t i;

	json_array_foreach(addresses, i, address)
		add_server(servers, json_string_value(address), login_integer(server, "port"));
}

/* A network names servers of the catalog, or addresses. */
static int add_named(struct control *control, const char *name, json_t *servers,
		     struct vdisk_error *err)
{
	json_t *filter = json_pack("{s:s}", "name", name), *server = NULL;
	struct sockaddr_storage sa;
	struct address address;
	char text[ADDRESS_TEXT];
	socklen_t length;
	int ret;

	ret = catalog_get(control->catalog, CATALOG_SERVER, filter, &server, err);
	json_decref(filter);
	if (!ret)
		add_known(servers, server);
	json_decref(server);
	if (ret != -ENOENT)
		return ret;
	if (endpoint_parse(name, NBD_PORT, &sa, &length)) {
		address = address_from_socket(&sa);
		add_server(servers, address_format(&address, text), port_of(&sa));
	}
	return 0;
}

static int find_servers(struct control *control, const struct http_request *request,
			json_t *servers, struct vdisk_error *err)
{
	json_t *network = NULL, *rows = NULL, *row, *name;
	struct sockaddr_storage here;
	size_t i;
	int ret;

	ret = login_network(control, request->from, &network, err);
	json_array_foreach(json_object_get(network, "servers"), i, name)
		if (!ret)
			ret = add_named(control, json_string_value(name), servers, err);
	json_decref(network);
	if (ret || json_array_size(servers))
		return ret;
	ret = catalog_list(control->catalog, CATALOG_SERVER, NULL, &rows, err);
	json_array_foreach(rows, i, row)
		add_known(servers, row);
	json_decref(rows);
	if (ret || json_array_size(servers))
		return ret;
	local_address(request, &here);
	add_this(control->server, &here, servers);
	return 0;
}

/* --- properties, and files made of them */

static void withhold(json_t *withheld, const char *what, const char *why)
{
	json_array_append_new(withheld, json_pack("{s:s s:s}", "what", what, "why", why));
}

static const char *variable(const json_t *client, const json_t *properties, const char *name)
{
	const char *value = NULL;

	if (!strcmp(name, "name") || !strcmp(name, "machine_id"))
		return login_text(client, name);
	value = login_text(json_object_get(properties, name), "value");
	return value ? value : "";
}

/* "{{NAME}}" is the property of that name; nothing else means anything. */
static char *fill_in(const char *template, const json_t *client, const json_t *properties)
{
	struct text out = { .data = NULL };
	const char *open, *close;
	char name[NAME_SIZE];
	size_t length;

	while ((open = strstr(template, "{{")) && (close = strstr(open, "}}")) &&
	       out.length < FILE_MOST) {
		text_add(&out, template, open - template);
		length = close - open - 2;
		/* What is longer is no name, and not the one that it begins with. */
		snprintf(name, sizeof(name), "%.*s", length < NAME_SIZE ? (int)length : 0,
			 open + 2);
		open = variable(client, properties, name);
		text_add(&out, open, strlen(open));
		template = close + 2;
	}
	text_add(&out, template, strlen(template) + 1);
	if (out.failed || out.length > FILE_MOST) {
		text_free(&out);
		return NULL;
	}
	return (char *)out.data;
}

/* Whether what @template asks for is more secret than it itself. */
static bool uses_secret(const char *template, const json_t *properties)
{
	const char *name;
	char braced[NAME_SIZE + 8];
	json_t *property;

	json_object_foreach((json_t *)properties, name, property) {
		snprintf(braced, sizeof(braced), "{{%.63s}}", name);
		if (json_is_true(json_object_get(property, "secret")) && strstr(template, braced))
			return true;
	}
	return false;
}

/* A name that clients take; the catalog takes more. */
static bool is_plain(const char *name)
{
	return name[0] != '.' && name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static void add_file(json_t *files, const char *path, const char *value, bool secret,
		     const json_t *client, const json_t *properties)
{
	char *content = fill_in(value, client, properties);

	if (content)
		json_array_append_new(files, json_pack("{s:s s:s s:s}", "path", path, "mode", secret ?
						       "0600" : "0644", "content", content));
	free(content);
}

static int add_properties(struct control *control, const json_t *client, bool secrets,
			  const char *why_not, json_t *withheld, json_t *answer,
			  struct vdisk_error *err)
{
	json_t *all = NULL, *property, *properties = json_object(), *files = json_array();
	const char *name, *value;
	bool secret;
	int ret;

	ret = catalog_effective_properties(control->catalog, login_integer(client, "id"), &all, err);
	json_object_foreach(all, name, property) {
		value = login_text(property, "value");
		secret = json_is_true(json_object_get(property, "secret"));
		if (!strncmp(name, file_prefix, strlen(file_prefix)))
			secret = secret || uses_secret(value, all);
		if (secret && !secrets)
			withhold(withheld, name, why_not);
		else if (!strncmp(name, file_prefix, strlen(file_prefix)))
			add_file(files, name + strlen(file_prefix), value, secret, client, all);
		else if (!is_plain(name))
			withhold(withheld, name, "its name has something but letters, digits, '.', '_' and '-'");
		else
			json_object_set_new(properties, name, json_string(value));
	}
	json_decref(all);
	json_object_set_new(answer, "properties", properties);
	json_object_set_new(answer, "files", files);
	return ret;
}

int login_secrets(struct control *control, const json_t *client, bool *network,
		  struct vdisk_error *err)
{
	json_t *id = json_object_get(client, "group_id"), *group = NULL;
	int ret;

	*network = false;
	if (!json_is_integer(id) || login_has_key(client))
		return 0;
	ret = catalog_get_id(control->catalog, CATALOG_GROUP, json_integer_value(id), &group, err);
	if (!ret)
		*network = !strcmp(login_text(group, "secrets"), "network");
	json_decref(group);
	return ret;
}

/* For the stream's encryption: of this session alone, and known to each server of the farm. */
static int add_stream_key(struct control *control, const struct gate_view *view, json_t *answer)
{
	gnutls_datum_t key = { NULL, STREAM_KEY_BYTES }, encoded;
	uint8_t digest[STREAM_KEY_BYTES];
	char text[96];
	int length;

	length = snprintf(text, sizeof(text), "stream|%llu|%llu", (unsigned long long)view->id,
			  (unsigned long long)view->epoch);
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, control->farm_key.byte, TOKEN_KEY_BYTES, text, length,
			     digest))
		return -EIO;
	key.data = digest;
	if (gnutls_base64_encode2(&key, &encoded))
		return -ENOMEM;
	json_object_set_new(answer, "stream_key", json_stringn((char *)encoded.data, encoded.size));
	gnutls_memset(digest, 0, sizeof(digest));
	gnutls_memset(encoded.data, 0, encoded.size);
	gnutls_free(encoded.data);
	return 0;
}

/* For what the session itself asks of the API.  The export crosses the network in the clear. */
static int add_bearer(struct control *control, const struct gate_view *view, json_t *answer,
		      struct vdisk_error *err)
{
	char bearer[TOKEN_TEXT_SIZE];
	int ret = session_bearer(control, view, bearer, err);

	if (!ret)
		json_object_set_new(answer, "bearer", json_string(bearer));
	gnutls_memset(bearer, 0, sizeof(bearer));
	return ret;
}

/* Good for one boot: whoever gets it uses it up. */
static int take_debug(struct control *control, const json_t *client, json_t *answer,
		      struct vdisk_error *err)
{
	static const struct catalog_who who = { .name = "login", .role = "none" };
	bool debug = json_is_true(json_object_get(client, "debug_once"));
	json_t *changes;
	int ret = 0;

	if (debug) {
		changes = json_pack("{s:b}", "debug_once", 0);
		ret = catalog_change(control->catalog, &who, CATALOG_CLIENT,
				     login_integer(client, "id"), changes, -1, NULL, err);
		json_decref(changes);
	}
	json_object_set_new(answer, "debug", json_boolean(debug && !ret));
	return ret;
}

int login_answer(struct control *control, struct http_request *request, const json_t *client,
		 const struct gate_view *view, const json_t *choice, bool secrets,
		 const char *why_not, json_t *withheld, json_t **answer, struct vdisk_error *err)
{
	json_t *servers = json_array(), *overlay = json_object_get(choice, "overlay");
	char export[GATE_TOLD_SIZE];
	int ret;

	ret = session_export(control, view, export, err);
	if (ret) {
		json_decref(servers);
		json_decref(withheld);
		return ret;
	}
	*answer = json_pack("{s:I s:s s:O s:s s:o s:s s:I s:s s:s s:I s:o}",
			    "session", (json_int_t)view->id, "client", view->client,
			    "machine_id", json_object_get(client, "machine_id"), "export", export,
			    "servers", servers, "image", view->image,
			    "version", (json_int_t)view->version,
			    "overlay", json_is_string(overlay) ? json_string_value(overlay) : "ram:50%",
			    "trust", view->bound ? "bound" : "network",
			    "expires", (json_int_t)view->expires, "withheld", withheld);
	gnutls_memset(export, 0, sizeof(export));
	if (!*answer)
		return vdisk_error_set(err, ENOMEM, "no memory for an answer");
	ret = find_servers(control, request, servers, err);
	if (!ret)
		ret = add_properties(control, client, secrets, why_not, withheld, *answer, err);
	if (!ret)
		ret = take_debug(control, client, *answer, err);
	if (!ret && request->encrypted)
		ret = add_stream_key(control, view, *answer);
	if (!ret && request->encrypted)
		ret = add_bearer(control, view, *answer, err);
	if (ret) {
		json_decref(*answer);
		*answer = NULL;
	}
	return ret;
}
