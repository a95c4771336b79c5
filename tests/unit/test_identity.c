// SPDX-License-Identifier: GPL-2.0
/* What a machine says of itself, from trees of /sys made here; and a bound client's proof. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "identity.h"
#include "proof.h"
#include "tap.h"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[512], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "we");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

static void nic(const char *name, const char *mac, bool physical)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", name);
	put(path, mac);
	snprintf(path, sizeof(path), "/sys/class/net/%s/type", name);
	put(path, strcmp(name, "lo") ? "1\n" : "772\n");
	if (physical) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/device/vendor", name);
		put(path, "0x1af4\n");
	}
}

static void fresh(void)
{
	char command[128];

	if (root[0]) {
		snprintf(command, sizeof(command), "rm -rf %s", root);
		if (system(command))
			abort();
	}
	strcpy(root, "/tmp/vdisk-identity-XXXXXX");
	if (!mkdtemp(root))
		abort();
}

static void test_machine(void)
{
	struct identity identity;
	struct vdisk_error err;

	fresh();
	tap_ok(identity_read(root, &identity, &err) == -ENODATA, "nothing at all is nobody");
	put("/sys/class/dmi/id/product_uuid", "11111111-AAAA-bbbb-CCCC-222222222222\n");
	tap_ok(!identity_read(root, &identity, &err) &&
	       !strcmp(identity.uuid, "11111111-aaaa-bbbb-cccc-222222222222"),
	       "a UUID in lower case");
	tap_ok(!strcmp(identity.firmware, "bios") && !identity.serial[0] && !identity.nr_macs,
	       "and nothing else");
	put("/sys/class/dmi/id/product_serial", "  S/N $(reboot)\x1b[2J\xff  \n");
	put("/sys/firmware/efi/config_table", "");
	identity_read(root, &identity, &err);
	tap_ok(!strcmp(identity.serial, "  S/N $(reboot)?[2J?"), "a serial is made printable: %s",
	       identity.serial);
	tap_ok(!strcmp(identity.firmware, "uefi"), "UEFI");
	put("/sys/class/dmi/id/product_uuid", "Not Settable\n");
	tap_ok(identity_read(root, &identity, &err) == -ENODATA, "what is no UUID is none");
}

static void test_nics(void)
{
	struct identity identity;
	struct vdisk_error err;

	fresh();
	nic("lo", "00:00:00:00:00:00\n", false);
	nic("eth1", "52:54:00:00:00:02\n", true);
	nic("eth0", "52:54:00:00:00:01\n", true);
	nic("eth2", "52:54:00:00:00:03\n", true);
	nic("br0", "52:54:00:00:00:09\n", false);
	nic("eth3", "garbage\n", true);
	nic("eth4", "00:00:00:00:00:00\n", true);
	identity_read(root, &identity, &err);
	tap_ok(identity.nr_macs == 3 && !strcmp(identity.mac[0], "52:54:00:00:00:01") &&
	       !strcmp(identity.mac[2], "52:54:00:00:00:03"), "NICs by name, no bridges");
	put("/proc/cmdline", "quiet BOOTIF=01-52-54-00-00-00-03 rw\n");
	identity_read(root, &identity, &err);
	tap_ok(!strcmp(identity.mac[0], "52:54:00:00:00:03") &&
	       !strcmp(identity.mac[1], "52:54:00:00:00:01") &&
	       !strcmp(identity.mac[2], "52:54:00:00:00:02"), "the boot NIC first");
	put("/proc/cmdline", "BOOTIF=01-52-54-00-00-00-77\n");
	identity_read(root, &identity, &err);
	tap_ok(identity.nr_macs == 3 && !strcmp(identity.mac[0], "52:54:00:00:00:01"),
	       "a boot NIC that is not there changes nothing");
	put("/sys/class/net/eth0/bonding_slave/perm_hwaddr", "52:54:00:00:00:44\n");
	identity_read(root, &identity, &err);
	tap_ok(!strcmp(identity.mac[0], "52:54:00:00:00:44"), "in a bond a NIC's own address counts");
}

static void test_parse(void)
{
	static const char *const bad[] = {
		"", "52:54:00:00:00", "52:54:00:00:00:0g", "52.54.00.00.00.01",
		"02-52-54-00-00-00-01", "52:54:00:00:00:01:02",
	};
	char mac[IDENTITY_MAC];
	size_t i;

	tap_ok(!identity_parse_mac("AA-bb-CC-dd-EE-ff", mac) && !strcmp(mac, "aa:bb:cc:dd:ee:ff"),
	       "a MAC with dashes");
	tap_ok(!identity_parse_mac("01-AA-bb-CC-dd-EE-ff", mac) &&
	       !strcmp(mac, "aa:bb:cc:dd:ee:ff"), "a MAC as in BOOTIF=");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		tap_ok(identity_parse_mac(bad[i], mac) < 0, "'%s' is no MAC", bad[i]);
}

/* RFC 8032, 7.1, test 1 */
static const char hex_seed[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n";
static const char public_of_it[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

static void test_key_forms(void)
{
	struct proof_key key, other;
	char public[PROOF_PUBLIC_TEXT];
	struct vdisk_error err;

	tap_ok(!proof_key_parse(hex_seed, strlen(hex_seed), &key, &err) &&
	       !proof_public(&key, public, &err) && !strcmp(public, public_of_it),
	       "a key in hexadecimal, and its public half");
	tap_ok(!proof_key_parse(key.seed, PROOF_SEED, &other, &err) &&
	       !memcmp(&key, &other, sizeof(key)), "32 bytes as they are");
	tap_ok(!proof_key_parse("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", 44, &other, &err) &&
	       !memcmp(&key, &other, sizeof(key)), "base64");
	tap_ok(proof_key_parse("hello\n", 6, &other, &err) == -EINVAL, "a word is no key");
	tap_ok(proof_key_parse("", 0, &other, &err) == -EINVAL, "nothing neither");
	tap_ok(proof_key_parse("-----BEGIN PRIVATE KEY-----\nAAAA\n", 33, &other, &err) == -EINVAL,
	       "nor broken PEM");
	proof_key_forget(&key);
	tap_ok(!key.seed[0] && !key.seed[31], "a key can be forgotten");
}

static void test_proof(void)
{
	char signature[PROOF_SIGNATURE_TEXT], public[PROOF_PUBLIC_TEXT], nonce[200];
	static const char pin[] = "sha256//AA", uuid[] = "11111111-aaaa-bbbb-cccc-222222222222";
	struct proof_key key, other;
	struct vdisk_error err;

	proof_key_make(&key, &err);
	proof_key_make(&other, &err);
	proof_public(&key, public, &err);
	tap_ok(!proof_sign(&key, pin, "nonce1", uuid, signature, &err), "sign");
	tap_ok(!proof_verify(public, pin, "nonce1", uuid, signature, &err), "and verify");
	tap_ok(proof_verify(public, pin, "nonce2", uuid, signature, &err) == -EACCES, "another nonce");
	tap_ok(proof_verify(public, "sha256//BB", "nonce1", uuid, signature, &err) == -EACCES,
	       "another farm");
	tap_ok(proof_verify(public, pin, "nonce1", "1", signature, &err) == -EACCES, "another machine");
	proof_public(&other, public, &err);
	tap_ok(proof_verify(public, pin, "nonce1", uuid, signature, &err) == -EACCES, "another key");
	tap_ok(proof_verify("x", pin, "nonce1", uuid, signature, &err) == -EINVAL, "no key");
	tap_ok(proof_verify(public, pin, "nonce1", uuid, "AAAA", &err) == -EINVAL, "no signature");
	tap_ok(proof_sign(&key, pin, "", uuid, signature, &err) == -EINVAL, "an empty nonce");
	tap_ok(proof_sign(&key, pin, "a|b", uuid, signature, &err) == -EINVAL, "a nonce with '|'");
	memset(nonce, 'n', sizeof(nonce));
	nonce[sizeof(nonce) - 1] = '\0';
	tap_ok(proof_sign(&key, pin, nonce, uuid, signature, &err) == -EINVAL, "a nonce too long");
}

/* Made by OpenSSL, as TPMs make them: text of key and signature, and PEM of the former. */
static const char p256_key[] =
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHnVo4h2m6hPa4IJaDVQ6gBBogC"
	"RHTUvUq6AqnsoXoS6EC6iyjZlgzOor4CL3u4+rUvo1ezPMemf1hXidByNsaw==";
static const char p256_signature[] =
	"T1dE31Hj4Bfug+Zbz4I5X9wD9r7gXIk03X6zxMeQJ3gUUlcCvp+yfi5stKav7UCFx0IVwDfI7jB0MPcYNjkAvw==";
static const char p256_pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHnVo4h2m6hPa4IJaDVQ6gBBogCRH\n"
	"TUvUq6AqnsoXoS6EC6iyjZlgzOor4CL3u4+rUvo1ezPMemf1hXidByNsaw==\n"
	"-----END PUBLIC KEY-----\n";

static void test_p256(void)
{
	static const char pin[] = "sha256//AA", uuid[] = "11111111-aaaa-bbbb-cccc-222222222222";
	char text[PROOF_PUBLIC_TEXT], wrong[PROOF_PUBLIC_TEXT];
	struct proof_key key;
	struct vdisk_error err;

	tap_ok(!proof_verify(p256_key, pin, "nonce1", uuid, p256_signature, &err), "a TPM's signature");
	tap_ok(proof_verify(p256_key, pin, "nonce2", uuid, p256_signature, &err) == -EACCES,
	       "of another nonce");
	strcpy(wrong, p256_signature);
	wrong[5] = wrong[5] == 'A' ? 'B' : 'A';
	tap_ok(proof_verify(p256_key, pin, "nonce1", uuid, wrong, &err) == -EACCES, "a changed one");
	tap_ok(!proof_public_parse(p256_pem, strlen(p256_pem), text, &err) && !strcmp(text, p256_key),
	       "its public key from PEM");
	tap_ok(!proof_public_parse(text, strlen(text), wrong, &err) && !strcmp(text, wrong),
	       "and from its text");
	strcpy(wrong, p256_key);
	wrong[60] = wrong[60] == 'A' ? 'B' : 'A';
	tap_ok(proof_verify(wrong, pin, "nonce1", uuid, p256_signature, &err) < 0,
	       "a point that is not on the curve has signed nothing");
	strcpy(wrong, p256_key);
	wrong[30] = 'x';
	tap_ok(proof_public_parse(wrong, strlen(wrong), text, &err) == -EINVAL, "nor is one of another curve");
	tap_ok(proof_public_parse("hello", 5, text, &err) == -EINVAL &&
	       proof_public_parse("", 0, text, &err) == -EINVAL &&
	       proof_public_parse("-----BEGIN PUBLIC KEY-----\nAAAA", 31, text, &err) == -EINVAL,
	       "nor words");
	proof_key_make(&key, &err);
	proof_public(&key, text, &err);
	tap_ok(proof_verify(text, pin, "nonce1", uuid, p256_signature, &err) == -EACCES,
	       "nor does a key of one kind take a signature of the other");
}

int main(void)
{
	test_machine();
	test_nics();
	test_parse();
	test_key_forms();
	test_proof();
	test_p256();
	fresh();
	rmdir(root);
	return tap_done();
}
