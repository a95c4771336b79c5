// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <linux/vdisk.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

enum {
	NAME_LENGTH = 63, PATH_LENGTH = 1023, FILES_MAX = 64, CONTENT_MAX = 1 << 20,
	MODE_MAX = 0777, CHOICES_MAX = 99, BEARER_LENGTH = 1023,
};

bool is_word(const char *text, size_t min, size_t max, const char *more)
{
	size_t len;

	for (len = 0; text[len]; len++)
		if (len == max || (!isalnum((unsigned char)text[len]) && !strchr(more, text[len])))
			return false;
	return len >= min;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int wrong(struct vdisk_error *err, const char *what)
{
	return vdisk_error_set(err, EPROTO, "the server's answer makes no sense: %s", what);
}

/* As a host's name: no dot, no dash at an end. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return is_word(text, 1, NAME_LENGTH, "-._") && isalnum((unsigned char)text[0]) &&
	       isalnum((unsigned char)text[len - 1]);
}

static bool is_machine_id(const char *text)
{
	return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static bool is_token(const char *text)
{
	return text[0] == '~' && is_word(text + 1, 1, VDISK_EXPORT_MAX - 1, "-_.=");
}

/* It stands in a header line, and is none that opens an image. */
static bool is_bearer(const char *text)
{
	return is_word(text, 32, BEARER_LENGTH, "-_.");
}

static bool is_address(const char *text)
{
	return is_word(text, 1, VDISK_HOST_MAX, "-._:%");
}

static int check_servers(const json_t *servers, struct vdisk_error *err)
{
	json_int_t port;
	json_t *server;
	size_t i;

	if (!json_array_size(servers) || json_array_size(servers) > VDISK_SERVERS_MAX)
		return wrong(err, "servers");
	json_array_foreach(servers, i, server) {
		port = json_integer_value(json_object_get(server, "port"));
		if (!is_address(text_of(server, "address")) || port < 1 || port > UINT16_MAX)
			return wrong(err, "a server's address or port");
	}
	return 0;
}

int check_file_mode(const json_t *file)
{
	const json_t *mode = json_object_get(file, "mode");
	const char *text = json_string_value(mode);
	json_int_t value = json_integer_value(mode);
	char *end;

	if (!mode)
		return 0644;
	if (text) {
		if (!is_word(text, 1, 5, ""))
			return -1;
		value = strtol(text, &end, 8);
		if (*end)
			return -1;
	} else if (!json_is_integer(mode)) {
		return -1;
	}
	return value < 0 || value > MODE_MAX ? -1 : (int)value;
}

/* Absolute, and each part of it a name. */
static bool is_path(const char *path)
{
	size_t len = strlen(path), part;
	const char *c;

	if (path[0] != '/' || len > PATH_LENGTH || len < 2 || path[len - 1] == '/')
		return false;
	for (c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	for (c = path; *c; c += part) {
		part = strcspn(++c, "/");
		if (!part || part > 255 || (part == 1 && c[0] == '.') ||
		    (part == 2 && c[0] == '.' && c[1] == '.'))
			return false;
	}
	return true;
}

int check_file(const json_t *file, struct vdisk_error *err)
{
	const json_t *content = json_object_get(file, "content");

	if (!is_path(text_of(file, "path")))
		return wrong(err, "a file's path");
	if (check_file_mode(file) < 0)
		return wrong(err, "a file's mode");
	if (!json_is_string(content) || json_string_length(content) > CONTENT_MAX)
		return wrong(err, "a file's content");
	return 0;
}

static int check_files(const json_t *files, struct vdisk_error *err)
{
	json_t *file;
	size_t i;
	int ret;

	if (json_array_size(files) > FILES_MAX)
		return wrong(err, "too many files");
	json_array_foreach(files, i, file) {
		ret = check_file(file, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int check_properties(json_t *properties, struct vdisk_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(properties, name, value)
		if (!is_word(name, 1, NAME_LENGTH, "._-") || name[0] == '.' || !json_is_string(value))
			return wrong(err, "a property");
	return 0;
}

int check_renewal(const json_t *answer, struct vdisk_error *err)
{
	const char *export = text_of(answer, "export"), *bearer = text_of(answer, "bearer");

	if (!is_token(export))
		return wrong(err, "export");
	/* Whoever listens knows the export. */
	if (!is_bearer(bearer) || !strcmp(bearer, export + 1))
		return wrong(err, "bearer");
	return 0;
}

int check_session(const json_t *answer, struct vdisk_error *err)
{
	const json_t *id = json_object_get(answer, "session");
	const char *text = text_of(answer, "machine_id");
	int ret;

	if (!json_is_integer(id) && !is_word(text_of(answer, "session"), 1, 128, "-_"))
		return wrong(err, "session");
	if (!is_name(text_of(answer, "client")))
		return wrong(err, "client");
	if (text[0] && !is_machine_id(text))
		return wrong(err, "machine_id");
	ret = check_renewal(answer, err);
	if (ret < 0)
		return ret;
	ret = check_servers(json_object_get(answer, "servers"), err);
	if (!ret)
		ret = check_files(json_object_get(answer, "files"), err);
	return ret ? ret : check_properties(json_object_get(answer, "properties"), err);
}

int check_choices(const json_t *answer, struct vdisk_error *err)
{
	const json_t *choices = json_object_get(answer, "choices");
	json_t *choice;
	size_t i;

	if (!json_array_size(choices) || json_array_size(choices) > CHOICES_MAX)
		return wrong(err, "choices");
	json_array_foreach(choices, i, choice)
		if (!is_word(text_of(choice, "name"), 1, 200, "._-@"))
			return wrong(err, "a choice's name");
	return 0;
}
