// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "fields.h"
#include "proof.h"
#include "secret.h"
#include "text.h"
#include "when.h"
#include "../vdiskctl/parse.h"

/* Percents of a client's memory mean something there only; here they are to be well-formed. */
#define ANY_MEMORY (1ULL << 40)

static bool takes_value(enum field_kind kind)
{
	return kind != FIELD_TRUE && kind != FIELD_NULL;
}

void fields_options(const struct field *fields, const struct option *options,
		    struct option *joined)
{
	size_t i;

	for (; options && options->name; options++)
		*joined++ = *options;
	for (i = 0; fields && fields[i].option; i++)
		*joined++ = (struct option){
			.name = fields[i].option,
			.has_arg = takes_value(fields[i].kind) ? required_argument : no_argument,
			.val = FIELD_OPTION + (int)i,
		};
	memset(joined, 0, sizeof(*joined));
}

const struct field *field_of(const struct field *fields, int option)
{
	if (option < FIELD_OPTION || option >= FIELD_OPTION + FIELDS_MAX)
		return NULL;
	return &fields[option - FIELD_OPTION];
}

static int put(json_t *body, const char *key, json_t *value)
{
	if (json_object_set_new(body, key, must(value)) < 0)
		must(NULL);
	return 0;
}

static json_t *text_json(const char *text)
{
	return json_string(text);
}

static int take_text(const struct field *field, const char *value, json_t *body,
		     struct vdisk_error *err)
{
	const char *const *word = field->words;
	json_t *text;

	while (word && *word && strcmp(*word, value))
		word++;
	if (word && !*word)
		return vdisk_error_set(err, EINVAL, "--%s cannot be '%s'", field->option, value);
	text = text_json(value);
	if (!text)
		return vdisk_error_set(err, EINVAL, "--%s '%s' is not UTF-8", field->option, value);
	return put(body, field->key, text);
}

static int take_yes_no(const struct field *field, const char *value, json_t *body,
		       struct vdisk_error *err)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return vdisk_error_set(err, EINVAL, "--%s is yes or no, not '%s'", field->option,
				       value);
	return put(body, field->key, json_boolean(*value == 'y'));
}

static int take_number(const struct field *field, const char *value, json_t *body,
		       struct vdisk_error *err)
{
	char *what = text_format("--%s", field->option);
	uint32_t number;
	int ret;

	ret = parse_number(value, field->min, field->max ? field->max : INT32_MAX, what, &number,
			   err);
	free(what);
	return ret < 0 ? ret : put(body, field->key, json_integer(number));
}

static int take_seconds(const struct field *field, const char *value, json_t *body,
			struct vdisk_error *err)
{
	int64_t seconds;
	int ret;

	ret = parse_duration(value, &seconds, err);
	return ret < 0 ? ret : put(body, field->key, json_integer(seconds));
}

static int take_since(const struct field *field, const char *value, json_t *body,
		      struct vdisk_error *err)
{
	int64_t at;
	int ret;

	ret = parse_since(value, time(NULL), &at, err);
	return ret < 0 ? ret : put(body, field->key, json_integer(at));
}

static int take_list(const struct field *field, const char *value, json_t *body,
		     struct vdisk_error *err)
{
	json_t *list = json_object_get(body, field->key), *item;
	size_t length;

	if (!list) {
		put(body, field->key, json_array());
		list = json_object_get(body, field->key);
	}
	for (; *value; value += length + !!value[length]) {
		length = strcspn(value, ",");
		if (!length)
			return vdisk_error_set(err, EINVAL, "--%s has an empty item", field->option);
		item = json_stringn(value, length);
		if (!item)
			return vdisk_error_set(err, EINVAL, "--%s is not UTF-8", field->option);
		if (json_array_append_new(list, item) < 0)
			must(NULL);
	}
	return 0;
}

static int take_overlay(const struct field *field, const char *value, json_t *body,
			struct vdisk_error *err)
{
	struct vdisk_overlay overlay = { 0 };
	int ret;

	ret = parse_overlay(value, ANY_MEMORY, &overlay, err);
	return ret < 0 ? ret : put(body, field->key, text_json(value));
}

