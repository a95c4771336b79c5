/* SPDX-License-Identifier: GPL-2.0 */
/* What comes from outside, checked and brought into form, before it meets a database. */
#ifndef VDISK_CATALOG_OBJECT_H
#define VDISK_CATALOG_OBJECT_H

#include "catalog_kinds.h"

/**
 * catalog_object_new - a complete object from what was given
 * @clean: every field but id and revision, with its default where it has one;
 *	"@next" is left out, for whoever knows what is there already
 *
 * Return: 0; -EINVAL, the text begins with kind and field; -ENOMEM.
 */
int catalog_object_new(int kind, const json_t *given, json_t **clean, struct vdisk_error *err);

/* catalog_object_changes - the fields given, in their form; all may be changed */
int catalog_object_changes(int kind, const json_t *given, json_t **clean,
			   struct vdisk_error *err);

/* catalog_object_differing - those of @changes that @object has not; NULL: no memory */
json_t *catalog_object_differing(const json_t *object, const json_t *changes);

/* catalog_object_masked - a copy fit for an audit record; @other has it before or after, or NULL */
json_t *catalog_object_masked(int kind, const json_t *object, const json_t *other);

/* catalog_clean_text - @text, made into what catalog_text_clean() takes, at most @size - 1 bytes */
void catalog_clean_text(const char *text, char *out, size_t size);

#endif
