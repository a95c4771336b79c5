// SPDX-License-Identifier: GPL-2.0
/* Sessions between memory and catalog: read at the start, written as they change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bootlog.h"
#include "catalog.h"
#include "config.h"
#include "control.h"
#include "error.h"
#include "log.h"
#include "presence.h"
#include "session_internal.h"

enum {
	BATCH = 256,			/* changes in one transaction */
	ENDED_SECONDS = 24 * 3600,	/* sessions that ended are told so for as long */
	DOWN_SECONDS = 2,		/* between tries while the catalog is down */
	DAY_SECONDS = 24 * 3600,
	PRUNE_AGAIN_SECONDS = 600,	/* when the catalog was down */
};

static int64_t integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* All objects of a kind, by id. */
static int index_of(struct control *control, enum catalog_kind kind, json_t **index,
		    struct vdisk_error *err)
{
	json_t *rows = NULL, *row;
	char id[24];
	size_t i;
	int ret;

	*index = NULL;
	ret = catalog_list(control->catalog, kind, NULL, &rows, err);
	if (ret)
		return ret;
	*index = json_object();
	json_array_foreach(rows, i, row) {
		snprintf(id, sizeof(id), "%lld", (long long)integer(row, "id"));
		json_object_set(*index, id, row);
	}
	json_decref(rows);
	return 0;
}

static const json_t *by_id(const json_t *index, int64_t id)
{
	char key[24];

	snprintf(key, sizeof(key), "%lld", (long long)id);
	return json_object_get(index, key);
}

int session_load_images(struct control *control, struct vdisk_error *err)
{
	json_t *images = NULL, *rows = NULL, *row;
	struct gate_version *versions = NULL;
	const json_t *image;
	size_t i, count = 0;
	int ret;

	ret = index_of(control, CATALOG_IMAGE, &images, err);
	if (!ret)
		ret = catalog_list(control->catalog, CATALOG_VERSION, NULL, &rows, err);
	if (!ret && json_array_size(rows)) {
		versions = calloc(json_array_size(rows), sizeof(*versions));
		if (!versions)
			ret = vdisk_error_set(err, ENOMEM, "no memory for the images");
	}
	json_array_foreach(rows, i, row) {
		image = by_id(images, integer(row, "image_id"));
		if (!versions || !image || json_is_true(json_object_get(image, "deleted")) ||
		    strcmp(text(row, "state"), "published"))
			continue;
		snprintf(versions[count].image, sizeof(versions[count].image), "%s",
			 text(image, "name"));
		versions[count].number = integer(row, "number");
		versions[count].is_public = json_is_true(json_object_get(image, "public")) &&
					    strcmp(text(image, "kind"), "private");
		versions[count].current = versions[count].number == integer(image, "current");
		count++;
	}
	if (!ret)
		ret = gate_set_versions(control->gate, versions, count);
	free(versions);
	json_decref(rows);
	json_decref(images);
	return ret;
}

static enum gate_state state_of(const json_t *row)
{
	enum gate_state state;

	for (state = GATE_STARTING; state < GATE_ENDED; state++)
		if (!strcmp(gate_state_name(state), text(row, "state")))
			break;
	return state;
}

static void load_one(struct control *control, const json_t *row, const json_t *client,
		     const json_t *image)
{
	struct gate_view view = {
		.id = integer(row, "id"), .client_id = integer(row, "client_id"),
		.version = integer(row, "version"), .epoch = integer(row, "epoch"),
		.expires = integer(row, "expires"), .started = integer(row, "started"),
		.since = integer(row, "since"), .bytes = integer(row, "bytes"),
		.retries = integer(row, "retries"), .overlay_high = integer(row, "overlay_high"),
		.state = state_of(row), .bound = !strcmp(text(row, "trust"), "bound"),
	};
	bool was_live = view.state == GATE_LIVE;

	snprintf(view.client, sizeof(view.client), "%s", text(client, "name"));
	snprintf(view.image, sizeof(view.image), "%s", text(image, "name"));
	snprintf(view.address, sizeof(view.address), "%s", text(row, "address"));
	snprintf(view.how, sizeof(view.how), "%s", text(row, "ended_how"));
	snprintf(view.why, sizeof(view.why), "it was %s", *view.how ? view.how : "ended");
	/* Its connections went with the server that had them; they come back by themselves. */
	if (was_live) {
		view.state = GATE_LOST;
		view.since = time(NULL);
		view.first_read = view.started;
	}
	if (!gate_admit(control->gate, &view) && was_live)
		gate_change_again(control->gate, view.id);
}

