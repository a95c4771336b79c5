/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small partition that holds the secret of one bound client, and nothing else.
 * It is known by its type in the GPT; its first sector is
 *
 *	bytes	what
 *	0	magic, "VDISKKEY"
 *	8	version, 1
 *	12	kind: 0 no key yet, 1 Ed25519
 *	16	length of the key: 0 or 32
 *	20	0
 *	32	the key, 0 up to byte 64
 *	64	SHA-256 of bytes 0 to 63
 *	96	0 up to byte 512
 *
 * numbers little endian.  A sector of zeroes is one without a key; all else is damaged,
 * and neither used nor written over.
 */
#ifndef VDISK_KEYPART_H
#define VDISK_KEYPART_H

#include "error.h"
#include "proof.h"

#define KEYPART_TYPE "6f6634c2-13ea-4351-9ae9-819a9e2dce2b"

enum { KEYPART_SECTOR = 512 };

/* keypart_encode - @key: NULL: none yet */
int keypart_encode(const struct proof_key *key, unsigned char sector[KEYPART_SECTOR],
		   struct vdisk_error *err);

/* keypart_decode - 0 and the key; -ENOENT: none yet; -EBADMSG: damaged, and how. */
int keypart_decode(const unsigned char sector[KEYPART_SECTOR], struct proof_key *key,
		   struct vdisk_error *err);

#endif
