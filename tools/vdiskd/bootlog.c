// SPDX-License-Identifier: GPL-2.0
#include "bootlog_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "control.h"
#include "error.h"
#include "session.h"

int bootlog_start(struct control *control, struct vdisk_error *err)
{
	struct bootlog *log = calloc(1, sizeof(*log));

	if (!log)
		return vdisk_error_set(err, ENOMEM, "no memory for boots");
	pthread_mutex_init(&log->lock, NULL);
	log->known.most = BOOTLOG_KNOWN_MOST;
	log->unknown.most = BOOTLOG_UNKNOWN_MOST;
	log->silent = BOOTLOG_SECONDS;
	log->anew = BOOTLOG_ANEW_SECONDS;
	if (control->config->test_boot_seconds) {
		log->silent = control->config->test_boot_seconds;
		log->anew = 0;
	}
	control->bootlog = log;
	return 0;
}

static void free_list(struct bootlog *log, struct boot *boot)
{
	struct boot *older;

	for (; boot; boot = older) {
		older = boot->older;
		bootlog_free(log, boot);
	}
}

void bootlog_stop(struct control *control)
{
	struct bootlog *log = control->bootlog;
	struct boot *boot;

	if (!log)
		return;
	free_list(log, log->known.newest);
	free_list(log, log->unknown.newest);
	while ((boot = log->dead)) {
		log->dead = boot->next;
		bootlog_free(log, boot);
	}
	free(log);
	control->bootlog = NULL;
}

/* --- the lists */

static struct boot_list *list_of(struct bootlog *log, const struct boot *boot)
{
	return boot->client_id ? &log->known : &log->unknown;
}

static void put_first(struct boot_list *list, struct boot *boot)
{
	boot->newer = NULL;
	boot->older = list->newest;
	if (list->newest)
		list->newest->newer = boot;
	else
		list->oldest = boot;
	list->newest = boot;
	list->count++;
}

static void take_out(struct boot_list *list, struct boot *boot)
{
	if (boot->newer)
		boot->newer->older = boot->older;
	else
		list->newest = boot->older;
	if (boot->older)
		boot->older->newer = boot->newer;
	else
		list->oldest = boot->newer;
	list->count--;
}

static struct boot **bucket_of(struct bootlog *log, int64_t client_id)
{
	return &log->clients[(uint64_t)client_id % BOOTLOG_BUCKETS];
}

static void put_in(struct bootlog *log, struct boot *boot)
{
	struct boot **bucket;

	put_first(list_of(log, boot), boot);
	if (!boot->client_id)
		return;
	bucket = bucket_of(log, boot->client_id);
	boot->next = *bucket;
	*bucket = boot;
}

static void remove_boot(struct bootlog *log, struct boot *boot)
{
	struct boot **link;

	take_out(list_of(log, boot), boot);
	if (!boot->client_id)
		return;
	for (link = bucket_of(log, boot->client_id); *link != boot; link = &(*link)->next)
		;
	*link = boot->next;
}

void bootlog_free(struct bootlog *log, struct boot *boot)
{
	struct boot_step *step;

	while ((step = boot->steps)) {
		boot->steps = step->next;
		if (step->text)
			log->text_bytes -= strlen(step->text);
		free(step->text);
		free(step);
	}
	free(boot);
}

void bootlog_forget(struct bootlog *log, struct boot *boot)
{
	remove_boot(log, boot);
	bootlog_free(log, boot);
}

/* It logged in: it has no row of its own any more. The writer sees to one that it has, or gets. */
static void bury(struct bootlog *log, struct boot *boot)
{
	remove_boot(log, boot);
	if (!boot->busy && !boot->row) {
		bootlog_free(log, boot);
		return;
	}
	boot->dead = true;
	boot->next = log->dead;
	log->dead = boot;
}

/* Makes room. What is being written stays: that takes moments. */
static void make_room(struct bootlog *log, struct boot_list *list)
{
	struct boot *boot = list->oldest;

	if (list->count < list->most)
		return;
	while (boot && boot->busy)
		boot = boot->newer;
	if (!boot)
		return;
	log->dropped += boot->client_id && bootlog_shows(boot) && boot->changed;
	bootlog_forget(log, boot);
}

/* --- finding */

static bool shares_mac(const struct login_machine *a, const struct login_machine *b)
{
	unsigned int i, j;

	for (i = 0; i < a->mac_count; i++)
		for (j = 0; j < b->mac_count; j++)
			if (!strcmp(a->macs[i], b->macs[j]))
				return true;
	return false;
}