/* Of two sessions of one client the older one was replaced, if nobody wrote that down. */
static void end_older(struct control *control, const json_t *rows)
{
	struct gate_view newest, view;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (gate_look(control->gate, integer(row, "id"), &view) || view.state == GATE_ENDED)
			continue;
		if (!gate_of_client(control->gate, view.client_id, &newest) && newest.id != view.id)
			gate_end(control->gate, view.id, "replaced", "it was replaced by a newer login");
	}
}

int session_load(struct control *control, struct vdisk_error *err)
{
	json_t *clients = NULL, *images = NULL, *rows = NULL, *ended = NULL, *filter, *row;
	const json_t *client, *image;
	size_t i;
	int ret;

	ret = index_of(control, CATALOG_CLIENT, &clients, err);
	if (!ret)
		ret = index_of(control, CATALOG_IMAGE, &images, err);
	filter = json_pack("{s:{s:s}}", "state", "not", "ended");
	if (!ret)
		ret = catalog_list(control->catalog, CATALOG_SESSION, filter, &rows, err);
	json_decref(filter);
	filter = json_pack("{s:s s:{s:I}}", "state", "ended", "since", "min",
			   (json_int_t)time(NULL) - ENDED_SECONDS);
	if (!ret)
		ret = catalog_list(control->catalog, CATALOG_SESSION, filter, &ended, err);
	json_decref(filter);
	if (!ret)
		json_array_extend(rows, ended);
	json_array_foreach(rows, i, row) {
		client = by_id(clients, integer(row, "client_id"));
		image = by_id(images, integer(row, "image_id"));
		if (client && image)
			load_one(control, row, client, image);
	}
	if (!ret)
		end_older(control, rows);
	json_decref(clients);
	json_decref(images);
	json_decref(rows);
	json_decref(ended);
	return ret;
}

static json_t *changes_of(const struct gate_view *view)
{
	json_t *changes;

	changes = json_pack("{s:s s:I s:I s:I s:I s:I s:I}", "state", gate_state_name(view->state),
			    "since", (json_int_t)view->since, "expires", (json_int_t)view->expires,
			    "connections", (json_int_t)view->connections,
			    "bytes", (json_int_t)view->bytes, "retries", (json_int_t)view->retries,
			    "overlay_high", (json_int_t)view->overlay_high);
	if (changes && view->state == GATE_ENDED)
		json_object_set_new(changes, "ended_how", json_string(view->how));
	return changes;
}

static void note_end(struct control *control, const struct gate_view *view)
{
	char words[GATE_WHY_SIZE + 64];
	struct session_note note = {
		.session_id = view->id, .client_id = view->client_id, .step = "ended",
		.bytes = view->bytes, .seconds = view->since - view->started, .text = words,
	};

	snprintf(words, sizeof(words), "%s: %s", view->how, view->why);
	session_note(control, &note);
	log_event(LOG_LEVEL_INFO, "session ended", "client", view->client, "how", view->how,
		  "reason", view->why);
}

/* A machine that logged in, and stopped later on its way. */
static void note_stopped(struct control *control, const struct gate_view *view)
{
	struct session_note note = {
		.session_id = view->id, .client_id = view->client_id, .step = "failed",
		.bytes = -1, .seconds = -1, .text = session_stopped(control, view),
	};

	if (note.text)
		session_note(control, &note);
}

/* Steps that only the gate sees; each is told once. */
static void note_steps(struct control *control, const struct gate_view *view, const json_t *before)
{
	struct session_note note = {
		.session_id = view->id, .client_id = view->client_id, .bytes = -1,
		.step = "first-read", .seconds = view->first_read - view->started,
	};

	if (view->first_read && !integer(before, "bytes") &&
	    session_first_time(control, view->id, SESSION_FIRST_READ))
		session_note(control, &note);
	if (view->state == GATE_ENDED && session_first_time(control, view->id, SESSION_END)) {
		note_stopped(control, view);
		note_end(control, view);
	}
}

