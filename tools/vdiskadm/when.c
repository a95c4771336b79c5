// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "when.h"

enum { DIGITS_MAX = 10 };

#define SECONDS_MAX ((int64_t)100 * 366 * 86400)

/* Digits only, few enough to fit. */
static bool take_number(const char **text, int64_t *value)
{
	size_t digits = strspn(*text, "0123456789");

	if (!digits || digits > DIGITS_MAX)
		return false;
	for (*value = 0; digits--; (*text)++)
		*value = 10 * *value + (**text - '0');
	return true;
}

int parse_duration(const char *text, int64_t *seconds, struct vdisk_error *err)
{
	static const char units[] = "wdhms";
	static const int64_t in_seconds[] = { 7 * 86400, 86400, 3600, 60, 1 };
	const char *at = text, *unit, *next = units;
	int64_t number;

	*seconds = 0;
	do {
		unit = NULL;
		/* from the largest unit to the smallest, each once */
		if (take_number(&at, &number) && *at)
			unit = strchr(next, *at++);
		if (!unit)
			return vdisk_error_set(err, EINVAL,
					       "'%s' is not a duration: 90s, 30m, 1h, 1h30m, 2d, 1w",
					       text);
		next = unit + 1;
		*seconds += number * in_seconds[unit - units];
	} while (*at);
	if (*seconds > SECONDS_MAX)
		return vdisk_error_set(err, EINVAL, "'%s' is longer than a hundred years", text);
	return 0;
}

static bool parse_date(const char *text, int64_t *time)
{
	static const char *const formats[] = {
		"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%dT%H:%M:%S",
	};
	const char *end;
	struct tm tm;
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_isdst = -1;
		end = strptime(text, formats[i], &tm);
		if (!end || *end)
			continue;
		*time = mktime(&tm);
		return *time >= 0;
	}
	return false;
}

int parse_since(const char *text, int64_t now, int64_t *time, struct vdisk_error *err)
{
	struct tm tm;
	int64_t ago;
	time_t t = now;

	if (!strcmp(text, "today")) {
		localtime_r(&t, &tm);
		tm.tm_hour = 0;
		tm.tm_min = 0;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		*time = mktime(&tm);
		return 0;
	}
	if (*text == '@') {
		text++;
		if (take_number(&text, time) && !*text)
			return 0;
		return vdisk_error_set(err, EINVAL, "'@%s' is not a time in seconds", text);
	}
	if (parse_date(text, time))
		return 0;
	if (parse_duration(text, &ago, NULL) < 0)
		return vdisk_error_set(err, EINVAL, "'%s' is not a time: 2h, 3d, today, 2026-11-20, "
				       "'2026-11-20 14:30'", text);
	*time = now > ago ? now - ago : 0;
	return 0;
}

char *format_time(int64_t time, char *text, size_t size)
{
	time_t t = time;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, size, "@%" PRId64, time);
	return text;
}

char *format_seconds(int64_t s, char *text, size_t size)
{
	if (s < 0)
		s = 0;
	if (s < 60)
		snprintf(text, size, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(text, size, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, size, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		snprintf(text, size, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
	return text;
}
