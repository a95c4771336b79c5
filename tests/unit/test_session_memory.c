// SPDX-License-Identifier: GPL-2.0
/* What is remembered of sessions beside the gate: how long, and of whom. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "bootlog.h"
#include "catalog_fake.h"
#include "config.h"
#include "control.h"
#include "presence.h"
#include "session_internal.h"
#include "tap.h"

enum { NOTES = 1000, NOTES_BEFORE = 3, LAST = 11 };

static const struct config config = { .test_session_seconds = 100 };
static struct control control = { .config = &config };
static const struct catalog_who who = { .name = "test" };
static int64_t next_id = 7;
static unsigned int events;	/* in the catalog */
static unsigned int again = 2;

/* --- a catalog that gives numbers, and takes nothing before the writer is told to end */

int catalog_begin(struct catalog *catalog, struct vdisk_error *err)
{
	struct sessions *sessions = control.sessions;

	(void)catalog, (void)err;
	pthread_mutex_lock(&sessions->lock);
	while (!sessions->stopping)
		pthread_cond_wait(&sessions->more, &sessions->lock);
	pthread_mutex_unlock(&sessions->lock);
	return 0;
}

int catalog_commit(struct catalog *catalog, struct vdisk_error *err)
{
	(void)catalog, (void)err;
	/* Something of it has changed again, as when its last connection goes. */
	if (again) {
		again--;
		gate_change_again(control.gate, LAST);
	}
	return 0;
}

int catalog_get(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		json_t **object, struct vdisk_error *err)
{
	(void)catalog, (void)kind, (void)filter, (void)err;
	*object = NULL;
	return -ENOENT;
}

int catalog_get_id(struct catalog *catalog, enum catalog_kind kind, int64_t id, json_t **object,
		   struct vdisk_error *err)
{
	(void)catalog, (void)kind, (void)err;
	*object = id == LAST ? json_object() : NULL;
	return *object ? 0 : -ENOENT;
}

int catalog_add(struct catalog *catalog, const struct catalog_who *by, enum catalog_kind kind,
		const json_t *object, json_t **stored, struct vdisk_error *err)
{
	(void)catalog, (void)by, (void)object, (void)err;
	events += kind == CATALOG_EVENT;
	if (stored)
		*stored = json_pack("{s:I}", "id", (json_int_t)next_id);
	return 0;
}

int catalog_change(struct catalog *catalog, const struct catalog_who *by, enum catalog_kind kind,
		   int64_t id, const json_t *changes, int64_t revision, json_t **stored,
		   struct vdisk_error *err)
{
	(void)catalog, (void)by, (void)kind, (void)id, (void)changes, (void)revision;
	(void)stored, (void)err;
	return 0;
}

int catalog_note(struct catalog *catalog, const struct catalog_who *by, const char *action,
		 enum catalog_kind kind, int64_t id, const json_t *details,
		 struct vdisk_error *err)
{
	(void)catalog, (void)by, (void)action, (void)kind, (void)id, (void)details, (void)err;
	return 0;
}

int catalog_prune(struct catalog *catalog, const struct catalog_ages *before, int64_t *removed,
		  struct vdisk_error *err)
{
	(void)catalog, (void)before, (void)err;
	*removed = 0;
	return 0;
}

bool bootlog_write(struct control *c)
{
	(void)c;
	return true;
}

bool presence_tell(struct control *c, int64_t now, bool now_anyway)
{
	(void)c, (void)now, (void)now_anyway;
	return true;
}

/* --- */

static unsigned int remembered(void)
{
	const struct session_extra *extra;
	unsigned int count = 0, i;

	pthread_mutex_lock(&control.sessions->lock);
	for (i = 0; i < SESSION_BUCKETS; i++)
		for (extra = control.sessions->extras[i]; extra; extra = extra->next)
			count++;
	pthread_mutex_unlock(&control.sessions->lock);
	return count;
}

static void log_in(struct gate_view *view, int64_t id)
{
	*view = (struct gate_view) { .client_id = 3, .version = 1, .client = "pc", .image = "lab" };
	next_id = id;
	session_create(&control, view, 1, NULL);
}

static void note(const struct gate_view *view, const char *step)
{
	const struct session_note it = {
		.session_id = view->id, .client_id = view->client_id, .step = step, .bytes = -1,
		.seconds = -1,
	};

	session_note(&control, &it);
}

static size_t orders_of(const struct gate_view *view)
{
	json_t *orders = session_orders(&control, view->id);
	size_t count = json_array_size(orders);

	json_decref(orders);
	return count;
}

/* Each in a bucket with another one's. */
static void test_forgotten(void)
{
	struct gate_view first, second;
	const char *why;

	log_in(&first, 7);
	log_in(&second, 7 + SESSION_BUCKETS);
	note(&first, "kernel");
	note(&second, "kernel");
	tap_ok(session_first_time(&control, first.id, SESSION_FIRST_READ) &&
	       !session_first_time(&control, first.id, SESSION_FIRST_READ) &&
	       session_first_time(&control, first.id, SESSION_END),
	       "a first read comes once");
	tap_ok(!session_order(&control, &who, first.id, "reboot", NULL, NULL), "an order waits");
	tap_ok(remembered() == 2, "two sessions are remembered");
	session_forget(control.sessions, 8);
	tap_ok(remembered() == 2, "to forget one that nothing is known of is no harm");
	session_forget(control.sessions, first.id);
	tap_ok(remembered() == 1, "one is forgotten, with its orders");
	strcpy(second.how, "expired");
	second.first_read = 1;
	why = session_stopped(&control, &second);
	tap_ok(why && strstr(why, "never switched to"), "the other one isn't");
	session_forget(control.sessions, second.id);
	tap_ok(!remembered(), "then that is, too");
}

static void test_again(void)
{
	struct gate_view before, view;

	log_in(&before, 9);
	session_order(&control, &who, before.id, "shutdown", NULL, NULL);
	note(&before, "failed");
	session_first_time(&control, before.id, SESSION_FIRST_READ);
	log_in(&view, 9);
	tap_ok(!orders_of(&view), "a number that comes again brings no order to the wrong machine");
	strcpy(view.how, "expired");
	tap_ok(session_stopped(&control, &view) &&
	       session_first_time(&control, view.id, SESSION_FIRST_READ),
	       "nor what its session before had said");
	session_forget(control.sessions, view.id);
	tap_ok(!remembered(), "both are forgotten as one");
}

/* Several batches. */
static void test_stop(void)
{
	struct gate_view view;
	unsigned int i;

	log_in(&view, LAST);
	for (i = 0; i < NOTES; i++)
		note(&view, "agent");
	gate_end(control.gate, LAST, "logout", "logged out");
	session_stop(&control);
	tap_ok(events == NOTES + NOTES_BEFORE + 1,
	       "all that waited is written when it ends, and the end of a session once: %u",
	       events);
}

int main(void)
{
	if (session_start(&control, NULL))
		return 1;
	test_forgotten();
	test_again();
	test_stop();
	gate_close(control.gate);
	return tap_done();
}
