/* SPDX-License-Identifier: GPL-2.0 */
/* A program that runs for us, within limits, and never longer than we do. */
#ifndef VDISKADM_CHILD_H
#define VDISKADM_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

enum { CHILD_SAID = 400 };

struct child {
	const char *const *argv;	/* argv[0] is looked up in PATH; NULL ends it */
	bool confined;			/* see confine() */
	const int *read, *write;	/* descriptors it inherits, -1 ends them; may be NULL */
	uint64_t memory;		/* bytes of address space; 0: no limit */
	uint64_t file;			/* the longest file it may write; 0: no limit */
	unsigned int seconds;		/* of CPU time; 0: no limit */
	unsigned int patience;		/* seconds until it is killed; 0: no end */
	unsigned int first;		/* seconds until it must have printed something; 0: no end */
	/* What it prints; @data is not terminated. Not 0 ends it (-ECANCELED). */
	int (*output)(void *context, const char *data, size_t length);
	void *context;
	char said[CHILD_SAID];		/* the last line on its standard error, cleaned */
};

/**
 * child_run - run it to its end
 * @err: filled in when it did not run, or did not come to an end of its own
 *
 * Return: its exit status, 0 to 255; or a negative errno: -ENOENT no such
 * program, -EINTR we were interrupted, -ETIME out of time, -EFBIG its file
 * would be longer than allowed, -ECHILD another signal ended it.
 */
int child_run(struct child *child, struct vdisk_error *err);

#endif
