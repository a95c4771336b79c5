// SPDX-License-Identifier: GPL-2.0
/* Boots of clients that were refused, failed or stopped, as rows of the catalog. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bootlog_internal.h"
#include "catalog.h"
#include "control.h"
#include "error.h"
#include "log.h"

enum {
	AT_ONCE = 64,			/* boots that are written in one second */
	WRITE_SECONDS = 2,		/* between writes of one that is under way */
	PRUNE_ROWS = 20,
};

/* What is written of one boot, put together under the lock. */
struct job {
	struct boot *boot;
	int64_t row, client_id;
	json_t *object, *events;
	unsigned int steps;		/* how many of them are written then */
	int ret;
};

/* The oldest first: of a client's rows the one with the highest number is the newest. */
static struct boot *next_due(struct bootlog *log, int64_t now)
{
	struct boot *boot;

	for (boot = log->known.oldest; boot; boot = boot->newer)
		if (boot->changed && !boot->busy && bootlog_shows(boot) &&
		    (boot->stopped || now - boot->written >= WRITE_SECONDS))
			return boot;
	return NULL;
}

static bool take_job(struct bootlog *log, int64_t now, struct job *job)
{
	const struct boot_step *step;
	struct boot *boot;

	pthread_mutex_lock(&log->lock);
	boot = next_due(log, now);
	if (boot) {
		boot->busy = true;
		boot->changed = false;
		boot->written = now;
		*job = (struct job) {
			.boot = boot, .row = boot->row, .client_id = boot->client_id,
			.object = bootlog_object(boot), .events = json_array(),
			.steps = boot->step_count,
		};
		for (step = boot->steps; step; step = step->next)
			if (!step->written)
				json_array_append_new(job->events, bootlog_step_object(step));
	}
	pthread_mutex_unlock(&log->lock);
	return boot;
}

static bool row_asked(const json_t *row)
{
	return bootlog_asked(json_string_value(json_object_get(row, "step")),
			     json_string_value(json_object_get(row, "failure")));
}

/*
 * A client's oldest rows go: its boots may fail all night long. Each sort has
 * its own places, as anybody who says a client's UUID gets a boot script, and
 * could else push out what became of the client's own boots.
 */
static int limit_rows(struct catalog *catalog, int64_t client_id, struct vdisk_error *err)
{
	json_t *filter, *rows = NULL, *row;
	unsigned int kept[2] = { 0, 0 };
	size_t i;
	int ret;

	filter = json_pack("{s:I s:s s:i}", "client_id", (json_int_t)client_id, "$order", "-id",
			   "$limit", 2 * BOOTLOG_ROWS_MOST + PRUNE_ROWS);
	ret = catalog_list(catalog, CATALOG_BOOT, filter, &rows, err);
	json_decref(filter);
	json_array_foreach(rows, i, row)
		if (!ret && kept[row_asked(row)]++ >= BOOTLOG_ROWS_MOST)
			ret = catalog_remove(catalog, NULL, CATALOG_BOOT,
					     json_integer_value(json_object_get(row, "id")), -1, err);
	json_decref(rows);
	return ret;
}

static int write_row(struct catalog *catalog, struct job *job, struct vdisk_error *err)
{
	json_t *stored = NULL;
	int ret;

	if (job->row) {
		json_object_del(job->object, "uuid");
		json_object_del(job->object, "started");
		ret = catalog_change(catalog, NULL, CATALOG_BOOT, job->row, job->object, -1, NULL,
				     err);
		return ret;
	}
	json_object_set_new(job->object, "client_id", json_integer(job->client_id));
	ret = catalog_add(catalog, NULL, CATALOG_BOOT, job->object, &stored, err);
	if (ret)
		return ret;
	job->row = json_integer_value(json_object_get(stored, "id"));
	json_decref(stored);
	return limit_rows(catalog, job->client_id, err);
}

static int write_events(struct catalog *catalog, const struct job *job, struct vdisk_error *err)
{
	json_t *event;
	size_t i;
	int ret = 0;

	json_array_foreach(job->events, i, event) {
		json_object_set_new(event, "boot_id", json_integer(job->row));
		ret = catalog_add(catalog, NULL, CATALOG_EVENT, event, NULL, err);
		if (ret)
			break;
	}
	return ret;
}

