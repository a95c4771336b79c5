/* SPDX-License-Identifier: GPL-2.0 */
/* Where the secret of a bound client is kept. */
#ifndef VDISKCTL_SECRET_H
#define VDISKCTL_SECRET_H

#include <limits.h>
#include "proof.h"
#include "target.h"

/* In the order in which they are looked at. */
enum secret_place {
	SECRET_OPTION,		/* --key: then nowhere else */
	SECRET_FW_CFG,		/* opt/vdisk/key, from a virtual machine's host */
	SECRET_SMBIOS,		/* an OEM string, "vdisk.key=..." */
	SECRET_FILE,		/* /etc/vdisk/client.key: of the initramfs, or a boot medium's */
	SECRET_TPM,
	SECRET_PARTITION,
	SECRET_PLACES,		/* none */
};

struct secret {
	enum secret_place place;
	char where[PATH_MAX];			/* for people */
	char public[PROOF_PUBLIC_TEXT];
	struct proof_key key;			/* but for the TPM's */
};

/**
 * secret_find - the first secret of this machine, from @place on
 *
 * Return: 0; -ENOENT: it has none; other -errno: it has one that is broken.
 */
int secret_find(const struct farm_means *means, enum secret_place place, struct secret *secret,
		struct vdisk_error *err);

/* secret_sign - @signature: as proof_sign() makes it. */
int secret_sign(const struct farm_means *means, const struct secret *secret, const char *pin,
		const char *nonce, const char *uuid, char *signature, struct vdisk_error *err);

/* secret_forget - leaves nothing of it in memory. */
void secret_forget(struct secret *secret);

/* secret_room - where a machine without a secret could make one: a word, or NULL. */
const char *secret_room(const struct farm_means *means);

/* secret_make - make one, in the TPM or else in a partition; -ENOENT: no place for one. */
int secret_make(const struct farm_means *means, struct secret *secret, struct vdisk_error *err);

#endif
