/* SPDX-License-Identifier: GPL-2.0 */
/* A server that has another address than it had: changes in files that may be somebody else's, too. */
#ifndef VDISKADM_INIT_ADDRESS_H
#define VDISKADM_INIT_ADDRESS_H

#include <stdbool.h>

/**
 * init_readdress - @text with another address in its lines "KEY = ..."
 * @keys: of the lines that are meant; NULL ends them
 * @old: replaced where it stands by itself, with or without a port
 *
 * Return: allocated; the same as @text where nothing is to be changed.
 */
char *init_readdress(const char *text, const char *const *keys, const char *old, const char *new);

/** init_line_is - whether @text has the line @line */
bool init_line_is(const char *text, const char *line);

#endif