/* Firmware says one of its cards, the login all of them. */
static bool is_same(const struct login_machine *a, const struct login_machine *b)
{
	if (strcmp(a->said, b->said))
		return false;
	if (!*a->uuid && (!a->mac_count || !b->mac_count))
		return !*a->said && !a->mac_count && !b->mac_count &&
		       !strcmp(a->address, b->address);
	return shares_mac(a, b) || (*a->uuid && (!a->mac_count || !b->mac_count));
}

static struct boot *of_client(struct bootlog *log, int64_t client_id)
{
	struct boot *boot;

	for (boot = *bucket_of(log, client_id); boot; boot = boot->next)
		if (boot->client_id == client_id && !boot->stopped)
			return boot;
	return NULL;
}

static struct boot *of_stranger(struct bootlog *log, const struct login_machine *machine)
{
	struct boot *boot;

	for (boot = log->unknown.newest; boot; boot = boot->older)
		if (!boot->stopped && is_same(&boot->machine, machine))
			return boot;
	return NULL;
}

/* The boot under way; of a machine that has become known meanwhile, it is the client's. */
static struct boot *find(struct bootlog *log, const struct login_machine *machine,
			 int64_t client_id)
{
	struct boot *boot = client_id ? of_client(log, client_id) : NULL;

	if (boot)
		return boot;
	boot = of_stranger(log, machine);
	if (boot && client_id) {
		remove_boot(log, boot);
		boot->client_id = client_id;
		boot->changed = true;
		make_room(log, &log->known);
		put_in(log, boot);
	}
	return boot;
}

static struct boot *of_address(struct boot_list *list, const char *address)
{
	struct boot *boot;

	for (boot = list->newest; boot; boot = boot->older)
		if (!boot->stopped && !strcmp(boot->machine.address, address))
			return boot;
	return NULL;
}

/* --- steps */

static bool is_cause(const char *step)
{
	return !strcmp(step, "refused") || !strcmp(step, "waiting") || !strcmp(step, "failed");
}

bool bootlog_asked(const char *step, const char *why)
{
	if (!step || strcmp(step, "refused"))
		return step && is_cause(step);
	return why && !strncmp(why, BOOTLOG_LOGIN, strlen(BOOTLOG_LOGIN));
}

/* A script with a refusal is given to anybody who asks: it hides no login's. */
static bool hides_cause(const struct boot *boot, const struct bootlog_sign *sign)
{
	const struct boot_step *cause = boot->cause;

	return is_cause(sign->step) &&
	       (!cause || bootlog_asked(sign->step, sign->text) ||
		!bootlog_asked(cause->step, cause->text));
}

bool bootlog_shows(const struct boot *boot)
{
	return boot->cause || boot->stopped;
}

struct boot_step *bootlog_last_step(const struct boot *boot)
{
	struct boot_step *step = boot->steps;

	while (step && step->next)
		step = step->next;
	return step;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

/* One that says the same, without anything but the like of it behind it. */
static struct boot_step *repeated(const struct boot *boot, const struct bootlog_sign *sign)
{
	struct boot_step *step, *found = NULL;

