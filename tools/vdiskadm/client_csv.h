/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clients as CSV, and back.  The columns: name, group, uuid, macs (with blanks
 * between them), type, enabled (yes, no), comment, and property:NAME for each
 * property that is no secret.
 */
#ifndef VDISKADM_CLIENT_CSV_H
#define VDISKADM_CLIENT_CSV_H

#include <jansson.h>
#include <stdio.h>
#include "csv.h"
#include "error.h"

enum { CLIENT_ERRORS_MAX = 50 };

/* What is wrong with a file: all of it at once, as far as there is room. */
struct client_errors {
	size_t count;			/* of all, also of those that are not kept */
	char *text[CLIENT_ERRORS_MAX];	/* "line 3: ..." */
};

void client_errors_add(struct client_errors *errors, size_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void client_errors_free(struct client_errors *errors);

/* clients_write - an array of clients of the API. */
void clients_write(const json_t *clients, FILE *to);

/**
 * clients_read - what the API takes for each row
 * @rows: array of {"line", "client"}, in the file's order; complete only without errors
 * @errors: all zero at first
 *
 * An empty field means that there is none (null), and for a property that it is
 * left alone.  Checks forms and doubles within the file; the server checks the rest.
 */
void clients_read(const struct csv *csv, json_t **rows, struct client_errors *errors);

#endif
