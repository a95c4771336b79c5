// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "keydev.h"
#include "secret.h"
#include "tpm.h"
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

static int from_tpm(const struct farm_means *means, struct secret *secret, struct vdisk_error *err)
{
	struct vdisk_error why;
	int ret;

	path_in(means->root, TPM_DEVICE, secret->where, sizeof(secret->where));
	ret = tpm_public(secret->where, secret->public, &why);
	/* Not each machine whose TPM is odd was bound by it: the farm says if it was. */
	if (ret && ret != -ENOENT && ret != -ENOKEY)
		warn("%s: it is not used", why.text);
	return ret ? vdisk_error_set(err, ENOENT, "%s", why.text) : 0;
}

static int from_partition(const struct farm_means *means, struct secret *secret,
			  struct vdisk_error *err)
{
	return keydev_find(means->root, &secret->key, secret->where, err);
}

static int from_place(const struct farm_means *means, struct secret *secret,
		      struct vdisk_error *err)
{
	static const char fw_cfg[] = "/sys/firmware/qemu_fw_cfg/by_name/opt/vdisk/key/raw";
	char *where = secret->where;
	int ret;

	switch (secret->place) {
	case SECRET_OPTION:
		snprintf(where, sizeof(secret->where), "%s", means->key ? means->key : "");
		ret = means->key ? from_file(means->key, true, &secret->key, err) : -ENOENT;
		return ret == -ENOENT && means->key ? -ENXIO : ret;
	case SECRET_FW_CFG:
		path_in(means->root, fw_cfg, where, sizeof(secret->where));
		ret = from_file(where, false, &secret->key, err);
		return ret == -ENOTDIR ? -ENOENT : ret;
	case SECRET_SMBIOS:
		snprintf(where, sizeof(secret->where), "an SMBIOS OEM string");
		return from_smbios(means->root, &secret->key, err);
	case SECRET_FILE:
		path_in(means->root, "/etc/vdisk/client.key", where, sizeof(secret->where));
		return from_file(where, true, &secret->key, err);
	case SECRET_TPM:
		return from_tpm(means, secret, err);
	default:
		return from_partition(means, secret, err);
	}
}

int secret_find(const struct farm_means *means, enum secret_place place, struct secret *secret,
		struct vdisk_error *err)
{
	int ret = -ENOENT;

	memset(secret, 0, sizeof(*secret));
	for (; place < SECRET_PLACES && ret == -ENOENT; place++) {
		secret->place = place;
		ret = from_place(means, secret, err);
		if (!ret && place != SECRET_TPM)
			ret = proof_public(&secret->key, secret->public, err);
		if (means->key)
			break;
	}
	return ret;
}

int secret_sign(const struct farm_means *means, const struct secret *secret, const char *pin,
		const char *nonce, const char *uuid, char *signature, struct vdisk_error *err)
{
	char message[PROOF_MESSAGE_MAX], path[PATH_MAX];
	int ret;

	if (secret->place != SECRET_TPM)
		return proof_sign(&secret->key, pin, nonce, uuid, signature, err);
	ret = proof_message(pin, nonce, uuid, message, err);
	if (ret < 0)
		return ret;
	return tpm_sign(path_in(means->root, TPM_DEVICE, path, sizeof(path)), message, signature,
			err);
}

void secret_forget(struct secret *secret)
{
	proof_key_forget(&secret->key);
}

const char *secret_room(const struct farm_means *means)
{
	char path[PATH_MAX], public[PROOF_PUBLIC_TEXT];
	struct proof_key key;
	struct vdisk_error err;

	if (means->key)
		return NULL;
	if (tpm_public(path_in(means->root, TPM_DEVICE, path, sizeof(path)), public, &err) == -ENOKEY)
		return "tpm";
	if (keydev_find(means->root, &key, path, &err) == -ENOENT && path[0])
		return "partition";
	return NULL;
}

static int make_in_partition(const char *device, struct secret *secret, struct vdisk_error *err)
{
	int ret;

	secret->place = SECRET_PARTITION;
	ret = proof_key_make(&secret->key, err);
	if (!ret)
		ret = proof_public(&secret->key, secret->public, err);
	return ret ? ret : keydev_write(device, &secret->key, err);
}

int secret_make(const struct farm_means *means, struct secret *secret, struct vdisk_error *err)
{
	struct proof_key key;
	int ret;

	memset(secret, 0, sizeof(*secret));
	secret->place = SECRET_TPM;
	path_in(means->root, TPM_DEVICE, secret->where, sizeof(secret->where));
	ret = tpm_make(secret->where, secret->public, err);
	if (!ret)
		return 0;
	/* A TPM that can't is told of, and the next place is as good. */
	if (ret != -ENOENT)
		warn("%s: no key was made in it", err->text);
	ret = keydev_find(means->root, &key, secret->where, err);
	proof_key_forget(&key);
	if (ret == -ENOENT && secret->where[0])
		return make_in_partition(secret->where, secret, err);
	if (ret == -ENOENT)
		return vdisk_error_set(err, ENOENT, "there is neither a TPM 2.0 nor a partition for a key");
	return ret;
}