	for (step = boot->steps; step; step = step->next) {
		if (!strcmp(step->step, sign->step) && same_text(step->text, sign->text))
			found = step;
		else if (strcmp(step->step, "script") && !is_cause(step->step))
			found = NULL;
	}
	return found;
}

/* Machines that nobody knows leave half of the room to those that are known. */
static char *keep_text(struct bootlog *log, const struct boot *boot, const char *text)
{
	size_t most = boot->client_id ? BOOTLOG_TEXTS_BYTES : BOOTLOG_TEXTS_BYTES / 2;
	char *copy = text && *text ? session_clean(text) : NULL;
	size_t length = copy ? strlen(copy) : 0;

	if (log->text_bytes + length > most) {
		free(copy);
		return NULL;
	}
	log->text_bytes += length;
	return copy;
}

static struct boot_step *new_step(struct bootlog *log, struct boot *boot,
				  const struct bootlog_sign *sign)
{
	struct boot_step *last = bootlog_last_step(boot), *step;

	if (boot->step_count >= BOOTLOG_STEPS_MOST)
		return NULL;
	step = calloc(1, sizeof(*step));
	if (!step)
		return NULL;
	*step = (struct boot_step) {
		.step = sign->step, .at = time(NULL), .bytes = sign->bytes,
		.seconds = sign->seconds, .text = keep_text(log, boot, sign->text),
	};
	if (last)
		last->next = step;
	else
		boot->steps = step;
	boot->step_count++;
	return step;
}

static void add_step(struct bootlog *log, struct boot *boot, const struct bootlog_sign *sign)
{
	struct boot_step *step = repeated(boot, sign);

	if (!step)
		step = new_step(log, boot, sign);
	if (step)
		step->count++;
	boot->last = time(NULL);
	boot->changed = true;
	if (step && hides_cause(boot, sign))
		boot->cause = step;
	take_out(list_of(log, boot), boot);
	put_first(list_of(log, boot), boot);
}

static void stop(struct boot *boot, const char *why)
{
	const struct boot_step *last = bootlog_last_step(boot);

	boot->stopped = true;
	boot->changed = true;
	snprintf(boot->why, sizeof(boot->why), "%s after its %s", why, last ? last->step : "start");
}

static struct boot *begin(struct bootlog *log, const struct login_machine *machine,
			  int64_t client_id)
{
	struct boot *boot = calloc(1, sizeof(*boot));

	if (!boot)
		return NULL;
	boot->client_id = client_id;
	boot->machine = *machine;
	boot->began = time(NULL);
	boot->number = ++log->next_number;
	make_room(log, list_of(log, boot));
	put_in(log, boot);
	return boot;
}

/* Whether a machine that asks for a script has left this boot and begins another. */
static bool is_anew(const struct bootlog *log, const struct boot *boot,
		    const struct bootlog_sign *sign)
{
	const struct boot_step *step;

	if (strcmp(sign->step, "script") || time(NULL) - boot->began < log->anew)
		return false;
	for (step = boot->steps; step; step = step->next)
		if (strcmp(step->step, "script"))
			return true;
	return false;
}

void bootlog_seen(struct control *control, const struct login_machine *machine, int64_t client_id,
		  bool again, const struct bootlog_sign *sign)
{
	struct bootlog *log = control->bootlog;
	struct boot *boot;

	pthread_mutex_lock(&log->lock);
	boot = find(log, machine, client_id);
	if (boot && !again && is_anew(log, boot, sign)) {
		stop(boot, "it began anew");
		boot = NULL;
	}
	if (!boot)
		boot = begin(log, machine, client_id);
	if (boot) {
		/* Where its kernel will be asked for from. */
		strcpy(boot->machine.address, machine->address);
		add_step(log, boot, sign);
	}
	pthread_mutex_unlock(&log->lock);
}

void bootlog_fetched(struct control *control, const char *address, const struct bootlog_sign *sign)
{
	struct bootlog *log = control->bootlog;
	struct boot *boot, *other;

	pthread_mutex_lock(&log->lock);
	boot = of_address(&log->known, address);
	other = of_address(&log->unknown, address);
	if (other && (!boot || other->last > boot->last))
		boot = other;
	if (boot)
		add_step(log, boot, sign);
	pthread_mutex_unlock(&log->lock);
}

int bootlog_failed(struct control *control, const struct login_machine *machine, const char *text)
{
	const struct bootlog_sign sign = { "failed", -1, -1, text };
	struct bootlog *log = control->bootlog;
	struct boot_list *lists[] = { &log->known, &log->unknown };
	struct boot *boot = NULL;
	unsigned int i;

	pthread_mutex_lock(&log->lock);
	for (i = 0; i < 2 && !boot; i++)
		for (boot = lists[i]->newest; boot; boot = boot->older)
			if (!boot->stopped && is_same(&boot->machine, machine) &&
			    !strcmp(boot->machine.address, machine->address))
				break;
	if (boot)
		add_step(log, boot, &sign);
	pthread_mutex_unlock(&log->lock);
	return boot ? 0 : -ENOENT;
}

static void hand_over(struct control *control, const struct boot *boot, int64_t session_id)
{
	const struct boot_step *step;

	for (step = boot->steps; step; step = step->next) {
		struct session_note note = {
			.session_id = session_id, .client_id = boot->client_id, .at = step->at,
			.step = step->step, .bytes = step->bytes, .seconds = step->seconds,
			.text = step->text,
		};

		session_note(control, &note);
	}
}

void bootlog_logged_in(struct control *control, const struct login_machine *machine,
		       int64_t client_id, int64_t session_id)
{
	struct bootlog *log = control->bootlog;
	struct boot *boot;

	pthread_mutex_lock(&log->lock);
	boot = find(log, machine, client_id);
	if (boot) {
		hand_over(control, boot, session_id);
		bury(log, boot);
	}
	pthread_mutex_unlock(&log->lock);
}

void bootlog_expire(struct bootlog *log, int64_t now)
{
	struct boot *boot, *newer;

	for (boot = log->known.oldest; boot && now - boot->last > log->silent; boot = boot->newer)
		if (!boot->stopped)
			stop(boot, "nothing was heard of it");
	for (boot = log->unknown.oldest; boot && now - boot->last > log->silent; boot = newer) {
		newer = boot->newer;
		if (!boot->stopped)
			stop(boot, "nothing was heard of it");
		else if (now - boot->last > BOOTLOG_UNKNOWN_SECONDS)
			bootlog_forget(log, boot);
	}
}
