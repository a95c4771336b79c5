/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client's key in a TPM 2.0: ECDSA P-256, made there and never outside of it.
 *
 * It is persistent, at a handle of vdisk's own in the owner's range: that it is there
 * tells that this machine has been bound, a signature needs no key to be derived
 * first, and no other place has to keep a part of it.  It needs no password: who is
 * root on the machine can use it, and can't take it away.  It is gone when the TPM is
 * cleared.
 */
#ifndef VDISKCTL_TPM_H
#define VDISKCTL_TPM_H

#include "error.h"
#include "proof.h"

#define TPM_DEVICE "/dev/tpmrm0"

/**
 * tpm_public - the key that is there
 * @public: room for PROOF_PUBLIC_TEXT bytes
 *
 * Return: 0; -ENOENT: there is no TPM 2.0; -ENOKEY: it has no key of vdisk; other
 * -errno: neither can be told.
 */
int tpm_public(const char *device, char *public, struct vdisk_error *err);

/* tpm_make - make one; -EEXIST: there is one. */
int tpm_make(const char *device, char *public, struct vdisk_error *err);

/* tpm_remove - take it away; -ENOKEY: there is none. */
int tpm_remove(const char *device, struct vdisk_error *err);

/* tpm_sign - @signature: as in proof.h, room for PROOF_SIGNATURE_TEXT bytes. */
int tpm_sign(const char *device, const char *message, char *signature, struct vdisk_error *err);

#endif
