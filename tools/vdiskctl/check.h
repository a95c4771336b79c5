/* SPDX-License-Identifier: GPL-2.0 */
/* What a farm's answers may say: everything is checked before it is used. */
#ifndef VDISKCTL_CHECK_H
#define VDISKCTL_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include "error.h"

/* check_session - the answer to a login; 0 or -EPROTO with the field that is wrong. */
int check_session(const json_t *answer, struct vdisk_error *err);

/* check_renewal - the tokens of a session, old or renewed; likewise. */
int check_renewal(const json_t *answer, struct vdisk_error *err);

/* check_choices - a list to choose from; likewise. */
int check_choices(const json_t *answer, struct vdisk_error *err);

/* check_file - an element of "files": path below /, without "..", mode, content. */
int check_file(const json_t *file, struct vdisk_error *err);

/* check_file_mode - its mode, octal text or number; -1: none that is allowed. */
int check_file_mode(const json_t *file);

/* is_word - @min to @max of [A-Za-z0-9] and what stands in @more. */
bool is_word(const char *text, size_t min, size_t max, const char *more);

#endif