static int write_one(struct control *control, const struct gate_view *view)
{
	struct vdisk_error err = { .code = 0 };
	json_t *before = NULL, *changes;
	int ret;

	ret = catalog_get_id(control->catalog, CATALOG_SESSION, view->id, &before, &err);
	if (ret == -ENOENT) {
		/* Its client was removed, and its session with it. */
		gate_end(control->gate, view->id, "fenced", "its client was removed");
		return 0;
	}
	if (ret)
		return ret;
	changes = changes_of(view);
	ret = catalog_change(control->catalog, NULL, CATALOG_SESSION, view->id, changes, -1, NULL,
			     &err);
	json_decref(changes);
	if (!ret)
		note_steps(control, view, before);
	json_decref(before);
	if (ret && !catalog_is_down(ret)) {
		log_event(LOG_LEVEL_ERROR, "a session cannot be written down", "reason", err.text);
		return 0;
	}
	return ret;
}

/* Several at once; false: the catalog is down, and all is still to be written. */
static bool write_sessions(struct control *control)
{
	struct gate_view *views = calloc(BATCH, sizeof(*views));
	unsigned int count = 0, i;
	int ret;

	if (!views)
		return false;
	while (count < BATCH && gate_changed(control->gate, &views[count]))
		count++;
	ret = count ? catalog_begin(control->catalog, NULL) : 0;
	if (count && !ret) {
		for (i = 0; i < count && !ret; i++)
			ret = write_one(control, &views[i]);
		if (ret)
			catalog_rollback(control->catalog);
		else
			ret = catalog_commit(control->catalog, NULL);
	}
	for (i = 0; ret && i < count; i++)
		gate_change_again(control->gate, views[i].id);
	free(views);
	return !ret;
}

static struct session_waiting *take_notes(struct sessions *sessions, unsigned int *count)
{
	struct session_waiting *first, **last = &first;

	pthread_mutex_lock(&sessions->lock);
	first = sessions->first;
	for (*count = 0; *count < BATCH && *last; ++*count)
		last = &(*last)->next;
	sessions->first = *last;
	if (!sessions->first)
		sessions->last = &sessions->first;
	*last = NULL;
	sessions->notes -= *count;
	pthread_mutex_unlock(&sessions->lock);
	return first;
}

static void put_back(struct sessions *sessions, struct session_waiting *notes, unsigned int count)
{
	struct session_waiting **last = &notes;

	while (*last)
		last = &(*last)->next;
	pthread_mutex_lock(&sessions->lock);
	*last = sessions->first;
	if (!sessions->first)
		sessions->last = last;
	sessions->first = notes;
	sessions->notes += count;
	pthread_mutex_unlock(&sessions->lock);
}

static void forget_notes(struct sessions *sessions, struct session_waiting *notes)
{
	struct session_waiting *note;
	size_t bytes = 0;

	while ((note = notes)) {
		notes = note->next;
		bytes += note->bytes;
		json_decref(note->event);
		free(note);
	}
	pthread_mutex_lock(&sessions->lock);
	sessions->note_bytes -= bytes;
	pthread_mutex_unlock(&sessions->lock);
}

static bool write_notes(struct sessions *sessions)
{
	struct session_waiting *notes, *note;
	struct vdisk_error err = { .code = 0 };
	unsigned int count;
	int ret;

	notes = take_notes(sessions, &count);
	sessions->behind = false;
	if (!notes)
		return true;
	ret = catalog_begin(sessions->control->catalog, &err);
	if (!ret) {
		for (note = notes; note && !catalog_is_down(ret); note = note->next) {
			ret = catalog_add(sessions->control->catalog, NULL, CATALOG_EVENT,
					  note->event, NULL, &err);
			/* Its session or client is gone: nobody asks for it. */
			if (ret && ret != -ENOENT && !catalog_is_down(ret))
				log_event(LOG_LEVEL_ERROR, "an event cannot be written down",
					  "reason", err.text);
		}
		if (catalog_is_down(ret))
			catalog_rollback(sessions->control->catalog);
		else
			ret = catalog_commit(sessions->control->catalog, &err);
	}
	if (ret) {
		put_back(sessions, notes, count);
		return false;
	}
	forget_notes(sessions, notes);
	sessions->behind = count == BATCH;
	return true;
}

static void tell_dropped(struct sessions *sessions)
{
	unsigned long dropped;
	char number[24];

	pthread_mutex_lock(&sessions->lock);
	dropped = sessions->dropped;
	sessions->dropped = 0;
	pthread_mutex_unlock(&sessions->lock);
	if (!dropped)
		return;
	snprintf(number, sizeof(number), "%lu", dropped);
	log_event(LOG_LEVEL_WARNING, "events were dropped", "count", number, "reason",
		  "the catalog takes them too slowly");
}

