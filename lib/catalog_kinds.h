/* SPDX-License-Identifier: GPL-2.0 */
/* The kinds of the catalog as its own code sees them. Nobody else includes this. */
#ifndef VDISK_CATALOG_KINDS_H
#define VDISK_CATALOG_KINDS_H

#include "catalog.h"

enum catalog_limits {
	CATALOG_NAME_BYTES	= 63,
	CATALOG_LABEL_BYTES	= 255,
	CATALOG_COMMENT_BYTES	= 4096,
	CATALOG_TEXT_BYTES	= 65536,
	CATALOG_ITEMS		= 64,		/* of a list */
	CATALOG_JSON_BYTES	= 1 << 20,	/* of an audit record */
	CATALOG_FIELDS		= 32,		/* of a kind, at most */
	CATALOG_FILTERS		= 256,		/* values of a filter, at most */
	CATALOG_GROUP_DEPTH	= 16,
	CATALOG_PATIENCE_MS	= 5000
};

/* 9999-12-31: what has more digits is no time */
#define CATALOG_TIME_MAX 253402300799LL

struct catalog_transaction;

struct catalog_kind_info {
	const char *name;
	const char *table;
	bool record;			/* is a record itself: needs no audit of its own */
	/* Objects with this word (of a bool: true, of a time: any) in this field hold back nothing. */
	const char *ended_field, *ended_word;
	const char *unique[4];		/* fields that are unique together */
	const char *label;		/* field that names an object for people, or NULL */
	const struct catalog_field *fields;
};

const struct catalog_kind_info *catalog_kind_info(int kind);

/* Forms of texts (catalog_forms.c): see struct catalog_field. */
bool catalog_form_image(const char *text, char *out, unsigned int size);
bool catalog_form_name(const char *text, char *out, unsigned int size);
bool catalog_form_host(const char *text, char *out, unsigned int size);
bool catalog_form_pattern(const char *text, char *out, unsigned int size);
bool catalog_form_uuid(const char *text, char *out, unsigned int size);
bool catalog_form_mac(const char *text, char *out, unsigned int size);
bool catalog_form_cidr(const char *text, char *out, unsigned int size);
bool catalog_form_word(const char *text, char *out, unsigned int size);
bool catalog_form_hex32(const char *text, char *out, unsigned int size);
bool catalog_form_hex64(const char *text, char *out, unsigned int size);
bool catalog_form_public_key(const char *text, char *out, unsigned int size);

/* Well-formed UTF-8 without control characters; @lines: but for newlines and tabs. */
bool catalog_text_clean(const char *text, size_t length, bool lines);

#endif
