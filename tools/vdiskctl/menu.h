/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VDISKCTL_MENU_H
#define VDISKCTL_MENU_H

#include <jansson.h>

/**
 * menu_choose - shows a numbered menu on the console, and waits for a number
 * @choices: checked by check_choices(); "default": a name; "timeout": seconds, 0 for ever
 * @console: a terminal; "" : /dev/console
 *
 * Return: the name that was chosen, in @choices; NULL: nobody chose, there is no default.
 */
const char *menu_choose(const json_t *choices, const char *console);

#endif
