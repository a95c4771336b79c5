// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "ask.h"
#include "text.h"
#include "vdiskadm.h"

int confirm(bool yes, const char *format, ...)
{
	char answer[16], *question = NULL, *clean;
	va_list args;

	if (yes)
		return GO_ON;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return usage_error("not without -y where there is no terminal to ask at");
	va_start(args, format);
	if (vasprintf(&question, format, args) < 0)
		question = NULL;
	va_end(args);
	clean = text_clean(must(question));
	free(question);
	fprintf(stderr, "%c%s? [y/N] ", clean[0] >= 'a' && clean[0] <= 'z' ? clean[0] - 32 : clean[0],
		clean + !!clean[0]);
	free(clean);
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return fail_here("nothing done");
	return GO_ON;
}
