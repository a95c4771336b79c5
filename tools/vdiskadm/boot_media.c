// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskadm boot-media: an image for a CD or a USB stick that finds the servers.
 *
 *	MBR, El Torito		isolinux -> ipxe.lkrn, with boot.ipxe as its initrd
 *	ESP (partition 2)	EFI/BOOT/BOOTX64.EFI is ipxe.efi, autoexec.ipxe beside it;
 *				where ipxe.efi would not read that, tools/efi/connect.c and GRUB
 *	vdisk/farm.conf, .pin	for an initramfs that looks for them
 *	partition 3		empty, of keypart.h's type: of a stick it may keep the secret
 *				of the machine that boots from it
 */
#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boot_media_grub.h"
#include "keypart.h"
#include "pin.h"
#include "place.h"
#include "settings.h"
#include "text.h"
#include "vdiskadm.h"

enum { SERVERS_MAX = 8, NAME_LENGTH_MAX = 253, KEY_PARTITION = 1 << 20 };

#define ISOLINUX "/usr/lib/ISOLINUX"
#define ESP_TYPE "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define SYSLINUX "/usr/lib/syslinux/modules/bios"

static const char isolinux_cfg[] = "DEFAULT vdisk\n"
				   "LABEL vdisk\n"
				   "  LINUX ipxe.lkrn\n"
				   "  INITRD boot.ipxe\n";

static struct {
	const char *servers[SERVERS_MAX];
	unsigned int nr_servers;
	const char *pin, *ipxe, *file;
	bool force;
} ask = { .ipxe = PLACE_IPXE };

static char *folder;

