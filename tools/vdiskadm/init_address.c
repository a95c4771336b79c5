// SPDX-License-Identifier: GPL-2.0
#include "init_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

static bool has_key(const char *line, const char *const *keys)
{
	size_t length;

	line += strspn(line, " \t");
	length = strcspn(line, " \t=\n");
	for (; *keys; keys++)
		if (strlen(*keys) == length && !strncmp(line, *keys, length))
			return true;
	return false;
}

/* 10.0.0.1 is not a part of 10.0.0.10, nor of 210.0.0.1. */
static bool stands_alone(const char *line, const char *at, size_t length)
{
	static const char inside[] = "0123456789.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return (at == line || !strchr(inside, at[-1])) && (!at[length] || !strchr(inside, at[length]));
}

static void put_line(FILE *out, const char *line, size_t length, const char *old, const char *new)
{
	const char *end = line + length, *at = line, *found;

	while ((found = strstr(at, old)) && found < end) {
		fwrite(at, 1, found - at, out);
		fputs(stands_alone(line, found, strlen(old)) ? new : old, out);
		at = found + strlen(old);
	}
	fwrite(at, 1, end - at, out);
}

char *init_readdress(const char *text, const char *const *keys, const char *old, const char *new)
{
	char *result = NULL;
	size_t size, length;
	FILE *out = must(open_memstream(&result, &size));

	for (; *text; text += length) {
		length = strcspn(text, "\n");
		length += text[length] == '\n';
		if (has_key(text, keys))
			put_line(out, text, length, old, new);
		else
			fwrite(text, 1, length, out);
	}
	if (fclose(out))
		abort();
	return result;
}

bool init_line_is(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (!strncmp(text, line, length) && (text[length] == '\n' || !text[length]))
			return true;
	return false;
}
