/* SPDX-License-Identifier: GPL-2.0 */
/* What went wrong, for a program (code) and for people (text). */
#ifndef VDISK_ERROR_H
#define VDISK_ERROR_H

struct vdisk_error {
	int code;		/* errno value, positive */
	char text[640];		/* one line, no newline, no "vdisk:" in front */
};

/**
 * vdisk_error_set - fill in an error
 * @err: may be NULL
 * @code: errno value, positive
 * @format: as printf; control characters in the result become '?', because
 *          the text may quote what came from the network
 *
 * Return: -@code, so that a function can end with "return vdisk_error_set(...)".
 */
int vdisk_error_set(struct vdisk_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
