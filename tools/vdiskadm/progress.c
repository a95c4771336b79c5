// SPDX-License-Identifier: GPL-2.0
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_NS = 200000000 };

static bool shown;

void progress(const char *what, double percent)
{
	static struct timespec last;
	struct timespec now;

	if (!isatty(STDERR_FILENO))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (shown && (now.tv_sec - last.tv_sec) * 1000000000LL + now.tv_nsec - last.tv_nsec < EVERY_NS)
		return;
	last = now;
	shown = true;
	fprintf(stderr, "\r\033[K%s: %.1f %%", what, percent);
}

void progress_end(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
}
