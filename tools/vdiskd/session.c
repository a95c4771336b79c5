// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalog.h"
#include "config.h"
#include "control.h"
#include "error.h"
#include "log.h"
#include "session_internal.h"

enum { NOTHING_READ_BYTES = 2048 };	/* the answer to GO is less */

int64_t session_seconds(const struct control *control)
{
	return control->config->test_session_seconds ? control->config->test_session_seconds :
	       SESSION_SECONDS;
}

int session_start(struct control *control, struct vdisk_error *err)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	struct token_key key = control->farm_key;
	int ret;

	if (!sessions)
		return vdisk_error_set(err, ENOMEM, "no memory for sessions");
	sessions->control = control;
	sessions->last = &sessions->first;
	pthread_mutex_init(&sessions->lock, NULL);
	pthread_cond_init(&sessions->more, NULL);
	pthread_cond_init(&sessions->refreshed, NULL);
	control->sessions = sessions;
	/* Without a key nobody's token may be right, least of all one made with zeroes. */
	if (!control->has_farm_key && gnutls_rnd(GNUTLS_RND_KEY, &key, sizeof(key)))
		return vdisk_error_set(err, EIO, "no random numbers");
	if (gate_open(&control->gate, &key))
		return vdisk_error_set(err, ENOMEM, "no memory for the gate");
	ret = session_load_images(control, err);
	if (!ret)
		ret = session_load(control, err);
	if (!ret && pthread_create(&sessions->writer, NULL, session_write, sessions))
		ret = vdisk_error_set(err, EAGAIN, "no thread to write sessions");
	if (ret) {
		sessions->stopping = true;
		return ret;
	}
	return 0;
}

static void free_extra(struct session_extra **link)
{
	struct session_extra *extra = *link;

	*link = extra->next;
	json_decref(extra->orders);
	free(extra);
}

static void free_extras(struct sessions *sessions)
{
	unsigned int i;

	for (i = 0; i < SESSION_BUCKETS; i++)
		while (sessions->extras[i])
			free_extra(&sessions->extras[i]);
}

void session_forget(struct sessions *sessions, uint64_t id)
{
	struct session_extra **link;

	pthread_mutex_lock(&sessions->lock);
	link = &sessions->extras[id % SESSION_BUCKETS];
	while (*link && (*link)->id != id)
		link = &(*link)->next;
	if (*link)
		free_extra(link);
	pthread_mutex_unlock(&sessions->lock);
}

static void free_notes(struct session_waiting *note)
{
	struct session_waiting *next;

	for (; note; note = next) {
		next = note->next;
		json_decref(note->event);
		free(note);
	}
}

void session_stop(struct control *control)
{
	struct sessions *sessions = control->sessions;

	if (!sessions)
		return;
	if (!sessions->stopping) {
		pthread_mutex_lock(&sessions->lock);
		sessions->stopping = true;
		pthread_cond_signal(&sessions->more);
		pthread_mutex_unlock(&sessions->lock);
		pthread_join(sessions->writer, NULL);
	}
	free_notes(sessions->first);
	free_extras(sessions);
	free(sessions);
	control->sessions = NULL;
}

void session_images_changed(struct control *control)
{
	struct sessions *sessions = control->sessions;
	unsigned int wanted;

	pthread_mutex_lock(&sessions->lock);
	wanted = ++sessions->refresh_wanted;
	pthread_cond_signal(&sessions->more);
	while (!sessions->stopping && (int)(wanted - sessions->refresh_done) > 0)
		pthread_cond_wait(&sessions->refreshed, &sessions->lock);
	pthread_mutex_unlock(&sessions->lock);
}

static int new_token_id(char text[33])
{
	uint8_t random[16];
	unsigned int i;

	if (gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random)))
		return -EIO;
	for (i = 0; i < sizeof(random); i++)
		sprintf(text + 2 * i, "%02x", random[i]);
	return 0;
}

/* One more than the client ever had: a token of before can't come back. */
static int next_epoch(struct control *control, int64_t client_id, uint64_t *epoch,
		      struct vdisk_error *err)
{
	json_t *filter, *row = NULL;
	int ret;

