/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store: a folder of NAME.img, and which of them are open for whom.
 *
 * An image is opened when the first client goes on it and closed when its last
 * client has left.  Functions here may wait for a disk unless they say that
 * they don't: event loops call those through a worker.
 */
#ifndef VDISKD_STORE_H
#define VDISKD_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "export.h"
#include "image.h"
#include "name.h"

/* A name that may be written to, and from where. */
struct store_writable {
	struct store_writable *next;
	char name[NAME_SIZE];
	struct network *allowed;
};

struct store {
	const char *path;
	int directory;
	struct store_writable *writable;
	int watch;		/* inotify: of the folder and of open images; -1 without */
	pthread_mutex_t lock;	/* the fields below, and exports; see there */
	struct export *exports;
	unsigned int round;	/* of store_check() */
};

/** store_open - start with the folder @path; return 0 or -errno */
int store_open(struct store *store, const char *path);

/** store_close - the opposite; no claim may be left */
void store_close(struct store *store);

/** store_writable_find - the rule for @name, or NULL when it is read-only; never waits */
struct store_writable *store_writable_find(const struct store *store, const char *name);

/**
 * store_describe - what a client that went on @name would get
 * @store:  the store
 * @name:   valid name of an image
 * @claim:  of the connection that asks; holds nothing, and won't
 * @image:  filled in; its descriptor is closed already, or may be soon
 * @words:  IMAGE_WORDS bytes for the reason when the answer isn't STORE_OK
 *
 * STORE_WAIT as store_claim().
 */
enum store_answer store_describe(struct store *store, const char *name, struct claim *claim,
				 struct image *image, char *words);

/**
 * store_claim - take hold of @name for a connection
 * @claim: its @client, @order, @end and @retry are set
 *
 * STORE_WAIT: @claim is queued, @retry will be called, and the caller then asks
 * again; until then store_release() gives up.
 */
enum store_answer store_claim(struct store *store, const char *name, struct claim *claim, char *words);

/**
 * store_check - look whether open images are still what they were
 *
 * One that isn't is closed: its connections are ended, new ones refused.
 */
void store_check(struct store *store);

/** store_reload - serve images that were changed, with what they are now */
void store_reload(struct store *store);

/** store_release - let go, or stop waiting; no harm when neither holds */
void store_release(struct store *store, struct claim *claim);

/**
 * store_list - names of all images, sorted
 * @names: malloc'ed array
 * @count: how many
 *
 * Return: 0 or -errno.
 */
int store_list(struct store *store, struct name **names, size_t *count);

#endif
