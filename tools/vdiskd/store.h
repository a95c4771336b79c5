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
#include "image.h"
#include "name.h"

/* How an answer to "may I have this export" turned out. */
enum store_answer {
	STORE_OK,
	STORE_UNKNOWN,		/* no such image */
	STORE_REFUSED,		/* not for this client, or not now */
	STORE_WAIT,		/* claims of the same client must end first */
};

/* A name that may be written to, and from where. */
struct store_writable {
	struct store_writable *next;
	char name[NAME_SIZE];
	struct network *allowed;
};

struct export;

/* One connection's hold on an export. */
struct claim {
	struct claim *next, **previous;
	struct export *export;
	struct address client;
	uint64_t order;		/* a connection accepted later has a higher one */
	/*
	 * Ask the connection to stop at once, from any thread, with the store's
	 * lock held: start no request any more, finish those begun, then release.
	 */
	void (*end)(struct claim *claim, const char *why);
	/* Nothing stands in the way any more: ask again.  From any thread, locked. */
	void (*retry)(struct claim *claim);
};

struct store {
	const char *path;
	int directory;
	struct store_writable *writable;
	int watch;		/* inotify: of the folder and of open images; -1 without */
	pthread_mutex_t lock;	/* the fields below, and all of struct export */
	struct export *exports;
};

struct export {
	struct export *next;
	char name[NAME_SIZE];
	struct image image;
	bool open;		/* @image is */
	bool changed;		/* under our hands: closed until reloaded */
	bool reload;		/* @changed ends when the last claim does */
	int watch;		/* in the store's inotify; -1 without */
	struct claim *claims;	/* connections in transmission */
	struct claim *waiting;	/* for @claims to end; oldest first */
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
 * @client: who asks
 * @image:  filled in; its descriptor is closed already
 * @words:  IMAGE_WORDS bytes for the reason when the answer isn't STORE_OK
 */
enum store_answer store_describe(struct store *store, const char *name,
				 const struct address *client, struct image *image, char *words);

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
