// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include "klog.h"

enum {
	LOG_LINES = 200, TEXT_MAX = 60 << 10,
	SYSLOG_READ_ALL = 3, SYSLOG_SIZE = 10,	/* commands of klogctl(2) */
};

char *kernel_log(void)
{
	int size = klogctl(SYSLOG_SIZE, NULL, 0), len, lines = 0;
	char *text, *start;

	if (size <= 0)
		return NULL;
	text = malloc(size + 1);
	if (!text)
		return NULL;
	len = klogctl(SYSLOG_READ_ALL, text, size);
	if (len < 0)
		len = 0;
	text[len] = '\0';
	for (start = text + len; start > text; start--)
		if (start[-1] == '\n' && start != text + len && ++lines == LOG_LINES)
			break;
	if (text + len - start > TEXT_MAX)
		start = text + len - TEXT_MAX;
	memmove(text, start, strlen(start) + 1);
	for (start = text; *start; start++)
		if ((unsigned char)*start >= 0x80 || (*start < ' ' && *start != '\n' && *start != '\t'))
			*start = '?';
	return text;
}
