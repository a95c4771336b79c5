/* SPDX-License-Identifier: GPL-2.0 */
/* Where the secret of a bound client is kept. */
#ifndef VDISKCTL_SECRET_H
#define VDISKCTL_SECRET_H

#include "proof.h"
#include "target.h"

/**
 * secret_read - the machine's key: of --key; else fw_cfg (opt/vdisk/key), an SMBIOS OEM string
 * ("vdisk.key=..."), or /etc/vdisk/client.key
 *
 * Return: 0; -ENOENT: it has none; other -errno: it has one that is broken.
 */
int secret_read(const struct farm_means *means, struct proof_key *key, struct vdisk_error *err);

#endif
