// SPDX-License-Identifier: GPL-2.0
/*
 * Checking of objects. Whatever JSON can be, and what a program can put into
 * JSON values past its rules (bad UTF-8, NUL), ends here: in an error that
 * names the field, or as a value that is in its one form.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "catalog_object.h"

enum { MACHINE_ID_BYTES = 16 };

static const char masked[] = "(secret)", masked_changed[] = "(secret, changed)";

static int bad(struct vdisk_error *err, int kind, const struct catalog_field *field,
	       const char *must)
{
	return vdisk_error_set(err, EINVAL, "%s: %s: must be %s", catalog_kind_name(kind), field->name,
			       must);
}

static int no_memory(struct vdisk_error *err)
{
	return vdisk_error_set(err, ENOMEM, "catalog: no memory");
}

/* --- values --- */

static int check_number(int kind, const struct catalog_field *field, double value,
			struct vdisk_error *err)
{
	char must[80];

	if (isfinite(value) && value >= (double)field->min && value <= (double)field->max)
		return 0;
	snprintf(must, sizeof(must), "a number from %lld to %lld", (long long)field->min,
		 (long long)field->max);
	return bad(err, kind, field, must);
}

static int check_int(int kind, const struct catalog_field *field, const json_t *value,
		     struct vdisk_error *err)
{
	char must[80];

	if (json_is_integer(value) && json_integer_value(value) >= field->min &&
	    json_integer_value(value) <= field->max)
		return 0;
	if (field->max == INT64_MAX)
		snprintf(must, sizeof(must), "a whole number from %lld on", (long long)field->min);
	else
		snprintf(must, sizeof(must), "a whole number from %lld to %lld",
			 (long long)field->min, (long long)field->max);
	return bad(err, kind, field, must);
}

static int bad_word(int kind, const struct catalog_field *field, struct vdisk_error *err)
{
	char must[200] = "one of";
	size_t used, i;

	for (i = 0; field->words[i]; i++) {
		used = strlen(must);
		snprintf(must + used, sizeof(must) - used, "%s %s", i ? "," : "", field->words[i]);
	}
	return bad(err, kind, field, must);
}

static int check_text(int kind, const struct catalog_field *field, const json_t *value,
		      json_t **clean, struct vdisk_error *err)
{
	const char *text = json_string_value(value);
	size_t length = json_string_length(value), i;
	char form[CATALOG_LABEL_BYTES + 1], must[80];

	if (!text)
		return bad(err, kind, field, "a text");
	if (length > (size_t)field->max) {
		snprintf(must, sizeof(must), "at most %lld bytes long", (long long)field->max);
		return bad(err, kind, field, must);
	}
	if (!catalog_text_clean(text, length, field->flags & CATALOG_LINES))
		return bad(err, kind, field, "UTF-8 without control characters");
	if (field->words) {
		for (i = 0; field->words[i]; i++)
			if (!strcmp(field->words[i], text))
				break;
		if (!field->words[i])
			return bad_word(kind, field, err);
	}
	if (field->form) {
		if (!field->form(text, form, sizeof(form)))
			return bad(err, kind, field, field->expected);
		text = form;
	}
	*clean = json_string(text);
	return *clean ? 0 : no_memory(err);
}

static int check_list(int kind, const struct catalog_field *field, const json_t *value,
		      struct vdisk_error *err)
{
	const json_t *item;
	char must[80];
	size_t i;

	snprintf(must, sizeof(must), "a list of at most %lld texts of up to %d bytes",
		 (long long)field->max, CATALOG_LABEL_BYTES);
	if (!json_is_array(value) || json_array_size(value) > (size_t)field->max)
		return bad(err, kind, field, must);
	json_array_foreach(value, i, item)
		if (!json_is_string(item) || !json_string_length(item) ||
		    json_string_length(item) > CATALOG_LABEL_BYTES ||
		    !catalog_text_clean(json_string_value(item), json_string_length(item), false))
			return bad(err, kind, field, must);
	return 0;
}

/* Whether null is no value of this field: it has one from the beginning, or must be given. */
static bool never_null(const struct catalog_field *field)
{
	return field->initial || field->flags & CATALOG_REQUIRED;
}

/* @clean: a new reference to the value in its form */
static int check_value(int kind, const struct catalog_field *field, const json_t *value,
		       json_t **clean, struct vdisk_error *err)
{
	int ret = 0;

	*clean = NULL;
	if (json_is_null(value)) {
		if (never_null(field))
			return bad(err, kind, field, "there");
		*clean = json_null();
		return 0;
	}
	switch (field->type) {
	case CATALOG_INT:
	case CATALOG_TIME:
		ret = check_int(kind, field, value, err);
		break;
	case CATALOG_BOOL:
		if (!json_is_boolean(value))
			ret = bad(err, kind, field, "true or false");
		break;
	case CATALOG_NUMBER:
		ret = check_number(kind, field, json_is_number(value) ? json_number_value(value) : NAN,
				   err);
		break;
	case CATALOG_TEXT:
		return check_text(kind, field, value, clean, err);
	case CATALOG_JSON:
		ret = check_list(kind, field, value, err);
		break;
	}
	if (ret)
		return ret;
	*clean = json_deep_copy(value);
	return *clean ? 0 : no_memory(err);
}

/* --- objects --- */

static int check_names(int kind, const json_t *given, unsigned int refused, const char *why,
		       struct vdisk_error *err)
{
	const struct catalog_field *field;
	const char *name;
	const json_t *value;