static void refresh(struct sessions *sessions)
{
	struct vdisk_error err = { .code = 0 };
	unsigned int wanted;

	pthread_mutex_lock(&sessions->lock);
	wanted = sessions->refresh_wanted;
	pthread_mutex_unlock(&sessions->lock);
	/* While it is down, what was known stays true. */
	session_load_images(sessions->control, &err);
	pthread_mutex_lock(&sessions->lock);
	sessions->refresh_done = wanted;
	pthread_cond_broadcast(&sessions->refreshed);
	pthread_mutex_unlock(&sessions->lock);
}

/* Waits for news, a second at most; false: to end. */
static bool wait_for_news(struct sessions *sessions, bool down)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += down ? DOWN_SECONDS : 1;
	pthread_mutex_lock(&sessions->lock);
	while (!sessions->stopping && sessions->refresh_wanted == sessions->refresh_done &&
	       (down || !sessions->first))
		if (pthread_cond_timedwait(&sessions->more, &sessions->lock, &until))
			break;
	stopping = sessions->stopping;
	pthread_mutex_unlock(&sessions->lock);
	return !stopping;
}

static int64_t days_ago(time_t now, unsigned int days)
{
	return days ? now - (int64_t)days * DAY_SECONDS : 0;
}

/* Forgets what is older than the configuration says; when to do so again. */
static time_t prune(struct sessions *sessions, time_t now)
{
	const struct config *config = sessions->control->config;
	const struct catalog_ages before = {
		.sessions = days_ago(now, config->keep_sessions),
		.pending = days_ago(now, config->keep_pending),
		.audit = days_ago(now, config->keep_audit),
	};
	struct vdisk_error err = { .code = 0 };
	int64_t removed;
	char number[24];

	if (catalog_prune(sessions->control->catalog, &before, &removed, &err)) {
		log_event(LOG_LEVEL_WARNING, "what is old cannot be removed", "reason", err.text);
		return now + PRUNE_AGAIN_SECONDS;
	}
	snprintf(number, sizeof(number), "%lld", (long long)removed);
	if (removed)
		log_event(LOG_LEVEL_INFO, "removed what is old", "rows", number);
	return now + (config->test_prune_seconds ? config->test_prune_seconds : DAY_SECONDS);
}

/* What is done once a second; false: the catalog is down. */
static bool tick(struct sessions *sessions, time_t now)
{
	struct control *control = sessions->control;
	uint64_t forgotten[BATCH];
	unsigned int count;
	bool up;

	count = gate_tick(control->gate, now, session_seconds(control), forgotten, BATCH);
	while (count)
		session_forget(sessions, forgotten[--count]);
	refresh(sessions);
	up = bootlog_write(control) && presence_tell(control, now, false);
	if (up && now >= sessions->next_prune)
		sessions->next_prune = prune(sessions, now);
	return up;
}

static bool is_awaited(struct sessions *sessions)
{
	bool awaited;

	pthread_mutex_lock(&sessions->lock);
	awaited = sessions->refresh_wanted != sessions->refresh_done;
	pthread_mutex_unlock(&sessions->lock);
	return awaited;
}

void *session_write(void *context)
{
	struct sessions *sessions = context;
	struct control *control = sessions->control;
	bool up = true, was_up = true, more = true, ticks = true;
	time_t ticked = 0;

	/* At the end all that is left, unless the catalog is down. */
	while (more || (up && sessions->behind)) {
		more = wait_for_news(sessions, !up);
		/* News may come by the thousand; these once a second, or when somebody waits. */
		if (!more || time(NULL) != ticked || is_awaited(sessions)) {
			ticked = time(NULL);
			ticks = tick(sessions, ticked);
		}
		up = write_sessions(control) && write_notes(sessions) && ticks;
		if (up != was_up)
			log_event(up ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, up ?
				  "the catalog takes sessions again" :
				  "the catalog does not take sessions; they go on");
		was_up = up;
		tell_dropped(sessions);
	}
	presence_tell(control, time(NULL), true);
	pthread_mutex_lock(&sessions->lock);
	pthread_cond_broadcast(&sessions->refreshed);
	pthread_mutex_unlock(&sessions->lock);
	return NULL;
}
