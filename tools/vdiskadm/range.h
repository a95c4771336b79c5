/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges of names: lab1-[01-10], pc[1-3,7], r[1-2]-pc[01-30]. */
#ifndef VDISKADM_RANGE_H
#define VDISKADM_RANGE_H

#include <stddef.h>
#include "error.h"

enum { RANGE_NAMES_MAX = 10000, RANGE_NAME_LENGTH_MAX = 255 };

struct names {
	char **name;
	size_t count;
};

/**
 * range_expand - appends the names that a word stands for, itself if it has no range
 * @names: all zero at first; names_free() it, also after an error
 *
 * Numbers with a zero in front are as wide as the first one of their range.
 * Return: 0 or -EINVAL (malformed, or more than RANGE_NAMES_MAX names in all).
 */
int range_expand(const char *word, struct names *names, struct vdisk_error *err);

/* range_expand_all - of each of @count words; a name twice is an error. */
int range_expand_all(char *const *words, size_t count, struct names *names,
		     struct vdisk_error *err);

/* names_add - one more, as it is; 0, or -EINVAL: too many */
int names_add(struct names *names, const char *name, struct vdisk_error *err);
void names_free(struct names *names);

#endif