	if (!json_is_object(given))
		return vdisk_error_set(err, EINVAL, "%s: must be an object", catalog_kind_name(kind));
	json_object_foreach((json_t *)given, name, value) {
		field = catalog_find_field(kind, name);
		if (!field)
			return vdisk_error_set(err, EINVAL, "%s: %.64s: it has no such field",
					       catalog_kind_name(kind), name);
		if (field->flags & refused)
			return vdisk_error_set(err, EINVAL, "%s: %s: %s", catalog_kind_name(kind), name,
					       why);
	}
	return 0;
}

static json_t *new_machine_id(void)
{
	unsigned char bytes[MACHINE_ID_BYTES];
	char text[2 * MACHINE_ID_BYTES + 1];
	unsigned int i;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return NULL;
	/* as systemd makes them: a random UUID, version 4 */
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *initial_value(const struct catalog_field *field)
{
	if (!field->initial)
		return json_null();
	if (!strcmp(field->initial, "@now"))
		return json_integer(time(NULL));
	if (!strcmp(field->initial, "@machine-id"))
		return new_machine_id();
	return json_loads(field->initial, JSON_DECODE_ANY, NULL);
}

static int put_field(int kind, const struct catalog_field *field, const json_t *given,
		     json_t *object, struct vdisk_error *err)
{
	const json_t *value = json_object_get(given, field->name);
	json_t *clean;
	int ret;

	if (value) {
		ret = check_value(kind, field, value, &clean, err);
		if (ret)
			return ret;
	} else {
		if (field->flags & CATALOG_REQUIRED)
			return bad(err, kind, field, "there");
		if (field->initial && !strcmp(field->initial, "@next"))
			return 0;
		clean = initial_value(field);
	}
	return !clean || json_object_set_new(object, field->name, clean) ? no_memory(err) : 0;
}

int catalog_object_new(int kind, const json_t *given, json_t **clean, struct vdisk_error *err)
{
	const struct catalog_field *field = catalog_fields(kind);
	json_t *object;
	int ret;

	ret = check_names(kind, given, CATALOG_READONLY, "the catalog itself sets it", err);
	if (ret)
		return ret;
	object = json_object();
	if (!object)
		return no_memory(err);
	for (field += 2; field->name && !ret; field++)
		ret = put_field(kind, field, given, object, err);
	if (ret)
		json_decref(object);
	else
		*clean = object;
	return ret;
}

int catalog_object_changes(int kind, const json_t *given, json_t **clean,
			   struct vdisk_error *err)
{
	const struct catalog_field *field = catalog_fields(kind);
	json_t *object;
	int ret;

	ret = check_names(kind, given, CATALOG_READONLY | CATALOG_FIXED, "it can't be changed", err);
	if (ret)
		return ret;
	object = json_object();
	if (!object)
		return no_memory(err);
	for (; field->name && !ret; field++)
		if (json_object_get(given, field->name))
			ret = put_field(kind, field, given, object, err);
	if (ret)
		json_decref(object);
	else
		*clean = object;
	return ret;
}

json_t *catalog_object_differing(const json_t *object, const json_t *changes)
{
	json_t *differing = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)changes, name, value) {
		json_t *now = json_object_get(object, name);

		/* 2 and 2.0 are one number */
		if (json_equal(now, value) || (json_is_real(now) && json_is_number(value) &&
					       json_real_value(now) == json_number_value(value)))
			continue;
		if (!differing || json_object_set(differing, name, value)) {
			json_decref(differing);
			return NULL;
		}
	}
	return differing;
}

/* --- secrets and texts --- */

static bool is_secret(const struct catalog_field *field, const json_t *object)
{
	return field->flags & CATALOG_SECRET ||
	       (field->flags & CATALOG_SECRET_IF && json_is_true(json_object_get(object, "secret")));
}

void catalog_mask(enum catalog_kind kind, json_t *object)
{
	const struct catalog_field *field = catalog_fields(kind);
	json_t *value;

	for (; field && field->name; field++) {
		value = json_object_get(object, field->name);
		if (!value || json_is_null(value) || !is_secret(field, object))
			continue;
		/* better no value at all than the secret when memory runs out */
		if (json_object_set_new(object, field->name, json_string(masked)))
			json_object_del(object, field->name);
	}
}

json_t *catalog_object_masked(int kind, const json_t *object, const json_t *other)
{
	const struct catalog_field *field = catalog_fields(kind);
	json_t *copy = json_copy((json_t *)object), *value, *before;
	const char *word;

	for (; copy && field->name; field++) {
		value = json_object_get(object, field->name);
		/* what was a secret, or becomes one, is masked on both sides */
		if (!value || json_is_null(value) ||
		    !(is_secret(field, object) || (other && is_secret(field, other))))
			continue;
		before = other ? json_object_get(other, field->name) : NULL;
		word = before && !json_equal(before, value) ? masked_changed : masked;
		if (json_object_set_new(copy, field->name, json_string(word))) {
			json_decref(copy);
			return NULL;
		}
	}
	return copy;
}

void catalog_clean_text(const char *text, char *out, size_t size)
{
	size_t used = 0, step;

	while (*text && used + 4 < size) {
		for (step = 1; step <= 4; step++)
			if (strnlen(text, step) == step && catalog_text_clean(text, step, false))
				break;
		if (step > 4) {
			out[used++] = '?';
			text++;
			continue;
		}
		memcpy(out + used, text, step);
		used += step;
		text += step;
	}
	out[used] = '\0';
}
