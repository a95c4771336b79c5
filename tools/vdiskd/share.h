/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the connections of a loop share its buffers: nobody who takes its replies
 * waits for ever, whatever the others do and however large its request is.
 */
#ifndef VDISKD_SHARE_H
#define VDISKD_SHARE_H

#include <stddef.h>

struct buffer;
struct connection;
struct loop;

/** share_take - a buffer for @size bytes, counted in @c->held; NULL: be hungry */
struct buffer *share_take(struct connection *c, size_t size);

/** share_take_urgent - the same, even above the cap; see buffer_get_urgent() */
struct buffer *share_take_urgent(struct connection *c, size_t size);

/** share_return - give a buffer back */
void share_return(struct connection *c, struct buffer *buffer);

/** share_leave - @c is dead: it waits for no buffer any more */
void share_leave(struct connection *c);

/**
 * share_tick - a second has passed
 *
 * When somebody has waited for its only buffer for long, it is the next one
 * served; and the one that keeps most of them and takes its replies too slowly
 * is ended.
 */
void share_tick(struct loop *loop);

#endif
