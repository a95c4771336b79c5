// SPDX-License-Identifier: GPL-2.0
/* Machines that nobody knows: enrolled, shown to the administrators, or neither. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalog.h"
#include "control.h"
#include "error.h"
#include "log.h"
#include "login_internal.h"
#include "name.h"

enum { NUMBER_MOST = 999999 };

/* The catalog has checked the pattern: one %d, %2d or %02d in a name. */
static bool numbered(const char *pattern, unsigned int number, char name[NAME_SIZE])
{
	const char *percent = strchr(pattern, '%');
	unsigned int width = 0;
	const char *rest;
	char *end;
	int length;

	if (!percent)
		return false;
	width = strtoul(percent + 1, &end, 10);
	rest = *end == 'd' ? end + 1 : NULL;
	if (!rest || width > 9)
		return false;
	length = snprintf(name, NAME_SIZE, "%.*s%0*u%s", (int)(percent - pattern), pattern,
			  (int)width, number, rest);
	return length > 0 && length < NAME_SIZE;
}

/* Counts up to a name that is free. */
static int free_name(struct control *control, const json_t *window, char name[NAME_SIZE],
		     struct vdisk_error *err)
{
	struct logins *logins = control->logins;
	json_t *filter;
	int64_t count = 1;
	unsigned int i = 1;
	int ret = 0;

	if (logins->enrolled_window == login_integer(window, "id"))
		i = logins->enrolled_number + 1;
	for (; count && i <= NUMBER_MOST; i++) {
		if (!numbered(login_text(window, "name"), i, name))
			break;
		filter = json_pack("{s:s}", "name", name);
		ret = catalog_count(control->catalog, CATALOG_CLIENT, filter, &count, err);
		json_decref(filter);
		if (ret)
			return ret;
	}
	if (count)
		return vdisk_error_set(err, ENOENT, "the names '%s' are all taken",
				       login_text(window, "name"));
	logins->enrolled_window = login_integer(window, "id");
	logins->enrolled_number = i - 1;
	return 0;
}

static int add_macs(struct control *control, const struct catalog_who *who, int64_t client_id,
		    const struct login_machine *machine, struct vdisk_error *err)
{
	unsigned int i;
	json_t *object;
	int ret = 0;

	for (i = 0; i < machine->mac_count && !ret; i++) {
		object = json_pack("{s:I s:s}", "client_id", (json_int_t)client_id, "mac",
				   machine->macs[i]);
		ret = catalog_add(control->catalog, who, CATALOG_MAC, object, NULL, err);
		json_decref(object);
	}
	return ret;
}

static int add_assignment(struct control *control, const struct catalog_who *who,
			  int64_t client_id, const json_t *window, struct vdisk_error *err)
{
	json_t *object, *image = json_object_get(window, "image_id");
	int ret;

	if (!json_is_integer(image))
		return 0;
	object = json_pack("{s:I s:O s:O}", "client_id", (json_int_t)client_id, "image_id", image,
			   "overlay", json_object_get(window, "overlay"));
	ret = catalog_add(control->catalog, who, CATALOG_ASSIGNMENT, object, NULL, err);
	json_decref(object);
	return ret;
}

static int add_client(struct control *control, const struct catalog_who *who, const json_t *window,
		      const struct login_machine *machine, json_t **client,
		      struct vdisk_error *err)
{
	char name[NAME_SIZE];
	json_t *object;
	int ret;

	ret = free_name(control, window, name, err);
	if (ret)
		return ret;
	object = json_pack("{s:s s:O}", "name", name, "group_id", json_object_get(window, "group_id"));
	if (*machine->uuid)
		json_object_set_new(object, "uuid", json_string(machine->uuid));
	if (json_is_true(json_object_get(window, "bind")))
		json_object_set_new(object, "bind_until",
				    json_integer(time(NULL) + LOGIN_BIND_SECONDS));
	ret = catalog_add(control->catalog, who, CATALOG_CLIENT, object, client, err);
	json_decref(object);
	return ret;
}

static int count_use(struct control *control, const struct catalog_who *who, const json_t *window,
		     struct vdisk_error *err)
{
	json_t *changes = json_pack("{s:I}", "used", (json_int_t)login_integer(window, "used") + 1);
	int ret;

	ret = catalog_change(control->catalog, who, CATALOG_ENROLMENT, login_integer(window, "id"),
			     changes, -1, NULL, err);
	json_decref(changes);
	return ret;
}

/* In a transaction: nobody else changes anything meanwhile. */
static int enrol(struct control *control, int64_t window_id, const struct login_machine *machine,
		 json_t **client, struct vdisk_error *err)
{
	struct catalog_who who = { .name = "enrolment", .role = "none", .from = machine->address };
	char words[LOGIN_WORDS];
	enum login_match match;
	json_t *window = NULL, *known = NULL;
	bool takes;
	int ret;

	ret = login_find(control->catalog, machine, &match, &known, words, err);
	json_decref(known);
	if (!ret && match != LOGIN_UNKNOWN)
		return -EEXIST;
	if (!ret)
		ret = catalog_get_id(control->catalog, CATALOG_ENROLMENT, window_id, &window, err);
	if (!ret)
		ret = login_window_takes(control, window, machine->address, &takes, err);
	if (!ret && !takes)
		ret = vdisk_error_set(err, ENOENT, "the enrolment has ended");
	if (!ret)
		ret = add_client(control, &who, window, machine, client, err);
	if (!ret)
		ret = add_macs(control, &who, login_integer(*client, "id"), machine, err);
	if (!ret)
		ret = add_assignment(control, &who, login_integer(*client, "id"), window, err);
	if (!ret)
		ret = count_use(control, &who, window, err);
	json_decref(window);
	return ret;
}

