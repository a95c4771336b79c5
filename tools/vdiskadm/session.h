/* SPDX-License-Identifier: GPL-2.0 */
/* How sessions and boots look, for "session" and "client show". */
#ifndef VDISKADM_SESSION_H
#define VDISKADM_SESSION_H

#include <jansson.h>
#include <stdio.h>

/*
 * Printers of columns: number or key; client, or what is known of a machine that is none;
 * image@version; the state with what belongs to it; where a boot stands.
 */
void print_session_id(const json_t *object, const json_t *value, FILE *to);
void print_session_client(const json_t *object, const json_t *value, FILE *to);
void print_session_image(const json_t *object, const json_t *value, FILE *to);
void print_session_state(const json_t *object, const json_t *value, FILE *to);
void print_session_step(const json_t *object, const json_t *value, FILE *to);

/* show_timeline - the events of a session, one a line; log lines below a failed one. */
void show_timeline(const json_t *events, const char *indent);

#endif
