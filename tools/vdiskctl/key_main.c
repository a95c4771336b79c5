// SPDX-License-Identifier: GPL-2.0
/* vdiskctl key: the secrets by which farms know this machine, and the places for them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "keydev.h"
#include "secret.h"
#include "tpm.h"
#include "vdiskctl.h"

enum { OPT_TPM = 256, OPT_PARTITION, OPT_ROOT };

static const struct option options[] = {
	{ "tpm", no_argument, NULL, OPT_TPM },
	{ "partition", required_argument, NULL, OPT_PARTITION },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	struct farm_means means;
	bool tpm;
	const char *partition;
};

static const char *const places[] = {
	[SECRET_OPTION] = "option", [SECRET_FW_CFG] = "fw_cfg", [SECRET_SMBIOS] = "smbios",
	[SECRET_FILE] = "file", [SECRET_TPM] = "tpm", [SECRET_PARTITION] = "partition",
};

/* One line for each: place, where, public key. */
static int show(const struct request *request)
{
	enum secret_place place = SECRET_FW_CFG;
	struct vdisk_error err;
	struct secret secret;
	const char *room;
	bool any = false;
	int ret;

	for (; place < SECRET_PLACES; place = secret.place + 1) {
		ret = secret_find(&request->means, place, &secret, &err);
		secret_forget(&secret);
		if (ret == -ENOENT)
			break;
		if (ret < 0)
			return fail("key: %s", err.text);
		printf("%s\t%s\t%s\n", places[secret.place], secret.where, secret.public);
		any = true;
	}
	if (any)
		return EXIT_DONE;
	room = secret_room(&request->means);
	return fail("key: this machine has none, %s%s", room ? "and room for one: " : "nor a TPM 2.0 or partition for one",
		    room ? room : "");
}

static int create(const struct request *request)
{
	char path[PATH_MAX], public[PROOF_PUBLIC_TEXT];
	struct proof_key key = { .seed = { 0 } };
	struct vdisk_error err;
	int ret;

	if (request->tpm) {
		ret = tpm_make(path_in(request->means.root, TPM_DEVICE, path, sizeof(path)), public,
			       &err);
	} else {
		ret = proof_key_make(&key, &err);
		if (!ret)
			ret = proof_public(&key, public, &err);
		if (!ret)
			ret = keydev_write(request->partition, &key, &err);
		proof_key_forget(&key);
	}
	if (ret < 0)
		return fail("key: %s", err.text);
	puts(public);
	return EXIT_DONE;
}

static int take_away(const struct request *request)
{
	char path[PATH_MAX];
	struct vdisk_error err;
	int ret;

	if (request->tpm)
		ret = tpm_remove(path_in(request->means.root, TPM_DEVICE, path, sizeof(path)), &err);
	else
		ret = keydev_write(request->partition, NULL, &err);
	return ret < 0 ? fail("key: %s", err.text) : EXIT_DONE;
}

int key_main(int argc, char **argv)
{
	struct request request = { .tpm = false };
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'h':
			return EXIT_DONE;
		case '?':
			return EXIT_USAGE;
		case OPT_TPM:
			request.tpm = true;
			break;
		case OPT_PARTITION:
			request.partition = optarg;
			break;
		case OPT_ROOT:
			request.means.root = optarg;
			break;
		}
	}
	if (argc - optind != 1)
		return usage_error("key: show, create or remove");
	if (!strcmp(argv[optind], "show"))
		return request.tpm || request.partition ?
		       usage_error("key: show looks everywhere") : show(&request);
	if (request.tpm == !!request.partition)
		return usage_error("key: either --tpm or --partition DEV");
	if (!strcmp(argv[optind], "create"))
		return create(&request);
	if (!strcmp(argv[optind], "remove"))
		return take_away(&request);
	return usage_error("key: what is '%s'?", argv[optind]);
}
