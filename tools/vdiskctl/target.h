/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which farm is meant: URIs vdisk://HOST[:PORT][/IMAGE] and "auto", the options
 * that go with them, and what the initramfs was given by the farm's administrator.
 */
#ifndef VDISKCTL_TARGET_H
#define VDISKCTL_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include "farm.h"

enum {
	TARGET_SERVER = 300,		/* bytes of "HOST:PORT" */
	TARGET_IMAGE = 76,	/* NAME@N */
};

struct farm_target {
	bool automatic;			/* find the servers first */
	unsigned int nr_servers;
	char server[FARM_SERVERS_MAX][TARGET_SERVER];
	char image[TARGET_IMAGE];	/* "": what the farm says */
};

/* What options say about it. */
struct farm_means {
	const char *root;		/* put before paths of /sys, /proc, /etc and /run; "" */
	const char *pin;		/* NULL: the file's */
	bool trust_network;
	const char *key;		/* file with the secret of a bound client; NULL: look for one */
	const char *server;		/* for "auto": look no further */
	bool multicast;			/* ask multicast DNS too */
};

/* target_is_farm - whether @uri is for target_add(). */
bool target_is_farm(const char *uri);

/* target_add - one URI of several; 0 or -EINVAL with the reason. */
int target_add(struct farm_target *target, const char *uri, struct vdisk_error *err);

/* target_add_all - the words that are left of a command line, up to its NULL; likewise. */
int target_add_all(struct farm_target *target, char **uris, struct vdisk_error *err);

/* target_add_server - HOST[:PORT], as it stands in a list. */
int target_add_server(struct farm_target *target, const char *text, struct vdisk_error *err);

/* target_read_list - servers of a farm.conf: "servers = HOST[:PORT] …"; -ENOENT. */
int target_read_list(const char *path, struct farm_target *target, struct vdisk_error *err);

/**
 * target_open - the farm's connection, servers found and pin read
 * @patience: seconds that finding may take
 */
int target_open(struct farm_target *target, const struct farm_means *means, const char *token,
		unsigned int patience, struct farm **farm, struct vdisk_error *err);

/* The options --pin, --trust, --key, --server, --multicast, --root of several subcommands. */
enum {
	MEANS_PIN = 512, MEANS_TRUST, MEANS_KEY, MEANS_SERVER, MEANS_MULTICAST, MEANS_ROOT,
};
#define MEANS_OPTIONS \
	{ "pin", required_argument, NULL, MEANS_PIN }, \
	{ "trust", required_argument, NULL, MEANS_TRUST }, \
	{ "key", required_argument, NULL, MEANS_KEY }, \
	{ "server", required_argument, NULL, MEANS_SERVER }, \
	{ "multicast", no_argument, NULL, MEANS_MULTICAST }, \
	{ "root", required_argument, NULL, MEANS_ROOT }

/* means_take - one of them; 0 or -EINVAL. */
int means_take(struct farm_means *means, int option, const char *value, struct vdisk_error *err);

/* path_in - @root and @path as one; "" when it is too long. */
const char *path_in(const char *root, const char *path, char *room, size_t size);

#endif
