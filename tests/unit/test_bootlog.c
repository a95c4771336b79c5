// SPDX-License-Identifier: GPL-2.0
/* Boots without a session, and what happens to them while the catalog is written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootlog_internal.h"
#include "catalog_fake.h"
#include "config.h"
#include "control.h"
#include "log.h"
#include "session.h"
#include "tap.h"

static const struct config config = { .test_boot_seconds = 900 };
static struct control control = { .config = &config };

/* --- a catalog that counts, and answers as it is told to */

static int at_begin, at_row, at_event, at_commit;
static void (*in_row)(void);			/* meanwhile, without a lock */
static unsigned int added, changed, events, notes, errors;
static json_int_t added_clients[8];		/* whose they are, in turn */
static int64_t removed;				/* the last one */

int catalog_begin(struct catalog *catalog, struct vdisk_error *err)
{
	(void)catalog, (void)err;
	return at_begin;
}

int catalog_commit(struct catalog *catalog, struct vdisk_error *err)
{
	(void)catalog, (void)err;
	return at_commit;
}

static int store(unsigned int *count)
{
	void (*meanwhile)(void) = in_row;

	in_row = NULL;
	if (meanwhile)
		meanwhile();
	*count += !at_row;
	return at_row;
}

int catalog_add(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		const json_t *object, json_t **stored, struct vdisk_error *err)
{
	int ret;

	(void)catalog, (void)who, (void)err;
	if (kind == CATALOG_EVENT) {
		events += !at_event;
		return at_event;
	}
	if (added < sizeof(added_clients) / sizeof(*added_clients))
		added_clients[added] = json_integer_value(json_object_get(object, "client_id"));
	ret = store(&added);
	*stored = ret ? NULL : json_pack("{s:i}", "id", (int)added);
	return ret;
}

int catalog_change(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		   int64_t id, const json_t *changes, int64_t revision, json_t **stored,
		   struct vdisk_error *err)
{
	(void)catalog, (void)who, (void)kind, (void)id, (void)changes, (void)revision;
	(void)stored, (void)err;
	return store(&changed);
}

int catalog_remove(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		   int64_t id, int64_t revision, struct vdisk_error *err)
{
	(void)catalog, (void)who, (void)kind, (void)revision, (void)err;
	removed = id;
	return 0;
}

void session_note(struct control *c, const struct session_note *note)
{
	(void)c, (void)note;
	notes++;
}

char *session_clean(const char *text)
{
	return strdup(text);
}

void log_event_pairs(enum log_level level, const char *event, ...)
{
	(void)event;
	errors += level == LOG_LEVEL_ERROR;
}

/* --- */

static struct bootlog *begin(void)
{
	at_begin = at_row = at_event = at_commit = 0;
	added = changed = events = notes = errors = 0;
	removed = 0;
	bootlog_start(&control, NULL);
	return control.bootlog;
}

static void sign(unsigned int machine, int64_t client_id, const char *step, const char *text)
{
	const struct bootlog_sign it = { step, -1, -1, text };
	struct login_machine who = { .mac_count = 1 };

	snprintf(who.macs[0], sizeof(who.macs[0]), "52:54:00:00:%02x:%02x", machine >> 8 & 255,
		 machine & 255);
	strcpy(who.address, "10.0.0.1");
	bootlog_seen(&control, &who, client_id, true, &it);
}

static void log_in(unsigned int machine, int64_t client_id)
{
	struct login_machine who = { .mac_count = 1 };

	snprintf(who.macs[0], sizeof(who.macs[0]), "52:54:00:00:%02x:%02x", machine >> 8 & 255,
		 machine & 255);
	bootlog_logged_in(&control, &who, client_id, 77);
}

/* As though nothing had been written for a while. */
static bool write_all(void)
{
	struct boot *boot;

	for (boot = control.bootlog->known.newest; boot; boot = boot->older)
		boot->written = 0;
	return bootlog_write(&control);
}

