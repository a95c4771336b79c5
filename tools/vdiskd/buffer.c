// SPDX-License-Identifier: GPL-2.0
#include "buffer.h"

#include <stdlib.h>

static const uint32_t class_size[BUFFER_CLASSES] = {
	[BUFFER_TINY] = BUFFER_TINY_SIZE,
	[BUFFER_SMALL] = BUFFER_SMALL_SIZE,
	[BUFFER_MEDIUM] = BUFFER_MEDIUM_SIZE,
	[BUFFER_CHUNK] = BUFFER_CHUNK_SIZE,
	[BUFFER_LARGE] = BUFFER_LARGE_SIZE,
};

void pool_init(struct pool *pool, size_t cap)
{
	*pool = (struct pool) { .cap = cap };
}

void pool_uninit(struct pool *pool)
{
	struct buffer *buffer, *next;
	unsigned int i;

	for (i = 0; i < BUFFER_CLASSES; i++) {
		for (buffer = pool->kept[i]; buffer; buffer = next) {
			next = buffer->next;
			free(buffer);
		}
	}
}

size_t buffer_weight(const struct buffer *buffer)
{
	return buffer->size;
}

/*
 * A connection may hold a quarter of what is left for all others: one that never
 * reads its replies gets a fifth of the pool, and there is something left for
 * the next.
 */
static bool may_have(const struct pool *pool, size_t weight, size_t held)
{
	size_t left = pool->cap > pool->used ? pool->cap - pool->used : 0;

	return !pool->used || (weight <= left && (!held || held + weight <= left / 4));
}

static void make_room(struct pool *pool, size_t weight)
{
	struct buffer *buffer;
	unsigned int class = BUFFER_CLASSES;

	while (pool->spare && pool->used + pool->spare + weight > pool->cap) {
		while (!pool->kept[class - 1])
			class--;
		buffer = pool->kept[class - 1];
		pool->kept[class - 1] = buffer->next;
		pool->spare -= buffer->size;
		free(buffer);
	}
}

static struct buffer *hand_out(struct pool *pool, struct buffer *buffer)
{
	buffer->next = NULL;
	buffer->start = 0;
	buffer->end = 0;
	buffer->mapped = 0;
	pool->used += buffer_weight(buffer);
	return buffer;
}

static struct buffer *create(enum buffer_class class, uint32_t size)
{
	struct buffer *buffer = malloc(sizeof(*buffer) + size + BUFFER_HEADROOM);

	if (!buffer)
		return NULL;
	buffer->class = class;
	buffer->size = size + BUFFER_HEADROOM;
	return buffer;
}

static enum buffer_class class_for(size_t size)
{
	enum buffer_class class = BUFFER_TINY;

	while (class < BUFFER_CLASSES && class_size[class] < size)
		class++;
	return class;
}

/* Whether or not the cap allows it. */
static struct buffer *take(struct pool *pool, enum buffer_class class, size_t size)
{
	struct buffer *buffer = class < BUFFER_CLASSES ? pool->kept[class] : NULL;

	if (buffer) {
		pool->kept[class] = buffer->next;
		pool->spare -= buffer->size;
	} else {
		if (class < BUFFER_CLASSES)
			size = class_size[class];
		/* Requests of other sizes may have left a whole pool of no use to this one. */
		make_room(pool, size + BUFFER_HEADROOM);
		buffer = create(class, size);
	}
	return buffer ? hand_out(pool, buffer) : NULL;
}

struct buffer *buffer_get(struct pool *pool, size_t size, size_t held)
{
	enum buffer_class class = class_for(size);
	size_t weight = (class < BUFFER_CLASSES ? class_size[class] : size) + BUFFER_HEADROOM;

	return may_have(pool, weight, held) ? take(pool, class, size) : NULL;
}

struct buffer *buffer_get_alone(struct pool *pool, size_t size)
{
	struct buffer *buffer = buffer_get(pool, size, 0);

	if (buffer || pool->used > pool->cap / 4)
		return buffer;
	return take(pool, class_for(size), size);
}

struct buffer *buffer_get_urgent(struct pool *pool, size_t size)
{
	return take(pool, class_for(size), size);
}

void buffer_put(struct pool *pool, struct buffer *buffer)
{
	pool->used -= buffer_weight(buffer);
	if (buffer->class == BUFFER_SINGLE ||
	    pool->used + pool->spare + buffer->size > pool->cap) {
		free(buffer);
	} else {
		buffer->next = pool->kept[buffer->class];
		pool->kept[buffer->class] = buffer;
		pool->spare += buffer->size;
	}
}
