// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include "show.h"
#include "text.h"
#include "version.h"
#include "../vdiskctl/parse.h"

int parse_version(const char *text, struct version_name *version, struct vdisk_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strcspn(text, "@");

	memset(version, 0, sizeof(*version));
	if (!length || length >= sizeof(version->image) || strspn(text, letters) != length ||
	    strchr("._-", *text))
		return vdisk_error_set(err, EINVAL, "'%s' is not an image's name", text);
	memcpy(version->image, text, length);
	if (!text[length])
		return 0;
	return parse_number(text + length + 1, 1, INT32_MAX, "version", &version->number, err);
}

int image_into(json_t *body, struct vdisk_error *err)
{
	struct version_name version;
	int ret;

	ret = parse_version(text_of(body, "image"), &version, err);
	if (ret < 0)
		return ret;
	json_object_set_new(body, "image", must(json_string(version.image)));
	if (version.number)
		json_object_set_new(body, "version", json_integer(version.number));
	return 0;
}
