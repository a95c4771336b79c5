// SPDX-License-Identifier: GPL-2.0
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static void note(int signal)
{
	(void)signal;
	came = 1;
}

void interrupt_catch(void)
{
	/* Without SA_RESTART: what waits is to come back. */
	static const struct sigaction action = { .sa_handler = note };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool interrupt_came(void)
{
	return came;
}

void interrupt_forget(void)
{
	came = 0;
}
