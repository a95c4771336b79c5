// SPDX-License-Identifier: GPL-2.0
/* The catalog of a new server: made, with the server in it and a first administrator. */
#include "init_catalog.h"

#include <errno.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "apitoken.h"
#include "catalog.h"
#include "place.h"
#include "show.h"
#include "text.h"

#define TOKEN_NAME "root"

static const struct catalog_who who = { .name = "vdiskadm init", .role = "admin", .from = "local" };

/* As the user's programs would find it: below HOME, else where the system says. */
static char *token_path(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user = home && *home ? NULL : getpwuid(geteuid());

	if (user)
		home = user->pw_dir;
	return text_format("%s/.config/vdisk/token", home && *home ? home : "/root");
}

static int keep_token(const char *token, void (*told)(const char *, const char *),
		      struct vdisk_error *err)
{
	char *path = token_path(), *folder = must(strdup(path)), *line = text_format("%s\n", token);
	int ret = 0;

	*strrchr(folder, '/') = '\0';
	if (place_exists(path)) {
		told("kept (another token)", path);
	} else {
		ret = place_folder(folder, 0700, err);
		if (!ret)
			ret = place_write(path, line, strlen(line), 0600, err);
		if (!ret)
			told("made", path);
	}
	explicit_bzero(line, strlen(line));
	free(line);
	free(folder);
	free(path);
	return ret;
}

static int add_token(struct catalog *catalog, void (*told)(const char *, const char *),
		     struct vdisk_error *err)
{
	char token[APITOKEN_SIZE], hash[APITOKEN_HASH_SIZE];
	json_t *object;
	int ret;

	if (apitoken_make(token))
		return vdisk_error_set(err, EIO, "there is no randomness to make a token of");
	apitoken_hash(token, hash);
	object = json_pack("{s:s, s:s, s:s}", "name", TOKEN_NAME, "hash", hash, "role", "admin");
	ret = catalog_add(catalog, &who, CATALOG_TOKEN, object, NULL, err);
	json_decref(object);
	if (!ret)
		ret = keep_token(token, told, err);
	if (!ret)
		printf("\nToken of the administrator '" TOKEN_NAME "', shown this once: %s\n\n", token);
	explicit_bzero(token, sizeof(token));
	return ret;
}

static int add_server(struct catalog *catalog, const struct init_server *server,
		      void (*told)(const char *, const char *), struct vdisk_error *err)
{
	json_t *object = json_pack("{s:s, s:[s], s:i}", "name", server->name, "addresses",
				   server->address, "port", PORT_NBD);
	int ret = catalog_add(catalog, &who, CATALOG_SERVER, object, NULL, err);

	json_decref(object);
	if (!ret)
		told("added to the catalog: the server", server->name);
	return ret;
}

/* @list with the new address in place of the old one; whether that changed it. */
static bool readdress(json_t *list, const struct init_server *server)
{
	json_t *one;
	size_t i;

	if (!server->old_address)
		return false;
	json_array_foreach(list, i, one)
		if (!strcmp(json_string_value(one), server->old_address)) {
			json_array_set_new(list, i, must(json_string(server->address)));
			return true;
		}
	return false;
}

static int change_list(struct catalog *catalog, enum catalog_kind kind, const json_t *row,
		       const char *field, json_t *list, struct vdisk_error *err)
{
	json_t *changes = must(json_pack("{s:O}", field, list));
	int ret;

	ret = catalog_change(catalog, &who, kind, json_integer_value(json_object_get(row, "id")),
			     changes, -1, NULL, err);
	json_decref(changes);
	return ret;
}

/*
 * The addresses are what clients are told.  Those that an administrator gave it
 * beside ours stay; so does a list of his own that never had ours in it.
 */
static int change_server(struct catalog *catalog, const struct init_server *server,
			 const json_t *row, void (*told)(const char *, const char *),
			 struct vdisk_error *err)
{
	json_t *list = must(json_deep_copy(json_object_get(row, "addresses")));
	char *words;
	int ret = 0;

	if (list_has(list, server->address))
		goto out;
	if (!json_array_size(list))
		json_array_append_new(list, must(json_string(server->address)));
	else if (!readdress(list, server))
		goto out;
	ret = change_list(catalog, CATALOG_SERVER, row, "addresses", list, err);
	if (!ret) {
		words = text_format("%s now has the address %s", server->name, server->address);
		told("changed in the catalog: the server", words);
		free(words);
	}
out:
	json_decref(list);
	return ret;
}

/* Networks may name servers by their addresses. */
static int change_networks(struct catalog *catalog, const struct init_server *server,
			   void (*told)(const char *, const char *), struct vdisk_error *err)
{
	json_t *rows, *row, *list;
	size_t i;
	int ret;

	ret = catalog_list(catalog, CATALOG_NETWORK, NULL, &rows, err);
	if (ret)
		return ret;
	json_array_foreach(rows, i, row) {
		list = must(json_deep_copy(json_object_get(row, "servers")));
		if (readdress(list, server))
			ret = change_list(catalog, CATALOG_NETWORK, row, "servers", list, err);
		if (!ret && !json_equal(list, json_object_get(row, "servers")))
			told("changed in the catalog: the servers of the network",
			     json_string_value(json_object_get(row, "cidr")));
		json_decref(list);
		if (ret)
			break;
	}
	json_decref(rows);
	return ret;
}

static int enter_server(struct catalog *catalog, const struct init_server *server,
			void (*told)(const char *, const char *), struct vdisk_error *err)
{
	json_t *filter = must(json_pack("{s:s}", "name", server->name)), *row = NULL;
	int ret;

	ret = catalog_get(catalog, CATALOG_SERVER, filter, &row, err);
	json_decref(filter);
	if (ret == -ENOENT)
		return add_server(catalog, server, told, err);
	if (!ret)
		ret = change_server(catalog, server, row, told, err);
	if (!ret)
		ret = change_networks(catalog, server, told, err);
	json_decref(row);
	return ret;
}

static int fill(struct catalog *catalog, const struct init_server *server,
		void (*told)(const char *, const char *), struct vdisk_error *err)
{
	int64_t tokens = 0;
	int ret;

	ret = enter_server(catalog, server, told, err);
	if (!ret)
		ret = catalog_count(catalog, CATALOG_TOKEN, NULL, &tokens, err);
	if (ret || tokens)
		return ret;
	return add_token(catalog, told, err);
}

int init_catalog(const struct init_server *server,
		 void (*told)(const char *what, const char *path), struct vdisk_error *err)
{
	char *path = place_path(PLACE_CATALOG), *uri = text_format("sqlite:%s", path);
	bool there = place_exists(PLACE_CATALOG);
	struct catalog *catalog;
	/* It has secrets in it. */
	mode_t mask = umask(077);
	int ret;

	ret = catalog_open(&catalog, uri, err);
	if (!ret) {
		told(there ? "kept" : "made", PLACE_CATALOG);
		ret = fill(catalog, server, told, err);
		catalog_close(catalog);
	}
	umask(mask);
	free(uri);
	free(path);
	return ret;
}
