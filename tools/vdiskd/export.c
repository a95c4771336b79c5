// SPDX-License-Identifier: GPL-2.0
#include "export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "store.h"

enum { WATCH_IMAGE = IN_MODIFY | IN_ATTRIB };

static struct export *find_export(const struct store *store, const char *name)
{
	struct export *export;

	for (export = store->exports; export; export = export->next)
		if (!strcmp(export->name, name))
			return export;
	return NULL;
}

static struct export *add_export(struct store *store, const char *name)
{
	struct export *export = calloc(1, sizeof(*export));

	if (!export)
		return NULL;
	strcpy(export->name, name);
	export->next = store->exports;
	store->exports = export;
	return export;
}

static void free_export(struct store *store, struct export *export)
{
	struct export **link = &store->exports;

	while (*link != export)
		link = &(*link)->next;
	*link = export->next;
	free(export);
}

static void unlink_claim(struct claim *claim)
{
	if (!claim->previous)
		return;
	*claim->previous = claim->next;
	if (claim->next)
		claim->next->previous = claim->previous;
	claim->previous = NULL;
	claim->next = NULL;
	claim->woken = false;
}

static void link_claim(struct export *export, struct claim **list, struct claim *claim)
{
	claim->export = export;
	claim->previous = list;
	claim->next = *list;
	if (claim->next)
		claim->next->previous = &claim->next;
	*list = claim;
}

static struct claim **end_of(struct claim **list)
{
	while (*list)
		list = &(*list)->next;
	return list;
}

/* Whether @claim may follow those in @list; if not, @words say why. */
static bool may_follow(const struct claim *list, const struct claim *claim, const char *name,
		       char *words)
{
	char text[ADDRESS_TEXT];

	for (; list; list = list->next) {
		if (!address_equal(&list->client, &claim->client)) {
			snprintf(words, IMAGE_WORDS,
				 "image '%s' is in use by %s, and can have one client", name,
				 address_format(&list->client, text));
			return false;
		}
		if (list->order > claim->order) {
			snprintf(words, IMAGE_WORDS,
				 "image '%s' is in use by a newer connection of this client", name);
			return false;
		}
	}
	return true;
}

void export_end_claims(struct claim *list, const char *why)
{
	struct claim *next;

	for (; list; list = next) {
		next = list->next;
		list->end(list, why);
	}
}

/*
 * A writable export has one client.  Its next connection waits until every
 * earlier one is drained: a late write of an old connection must never land on
 * a newer one's.
 */
static enum store_answer claim_writable(struct export *export, struct claim *claim, char *words)
{
	static const char why[] = "a newer connection of the same client";

	if (!may_follow(export->claims, claim, export->name, words) ||
	    !may_follow(export->waiting, claim, export->name, words))
		return STORE_REFUSED;
	export_end_claims(export->waiting, why);
	if (!export->claims)
		return STORE_OK;
	export_end_claims(export->claims, why);
	link_claim(export, end_of(&export->waiting), claim);
	return STORE_WAIT;
}

enum store_answer export_take(struct export *export, struct claim *claim, char *words)
{
	enum store_answer answer = STORE_OK;

	if (export->image.writable)
		answer = claim_writable(export, claim, words);
	if (answer == STORE_OK)
		link_claim(export, &export->claims, claim);
	return answer;
}

enum store_answer export_begin(struct store *store, const char *name, struct claim *claim,
			       struct export **found, char *words)
{
	struct export *export = find_export(store, name);

	unlink_claim(claim);
	claim->export = NULL;
	if (!export)
		export = add_export(store, name);
	if (!export) {
		snprintf(words, IMAGE_WORDS, "no memory");
		return STORE_REFUSED;
	}
	if (export->busy) {
		link_claim(export, end_of(&export->queued), claim);
		return STORE_WAIT;
	}
	export->busy = true;
	*found = export;
	return STORE_OK;
}

void export_opened(const struct store *store, struct export *export)
{
	char path[64];

	export->open = true;
	export->watch = -1;
	if (store->watch < 0 || export->image.writable || export->image.block_device)
		return;
	/* The file itself, whatever other names and links it has. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", export->image.fd);
	export->watch = inotify_add_watch(store->watch, path, WATCH_IMAGE);
}

static bool shares_watch(const struct store *store, const struct export *export)
{
	const struct export *other;

	for (other = store->exports; other; other = other->next)
		if (other != export && other->open && other->watch == export->watch)
			return true;
	return false;
}

static void close_image(struct store *store, struct export *export)
{
	export->busy = true;
	export->open = false;
	/* Two exports may be links to one file, and share its watch. */
	if (export->watch >= 0 && !shares_watch(store, export))
		inotify_rm_watch(store->watch, export->watch);
	pthread_mutex_unlock(&store->lock);
	image_close(&export->image);
	pthread_mutex_lock(&store->lock);
	export->busy = false;
	if (export->reload)
		export->changed = false;
	export->reload = false;
}

static void wake(struct claim *claim)
{
	/* Stays where it is: if it is gone by then, its release wakes the next. */
	if (!claim->woken)
		claim->retry(claim);
	claim->woken = true;
}

/*
 * What comes next for @export, after anything about it has changed.  Everything
 * that ends a claim, or its turn, comes by here: so nobody is left waiting.
 */
static void settle(struct store *store, struct export *export)
{
	struct claim *newest;

	while (!export->busy) {
		if (export->queued) {
			wake(export->queued);
			return;
		}
		if (export->claims)
			return;
		if (export->waiting) {
			/* The others have been told to end. */
			for (newest = export->waiting; newest->next; newest = newest->next)
				;
			wake(newest);
			return;
		}
		if (!export->open) {
			if (!export->changed)
				free_export(store, export);
			return;
		}
		close_image(store, export);
	}
}

void export_end(struct store *store, struct export *export)
{
	export->busy = false;
	settle(store, export);
}

void export_release(struct store *store, struct claim *claim)
{
	struct export *export = claim->export;

	claim->export = NULL;
	if (!claim->previous)
		return;
	unlink_claim(claim);
	settle(store, export);
}

void export_reload(struct store *store, struct export *export)
{
	/* Its old connections may not be gone yet. */
	export->reload = export->open;
	export->changed = export->reload;
	settle(store, export);
}