int login_enrol(struct control *control, const json_t *window, const struct login_machine *machine,
		json_t **client, struct vdisk_error *err)
{
	struct logins *logins = control->logins;
	int ret;

	*client = NULL;
	pthread_mutex_lock(&logins->unknown);
	ret = catalog_begin(control->catalog, err);
	if (!ret) {
		ret = enrol(control, login_integer(window, "id"), machine, client, err);
		if (ret)
			catalog_rollback(control->catalog);
		else
			ret = catalog_commit(control->catalog, err);
		/* What was counted wasn't used. */
		if (ret)
			logins->enrolled_window = 0;
	}
	pthread_mutex_unlock(&logins->unknown);
	if (ret) {
		json_decref(*client);
		*client = NULL;
		return ret;
	}
	log_event(LOG_LEVEL_INFO, "client enrolled", "client", login_text(*client, "name"), "from",
		  machine->address);
	return 0;
}

static json_t *macs_of(const struct login_machine *machine)
{
	json_t *macs = json_array();
	unsigned int i;

	for (i = 0; i < machine->mac_count; i++)
		json_array_append_new(macs, json_string(machine->macs[i]));
	return macs;
}

/* Makes room: a table that strangers fill must have an end. */
static int limit_pending(struct control *control, struct vdisk_error *err)
{
	static const struct catalog_who who = { .name = "vdiskd", .role = "none" };
	json_t *filter, *oldest = NULL;
	int64_t count;
	int ret;

	ret = catalog_count(control->catalog, CATALOG_PENDING, NULL, &count, err);
	if (ret || count < LOGIN_PENDING_MOST)
		return ret;
	filter = json_pack("{s:s s:i}", "$order", "last_seen", "$limit", 1);
	ret = catalog_get(control->catalog, CATALOG_PENDING, filter, &oldest, err);
	json_decref(filter);
	if (!ret)
		ret = catalog_remove(control->catalog, &who, CATALOG_PENDING,
				     login_integer(oldest, "id"), -1, err);
	json_decref(oldest);
	return ret == -ENOENT ? 0 : ret;
}

static int find_pending(struct control *control, const struct login_machine *machine,
			const json_t *macs, json_t **found, struct vdisk_error *err)
{
	json_t *filter, *rows = NULL, *row;
	size_t i;
	int ret;

	*found = NULL;
	filter = json_pack("{s:o}", "uuid", *machine->said ? json_string(machine->said) :
			   json_null());
	ret = catalog_list(control->catalog, CATALOG_PENDING, filter, &rows, err);
	json_decref(filter);
	json_array_foreach(rows, i, row)
		if (!*found && json_equal(json_object_get(row, "macs"), macs))
			*found = json_incref(row);
	json_decref(rows);
	return ret;
}

static int add_pending(struct control *control, const struct login_machine *machine, json_t *macs,
		       const char *reason, const char *detail, struct vdisk_error *err)
{
	json_t *object;
	int ret;

	ret = limit_pending(control, err);
	if (ret)
		return ret;
	object = json_pack("{s:O s:s s:s s:s*}", "macs", macs, "address", machine->address, "reason",
			   reason, "detail", detail);
	if (*machine->said)
		json_object_set_new(object, "uuid", json_string(machine->said));
	ret = catalog_add(control->catalog, NULL, CATALOG_PENDING, object, NULL, err);
	json_decref(object);
	if (!ret)
		log_limited(LOG_LEVEL_INFO, "machine waits for an administrator", "from",
			    machine->address, "reason", reason);
	return ret;
}

int login_pend(struct control *control, const struct login_machine *machine, const char *reason,
	       const char *detail, struct vdisk_error *err)
{
	json_t *macs = macs_of(machine), *found, *changes;
	int ret;

	pthread_mutex_lock(&control->logins->unknown);
	ret = find_pending(control, machine, macs, &found, err);
	if (!ret && found) {
		changes = json_pack("{s:I s:I s:s s:s s:s*}", "last_seen", (json_int_t)time(NULL), "count",
				    (json_int_t)login_integer(found, "count") + 1, "address",
				    machine->address, "reason", reason, "detail", detail);
		ret = catalog_change(control->catalog, NULL, CATALOG_PENDING,
				     login_integer(found, "id"), changes, -1, NULL, err);
		json_decref(changes);
	} else if (!ret) {
		ret = add_pending(control, machine, macs, reason, detail, err);
	}
	pthread_mutex_unlock(&control->logins->unknown);
	json_decref(found);
	json_decref(macs);
	return ret;
}
