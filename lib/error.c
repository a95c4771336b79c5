// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include "error.h"

int vdisk_error_set(struct vdisk_error *err, int code, const char *format, ...)
{
	unsigned char *c;
	va_list args;

	if (!err)
		return -code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	for (c = (unsigned char *)err->text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	return -code;
}