static int write_job(struct catalog *catalog, struct job *job)
{
	struct vdisk_error err = { .code = 0 };
	int ret;

	ret = write_row(catalog, job, &err);
	if (!ret)
		ret = write_events(catalog, job, &err);
	/* Its client, or its row, was removed meanwhile: nobody asks for it. */
	if (ret && ret != -ENOENT && !catalog_is_down(ret))
		log_event(LOG_LEVEL_ERROR, "a boot cannot be written down", "reason", err.text);
	return ret;
}

/* All or none, in one transaction: a hall of machines may be refused at once. */
static int write_jobs(struct catalog *catalog, struct job *jobs, unsigned int count)
{
	unsigned int i;
	int ret;

	ret = catalog_begin(catalog, NULL);
	if (ret)
		return ret;
	for (i = 0; i < count && !catalog_is_down(ret); i++)
		ret = jobs[i].ret = write_job(catalog, &jobs[i]);
	if (!catalog_is_down(ret))
		return catalog_commit(catalog, NULL);
	catalog_rollback(catalog);
	return ret;
}

/* @written: whether the transaction was; else the boot's turn comes again */
static void end_job(struct bootlog *log, struct job *job, bool written)
{
	struct boot *boot = job->boot;
	struct boot_step *step;
	unsigned int i;

	pthread_mutex_lock(&log->lock);
	boot->busy = false;
	if (written) {
		boot->row = job->row;
		step = boot->steps;
		for (i = 0; !job->ret && step && i < job->steps; i++, step = step->next)
			step->written = true;
	} else {
		boot->changed = true;
	}
	if (!boot->dead && !boot->changed && (boot->stopped || job->ret))
		bootlog_forget(log, boot);
	pthread_mutex_unlock(&log->lock);
	json_decref(job->object);
	json_decref(job->events);
}

/* Boots that went on as sessions after all. */
static int remove_dead(struct bootlog *log, struct catalog *catalog)
{
	struct vdisk_error err = { .code = 0 };
	struct boot *boot;
	int ret = 0;

	for (;;) {
		pthread_mutex_lock(&log->lock);
		boot = log->dead;
		if (boot)
			log->dead = boot->next;
		pthread_mutex_unlock(&log->lock);
		if (!boot)
			return 0;
		if (boot->row)
			ret = catalog_remove(catalog, NULL, CATALOG_BOOT, boot->row, -1, &err);
		pthread_mutex_lock(&log->lock);
		if (catalog_is_down(ret)) {
			boot->next = log->dead;
			log->dead = boot;
		} else {
			bootlog_free(log, boot);
		}
		pthread_mutex_unlock(&log->lock);
		if (catalog_is_down(ret))
			return ret;
	}
}

static void tell_dropped(struct bootlog *log)
{
	unsigned long dropped;
	char number[24];

	pthread_mutex_lock(&log->lock);
	dropped = log->dropped;
	log->dropped = 0;
	pthread_mutex_unlock(&log->lock);
	if (!dropped)
		return;
	snprintf(number, sizeof(number), "%lu", dropped);
	log_event(LOG_LEVEL_WARNING, "boots that stopped were dropped", "count", number, "reason",
		  "the catalog takes them too slowly");
}

bool bootlog_write(struct control *control)
{
	struct bootlog *log = control->bootlog;
	unsigned int count = 0, i;
	int64_t now = time(NULL);
	struct job jobs[AT_ONCE];
	int ret;

	pthread_mutex_lock(&log->lock);
	bootlog_expire(log, now);
	pthread_mutex_unlock(&log->lock);
	ret = remove_dead(log, control->catalog);
	while (!catalog_is_down(ret) && count < AT_ONCE && take_job(log, now, &jobs[count]))
		count++;
	if (count)
		ret = write_jobs(control->catalog, jobs, count);
	for (i = 0; i < count; i++)
		end_job(log, &jobs[i], !ret);
	tell_dropped(log);
	return !catalog_is_down(ret);
}
