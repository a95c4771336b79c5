/* SPDX-License-Identifier: GPL-2.0 */
/* Tokens of administrators: 32 random bytes, of which the catalog has the SHA-256. */
#ifndef VDISK_APITOKEN_H
#define VDISK_APITOKEN_H

enum apitoken_limits {
	APITOKEN_SIZE = 44,		/* base64url of 32 bytes, and a zero */
	APITOKEN_HASH_SIZE = 65,	/* hexadecimal SHA-256, and a zero */
};

/** apitoken_make - a new one into @text of APITOKEN_SIZE bytes; 0 or -EIO without randomness */
int apitoken_make(char *text);

/** apitoken_hash - what the catalog keeps of it, into APITOKEN_HASH_SIZE bytes */
void apitoken_hash(const char *text, char *hash);

#endif
