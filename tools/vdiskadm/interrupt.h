/* SPDX-License-Identifier: GPL-2.0 */
/* ^C and its kin, for work that has something to put away first. */
#ifndef VDISKADM_INTERRUPT_H
#define VDISKADM_INTERRUPT_H

#include <stdbool.h>

/** interrupt_catch - from now on SIGINT, SIGTERM and SIGHUP only leave a note */
void interrupt_catch(void);

/** interrupt_came - whether one has come */
bool interrupt_came(void);

/** interrupt_forget - go on for once: to put away what is left */
void interrupt_forget(void);

#endif
