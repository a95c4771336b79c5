// SPDX-License-Identifier: GPL-2.0
#include "name.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_valid(const char *text, size_t length)
{
	size_t i;

	if (!length || length > NAME_LONGEST || !is_alphanumeric(text[0]))
		return false;
	for (i = 1; i < length; i++)
		if (!is_alphanumeric(text[i]) && text[i] != '.' && text[i] != '_' &&
		    text[i] != '-')
			return false;
	return true;
}

bool name_from_export(const char *text, size_t length, char *name)
{
	if (length > 2 && !memcmp(text + length - 2, "@1", 2))
		length -= 2;
	if (!name_valid(text, length))
		return false;
	memcpy(name, text, length);
	name[length] = '\0';
	return true;
}
