/* SPDX-License-Identifier: GPL-2.0 */
/* Questions before something is lost. */
#ifndef VDISKADM_ASK_H
#define VDISKADM_ASK_H

#include <stdbool.h>

/**
 * confirm - ask on the terminal whether to go on
 * @yes: -y was given: don't ask
 * @question: as "delete the image lab"
 *
 * Return: -1: go on; else the exit code to leave with, after a complaint.
 */
int confirm(bool yes, const char *question, ...) __attribute__((format(printf, 2, 3)));

enum { GO_ON = -1 };

#endif
