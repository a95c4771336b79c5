/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An export: an image that somebody uses or asks for, and whose turn it is.
 *
 * All functions are called with the store's lock held.  What may wait for a disk
 * is done without it, by whoever has made the export busy; meanwhile others who
 * want it are queued.  So a disk that hangs holds up nothing but its own images,
 * and one thread.
 */
#ifndef VDISKD_EXPORT_H
#define VDISKD_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "image.h"
#include "name.h"

struct store;

/* How an answer to "may I have this export" turned out. */
enum store_answer {
	STORE_OK,
	STORE_UNKNOWN,		/* no such image */
	STORE_REFUSED,		/* not for this client, or not now */
	STORE_WAIT,		/* others must be done first */
};

/* One connection's hold on an export. */
struct claim {
	struct claim *next, **previous;
	struct export *export;
	bool woken;		/* retry() was called, it hasn't asked again yet */
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

struct export {
	struct export *next;
	char name[EXPORT_KEY_SIZE];	/* NAME, or NAME@N when there is a catalog */
	bool busy;		/* one thread works on it; it alone changes @open */
	bool open;		/* @image is */
	bool changed;		/* under our hands: closed until reloaded */
	bool reload;		/* @changed ends when the last claim does */
	unsigned int round;	/* of store_check() */
	struct image image;
	int watch;		/* in the store's inotify; -1 without */
	struct claim *claims;	/* connections in transmission */
	struct claim *waiting;	/* for @claims to end; oldest first */
	struct claim *queued;	/* for @busy to end; in the order they came */
};

/**
 * export_begin - make the export @name busy for @claim
 * @found: the export; it exists until export_end()
 *
 * Return: STORE_OK; STORE_WAIT: @claim is queued; STORE_REFUSED: no memory.
 */
enum store_answer export_begin(struct store *store, const char *name, struct claim *claim,
			       struct export **found, char *words);

/** export_end - busy no more; may drop the lock and take it again, and free @export */
void export_end(struct store *store, struct export *export);

/** export_opened - its image was opened: watch it */
void export_opened(const struct store *store, struct export *export);

/** export_take - let @claim have the open export, or wait for older claims of its client */
enum store_answer export_take(struct export *export, struct claim *claim, char *words);

/** export_release - @claim holds, waits and is queued no more; drops the lock as export_end() */
void export_release(struct store *store, struct claim *claim);

/** export_end_claims - tell all connections in a list to end */
void export_end_claims(struct claim *list, const char *why);

/** export_reload - serve an image that was changed; may free @export */
void export_reload(struct store *store, struct export *export);

#endif
