/* SPDX-License-Identifier: GPL-2.0 */
/* Base64 with '-' and '_', without padding (RFC 4648, section 5). */
#ifndef VDISK_BASE64URL_H
#define VDISK_BASE64URL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** base64url_length - digits that @bytes become */
static inline size_t base64url_length(size_t bytes)
{
	return (bytes * 4 + 2) / 3;
}

/** base64url_encode - @text has room for base64url_length(@length) and the end */
void base64url_encode(const uint8_t *data, size_t length, char *text);

/**
 * base64url_decode - the opposite; only what base64url_encode() writes is taken
 * @text: not terminated
 * @room: bytes at @data
 *
 * Return: bytes written, or -EINVAL.
 */
ssize_t base64url_decode(const char *text, size_t length, uint8_t *data, size_t room);

#endif
