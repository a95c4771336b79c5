/* SPDX-License-Identifier: GPL-2.0 */
/* Versions of images on the command line: IMAGE or IMAGE@N. */
#ifndef VDISKADM_VERSION_H
#define VDISKADM_VERSION_H

#include <jansson.h>
#include <stdint.h>
#include "error.h"

struct version_name {
	char image[64];
	uint32_t number;		/* 0: none was named */
};

/* parse_version - 0 or -EINVAL */
int parse_version(const char *text, struct version_name *version, struct vdisk_error *err);

/* image_into - "image": "lab@3" of a body becomes "image" and "version"; 0 or -EINVAL */
int image_into(json_t *body, struct vdisk_error *err);

/* show_versions - the versions of an image as a table; 0 or as api_call() */
int show_versions(const char *image, struct vdisk_error *err);

#endif