static int take_public_key(const struct field *field, const char *path, json_t *body,
			   struct vdisk_error *err)
{
	char data[PROOF_KEY_FILE_MAX], text[PROOF_PUBLIC_TEXT];
	struct vdisk_error why;
	FILE *file = fopen(path, "re");
	size_t length;
	int ret;

	if (!file)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	length = fread(data, 1, sizeof(data), file);
	ret = ferror(file) ? vdisk_error_set(err, EIO, "%s: cannot be read", path) : 0;
	fclose(file);
	if (ret)
		return ret;
	ret = proof_public_parse(data, length, text, &why);
	if (ret < 0)
		return vdisk_error_set(err, EINVAL, "%s: %s", path, why.text);
	return put(body, field->key, text_json(text));
}

/* What is a secret stands in a file, whole; a command line can be read by others. */
static json_t *secret_of(const char *path, struct vdisk_error *err)
{
	char *text;
	json_t *value;

	if (read_secret_file(path, &text, err) < 0)
		return NULL;
	value = json_pack("{s:s, s:b}", "value", text, "secret", 1);
	explicit_bzero(text, strlen(text));
	free(text);
	if (!value)
		vdisk_error_set(err, EINVAL, "%s is not UTF-8", path);
	return value;
}

static json_t *property_of(const struct field *field, const char *text, struct vdisk_error *err)
{
	json_t *value;

	if (field->kind == FIELD_NO_PROPERTY)
		return json_null();
	if (field->kind == FIELD_SECRET_PROPERTY)
		return secret_of(text, err);
	value = json_string(text);
	if (!value)
		vdisk_error_set(err, EINVAL, "--%s '%s' is not UTF-8", field->option, text);
	return value;
}

static int take_property(const struct field *field, const char *value, json_t *body,
			 struct vdisk_error *err)
{
	size_t length = strcspn(value, "=");
	json_t *object, *property;
	char *name;
	int ret = 0;

	if (!length || (field->kind == FIELD_NO_PROPERTY) != !value[length])
		return vdisk_error_set(err, EINVAL, "--%s '%s' is not NAME%s", field->option, value,
				       field->kind == FIELD_NO_PROPERTY ? "" :
				       field->kind == FIELD_PROPERTY ? "=VALUE" : "=FILE");
	property = property_of(field, value + length + !!value[length], err);
	if (!property)
		return -EINVAL;
	if (!json_object_get(body, field->key))
		put(body, field->key, json_object());
	object = json_object_get(body, field->key);
	name = must(strndup(value, length));
	if (json_object_set_new(object, name, property) < 0)
		ret = vdisk_error_set(err, EINVAL, "--%s: a name is not UTF-8", field->option);
	free(name);
	return ret;
}

static bool is_none(const char *value)
{
	return !*value || !strcmp(value, "none");
}

int fields_take(const struct field *field, const char *value, json_t *body,
		struct vdisk_error *err)
{
	switch (field->kind) {
	case FIELD_TEXT_OR_NULL:
		if (is_none(value))
			return put(body, field->key, json_null());
		return take_text(field, value, body, err);
	case FIELD_TEXT:
		return take_text(field, value, body, err);
	case FIELD_YES_NO:
		return take_yes_no(field, value, body, err);
	case FIELD_TRUE:
		return put(body, field->key, json_true());
	case FIELD_NULL:
		return put(body, field->key, json_null());
	case FIELD_NUMBER_OR_NULL:
		if (is_none(value))
			return put(body, field->key, json_null());
		return take_number(field, value, body, err);
	case FIELD_NUMBER:
		return take_number(field, value, body, err);
	case FIELD_SECONDS:
		return take_seconds(field, value, body, err);
	case FIELD_SINCE:
		return take_since(field, value, body, err);
	case FIELD_LIST:
		return take_list(field, value, body, err);
	case FIELD_OVERLAY:
		return take_overlay(field, value, body, err);
	case FIELD_PUBLIC_KEY:
		return take_public_key(field, value, body, err);
	case FIELD_PROPERTY:
	case FIELD_SECRET_PROPERTY:
	case FIELD_NO_PROPERTY:
		return take_property(field, value, body, err);
	}
	return vdisk_error_set(err, EINVAL, "--%s", field->option);
}
