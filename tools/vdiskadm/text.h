/* SPDX-License-Identifier: GPL-2.0 */
/* Text that came from elsewhere, made fit for a terminal. */
#ifndef VDISKADM_TEXT_H
#define VDISKADM_TEXT_H

#include <stddef.h>

/* must - @pointer; without memory there is nothing to go on with: ends the program. */
void *must(void *pointer);

/**
 * text_clean - a printable copy
 *
 * Control characters, bytes that are no UTF-8, and characters that reorder or
 * hide what stands around them become '?'.
 * Return: allocated, never NULL.
 */
char *text_clean(const char *text);

/* text_width - columns of a clean text. */
size_t text_width(const char *text);

/* text_cut - ends a clean text at @columns, its last one then being "…". */
void text_cut(char *text, size_t columns);

/* text_format - printf to allocated memory, never NULL. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* say - a clean line on standard output. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
