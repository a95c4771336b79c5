// SPDX-License-Identifier: GPL-2.0
/* What a client may boot: its assignments as a list to choose from, by name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "control.h"
#include "error.h"
#include "login_internal.h"
#include "name.h"

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

/* Whether an assignment's image may go to this machine now; its row in @image. */
static int look_at(struct control *control, const json_t *assignment, bool bound, bool *may,
		   json_t *withheld, struct vdisk_error *err)
{
	json_t *image = NULL;
	int ret;

	*may = json_is_integer(json_object_get(assignment, "number"));
	if (!*may)
		return 0;
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
		  json_t *withheld, struct vdisk_error *err)
{
	json_t *assignments = NULL, *assignment;
	size_t i;
	bool may;
	int ret;

	*choices = json_array();
	ret = catalog_effective_assignments(control->catalog, client_id, &assignments, err);
	json_array_foreach(assignments, i, assignment) {
		if (!ret)
			ret = look_at(control, assignment, bound, &may, withheld, err);
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
