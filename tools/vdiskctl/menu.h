/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VDISKCTL_MENU_H
#define VDISKCTL_MENU_H

#include <jansson.h>
#include <stdbool.h>

/* What menu_choose() returns for the local disk: not a name. */
extern const char *const menu_local_disk;

/**
 * menu_choose - shows a numbered menu on the console, and waits for a number
 * @choices: checked by check_choices(); "default": a name; "timeout": seconds, 0 for ever
 * @local_disk: whether the local disk is an entry, the last one
 * @console: a terminal; "" : /dev/console
 *
 * Return: the name that was chosen, in @choices; menu_local_disk; NULL: nobody chose, there
 * is no default.
 */
const char *menu_choose(const json_t *choices, bool local_disk, const char *console);

#endif
