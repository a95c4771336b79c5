// SPDX-License-Identifier: GPL-2.0
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum log_limits { LINE_MAX_BYTES = 2048, LINES_A_SECOND = 10 };

struct line {
	char text[LINE_MAX_BYTES];
	size_t length;
};

static enum log_level highest = LOG_LEVEL_INFO;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;

void log_setup(enum log_level level)
{
	highest = level;
}

static void add_char(struct line *line, char c)
{
	/* One byte is kept for the end of the line. */
	if (line->length < sizeof(line->text) - 1)
		line->text[line->length++] = c;
}

static void add_text(struct line *line, const char *s)
{
	while (*s)
		add_char(line, *s++);
}

static void add_value(struct line *line, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	bool quote = !*s || strpbrk(s, " \"=\\");

	if (quote)
		add_char(line, '"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c < 0x20 || c >= 0x7f) {
			add_text(line, "\\x");
			add_char(line, hex[c >> 4]);
			add_char(line, hex[c & 15]);
			continue;
		}
		if (c == '"' || c == '\\')
			add_char(line, '\\');
		add_char(line, c);
	}
	if (quote)
		add_char(line, '"');
}

static void add_time(struct line *line)
{
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	add_text(line, "time=");
	add_text(line, text);
	snprintf(text, sizeof(text), ".%03ldZ ", now.tv_nsec / 1000000);
	add_text(line, text);
}

static void print_line(enum log_level level, const char *event, unsigned long dropped, va_list ap)
{
	static const char *const names[] = { "none", "error", "warning", "info", "debug" };
	static const char *const journal[] = { "", "<3>", "<4>", "<6>", "<7>" };
	struct line line = { .length = 0 };
	const char *key, *value;
	char number[32];

	/* The journal stamps lines by itself and reads their priority. */
	if (getenv("JOURNAL_STREAM"))
		add_text(&line, journal[level]);
	else
		add_time(&line);
	add_text(&line, "level=");
	add_text(&line, names[level]);
	add_text(&line, " event=");
	add_value(&line, event);
	while ((key = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		if (!value)
			continue;
		add_char(&line, ' ');
		add_text(&line, key);
		add_char(&line, '=');
		add_value(&line, value);
	}
	if (dropped) {
		snprintf(number, sizeof(number), "%lu", dropped);
		add_text(&line, " lines_left_out=");
		add_text(&line, number);
	}
	line.text[line.length++] = '\n';
	/* One write, so that lines of several threads don't mix. */
	if (write(STDERR_FILENO, line.text, line.length) < 0)
		return;		/* nowhere left to complain */
}

void log_event_pairs(enum log_level level, const char *event, ...)
{
	va_list ap;

	if (level > highest)
		return;
	va_start(ap, event);
	print_line(level, event, 0, ap);
	va_end(ap);
}

/* Whether a line may be printed now; @dropped: how many were not, before it. */
static bool may_print(unsigned long *dropped)
{
	static unsigned long left_out;
	static unsigned int printed;
	static time_t second;
	struct timespec now;
	bool may;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&limit_lock);
	if (now.tv_sec != second) {
		second = now.tv_sec;
		printed = 0;
	}
	may = printed < LINES_A_SECOND;
	if (may) {
		printed++;
		*dropped = left_out;
		left_out = 0;
	} else {
		left_out++;
	}
	pthread_mutex_unlock(&limit_lock);
	return may;
}

void log_limited_pairs(enum log_level level, const char *event, ...)
{
	unsigned long dropped;
	va_list ap;

	if (level > highest || !may_print(&dropped))
		return;
	va_start(ap, event);
	print_line(level, event, dropped, ap);
	va_end(ap);
}
