/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What most nouns have in common: objects of the API that are listed, shown,
 * added, changed and removed by name.  Each function is a verb's whole main().
 */
#ifndef VDISKADM_RESOURCE_H
#define VDISKADM_RESOURCE_H

#include <jansson.h>
#include "error.h"
#include "fields.h"
#include "range.h"
#include "show.h"

struct resource {
	const char *one, *many;		/* "client", "clients": many is also its path */
	const char *key;		/* the field that names it: "name" */
	const struct column *columns;	/* of the list */
	const struct column *details;	/* of show */
	const struct field *filters;	/* of the list: become its query */
	const struct field *add, *set;
};

/* An answer to print, and who it is about; ranges are expanded. */
struct arguments {
	struct names names;
	json_t *body;			/* from the fields' options */
	bool json, yes, watch;
};

/* What a verb takes besides fields. */
enum argument_flags {
	TAKES_JSON = 1, TAKES_YES = 2, TAKES_NAMES = 4, NEEDS_NAMES = 8 | TAKES_NAMES,
	ONE_NAME = 16 | NEEDS_NAMES, TAKES_WATCH = 32, NEEDS_FIELDS = 64,
	TAKES_WORDS = 128,		/* as they are: files, not ranges of names */
};

/*
 * arguments_take - the command line; arguments_free() in any case
 * Return: GO_ON (ask.h), or the exit code to leave with.
 */
int arguments_take(int argc, char **argv, unsigned int flags, const struct field *fields,
		   struct arguments *arguments);
void arguments_free(struct arguments *arguments);

/* fetch_list - GET of what is a list, as an array. 0 or as api_call(). */
int fetch_list(const char *path, json_t **array, struct vdisk_error *err);

/* query_path - "/v1/clients?group=lab1" from a path and the members of @filters (may be NULL) */
char *query_path(const char *path, const json_t *filters);

int resource_list(int argc, char **argv, const struct resource *resource);
int resource_show(int argc, char **argv, const struct resource *resource);
int resource_add(int argc, char **argv, const struct resource *resource);
int resource_set(int argc, char **argv, const struct resource *resource);
int resource_remove(int argc, char **argv, const struct resource *resource);

/* each_name - @run for each name; complains for each that fails. Returns an exit code. */
int each_name(const struct arguments *arguments,
	      int (*run)(const char *name, const struct arguments *arguments, void *context,
			 struct vdisk_error *err),
	      void *context);

#endif
