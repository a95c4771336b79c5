// SPDX-License-Identifier: GPL-2.0
/* What a client may boot: its assignments as a list to choose from, by name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "config.h"
#include "control.h"
#include "error.h"
#include "login_internal.h"
#include "name.h"
#include "version_files.h"

static void withhold(json_t *withheld, const char *what, const char *why)
{
	if (withheld)
		json_array_append_new(withheld, json_pack("{s:s s:s}", "what", what, "why", why));
}

/* Whether it is there already; who is nearer to the client comes first, and says its overlay. */
static bool has(const json_t *choices, const char *image, int64_t number)
{
	const json_t *choice;
	size_t i;

	json_array_foreach(choices, i, choice)
		if (!strcmp(login_text(choice, "image"), image) &&
		    login_integer(choice, "version") == number)
			return true;
	return false;
}

static const json_t *by_name(const json_t *choices, const char *name)
{
	const json_t *choice;
	size_t i;

	json_array_foreach(choices, i, choice)
		if (!strcmp(login_text(choice, "name"), name))
			return choice;
	return NULL;
}

int login_newest(struct control *control, const json_t *image_id, const char *image,
		 const char *state, json_t *missing, int64_t *number, struct vdisk_error *err)
{
	json_t *filter = json_pack("{s:O s:s s:s}", "image_id", image_id, "state", state, "$order",
				   "-number");
	json_t *versions = NULL, *version;
	size_t i;
	int ret;

	*number = 0;
	ret = catalog_list(control->catalog, CATALOG_VERSION, filter, &versions, err);
	json_decref(filter);
	if (ret)
		return ret;
	json_array_foreach(versions, i, version) {
		*number = login_integer(version, "number");
		if (version_files_prepared(control->config->store, image, *number))
			break;
		*number = 0;
	}
	json_decref(versions);
	if (!*number && missing)
		json_array_append_new(missing, json_pack("{s:s s:s}", "image", image, "state", state));
	return 0;
}

bool login_missing(const json_t *missing, const char *name, char *words)
{
	const json_t *one;
	size_t i, length;

	json_array_foreach(missing, i, one) {
		const char *image = login_text(one, "image");

		/* An image's other versions are named NAME@N. */
		length = name ? strcspn(name, "@") : strlen(image);
		if (length != strlen(image) || (name && strncmp(name, image, length)))
			continue;
		snprintf(words, LOGIN_WORDS, "image %s has no prepared version in state %s", image,
			 login_text(one, "state"));
		return true;
	}
	return false;
}

/* Which version of a state it is now; nothing to do for others. */
static int find_number(struct control *control, json_t *assignment, json_t *missing,
		       struct vdisk_error *err)
{
	const char *state = login_text(assignment, "state");
	int64_t number;
	int ret;

	if (!state)
		return 0;
	ret = login_newest(control, json_object_get(assignment, "image_id"),
			   login_text(assignment, "image"), state, missing, &number, err);
	if (!ret && number)
		json_object_set_new(assignment, "number", json_integer(number));
	return ret;
}

/* Whether an assignment's image may go to this machine now; its version in "number". */
static int look_at(struct control *control, json_t *assignment, bool bound, bool *may,
		   json_t *withheld, json_t *missing, struct vdisk_error *err)
{
	json_t *image = NULL;
	int ret;

	ret = find_number(control, assignment, missing, err);
	*may = json_is_integer(json_object_get(assignment, "number"));
	if (ret || !*may)
		return ret;
	ret = catalog_get_id(control->catalog, CATALOG_IMAGE, login_integer(assignment, "image_id"),
			     &image, err);
	if (!ret && !strcmp(login_text(image, "kind"), "private") && !bound) {
		*may = false;
		withhold(withheld, login_text(image, "name"),
			 "a private image goes only to a machine that proved its own secret");
	}
	json_decref(image);
	return ret;
}

static void add(json_t *choices, const json_t *assignment)
{
	const char *image = login_text(assignment, "image");
	const char *label = login_text(assignment, "label");
	int64_t number = login_integer(assignment, "number");
	char name[EXPORT_KEY_SIZE + 24];
	json_t *choice;

	if (has(choices, image, number))
		return;
	snprintf(name, sizeof(name), "%s", image);
	/* The same image again, in another version: it needs another name. */
	if (by_name(choices, name))
		snprintf(name, sizeof(name), "%s@%lld", image, (long long)number);
	choice = json_pack("{s:s s:s s:s s:O s:I s:O s:b s:O}", "name", name, "label",
			   label && *label ? label : name, "image", image, "image_id",
			   json_object_get(assignment, "image_id"), "version", (json_int_t)number,
			   "overlay", json_object_get(assignment, "overlay"), "default",
			   json_is_true(json_object_get(assignment, "is_default")), "timeout",
			   json_object_get(assignment, "timeout"));
	if (choice)
		json_array_append_new(choices, choice);
}

int login_choices(struct control *control, int64_t client_id, bool bound, json_t **choices,
		  json_t *withheld, json_t *missing, struct vdisk_error *err)
{
	json_t *assignments = NULL, *assignment;
	size_t i;
	bool may;
	int ret;

	*choices = json_array();
	ret = catalog_effective_assignments(control->catalog, client_id, &assignments, err);
	json_array_foreach(assignments, i, assignment) {
		if (!ret)
			ret = look_at(control, assignment, bound, &may, withheld, missing, err);
		if (!ret && may)
			add(*choices, assignment);
	}
	json_decref(assignments);
	if (ret) {
		json_decref(*choices);
		*choices = NULL;
	}
	return ret;
}

json_t *login_choice(const json_t *choices, const char *name)
{
	json_t *choice;
	size_t i;

	if (!name) {
		json_array_foreach(choices, i, choice)
			if (json_is_true(json_object_get(choice, "default")))
				return choice;
		return json_array_get(choices, 0);
	}
	return (json_t *)by_name(choices, name);
}
