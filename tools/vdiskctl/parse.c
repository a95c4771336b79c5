// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include "parse.h"

enum { BLOCK = 4096 };

/* Digits only: strtoull() takes blanks, signs and other bases. */
static int digits(const char *text, uint64_t *value, const char **end)
{
	const char *c;

	*value = 0;
	for (c = text; isdigit((unsigned char)*c); c++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*c - '0'), value))
			return -ERANGE;
	}
	*end = c;
	return c == text ? -EINVAL : 0;
}

int parse_number(const char *text, uint32_t min, uint32_t max, const char *what,
		 uint32_t *value, struct vdisk_error *err)
{
	uint64_t number;
	const char *end;
	int ret;

	ret = digits(text, &number, &end);
	if (ret == -EINVAL || (!ret && *end))
		return vdisk_error_set(err, EINVAL, "%s '%s' is not a number", what, text);
	if (ret < 0 || number < min || number > max)
		return vdisk_error_set(err, EINVAL, "%s '%s' is not within %u to %u", what, text,
				       min, max);
	*value = number;
	return 0;
}

int parse_size(const char *text, uint64_t *bytes, struct vdisk_error *err)
{
	static const char units[] = "KMGT";
	const char *end, *unit;
	uint64_t number;
	int ret;

	ret = digits(text, &number, &end);
	if (ret == -ERANGE)
		return vdisk_error_set(err, EINVAL, "size '%s' is too large", text);
	if (ret < 0)
		return vdisk_error_set(err, EINVAL, "size '%s' is not a number with K, M, G or T",
				       text);
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return vdisk_error_set(err, EINVAL,
					       "size '%s' is not a number with K, M, G or T", text);
		if (__builtin_mul_overflow(number, 1ULL << (10 * (unit - units + 1)), &number))
			return vdisk_error_set(err, EINVAL, "size '%s' is too large", text);
	}
	*bytes = number;
	return 0;
}

int parse_limit(const char *text, uint64_t memory, uint64_t *bytes, struct vdisk_error *err)
{
	uint64_t percent;
	const char *end;
	int ret;

	if (!digits(text, &percent, &end) && !strcmp(end, "%")) {
		if (!percent || percent > 100)
			return vdisk_error_set(err, EINVAL, "'%s' is not within 1%% to 100%%", text);
		*bytes = memory / 100 * percent + memory % 100 * percent / 100;
	} else {
		ret = parse_size(text, bytes, err);
		if (ret < 0)
			return ret;
	}
	*bytes -= *bytes % BLOCK;
	if (!*bytes)
		return vdisk_error_set(err, EINVAL, "size '%s' is less than 4K", text);
	return 0;
}

int parse_overlay(const char *text, uint64_t memory, struct vdisk_overlay *overlay,
		  struct vdisk_error *err)
{
	const char *size = "50%";

	if (!strcmp(text, "none")) {
		overlay->kind = VDISK_OVERLAY_NONE;
		return 0;
	}
	if (strstr(text, "disk:"))
		return vdisk_error_set(err, EOPNOTSUPP,
				       "overlay '%s': overlays on a disk are not supported yet", text);
	if (!strncmp(text, "ram:", 4))
		size = text + 4;
	else if (strcmp(text, "ram"))
		return vdisk_error_set(err, EINVAL, "overlay '%s' is not none, ram, ram:SIZE or ram:N%%",
				       text);
	overlay->kind = VDISK_OVERLAY_RAM;
	return parse_limit(size, memory, &overlay->limit, err);
}

int parse_full(const char *text, struct vdisk_overlay *overlay, struct vdisk_error *err)
{
	overlay->has_full_seconds = false;
	if (!strcmp(text, "error")) {
		overlay->full = VDISK_FULL_ERROR;
		return 0;
	}
	overlay->full = VDISK_FULL_WAIT;
	if (!strcmp(text, "wait"))
		return 0;
	if (strncmp(text, "wait:", 5))
		return vdisk_error_set(err, EINVAL, "'%s' is not wait, wait:SECONDS or error", text);
	overlay->has_full_seconds = true;
	return parse_number(text + 5, 0, VDISK_SECONDS_MAX, "wait:SECONDS",
			    &overlay->full_seconds, err);
}

int parse_lost(const char *text, uint32_t *lost, uint32_t *seconds, struct vdisk_error *err)
{
	*seconds = 0;
	if (!strcmp(text, "queue")) {
		*lost = VDISK_LOST_QUEUE;
		return 0;
	}
	if (!strncmp(text, "fail:", 5)) {
		*lost = VDISK_LOST_FAIL;
		return parse_number(text + 5, 0, VDISK_SECONDS_MAX, "fail:SECONDS", seconds, err);
	}
	if (!strncmp(text, "reboot:", 7)) {
		*lost = VDISK_LOST_REBOOT;
		return parse_number(text + 7, 0, VDISK_SECONDS_MAX, "reboot:SECONDS", seconds, err);
	}
	return vdisk_error_set(err, EINVAL, "'%s' is not queue, fail:SECONDS or reboot:SECONDS",
			       text);
}

int parse_device(const char *text, uint32_t *number, struct vdisk_error *err)
{
	const char *n = text;

	if (!strncmp(n, "/dev/", 5))
		n += 5;
	if (!strncmp(n, "vdisk", 5))
		n += 5;
	else if (n != text)
		n = "";
	if (!isdigit((unsigned char)*n) || n[strspn(n, "0123456789")])
		return vdisk_error_set(err, EINVAL,
				       "'%s' is not a vdisk: 0, vdisk0 and /dev/vdisk0 name one", text);
	return parse_number(n, 0, VDISK_NUMBER_MAX, "device", number, err);
}

uint64_t memory_total(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return 0;
	return (uint64_t)info.totalram * info.mem_unit;
}
