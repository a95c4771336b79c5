// SPDX-License-Identifier: GPL-2.0
#include "base64url.h"

#include <errno.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const uint8_t *data, size_t length, char *text)
{
	unsigned int bits = 0, have = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		bits = bits << 8 | data[i];
		for (have += 8; have >= 6; have -= 6)
			*text++ = digits[bits >> (have - 6) & 63];
	}
	if (have)
		*text++ = digits[bits << (6 - have) & 63];
	*text = '\0';
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

ssize_t base64url_decode(const char *text, size_t length, uint8_t *data, size_t room)
{
	unsigned int bits = 0, have = 0;
	size_t i, count = 0;
	int v;

	/* One digit alone is less than a byte. */
	if (length % 4 == 1 || length / 4 * 3 + (length % 4 * 3) / 4 > room)
		return -EINVAL;
	for (i = 0; i < length; i++) {
		v = value(text[i]);
		if (v < 0)
			return -EINVAL;
		bits = bits << 6 | v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			data[count++] = bits >> have;
		}
	}
	/* Bits that are left over and set: a second way to write the same. */
	if (bits & ((1U << have) - 1))
		return -EINVAL;
	return count;
}
