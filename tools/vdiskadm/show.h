/* SPDX-License-Identifier: GPL-2.0 */
/* The API's objects for people (tables, details) and for programs (JSON). */
#ifndef VDISKADM_SHOW_H
#define VDISKADM_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct table;

/* A column of a list, or a line of details; an array of them ends with a zero one. */
struct column {
	const char *title;
	const char *key;		/* of the object; NULL: @print finds it */
	/* Writes the value's text, unclean; NULL: as it is */
	void (*print)(const json_t *object, const json_t *value, FILE *to);
	bool right;			/* at the right: a number */
	bool drifts;			/* changes all the time: no news by itself */
};

/* Ways to print a value. */
void print_value(const json_t *object, const json_t *value, FILE *to);	/* as it is */
void print_bytes(const json_t *object, const json_t *value, FILE *to);	/* 1.5 GiB */
void print_time(const json_t *object, const json_t *value, FILE *to);	/* a point in time */
void print_ago(const json_t *object, const json_t *value, FILE *to);	/* time since then */
void print_left(const json_t *object, const json_t *value, FILE *to);	/* time until then */
void print_seconds(const json_t *object, const json_t *value, FILE *to);	/* a duration */

void print_properties(const json_t *object, const json_t *value, FILE *to);

/* text_of - a string member of an object, "" when it has none */
const char *text_of(const json_t *object, const char *key);

/* number_of - an integer member, @otherwise when it has none */
json_int_t number_of(const json_t *object, const char *key, json_int_t otherwise);

/* list_has - whether an array has that string; NULL has none */
bool list_has(const json_t *array, const char *text);

/* value_text - the text of a column for an object, allocated, unclean */
char *value_text(const struct column *column, const json_t *object);

/* fill_table - a table of an array of objects; table_free() it */
void fill_table(struct table *table, const struct column *columns, const json_t *array);

/* show_list - the array as a table, or "no WHAT" when it is empty */
void show_list(const struct column *columns, const json_t *array, const char *what);

/* show_details - one object, "Title  value" a line; what has no value is left out */
void show_details(const struct column *columns, const json_t *object);

/* show_json - printed as it came; @compact: on one line */
void show_json(const json_t *json, bool compact);

#endif
