// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "secret.h"
#include "vdiskctl.h"

enum { SMBIOS_MAX = 65536, SMBIOS_HEADER = 5 };

static const char oem_prefix[] = "vdisk.key=";

/* The whole of a file, at most @size bytes.  Returns its length or -errno. */
static long slurp(const char *path, char *data, size_t size, bool *others_read)
{
	struct stat st;
	FILE *file;
	size_t len;
	int ret;

	file = fopen(path, "re");
	if (!file)
		return -errno;
	len = fread(data, 1, size, file);
	ret = ferror(file) ? -EIO : 0;
	if (others_read)
		*others_read = !fstat(fileno(file), &st) && (st.st_mode & 044);
	fclose(file);
	return ret ? ret : (long)len;
}

static int from_file(const char *path, bool strict, struct proof_key *key, struct vdisk_error *err)
{
	char data[PROOF_KEY_FILE_MAX];
	struct vdisk_error why;
	bool others = false;
	long len;
	int ret;

	len = slurp(path, data, sizeof(data), &others);
	if (len < 0)
		return vdisk_error_set(err, -len, "%s: %s", path, strerror(-len));
	if (strict && others)
		warn("%s: others than root can read the secret: chmod 600", path);
	ret = proof_key_parse(data, len, key, &why);
	explicit_bzero(data, sizeof(data));
	return ret < 0 ? vdisk_error_set(err, -ret, "%s: %s", path, why.text) : 0;
}

/* One entry of type 11: a header, then strings that end with an empty one. */
static int from_entry(const char *data, long len, struct proof_key *key, struct vdisk_error *err)
{
	const char *end = data + len, *text;
	struct vdisk_error why;
	size_t size;
	int ret;

	for (text = data + SMBIOS_HEADER; text < end && *text; text += size + 1) {
		size = strnlen(text, end - text);
		if (size <= sizeof(oem_prefix) - 1 ||
		    strncmp(text, oem_prefix, sizeof(oem_prefix) - 1))
			continue;
		ret = proof_key_parse(text + sizeof(oem_prefix) - 1, size - sizeof(oem_prefix) + 1,
				      key, &why);
		return ret < 0 ? vdisk_error_set(err, -ret, "SMBIOS OEM string: %s", why.text) : 0;
	}
	return -ENOENT;
}

static int from_smbios(const char *root, struct proof_key *key, struct vdisk_error *err)
{
	char path[PATH_MAX], *data;
	unsigned int i;
	long len;
	int ret = -ENOENT;

	data = malloc(SMBIOS_MAX);
	for (i = 0; data && ret == -ENOENT && i < 16; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/sys/firmware/dmi/entries/11-%u/raw", i);
		len = slurp(path_in(root, name, path, sizeof(path)), data, SMBIOS_MAX, NULL);
		if (len < 0)
			break;
		if (len > SMBIOS_HEADER)
			ret = from_entry(data, len, key, err);
		explicit_bzero(data, len);
	}
	free(data);
	return ret;
}

int secret_read(const struct farm_means *means, struct proof_key *key, struct vdisk_error *err)
{
	char path[PATH_MAX];
	int ret;

	if (means->key)
		return from_file(means->key, true, key, err);
	ret = from_file(path_in(means->root, "/sys/firmware/qemu_fw_cfg/by_name/opt/vdisk/key/raw",
				path, sizeof(path)), false, key, err);
	if (ret != -ENOENT && ret != -ENOTDIR)
		return ret;
	ret = from_smbios(means->root, key, err);
	if (ret != -ENOENT)
		return ret;
	return from_file(path_in(means->root, "/etc/vdisk/client.key", path, sizeof(path)), true, key,
			 err);
}
