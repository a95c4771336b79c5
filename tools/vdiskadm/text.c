// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>
#include "text.h"

void *must(void *pointer)
{
	if (!pointer) {
		fputs("vdiskadm: no memory\n", stderr);
		exit(1);
	}
	return pointer;
}

/* What shows nothing but changes what stands around it: Unicode's Cf, and its separators. */
static bool is_hidden(wchar_t c)
{
	static const struct { unsigned int first, last; } ranges[] = {
		{ 0x00ad, 0x00ad }, { 0x0600, 0x0605 }, { 0x061c, 0x061c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if ((unsigned int)c >= ranges[i].first && (unsigned int)c <= ranges[i].last)
			return true;
	return false;
}

static bool is_fit(wchar_t c)
{
	return iswprint(c) && wcwidth(c) >= 0 && !is_hidden(c);
}

char *text_clean(const char *text)
{
	char *clean = must(malloc(strlen(text) + 1)), *to = clean;
	size_t length = strlen(text), used;
	mbstate_t state = { 0 };
	wchar_t c;

	while (length) {
		used = mbrtowc(&c, text, length, &state);
		if (used == (size_t)-1 || used == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			used = 1;
			*to++ = '?';
		} else if (!is_fit(c)) {
			*to++ = '?';
		} else {
			to = mempcpy(to, text, used);
		}
		text += used;
		length -= used;
	}
	*to = '\0';
	return clean;
}

/* Columns of the character at @text, and its bytes. */
static size_t step(const char *text, size_t *bytes)
{
	mbstate_t state = { 0 };
	wchar_t c;
	int width;

	*bytes = mbrtowc(&c, text, strlen(text), &state);
	if (*bytes == (size_t)-1 || *bytes == (size_t)-2 || !*bytes) {
		*bytes = 1;
		return 1;
	}
	width = wcwidth(c);
	return width < 0 ? 1 : width;
}

size_t text_width(const char *text)
{
	size_t width = 0, bytes;

	for (; *text; text += bytes)
		width += step(text, &bytes);
	return width;
}

void text_cut(char *text, size_t columns)
{
	/* "…" where the locale can show it: three bytes, as is what it needs here */
	const char *mark = MB_CUR_MAX > 1 ? "\xe2\x80\xa6" : "~";
	size_t width = 0, bytes, next;
	char *at = text;

	if (text_width(text) <= columns || !columns)
		return;
	for (; *at; at += bytes, width += next) {
		next = step(at, &bytes);
		if (width + next > columns - 1)
			break;
	}
	/* never longer than what it was: there are at least two columns behind @at or a wide one */
	if (strlen(at) >= strlen(mark))
		strcpy(at, mark);
	else
		strcpy(at, "~");
}

static char *format_text(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return must(text);
}

char *text_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	return text;
}

void say(const char *format, ...)
{
	char *text, *clean;
	va_list args;

	va_start(args, format);
	text = format_text(format, args);
	va_end(args);
	clean = text_clean(text);
	puts(clean);
	free(clean);
	free(text);
}
