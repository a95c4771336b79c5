// SPDX-License-Identifier: GPL-2.0
/* A partition that keeps a secret: what was written is read, what is damaged is not. */
#include <errno.h>
#include <stdlib.h>

#include "keypart.c"
#include "tap.h"

static struct proof_key secret;
static struct vdisk_error why;

static int decode(const void *sector, struct proof_key *key)
{
	why.text[0] = '\0';
	return keypart_decode(sector, key, &why);
}

static void test_forms(void)
{
	unsigned char sector[KEYPART_SECTOR] = { 0 };
	struct proof_key key;

	tap_ok(decode(sector, &key) == -ENOENT, "zeroes are no key yet");
	tap_ok(!keypart_encode(NULL, sector, &why) && decode(sector, &key) == -ENOENT,
	       "nor what boot-media writes");
	tap_ok(!keypart_encode(&secret, sector, &why) && !decode(sector, &key) &&
	       !memcmp(&key, &secret, sizeof(key)), "a key is read as it was written");
}

/* Every bit is looked at: 0 to 63 by the checksum, which is the next 32, and the rest are zero. */
static void test_flips(void)
{
	unsigned char sector[KEYPART_SECTOR];
	unsigned int bit, taken = 0, kept = 0;
	struct proof_key key;

	keypart_encode(&secret, sector, &why);
	for (bit = 0; bit < KEYPART_SECTOR * 8; bit++) {
		sector[bit / 8] ^= 1 << bit % 8;
		taken += decode(sector, &key) != -EBADMSG || !why.text[0];
		kept += !!memcmp(&key, &(struct proof_key){ .seed = { 0 } }, sizeof(key));
		sector[bit / 8] ^= 1 << bit % 8;
	}
	tap_ok(!taken, "no flipped bit goes unnoticed");
	tap_ok(!kept, "nor is a key made of it");
}

/* Damage that the checksum vouches for: somebody wrote it so. */
static void test_lies(void)
{
	static const struct {
		const char *what;
		size_t at;
		unsigned char value;
	} lies[] = {
		{ "another magic", 0, 'v' }, { "a version to come", 8, 2 }, { "version 0", 8, 0 },
		{ "a kind that is none", 12, 2 }, { "kind 0 with a key", 12, 0 },
		{ "a length too long", 16, 33 }, { "a length that is huge", 19, 0xff },
		{ "a length too short", 16, 31 }, { "something before the key", 20, 1 },
		{ "something at the end", KEYPART_SECTOR - 1, 1 },
	};
	struct content content;
	struct proof_key key;
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		keypart_encode(&secret, (unsigned char *)&content, &why);
		((unsigned char *)&content)[lies[i].at] = lies[i].value;
		digest_of(&content, content.digest, &why);
		tap_ok(decode(&content, &key) == -EBADMSG && why.text[0], "%s: %s", lies[i].what, why.text);
	}
}

/* What no one wrote on purpose, at many sizes of damage. */
static void test_noise(void)
{
	unsigned char sector[KEYPART_SECTOR];
	unsigned int round, i, taken = 0;
	struct proof_key key;

	srandom(1);
	for (round = 0; round < 20000; round++) {
		keypart_encode(&secret, sector, &why);
		for (i = 0; i <= round % 64; i++)
			sector[random() % KEYPART_SECTOR] = random();
		if (!decode(sector, &key) && memcmp(&key, &secret, sizeof(key)))
			taken++;
	}
	tap_ok(!taken, "nothing is taken for a key that wasn't one");
}

int main(void)
{
	tap_ok(!proof_key_make(&secret, &why), "a key");
	test_forms();
	test_flips();
	test_lies();
	test_noise();
	return tap_done();
}
