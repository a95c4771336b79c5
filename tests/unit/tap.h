/* SPDX-License-Identifier: GPL-2.0 */
/* The Test Anything Protocol, for unit tests in C: one line for each check. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_run, tap_failed;

/* One test: "ok N - NAME" or "not ok N - NAME". */
__attribute__((format(printf, 2, 3), unused))
static bool tap_ok(bool ok, const char *name, ...)
{
	va_list ap;

	printf("%sok %u - ", ok ? "" : "not ", ++tap_run);
	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	putchar('\n');
	tap_failed += !ok;
	return ok;
}

/* A line for people, under the test that was told last. */
__attribute__((format(printf, 1, 2), unused))
static void tap_diag(const char *text, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, text);
	vprintf(text, ap);
	va_end(ap);
	putchar('\n');
}

/* The plan, at the end; what main() returns. */
__attribute__((unused))
static int tap_done(void)
{
	printf("1..%u\n", tap_run);
	return tap_failed || !tap_run;
}

#endif