	filter = json_pack("{s:I s:s s:i}", "client_id", (json_int_t)client_id, "$order", "-epoch",
			   "$limit", 1);
	ret = catalog_get(control->catalog, CATALOG_SESSION, filter, &row, err);
	json_decref(filter);
	*epoch = 1;
	if (!ret)
		*epoch = json_integer_value(json_object_get(row, "epoch")) + 1;
	json_decref(row);
	return ret == -ENOENT ? 0 : ret;
}

/* On this server; whose own row somebody may have removed a moment ago. */
static int add_row(struct control *control, json_t *object, json_t **stored,
		   struct vdisk_error *err)
{
	int64_t server_id = atomic_load(&control->server_id);
	int ret;

	if (!server_id)
		return catalog_add(control->catalog, NULL, CATALOG_SESSION, object, stored, err);
	json_object_set_new(object, "server_id", json_integer(server_id));
	ret = catalog_add(control->catalog, NULL, CATALOG_SESSION, object, stored, err);
	if (ret != -ENOENT)
		return ret;
	json_object_del(object, "server_id");
	return catalog_add(control->catalog, NULL, CATALOG_SESSION, object, stored, err);
}

int session_create(struct control *control, struct gate_view *view, int64_t image_id,
		   struct vdisk_error *err)
{
	json_t *object, *stored = NULL;
	char token_id[33];
	int ret;

	view->started = time(NULL);
	view->since = view->started;
	view->expires = view->started + session_seconds(control);
	view->state = GATE_STARTING;
	if (new_token_id(token_id))
		return vdisk_error_set(err, EIO, "no random numbers");
	ret = next_epoch(control, view->client_id, &view->epoch, err);
	if (ret)
		return ret;
	object = json_pack("{s:s s:I s:I s:I s:I s:I s:I s:I s:s s:s}", "token_id", token_id,
			   "client_id", (json_int_t)view->client_id,
			   "image_id", (json_int_t)image_id, "version", (json_int_t)view->version,
			   "started", (json_int_t)view->started, "since", (json_int_t)view->since,
			   "epoch", (json_int_t)view->epoch, "expires", (json_int_t)view->expires,
			   "address", view->address, "trust", view->bound ? "bound" : "network");
	ret = object ? add_row(control, object, &stored, err) :
		       vdisk_error_set(err, ENOMEM, "no memory for a session");
	json_decref(object);
	if (ret)
		return ret;
	view->id = json_integer_value(json_object_get(stored, "id"));
	json_decref(stored);
	/* A catalog that was restored gives numbers again: nothing of who had it is the new one's. */
	session_forget(control->sessions, view->id);
	ret = gate_admit(control->gate, view);
	return ret ? vdisk_error_set(err, -ret, "no memory for a session") : 0;
}

int session_export(const struct control *control, const struct gate_view *view, char *name,
		   struct vdisk_error *err)
{
	struct token token = {
		.session = view->id, .version = view->version, .epoch = view->epoch,
		.expires = view->expires,
	};

	strcpy(token.farm, control->farm);
	strcpy(token.client, view->client);
	strcpy(token.image, view->image);
	name[0] = '~';
	return token_make(&control->farm_key, &token, name + 1, err);
}

int session_bearer(const struct control *control, const struct gate_view *view,
		   char text[TOKEN_TEXT_SIZE], struct vdisk_error *err)
{
	struct token_bearer bearer = {
		.session = view->id, .epoch = view->epoch, .started = view->started,
	};

	strcpy(bearer.client, view->client);
	return token_bearer_make(&control->farm_key, &bearer, text, err);
}