/* HOST or HOST:PORT, of characters that mean nothing to iPXE. */
static bool name_is_plain(const char *name)
{
	const char *colon = strchr(name, ':'), *c;
	size_t length = colon ? (size_t)(colon - name) : strlen(name);

	if (!length || length > NAME_LENGTH_MAX)
		return false;
	for (c = name; c < name + length; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
			return false;
	if (!colon)
		return true;
	return colon[1] && strlen(colon + 1) <= 5 && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static char *path_of(const char *name)
{
	return text_format("%s/%s", folder, name);
}

static int put(const char *name, const char *text, struct vdisk_error *err)
{
	char *path = path_of(name);
	int ret = place_write(path, text, strlen(text), 0644, err);

	free(path);
	return ret;
}

static int copy(const char *from, const char *name, struct vdisk_error *err)
{
	char *path = path_of(name), *data;
	size_t size;
	int ret;

	data = place_read(from, &size, err);
	ret = data ? place_write(path, data, size, 0644, err) : -err->code;
	free(data);
	free(path);
	return ret;
}

/* Tries one server after the other for ever: a machine without a disk has nothing else. */
static char *make_script(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = must(open_memstream(&text, &size));
	unsigned int i;

	fputs("#!ipxe\n:again\necho vdisk: looking for a server\nifconf || goto wait\n", out);
	for (i = 0; i < ask.nr_servers; i++)
		fprintf(out, "chain --autofree http://%s%s/boot.ipxe ||\n", ask.servers[i],
			strchr(ask.servers[i], ':') ? "" : ":10810");
	fputs(":wait\necho vdisk: no server answers, trying again in 10 seconds\nsleep 10\n"
	      "ifclose ||\ngoto again\n", out);
	if (fclose(out))
		abort();
	return text;
}

static char *make_farm_conf(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = must(open_memstream(&text, &size));
	unsigned int i;

	fputs("servers =", out);
	/* The port in the script's URLs is another one. */
	for (i = 0; i < ask.nr_servers; i++)
		fprintf(out, " %.*s", (int)strcspn(ask.servers[i], ":"), ask.servers[i]);
	fputc('\n', out);
	if (fclose(out))
		abort();
	return text;
}

/*
 * iPXE for UEFI takes a script from its medium since 2021; Debian 12's is older. -errno:
 * there is none.
 */
static int takes_scripts(bool *takes, struct vdisk_error *err)
{
	static const char name[] = "autoexec.ipxe";
	char wide[2 * sizeof(name)] = { 0 };
	char *path = text_format("%s/ipxe.efi", ask.ipxe), *data;
	size_t size, i;

	for (i = 0; i < sizeof(name); i++)
		wide[2 * i] = name[i];
	data = place_read(path, &size, err);
	free(path);
	if (!data)
		return -err->code;
	*takes = memmem(data, size, name, sizeof(name) - 1) ||
		 memmem(data, size, wide, sizeof(wide) - 2);
	free(data);
	return 0;
}

static int make_folders(struct vdisk_error *err)
{
	static const char *const names[] = { "iso", "iso/isolinux", "iso/vdisk" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = path_of(names[i]);
		int ret = place_folder(path, 0755, err);

		free(path);
		if (ret)
			return ret;
	}
	return 0;
}

/* A file into the system partition. */
static int put_on_esp(const char *image, const char *from, const char *to, struct vdisk_error *err)
{
	return place_run((const char *const[]){ "mcopy", "-i", image, from, to, NULL }, err);
}

/* An iPXE that takes a script, and that. */
static int put_ipxe(const char *image, struct vdisk_error *err)
{
	char *efi = text_format("%s/ipxe.efi", ask.ipxe), *script = path_of("iso/isolinux/boot.ipxe");
	int ret = put_on_esp(image, efi, "::/EFI/BOOT/BOOTX64.EFI", err);

	if (!ret)
		ret = put_on_esp(image, script, "::/autoexec.ipxe", err);
	free(script);
	free(efi);
	return ret;
}

static int put_grub(const char *image, struct vdisk_error *err)
{
	char *grub = path_of("grub.efi"), *config = path_of("grub.cfg"), *first = path_of("first.efi");
	int ret = boot_media_grub(grub, config, ask.servers, ask.nr_servers, err);

	if (!ret)
		ret = boot_media_connect(first, err);
	if (!ret)
		ret = put_on_esp(image, first, "::/EFI/BOOT/BOOTX64.EFI", err);
	if (!ret)
		ret = put_on_esp(image, grub, "::/EFI/vdisk/grubx64.efi", err);
	free(first);
	free(config);
	free(grub);
	return ret;
}

/* The system partition: a FAT of 2.88 MB, which every firmware reads. */
static int make_esp(struct vdisk_error *err)
{
	char *image = path_of("efi.img");
	bool takes = false;
	int ret = takes_scripts(&takes, err);

	if (!ret)
		ret = place_run((const char *const[]){ "mformat", "-C", "-i", image, "-f", "2880", "-v",
						       "VDISK-EFI", "::", NULL }, err);
	if (!ret)
		ret = place_run((const char *const[]){ "mmd", "-i", image, "::/EFI", "::/EFI/BOOT",
						       "::/EFI/vdisk", NULL }, err);
	if (!ret)
		ret = takes ? put_ipxe(image, err) : put_grub(image, err);
	free(image);
	return ret;
}

/* Room for a secret, which is made by the machine and never here. */
static int make_key_partition(struct vdisk_error *err)
{
	char *path = path_of("key.img"), *data = must(calloc(1, KEY_PARTITION));
	int ret = keypart_encode(NULL, (unsigned char *)data, err);

	if (!ret)
		ret = place_write(path, data, KEY_PARTITION, 0600, err);
	free(data);
	free(path);
	return ret;
}

static int fill(struct vdisk_error *err)
{
	char *script = make_script(), *conf = make_farm_conf();
	char *pin = text_format("%s\n", ask.pin);
	char *lkrn = text_format("%s/ipxe.lkrn", ask.ipxe);
	int ret;

	ret = make_folders(err);
	if (!ret)
		ret = copy(ISOLINUX "/isolinux.bin", "iso/isolinux/isolinux.bin", err);
	if (!ret)
		ret = copy(SYSLINUX "/ldlinux.c32", "iso/isolinux/ldlinux.c32", err);
	if (!ret)
		ret = copy(lkrn, "iso/isolinux/ipxe.lkrn", err);
	if (!ret)
		ret = put("iso/isolinux/isolinux.cfg", isolinux_cfg, err);
	if (!ret)
		ret = put("iso/isolinux/boot.ipxe", script, err);
	if (!ret)
		ret = put("iso/vdisk/farm.conf", conf, err);
	if (!ret)
		ret = put("iso/vdisk/farm.pin", pin, err);
	if (!ret)
		ret = make_esp(err);
	if (!ret)
		ret = make_key_partition(err);
	free(lkrn);
	free(pin);
	free(conf);
	free(script);
	return ret;
}

static int write_image(struct vdisk_error *err)
{
	char *iso = path_of("iso"), *beside = text_format("%s.part", ask.file);
	char *efi = path_of("efi.img"), *key = path_of("key.img");
	int ret;

	ret = place_run((const char *const[]){
		"xorriso", "-as", "mkisofs", "-quiet", "-J", "-r", "-V", "VDISK", "-o", beside,
		"-isohybrid-mbr", ISOLINUX "/isohdpfx.bin", "--mbr-force-bootable",
		"-partition_offset", "16",
		"-c", "isolinux/boot.cat", "-b", "isolinux/isolinux.bin",
		"-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
		"-append_partition", "2", ESP_TYPE, efi,
		"-append_partition", "3", KEYPART_TYPE, key, "-appended_part_as_gpt",
		"-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::",
		"-no-emul-boot", iso, NULL }, err);
	if (!ret && rename(beside, ask.file))
		ret = vdisk_error_set(err, errno, "cannot rename %s: %s", beside, strerror(errno));
	if (ret)
		unlink(beside);
	free(key);
	free(efi);
	free(beside);
	free(iso);
	return ret;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int make(void)
{
	struct vdisk_error err;
	int ret;

	folder = must(strdup("/tmp/vdisk-media-XXXXXX"));
	if (!mkdtemp(folder)) {
		free(folder);
		return fail_here("cannot make a folder in /tmp: %s", strerror(errno));
	}
	ret = fill(&err);
	if (!ret)
		ret = write_image(&err);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
	if (ret)
		return fail_here("%s", err.text);
	say("%s: for a CD, or a USB stick: dd if=%s of=/dev/sdX bs=1M", ask.file, ask.file);
	return EXIT_DONE;
}

static int check_programs(void)
{
	static const char *const files[][2] = {
		{ ISOLINUX "/isolinux.bin", "isolinux" }, { SYSLINUX "/ldlinux.c32", "syslinux-common" },
		{ "/usr/bin/xorriso", "xorriso" },	  { "/usr/bin/mformat", "mtools" },
	};
	struct vdisk_error err;
	const char *package;
	bool takes;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (access(files[i][0], R_OK))
			return fail_here("there is no %s: run 'apt install %s'", files[i][0], files[i][1]);
	package = takes_scripts(&takes, &err) || takes ? NULL : boot_media_grub_missing();
	if (package)
		return fail_here("%s/ipxe.efi reads no script from a medium, and there is no GRUB for it: run 'apt install %s', or give a newer iPXE with --ipxe DIR",
				 ask.ipxe, package);
	return EXIT_DONE;
}

static int check_file(void)
{
	struct stat st;

	if (stat(ask.file, &st))
		return EXIT_DONE;
	if (!S_ISREG(st.st_mode))
		return fail_here("%s is not a file: write one, and copy it to a device with dd", ask.file);
	if (!ask.force)
		return fail_here("%s exists: --force replaces it", ask.file);
	return EXIT_DONE;
}

/* What the command line doesn't say is this server's. */
static int add_defaults(struct settings *settings, char pin[PIN_TEXT])
{
	struct vdisk_error err;
	char *path;
	int ret;

	if (!ask.nr_servers) {
		if (settings_read(settings, &err) < 0)
			return fail_here("%s: name the servers with --server", err.text);
		if (!settings->address)
			return fail_here("%s names no address: name the servers with --server", PLACE_CONFIG);
		ask.servers[ask.nr_servers++] = settings->address;
	}
	if (ask.pin)
		return EXIT_DONE;
	path = place_path(PLACE_KEYS "/ca.crt");
	ret = pin_of_file(path, pin, &err);
	free(path);
	if (ret)
		return fail_here("%s: give the farm's key with --pin", err.text);
	ask.pin = pin;
	return EXIT_DONE;
}

enum { OPT_SERVER = 256, OPT_PIN, OPT_IPXE, OPT_FORCE };

static const struct option options[] = {
	{ "server", required_argument, NULL, OPT_SERVER },
	{ "pin", required_argument, NULL, OPT_PIN },
	{ "ipxe", required_argument, NULL, OPT_IPXE },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int take(int option)
{
	switch (option) {
	case OPT_SERVER:
		if (ask.nr_servers == SERVERS_MAX)
			return usage_error("more than %d servers", SERVERS_MAX);
		if (!name_is_plain(optarg))
			return usage_error("'%s' is not HOST or HOST:PORT", optarg);
		ask.servers[ask.nr_servers++] = optarg;
		break;
	case OPT_PIN:
		if (!pin_is_valid(optarg))
			return usage_error("'%s' is not a pin: sha256//BASE64", optarg);
		ask.pin = optarg;
		break;
	case OPT_IPXE:
		ask.ipxe = optarg;
		break;
	case OPT_FORCE:
		ask.force = true;
		break;
	}
	return EXIT_DONE;
}

static int boot_media_main(int argc, char **argv)
{
	struct settings settings = { 0 };
	char pin[PIN_TEXT];
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h' || option == '?')
			return option == 'h' ? EXIT_DONE : EXIT_USAGE;
		ret = take(option);
		if (ret)
			return ret;
	}
	if (optind == argc)
		return usage_error("which file to make");
	if (argc - optind > 1)
		return usage_error("what is '%s'", argv[optind + 1]);
	ask.file = argv[optind];
	ret = add_defaults(&settings, pin);
	if (!ret)
		ret = check_file();
	if (!ret)
		ret = check_programs();
	if (!ret)
		ret = make();
	settings_free(&settings);
	return ret;
}

const struct command boot_media_command = {
	.name = "boot-media",
	.main = boot_media_main,
	.usage = "FILE [--server HOST[:PORT]]... [--pin PIN] [--ipxe DIR] [--force]",
	.help = "Makes an image of a boot medium, for a CD as well as for a USB stick, for machines\n"
		"whose firmware or network can't boot from the network. It has an address by DHCP.\n"
		"\n"
		"  --server HOST[:PORT]  a server of the farm, by its DNS name, in order; this one\n"
		"  --pin PIN             the farm's key; this farm's\n"
		"  --ipxe DIR            with ipxe.lkrn and ipxe.efi; " PLACE_IPXE "\n"
		"  --force               replace FILE\n",
	.local = true,
};
