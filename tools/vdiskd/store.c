// SPDX-License-Identifier: GPL-2.0
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const char suffix[] = ".img";

enum {
	WATCH_FOLDER = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
		       IN_ATTRIB,
	WATCH_IMAGE = IN_MODIFY | IN_ATTRIB,
};

int store_open(struct store *store, const char *path)
{
	store->path = path;
	store->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->directory < 0)
		return -errno;
	store->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (store->watch >= 0 && inotify_add_watch(store->watch, path, WATCH_FOLDER) < 0) {
		close(store->watch);
		store->watch = -1;
	}
	/* Not the end: images are looked at now and then in any case. */
	if (store->watch < 0)
		log_event(LOG_LEVEL_WARNING, "the store cannot be watched", "reason",
			  strerror(errno));
	pthread_mutex_init(&store->lock, NULL);
	return 0;
}

void store_close(struct store *store)
{
	struct export *export;

	while ((export = store->exports)) {
		store->exports = export->next;
		free(export);
	}
	pthread_mutex_destroy(&store->lock);
	if (store->watch >= 0)
		close(store->watch);
	close(store->directory);
}

struct store_writable *store_writable_find(const struct store *store, const char *name)
{
	struct store_writable *rule;

	for (rule = store->writable; rule; rule = rule->next)
		if (!strcmp(rule->name, name))
			return rule;
	return NULL;
}

static void file_of(const char *name, char file[NAME_SIZE + sizeof(suffix)])
{
	strcpy(file, name);
	strcat(file, suffix);
}

/* Whether this client may have this name at all. */
static enum store_answer check_access(const struct store *store, const char *name,
				      const struct address *client, char *words)
{
	const struct store_writable *rule = store_writable_find(store, name);
	const struct network *network;
	char text[ADDRESS_TEXT];

	if (!rule)
		return STORE_OK;
	for (network = rule->allowed; network; network = network->next)
		if (network_has(network, client))
			return STORE_OK;
	snprintf(words, IMAGE_WORDS, "access refused: %s may not use image '%s'",
		 address_format(client, text), name);
	return STORE_REFUSED;
}

/* Only that of the very file which was stamped is worth anything. */
static void learn_stamp(const struct store *store, const char *name, struct image *image)
{
	char file[NAME_SIZE + sizeof(suffix)];
	struct stamp stamp;
	int ret;

	image->stamp[0] = '\0';
	if (image->writable)
		return;
	file_of(name, file);
	ret = stamp_read(store->directory, file, &stamp);
	if (ret == -ENOENT)
		return;
	if (ret)
		log_limited(LOG_LEVEL_WARNING, "stamp cannot be used", "image", name, "reason",
			    ret == -EINVAL ? "not a stamp" : strerror(-ret));
	else if (stamp.size != image->size ||
		 stamp.modified.tv_sec != image->identity.modified.tv_sec ||
		 stamp.modified.tv_nsec != image->identity.modified.tv_nsec)
		log_limited(LOG_LEVEL_WARNING, "stamp not offered", "image", name, "reason",
			    "image was changed after it; run 'vdiskd stamp' again");
	else
		stamp_format(&stamp, image->stamp);
}

static enum store_answer open_image(const struct store *store, const char *name,
				    struct image *image, char *words)
{
	bool writable = store_writable_find(store, name);
	char file[NAME_SIZE + sizeof(suffix)], why[IMAGE_WORDS];
	int ret;

	file_of(name, file);
	ret = image_open(store->directory, file, writable, image, why);
	if (!ret) {
		learn_stamp(store, name, image);
		return STORE_OK;
	}
	if (ret == -ENOENT) {
		snprintf(words, IMAGE_WORDS, "no image '%s' here", name);
		return STORE_UNKNOWN;
	}
	snprintf(words, IMAGE_WORDS, "image '%s' cannot be served: %.150s", name, why);
	log_limited(LOG_LEVEL_ERROR, "image cannot be opened", "image", name, "reason", why);
	return STORE_REFUSED;
}

static struct export *find_export(const struct store *store, const char *name)
{
	struct export *export;

	for (export = store->exports; export; export = export->next)
		if (!strcmp(export->name, name))
			return export;
	return NULL;
}