/* What the catalog takes as a text of lines: no control characters. */
static void clean(char *text)
{
	unsigned char *c = (unsigned char *)text;

	for (; *c; c++)
		if ((*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
}

char *session_clean(const char *text)
{
	char *copy = text ? strndup(text, SESSION_TEXT_MOST) : NULL;
	size_t length = copy ? strlen(copy) : 0, least = length > 4 ? length - 4 : 0;
	json_t *value;

	if (!copy)
		return NULL;
	clean(copy);
	/* Cut within a character, it is no text: then the last bytes go, too. */
	while (!(value = json_string(copy)) && length > least)
		copy[--length] = '\0';
	json_decref(value);
	if (value)
		return copy;
	free(copy);
	return NULL;
}

static json_t *event_of(const struct session_note *note)
{
	json_t *event = json_pack("{s:s s:I}", "step", note->step, "at",
				  (json_int_t)(note->at ? note->at : time(NULL)));
	char *text = session_clean(note->text);

	if (note->session_id)
		json_object_set_new(event, "session_id", json_integer(note->session_id));
	if (note->client_id)
		json_object_set_new(event, "client_id", json_integer(note->client_id));
	if (note->bytes >= 0)
		json_object_set_new(event, "bytes", json_integer(note->bytes));
	if (note->seconds >= 0)
		json_object_set_new(event, "seconds", json_real(note->seconds));
	if (text)
		json_object_set_new(event, "text", json_string(text));
	free(text);
	return event;
}

static void append(struct sessions *sessions, struct session_waiting *waiting)
{
	waiting->next = NULL;
	*sessions->last = waiting;
	sessions->last = &waiting->next;
}

/* Called with the lock held; NULL without memory. */
static struct session_extra *extra_of(struct sessions *sessions, uint64_t id)
{
	struct session_extra **bucket = &sessions->extras[id % SESSION_BUCKETS], *extra;

	for (extra = *bucket; extra; extra = extra->next)
		if (extra->id == id)
			return extra;
	extra = calloc(1, sizeof(*extra));
	if (!extra)
		return NULL;
	extra->id = id;
	extra->next = *bucket;
	*bucket = extra;
	return extra;
}

/* How far it came, for who asks when it ends. */
static void remember(struct sessions *sessions, const struct session_note *note)
{
	struct session_extra *extra = extra_of(sessions, note->session_id);

	if (!extra)
		return;
	extra->booted |= !strcmp(note->step, "kernel") || !strcmp(note->step, "initramfs");
	extra->arrived |= !strcmp(note->step, "switch-root") || !strcmp(note->step, "agent");
	extra->failed |= !strcmp(note->step, "failed");
}

void session_note(struct control *control, const struct session_note *note)
{
	struct sessions *sessions = control->sessions;
	struct session_waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return;
	waiting->event = event_of(note);
	waiting->bytes = sizeof(*waiting) + (note->text ? strlen(note->text) : 0);
	pthread_mutex_lock(&sessions->lock);
	remember(sessions, note);
	if (sessions->notes >= SESSION_NOTES_MOST ||
	    sessions->note_bytes + waiting->bytes > SESSION_NOTES_BYTES) {
		sessions->dropped++;
		pthread_mutex_unlock(&sessions->lock);
		json_decref(waiting->event);
		free(waiting);
		return;
	}
	sessions->notes++;
	sessions->note_bytes += waiting->bytes;
	append(sessions, waiting);
	pthread_cond_signal(&sessions->more);
	pthread_mutex_unlock(&sessions->lock);
}

bool session_may_note(struct control *control, uint64_t id)
{
	struct sessions *sessions = control->sessions;
	struct session_extra *extra;
	bool may;

	pthread_mutex_lock(&sessions->lock);
	extra = extra_of(sessions, id);
	may = extra && extra->events++ < SESSION_EVENTS_MOST;
	pthread_mutex_unlock(&sessions->lock);
	return may;
}

bool session_first_time(struct control *control, uint64_t id, enum session_once what)
{
	struct sessions *sessions = control->sessions;
	struct session_extra *extra;
	bool first;

	pthread_mutex_lock(&sessions->lock);
	extra = extra_of(sessions, id);
	first = extra && !(extra->told & what);
	if (first)
		extra->told |= what;
	pthread_mutex_unlock(&sessions->lock);
	return first;
}

const char *session_stopped(struct control *control, const struct gate_view *view)
{
	struct sessions *sessions = control->sessions;
	const struct session_extra *extra;
	const char *why = NULL;

	/* Somebody's wish, or a good end. */
	if (strcmp(view->how, "expired") && strcmp(view->how, "replaced"))
		return NULL;
	pthread_mutex_lock(&sessions->lock);
	extra = extra_of(sessions, view->id);
	if (extra && !extra->failed && !view->first_read && view->bytes <= NOTHING_READ_BYTES)
		why = "nothing was read from its disk after the login";
	else if (extra && !extra->failed && extra->booted && !extra->arrived)
		why = "its root filesystem was never switched to";
	pthread_mutex_unlock(&sessions->lock);
	return why;
}

/* The session while it lives. */
static int look(struct control *control, int64_t id, struct gate_view *view,
		struct vdisk_error *err)
{
	if (gate_look(control->gate, id, view))
		return vdisk_error_set(err, ENOENT, "there is no such session, or it ended long ago");
	if (view->state == GATE_ENDED)
		return vdisk_error_set(err, EALREADY, "the session has ended: %s", view->why);
	return 0;
}

/*
 * It stops now, whatever the catalog does.  The writer may take a second, or longer:
 * its row says at once that this is final, for a server that starts again before that.
 */
static int fence(struct control *control, const struct catalog_who *who,
		 const struct gate_view *view, const char *why, struct vdisk_error *err)
{
	json_t *changes;
	int ret;

	gate_end(control->gate, view->id, "fenced", why);
	log_event(LOG_LEVEL_INFO, "session fenced", "client", view->client, "by", who->name, "from",
		  who->from);
	changes = json_pack("{s:s s:s s:I}", "state", "ended", "ended_how", "fenced", "since",
			    (json_int_t)time(NULL));
	ret = catalog_change(control->catalog, NULL, CATALOG_SESSION, view->id, changes, -1, NULL,
			     err);
	json_decref(changes);
	/* Its client was removed, and its row with it. */
	if (ret && ret != -ENOENT)
		return ret;
	return catalog_note(control->catalog, who, "fence", CATALOG_SESSION, view->id, NULL, err);
}

int session_fence(struct control *control, const struct catalog_who *who, int64_t session,
		  struct vdisk_error *err)
{
	char why[GATE_WHY_SIZE];
	struct gate_view view;
	int ret;

	ret = look(control, session, &view, err);
	if (ret)
		return ret;
	snprintf(why, sizeof(why), "fenced by %.63s; this is final", who->name);
	return fence(control, who, &view, why, err);
}

int session_fence_client(struct control *control, const struct catalog_who *who, int64_t client_id,
			 const char *how, struct vdisk_error *err)
{
	char why[GATE_WHY_SIZE];
	struct gate_view view;
	int ret = 0, one;

	snprintf(why, sizeof(why), "its client was %s by %.63s; this is final", how, who->name);
	while (!gate_of_client(control->gate, client_id, &view)) {
		one = fence(control, who, &view, why, err);
		ret = ret ? ret : one;
	}
	return ret;
}

static int queue(struct sessions *sessions, int64_t id, const char *order, const char *text)
{
	struct session_extra *extra = extra_of(sessions, id);
	json_t *object;

	if (extra && !extra->orders)
		extra->orders = json_array();
	if (!extra || !extra->orders)
		return -ENOMEM;
	if (json_array_size(extra->orders) >= SESSION_ORDERS_MOST)
		return -EBUSY;
	sessions->next_order++;
	object = json_pack("{s:I s:s s:s*}", "id", (json_int_t)sessions->next_order, "order", order,
			   "text", text);
	return json_array_append_new(extra->orders, object) ? -ENOMEM : 0;
}

int session_order(struct control *control, const struct catalog_who *who, int64_t session,
		  const char *order, const char *text, struct vdisk_error *err)
{
	struct sessions *sessions = control->sessions;
	struct gate_view view;
	json_t *details;
	int ret;

	ret = look(control, session, &view, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&sessions->lock);
	ret = queue(sessions, session, order, text);
	pthread_mutex_unlock(&sessions->lock);
	if (ret)
		return vdisk_error_set(err, -ret, ret == -EBUSY ?
				       "its agent has not taken the orders before this one" :
				       "no memory for an order");
	details = json_pack("{s:s s:s*}", "order", order, "text", text);
	ret = catalog_note(control->catalog, who, "order", CATALOG_SESSION, session, details, err);
	json_decref(details);
	return ret;
}

json_t *session_orders(struct control *control, uint64_t id)
{
	struct sessions *sessions = control->sessions;
	struct session_extra *extra;
	json_t *orders = NULL;

	pthread_mutex_lock(&sessions->lock);
	extra = extra_of(sessions, id);
	if (extra) {
		orders = extra->orders;
		extra->orders = NULL;
	}
	pthread_mutex_unlock(&sessions->lock);
	return orders ? orders : json_array();
}
