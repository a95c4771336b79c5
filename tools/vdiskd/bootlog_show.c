// SPDX-License-Identifier: GPL-2.0
/* Boots without a session as the catalog and the API show them. */
#include <stdio.h>
#include <string.h>

#include "bootlog_internal.h"
#include "control.h"

enum { FIRST_LINE_MOST = 400 };

/* The first line, as the catalog takes it: without tabs. */
static void take_first_line(char *why, const char *text)
{
	size_t length = strcspn(text, "\n");
	char *c;

	if (length > FIRST_LINE_MOST)
		length = FIRST_LINE_MOST;
	/* Cut between characters. */
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	snprintf(why, BOOTLOG_WHY_SIZE, "%.*s", (int)length, text);
	for (c = why; *c; c++)
		if (*c == '\t')
			*c = ' ';
}

static json_t *failure_of(const struct boot *boot)
{
	const struct boot_step *cause = boot->cause;
	char why[BOOTLOG_WHY_SIZE] = "", times[32];

	if (!cause)
		return *boot->why ? json_string(boot->why) : json_null();
	if (cause->text)
		take_first_line(why, cause->text);
	if (cause->count > 1) {
		snprintf(times, sizeof(times), " (%u times)", cause->count);
		strncat(why, times, sizeof(why) - strlen(why) - 1);
	}
	return json_string(*why ? why : "it does not say why");
}

static int64_t bytes_of(const struct boot *boot)
{
	const struct boot_step *step;
	int64_t bytes = 0;

	for (step = boot->steps; step; step = step->next)
		bytes += step->bytes > 0 ? step->bytes : 0;
	return bytes;
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

json_t *bootlog_object(const struct boot *boot)
{
	const struct boot_step *last = boot->cause ? boot->cause : bootlog_last_step(boot);
	const struct login_machine *machine = &boot->machine;

	return json_pack("{s:o s:o s:s s:I s:I s:s s:o s:I}", "uuid", text_or_null(machine->said),
			 "mac", text_or_null(machine->mac_count ? machine->macs[0] : ""),
			 "address", machine->address, "started", (json_int_t)boot->began,
			 "since", (json_int_t)boot->last, "step", last ? last->step : "script",
			 "failure", failure_of(boot), "bytes", (json_int_t)bytes_of(boot));
}

json_t *bootlog_step_object(const struct boot_step *step)
{
	return json_pack("{s:I s:s s:o s:o s:o}", "at", (json_int_t)step->at, "step", step->step,
			 "bytes", step->bytes < 0 ? json_null() : json_integer(step->bytes),
			 "seconds", step->seconds < 0 ? json_null() : json_real(step->seconds),
			 "text", step->text ? json_string(step->text) : json_null());
}

static json_t *shown(const struct boot *boot, bool texts)
{
	json_t *object = bootlog_object(boot), *events = json_array(), *event;
	const struct boot_step *step;
	char key[32];

	snprintf(key, sizeof(key), "u%llu", (unsigned long long)boot->number);
	for (step = boot->steps; step; step = step->next) {
		event = bootlog_step_object(step);
		if (!texts)
			json_object_del(event, "text");
		json_array_append_new(events, event);
	}
	json_object_set_new(object, "key", json_string(key));
	json_object_set_new(object, "client", json_null());
	json_object_set_new(object, "events", events);
	return object;
}

json_t *bootlog_unknown(struct control *control, uint64_t number)
{
	struct bootlog *log = control->bootlog;
	json_t *array = json_array();
	const struct boot *boot;

	if (!array)
		return NULL;
	pthread_mutex_lock(&log->lock);
	for (boot = log->unknown.newest; boot; boot = boot->older)
		if (bootlog_shows(boot) && (!number || boot->number == number))
			json_array_append_new(array, shown(boot, number));
	pthread_mutex_unlock(&log->lock);
	return array;
}
