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

#include "export.h"
#include "log.h"

static const char suffix[] = ".img";

enum {
	WATCH_FOLDER = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
		       IN_ATTRIB,
	FILE_SIZE = EXPORT_KEY_SIZE + sizeof("/disk.img"),
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

	/* What is left was changed, and never reloaded. */
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

/* NAME is NAME.img; NAME@N, which only a catalog has, is NAME/N/disk.img. */
static void file_of(const char *name, char file[FILE_SIZE])
{
	const char *at = strchr(name, '@');

	if (at)
		snprintf(file, FILE_SIZE, "%.*s/%s/disk.img", (int)(at - name), name, at + 1);
	else
		snprintf(file, FILE_SIZE, "%s%s", name, suffix);
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
	char file[FILE_SIZE];
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
	char file[FILE_SIZE], why[IMAGE_WORDS];
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

static enum store_answer changed_words(const char *name, char *words)
{
	snprintf(words, IMAGE_WORDS,
		 "image '%s' was changed while it was served; its server must be reloaded", name);
	return STORE_REFUSED;
}

enum sameness { IMAGE_SAME, IMAGE_CHANGED, IMAGE_GONE };

/* Whether the open image is what was opened, and what its name still means. */
static enum sameness compare(const struct store *store, const struct export *export)
{
	char file[FILE_SIZE];
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

/* Whether the open image may get another connection; may wait for a disk. */
static enum store_answer check_open(const struct store *store, const struct export *export,
				    bool *changed, char *words)
{
	switch (compare(store, export)) {
	case IMAGE_SAME:
		return STORE_OK;
	case IMAGE_GONE:
		snprintf(words, IMAGE_WORDS, "no image '%s' here any more", export->name);
		return STORE_UNKNOWN;
	default:
		*changed = true;
		return changed_words(export->name, words);
	}
}

static void close_changed(struct export *export)
{
	export->changed = true;
	log_event(LOG_LEVEL_ERROR, "image was changed in place; its export is closed", "image",
		  export->name, "remedy", "reload vdiskd (SIGHUP) to serve the new content");
	export_end_claims(export->claims, "its image was changed in place");
}

/* Called with the lock held; false when all have had their turn. */
static bool check_next(struct store *store)
{
	struct export *export = store->exports;
	bool changed;

	/* One that is busy is being looked at. */
	while (export && (export->round == store->round || export->busy || !export->open ||
			  export->changed))
		export = export->next;
	if (!export)
		return false;
	export->round = store->round;
	export->busy = true;
	pthread_mutex_unlock(&store->lock);
	changed = compare(store, export) == IMAGE_CHANGED;
	pthread_mutex_lock(&store->lock);
	if (changed)
		close_changed(export);
	export_end(store, export);
	return true;
}

void store_check(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->round++;
	while (check_next(store))
		;
	pthread_mutex_unlock(&store->lock);
}

void store_reload(struct store *store)
{
	struct export *export, *next;

	pthread_mutex_lock(&store->lock);
	for (export = store->exports; export; export = next) {
		next = export->next;
		if (!export->changed)
			continue;
		log_event(LOG_LEVEL_INFO, "changed image is served again", "image", export->name);
		export_reload(store, export);
	}
	pthread_mutex_unlock(&store->lock);
}

/* Makes the export of @claim's own, for now, and looks whether it can be had. */
static enum store_answer begin(struct store *store, const char *name, struct claim *claim,
			       struct export **found, char *words)
{
	enum store_answer answer = check_access(store, name, &claim->client, words);

	if (answer != STORE_OK)
		return answer;
	pthread_mutex_lock(&store->lock);
	answer = export_begin(store, name, claim, found, words);
	if (answer == STORE_OK && (*found)->changed) {
		export_end(store, *found);
		answer = changed_words(name, words);
	}
	pthread_mutex_unlock(&store->lock);
	return answer;
}

enum store_answer store_claim(struct store *store, const char *name, struct claim *claim, char *words)
{
	struct export *export;
	enum store_answer answer = begin(store, name, claim, &export, words);
	bool changed = false;

	if (answer != STORE_OK)
		return answer;
	answer = export->open ? check_open(store, export, &changed, words) :
				open_image(store, name, &export->image, words);
	pthread_mutex_lock(&store->lock);
	if (changed)
		close_changed(export);
	if (answer == STORE_OK && !export->open)
		export_opened(store, export);
	if (answer == STORE_OK)
		answer = export_take(export, claim, words);
	export_end(store, export);
	pthread_mutex_unlock(&store->lock);
	return answer;
}

void store_release(struct store *store, struct claim *claim)
{
	pthread_mutex_lock(&store->lock);
	export_release(store, claim);
	pthread_mutex_unlock(&store->lock);
}

enum store_answer store_describe(struct store *store, const char *name, struct claim *claim,
				 struct image *image, char *words)
{
	struct export *export;
	enum store_answer answer = begin(store, name, claim, &export, words);
	bool changed = false;

	if (answer != STORE_OK)
		return answer;
	if (export->open) {
		answer = check_open(store, export, &changed, words);
		*image = export->image;
		learn_stamp(store, name, image);
	} else {
		answer = open_image(store, name, image, words);
		if (answer == STORE_OK)
			image_close(image);
	}
	pthread_mutex_lock(&store->lock);
	if (changed)
		close_changed(export);
	export_end(store, export);
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
