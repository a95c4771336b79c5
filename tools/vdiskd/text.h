/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes that grow. */
#ifndef VDISKD_TEXT_H
#define VDISKD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct text {
	uint8_t *data;
	size_t length, room;
	bool failed;		/* no memory: what follows is lost too */
};

static inline uint8_t *text_extend(struct text *text, size_t bytes)
{
	size_t room = text->room ? text->room : 256;
	uint8_t *data;

	while (room - text->length < bytes)
		room *= 2;
	if (room != text->room) {
		data = realloc(text->data, room);
		if (!data) {
			text->failed = true;
			return NULL;
		}
		text->data = data;
		text->room = room;
	}
	data = text->data + text->length;
	text->length += bytes;
	return data;
}

static inline void text_add(struct text *text, const void *data, size_t bytes)
{
	uint8_t *p = text_extend(text, bytes);

	if (p && bytes)
		memcpy(p, data, bytes);
}

static inline void text_free(struct text *text)
{
	free(text->data);
	*text = (struct text) { .data = NULL };
}

#endif