static struct export *find_or_add_export(struct store *store, const char *name)
{
	struct export *export = find_export(store, name);

	if (export)
		return export;
	export = calloc(1, sizeof(*export));
	if (!export)
		return NULL;
	strcpy(export->name, name);
	export->next = store->exports;
	store->exports = export;
	return export;
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
}

static void link_claim(struct claim **list, struct claim *claim)
{
	while (*list)
		list = &(*list)->next;
	claim->previous = list;
	claim->next = NULL;
	*list = claim;
}

static enum store_answer changed_words(const char *name, char *words)
{
	snprintf(words, IMAGE_WORDS,
		 "image '%s' was changed while it was served; its server must be reloaded", name);
	return STORE_REFUSED;
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

static void end_claims(struct claim *list, const char *why)
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
	end_claims(export->waiting, why);
	if (!export->claims)
		return STORE_OK;
	end_claims(export->claims, why);
	claim->export = export;
	link_claim(&export->waiting, claim);
	return STORE_WAIT;
}

enum sameness { IMAGE_SAME, IMAGE_CHANGED, IMAGE_GONE };

/* Whether the open image is what was opened, and what its name still means. */
static enum sameness compare(const struct store *store, const struct export *export)
{
	char file[NAME_SIZE + sizeof(suffix)];
	struct image_identity now;
	struct stat st;

	/* A writable one is changed by its client. */
	if (export->image.writable)
		return IMAGE_SAME;
	if (image_identity(&export->image, &now) || !image_same(&now, &export->image.identity))
		return IMAGE_CHANGED;
	file_of(export->name, file);
	if (fstatat(store->directory, file, &st, 0))
		return IMAGE_GONE;
	now = image_identity_of(&st, S_ISBLK(st.st_mode) ? export->image.size :
				(uint64_t)st.st_size);
	return image_same(&now, &export->image.identity) ? IMAGE_SAME : IMAGE_CHANGED;
}

static void close_changed(struct export *export)
{
	export->changed = true;
	log_event(LOG_LEVEL_ERROR, "image was changed in place; its export is closed", "image",
		  export->name, "remedy", "reload vdiskd (SIGHUP) to serve the new content");
	end_claims(export->claims, "its image was changed in place");
}

void store_check(struct store *store)
{
	struct export *export;

	pthread_mutex_lock(&store->lock);
	for (export = store->exports; export; export = export->next)
		if (export->open && !export->changed && compare(store, export) == IMAGE_CHANGED)
			close_changed(export);
	pthread_mutex_unlock(&store->lock);
}

void store_reload(struct store *store)
{
	struct export *export;

	pthread_mutex_lock(&store->lock);
	for (export = store->exports; export; export = export->next) {
		if (export->changed)
			log_event(LOG_LEVEL_INFO, "changed image is served again", "image",
				  export->name);
		/* Its old connections may not be gone yet. */
		export->reload = export->changed && export->open;
		export->changed = export->reload;
	}
	pthread_mutex_unlock(&store->lock);
}

static void watch_image(const struct store *store, struct export *export)
{
	char path[64];

	export->watch = -1;
	if (store->watch < 0 || export->image.writable || export->image.block_device)
		return;
	/* The file itself, whatever other names and links it has. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", export->image.fd);
	export->watch = inotify_add_watch(store->watch, path, WATCH_IMAGE);
}

static enum store_answer open_export(struct store *store, struct export *export, char *words)
{
	enum store_answer answer = open_image(store, export->name, &export->image, words);

	if (answer == STORE_OK) {
		export->open = true;
		watch_image(store, export);
	}
	return answer;
}

static bool shares_watch(const struct store *store, const struct export *export)
{
	const struct export *other;

	for (other = store->exports; other; other = other->next)
		if (other != export && other->open && other->watch == export->watch)
			return true;
	return false;
}

static void close_export(const struct store *store, struct export *export)
{
	/* Two exports may be links to one file, and share its watch. */
	if (export->watch >= 0 && !shares_watch(store, export))
		inotify_rm_watch(store->watch, export->watch);
	image_close(&export->image);
	export->open = false;
	if (export->reload)
		export->changed = false;
	export->reload = false;
}

