// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "range.h"
#include "text.h"

enum { DIGITS_MAX = 9 };

int names_add(struct names *names, const char *name, struct vdisk_error *err)
{
	if (names->count == RANGE_NAMES_MAX)
		return vdisk_error_set(err, EINVAL, "more than %d names", RANGE_NAMES_MAX);
	/* powers of two: grown when it is full */
	if (!(names->count & (names->count - 1)))
		names->name = must(reallocarray(names->name, names->count ? 2 * names->count : 1,
						sizeof(*names->name)));
	names->name[names->count++] = must(strdup(name));
	return 0;
}

/* "01-10" or "7", before @end; moves @text behind it. */
static bool parse_part(const char **text, unsigned long *first, unsigned long *last, int *width)
{
	const char *from = *text;
	size_t digits = strspn(from, "0123456789"), more;

	if (!digits || digits > DIGITS_MAX)
		return false;
	*first = strtoul(from, NULL, 10);
	*last = *first;
	*width = *from == '0' ? (int)digits : 1;
	*text = from + digits;
	if (**text != '-')
		return true;
	from = *text + 1;
	more = strspn(from, "0123456789");
	if (!more || more > DIGITS_MAX || (*width > 1 && more < digits))
		return false;
	*last = strtoul(from, NULL, 10);
	*text = from + more;
	return *last >= *first;
}

static int expand(const char *done, const char *rest, const char *word, struct names *names,
		  struct vdisk_error *err);

/* One bracket: each of its numbers, followed by what the rest expands to. */
static int expand_bracket(const char *done, const char *rest, const char *word,
			  struct names *names, struct vdisk_error *err)
{
	const char *end = strchr(rest, ']'), *part = rest;
	unsigned long first, last, i;
	int width, ret = 0;
	char *next;

	for (; end; part++) {
		if (!parse_part(&part, &first, &last, &width) || (*part != ',' && part != end))
			break;
		for (i = first; i <= last && !ret; i++) {
			next = text_format("%s%0*lu", done, width, i);
			ret = expand(next, end + 1, word, names, err);
			free(next);
		}
		if (ret || part == end)
			return ret;
	}
	return vdisk_error_set(err, EINVAL, "'%s' is not a name, or a range as in pc[01-10]", word);
}

static int expand(const char *done, const char *rest, const char *word, struct names *names,
		  struct vdisk_error *err)
{
	size_t plain = strcspn(rest, "[]");
	char *next;
	int ret;

	if (strlen(done) + plain > RANGE_NAME_LENGTH_MAX)
		return vdisk_error_set(err, EINVAL, "'%.64s...' is too long for a name", word);
	next = text_format("%s%.*s", done, (int)plain, rest);
	if (!rest[plain])
		ret = names_add(names, next, err);
	else if (rest[plain] == '[')
		ret = expand_bracket(next, rest + plain + 1, word, names, err);
	else
		ret = vdisk_error_set(err, EINVAL, "'%s' has ']' without '['", word);
	free(next);
	return ret;
}

int range_expand(const char *word, struct names *names, struct vdisk_error *err)
{
	if (!*word)
		return vdisk_error_set(err, EINVAL, "a name is empty");
	return expand("", word, word, names, err);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names are to stay in the order in which they were given: sorts a copy. */
static int check_unique(const struct names *names, struct vdisk_error *err)
{
	char **sorted = must(reallocarray(NULL, names->count + 1, sizeof(*sorted)));
	int ret = 0;
	size_t i;

	memcpy(sorted, names->name, names->count * sizeof(*sorted));
	qsort(sorted, names->count, sizeof(*sorted), compare);
	for (i = 1; i < names->count && !ret; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			ret = vdisk_error_set(err, EINVAL, "'%s' is there twice", sorted[i]);
	free(sorted);
	return ret;
}

int range_expand_all(char *const *words, size_t count, struct names *names,
		     struct vdisk_error *err)
{
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = range_expand(words[i], names, err);
		if (ret < 0)
			return ret;
	}
	return names->count ? check_unique(names, err) : 0;
}

void names_free(struct names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->name[i]);
	free(names->name);
	memset(names, 0, sizeof(*names));
}