static void test_written(void)
{
	struct bootlog *log = begin();

	sign(1, 1, "script", NULL);
	tap_ok(bootlog_write(&control) && !added, "a boot that goes on is no row");
	sign(1, 1, "refused", "no");
	tap_ok(bootlog_write(&control) && added == 1 && events == 2, "one that is refused is");
	tap_ok(write_all() && !changed, "once");
	sign(1, 1, "failed", "gave up");
	tap_ok(write_all() && changed == 1 && added == 1 && events == 3, "and goes on");
	log_in(1, 1);
	tap_ok(!log->known.count && notes == 3, "it logs in: its steps are its session's");
	tap_ok(bootlog_write(&control) && removed == 1, "and its row goes");
	bootlog_stop(&control);
}

static void log_in_meanwhile(void)
{
	log_in(2, 2);
}

static void refuse_again(void)
{
	sign(3, 3, "refused", "another reason");
}

static void refuse_others(void)
{
	sign(4, 4, "refused", "no");
	sign(5, 5, "refused", "no");
}

static void test_meanwhile(void)
{
	struct bootlog *log = begin();

	sign(2, 2, "refused", "no");
	in_row = log_in_meanwhile;
	tap_ok(bootlog_write(&control) && added == 1 && !log->known.count,
	       "it logs in while it is written");
	tap_ok(bootlog_write(&control) && removed == 1 && !log->dead, "then that row goes");
	sign(3, 3, "refused", "no");
	in_row = refuse_again;
	tap_ok(bootlog_write(&control) && added == 2 && write_all() && changed == 1 && events == 3,
	       "what it does meanwhile is written next time");
	log->known.most = 1;
	in_row = refuse_others;
	sign(3, 3, "refused", "yet another");
	tap_ok(write_all() && log->known.count == 2 && log->dropped == 0,
	       "one that is being written stays when there is no room, and others go: %u",
	       log->known.count);
	bootlog_stop(&control);
}

static void test_order(void)
{
	begin();
	sign(7, 7, "refused", "no");
	sign(8, 8, "refused", "no");
	sign(9, 9, "refused", "no");
	tap_ok(bootlog_write(&control) && added == 3 && added_clients[0] == 7 &&
	       added_clients[1] == 8 && added_clients[2] == 9,
	       "what stopped first is written first");
	bootlog_stop(&control);
}

static void test_cause(void)
{
	static const struct {
		const char *step, *text;
		bool hides;
	} signs[] = {
		{ "refused", "client pc1 is disabled", true },
		{ "refused", "client pc1 has no image", true },
		{ "refused", "login from 10.0.0.1: no", true },
		{ "refused", "client pc1 is disabled", false },
		{ "waiting", "login from 10.0.0.1: wait", true },
		{ "refused", "client pc1 is disabled", false },
		{ "failed", "no root", true },
		{ "refused", "client pc1 is disabled", false },
		{ "refused", "login from 10.0.0.2: no", true },
	};
	struct bootlog *log = begin();
	unsigned int i;

	for (i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		sign(1, 1, signs[i].step, signs[i].text);
		tap_ok(!strcmp(log->known.newest->cause->text, signs[i].text) == signs[i].hides,
		       "%s (%s) is%s the reason", signs[i].step, signs[i].text,
		       signs[i].hides ? "" : " not");
	}
	bootlog_stop(&control);
}

static void test_removed(void)
{
	struct bootlog *log = begin();

	sign(1, 1, "refused", "no");
	at_row = -ENOENT;
	tap_ok(bootlog_write(&control) && !log->known.count && !errors,
	       "a boot of a client that was removed is forgotten");
	sign(1, 1, "refused", "no");
	at_row = 0;
	bootlog_write(&control);
	at_row = -ENOENT;
	sign(1, 1, "refused", "and no");
	tap_ok(write_all() && !log->known.count && !errors, "so is one that had a row");
	in_row = refuse_again;
	sign(3, 3, "refused", "no");
	tap_ok(bootlog_write(&control) && log->known.count == 1, "one that goes on is tried again");
	tap_ok(write_all() && !log->known.count, "and is forgotten then");
	bootlog_stop(&control);
}

