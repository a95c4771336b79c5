/* SPDX-License-Identifier: GPL-2.0 */
/* Options that set fields of an object: "--group lab1" becomes {"group": "lab1"}. */
#ifndef VDISKADM_FIELDS_H
#define VDISKADM_FIELDS_H

#include <getopt.h>
#include <jansson.h>
#include <stdint.h>
#include "error.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_TEXT_OR_NULL,		/* "" and "none" take the value away */
	FIELD_YES_NO,
	FIELD_TRUE,			/* the option has no value */
	FIELD_NULL,			/* likewise; takes the value away */
	FIELD_NUMBER,
	FIELD_NUMBER_OR_NULL,		/* "" and "none" likewise */
	FIELD_SECONDS,			/* a duration */
	FIELD_SINCE,			/* a point in time */
	FIELD_LIST,			/* "a,b", or the option several times */
	FIELD_OVERLAY,			/* none, ram, ram:SIZE, ram:N% */
	FIELD_PUBLIC_KEY,		/* FILE: what is in it, as the catalog has keys */
	FIELD_PROPERTY,			/* NAME=VALUE, several times: {"NAME": "VALUE"} */
	FIELD_SECRET_PROPERTY,		/* NAME=FILE: {"NAME": {"value": ..., "secret": true}} */
	FIELD_NO_PROPERTY,		/* NAME: {"NAME": null} */
};

struct field {
	const char *option;		/* without "--"; NULL: the table's end */
	const char *key;
	enum field_kind kind;
	const char *const *words;	/* of a text: the only ones; ends with NULL */
	uint32_t min, max;		/* of a number */
};

enum { FIELD_OPTION = 1024, FIELDS_MAX = 24 };

/*
 * fields_options - getopt's table of @options and the fields; a field's value
 * is FIELD_OPTION plus its place.  @joined: room for FIELDS_MAX + 8 entries.
 */
void fields_options(const struct field *fields, const struct option *options,
		    struct option *joined);

/* fields_take - put the value of an option into @body; 0 or -EINVAL. */
int fields_take(const struct field *field, const char *value, json_t *body,
		struct vdisk_error *err);

/* field_of - the field of next_option()'s value, or NULL when it is none */
const struct field *field_of(const struct field *fields, int option);

#endif