/* An export that is open already: whether it may get another connection. */
static enum store_answer check_open(struct store *store, struct export *export, char *words)
{
	switch (compare(store, export)) {
	case IMAGE_SAME:
		return STORE_OK;
	case IMAGE_GONE:
		snprintf(words, IMAGE_WORDS, "no image '%s' here any more", export->name);
		return STORE_UNKNOWN;
	default:
		close_changed(export);
		return changed_words(export->name, words);
	}
}

static enum store_answer claim_locked(struct store *store, const char *name, struct claim *claim,
				      char *words)
{
	struct export *export = find_or_add_export(store, name);
	enum store_answer answer;

	if (!export) {
		snprintf(words, IMAGE_WORDS, "no memory");
		return STORE_REFUSED;
	}
	if (export->changed)
		return changed_words(name, words);
	answer = export->open ? check_open(store, export, words) :
				open_export(store, export, words);
	if (answer != STORE_OK)
		return answer;
	if (export->image.writable) {
		answer = claim_writable(export, claim, words);
		if (answer != STORE_OK)
			return answer;
	}
	claim->export = export;
	link_claim(&export->claims, claim);
	return STORE_OK;
}

enum store_answer store_claim(struct store *store, const char *name, struct claim *claim, char *words)
{
	enum store_answer answer = check_access(store, name, &claim->client, words);

	if (answer != STORE_OK)
		return answer;
	pthread_mutex_lock(&store->lock);
	unlink_claim(claim);
	answer = claim_locked(store, name, claim, words);
	pthread_mutex_unlock(&store->lock);
	return answer;
}

void store_release(struct store *store, struct claim *claim)
{
	struct export *export;
	struct claim *waiting;

	pthread_mutex_lock(&store->lock);
	export = claim->export;
	if (claim->previous) {
		unlink_claim(claim);
		if (!export->claims) {
			waiting = export->waiting;
			if (waiting) {
				unlink_claim(waiting);
				waiting->retry(waiting);
			} else if (export->open) {
				close_export(store, export);
			}
		}
	}
	claim->export = NULL;
	pthread_mutex_unlock(&store->lock);
}

enum store_answer store_describe(struct store *store, const char *name,
				 const struct address *client, struct image *image, char *words)
{
	enum store_answer answer = check_access(store, name, client, words);
	struct export *export;

	if (answer != STORE_OK)
		return answer;
	pthread_mutex_lock(&store->lock);
	export = find_export(store, name);
	if (export && export->changed) {
		answer = changed_words(name, words);
	} else if (export && export->open) {
		answer = check_open(store, export, words);
		*image = export->image;
		learn_stamp(store, name, image);
	} else {
		answer = open_image(store, name, image, words);
		if (answer == STORE_OK)
			image_close(image);
	}
	pthread_mutex_unlock(&store->lock);
	return answer;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static bool image_file(const char *file, char *name)
{
	size_t length = strlen(file);

	if (length <= sizeof(suffix) - 1)
		return false;
	length -= sizeof(suffix) - 1;
	if (strcmp(file + length, suffix) || !name_valid(file, length))
		return false;
	memcpy(name, file, length);
	name[length] = '\0';
	return true;
}

static int read_names(DIR *dir, struct name **names, size_t *count)
{
	struct name name;
	struct dirent *entry;
	size_t room = 0;
	void *more;

	while (errno = 0, (entry = readdir(dir))) {
		if (!image_file(entry->d_name, name.text))
			continue;
		if (*count == room) {
			room = room ? room * 2 : 64;
			more = reallocarray(*names, room, sizeof(name));
			if (!more)
				return -ENOMEM;
			*names = more;
		}
		/* cppcheck-suppress uninitvar ; image_file() has filled it */
		(*names)[(*count)++] = name;
	}
	return -errno;
}

int store_list(struct store *store, struct name **names, size_t *count)
{
	int fd, ret;
	DIR *dir;

	*names = NULL;
	*count = 0;
	/* A descriptor of its own, for a position of its own. */
	fd = openat(store->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	ret = read_names(dir, names, count);
	closedir(dir);
	if (ret) {
		free(*names);
		*names = NULL;
		return ret;
	}
	if (*count)
		qsort(*names, *count, sizeof(**names), compare_names);
	return 0;
}
