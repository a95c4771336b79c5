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

static int add_server(struct catalog *catalog, const char *name, const char *address,
		      void (*told)(const char *, const char *), struct vdisk_error *err)
{
	json_t *object = json_pack("{s:s, s:[s], s:i}", "name", name, "addresses", address, "port",
				   PORT_NBD);
	int ret = catalog_add(catalog, &who, CATALOG_SERVER, object, NULL, err);

	json_decref(object);
	if (ret == -EEXIST)
		return 0;
	if (!ret)
		told("added to the catalog: the server", name);
	return ret;
}

static int fill(struct catalog *catalog, const char *server, const char *address,
		void (*told)(const char *, const char *), struct vdisk_error *err)
{
	int64_t tokens = 0;
	int ret;

	ret = add_server(catalog, server, address, told, err);
	if (!ret)
		ret = catalog_count(catalog, CATALOG_TOKEN, NULL, &tokens, err);
	if (ret || tokens)
		return ret;
	return add_token(catalog, told, err);
}

int init_catalog(const char *server, const char *address,
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
		ret = fill(catalog, server, address, told, err);
		catalog_close(catalog);
	}
	umask(mask);
	free(uri);
	free(path);
	return ret;
}