static void test_down(void)
{
	struct bootlog *log = begin();

	sign(1, 1, "refused", "no");
	at_begin = -EIO;
	tap_ok(!bootlog_write(&control) && log->known.count == 1, "a catalog that is down");
	at_begin = 0;
	at_commit = -EIO;
	tap_ok(!write_all() && added == 1, "one that goes down at the end");
	at_commit = 0;
	tap_ok(write_all() && added == 2 && !changed, "gets all of it once it is up");
	sign(1, 1, "refused", "and no");
	at_commit = -EBUSY;
	write_all();
	at_commit = 0;
	tap_ok(write_all() && changed == 2 && events == 4, "also when it only didn't take it");
	bootlog_stop(&control);
}

/* Its row is there, but one of its steps isn't taken. */
static void test_half(void)
{
	begin();
	sign(3, 3, "refused", "no");
	at_event = -EINVAL;
	in_row = refuse_again;
	tap_ok(bootlog_write(&control) && added == 1 && errors == 1,
	       "a step that isn't taken is told of");
	at_event = 0;
	tap_ok(write_all() && added == 1 && changed == 1, "and one that goes on has one row");
	bootlog_stop(&control);
}

static void test_bounds(void)
{
	struct bootlog *log = begin();
	unsigned int i;
	char text[64];

	log->known.most = 3;
	log->unknown.most = 2;
	for (i = 1; i <= 5; i++) {
		sign(i, i, "refused", "no");
		sign(100 + i, 0, "refused", "no");
	}
	tap_ok(log->known.count == 3 && log->unknown.count == 2, "there is an end to them");
	tap_ok(log->dropped == 2, "clients' that nobody will see are counted");
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "reason %u", i);
		sign(5, 5, "refused", text);
	}
	tap_ok(log->known.newest->step_count == BOOTLOG_STEPS_MOST, "and to their steps");
	log_in(105, 6);
	tap_ok(log->unknown.count == 1, "a client's boot that began when nobody knew it is found");
	bootlog_stop(&control);
}

static void test_texts(void)
{
	struct bootlog *log = begin();
	char *text = malloc(SESSION_TEXT_MOST + 1);
	unsigned int i;

	memset(text, 'x', SESSION_TEXT_MOST);
	text[SESSION_TEXT_MOST] = '\0';
	for (i = 0; i < BOOTLOG_UNKNOWN_MOST; i++)
		sign(i, 0, "failed", text);
	tap_ok(log->text_bytes == BOOTLOG_TEXTS_BYTES / 2,
	       "texts of machines that nobody knows have half of the room");
	for (i = 0; i < BOOTLOG_UNKNOWN_MOST; i++)
		sign(i, 1 + i, "failed", text);
	tap_ok(log->text_bytes <= BOOTLOG_TEXTS_BYTES && log->known.count == BOOTLOG_UNKNOWN_MOST,
	       "all have an end");
	bootlog_stop(&control);
	log = begin();
	sign(1, 1, "failed", text);
	tap_ok(log->text_bytes == SESSION_TEXT_MOST, "one is counted");
	log_in(1, 1);
	tap_ok(!log->text_bytes, "and no more when it is gone");
	bootlog_stop(&control);
	free(text);
}

static void test_failure(void)
{
	static const char *const cases[][2] = {
		{ "one\nmore", "one" }, { "step:\tlogin\n\tmore", "step: login" },
		{ "\nlog", "it does not say why" }, { "", "it does not say why" },
	};
	struct bootlog *log;
	const char *failure;
	unsigned int i;
	json_t *object;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		log = begin();
		sign(1, 1, "failed", cases[i][0]);
		object = bootlog_object(log->known.newest);
		failure = json_string_value(json_object_get(object, "failure"));
		tap_ok(failure && !strcmp(failure, cases[i][1]), "why it failed: %s", failure);
		json_decref(object);
		bootlog_stop(&control);
	}
}

int main(void)
{
	test_written();
	test_meanwhile();
	test_order();
	test_cause();
	test_removed();
	test_down();
	test_half();
	test_bounds();
	test_texts();
	test_failure();
	return tap_done();
}
