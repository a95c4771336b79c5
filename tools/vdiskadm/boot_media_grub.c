// SPDX-License-Identifier: GPL-2.0
/*
 * GRUB asks the servers for a configuration made for this machine, and for kernel
 * and initramfs, by HTTP (tools/vdiskd/bootscript_grub.c). It uses the firmware's
 * driver of the network card, which tools/efi/connect.c sees to.
 */
#include "boot_media_grub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "place.h"
#include "text.h"

#define MKSTANDALONE "/usr/bin/grub-mkstandalone"
#define MODULES "/usr/lib/grub/x86_64-efi"

/* All that the two configurations use: the program has no other place to load from. */
static const char modules[] =
	"normal configfile test true echo sleep minicmd reboot linux boot net efinet http smbios";

const char *boot_media_grub_missing(void)
{
	if (access(MKSTANDALONE, X_OK))
		return "grub-common";
	return access(MODULES "/http.mod", R_OK) ? "grub-efi-amd64-bin" : NULL;
}

enum { CARDS_MOST = 8 };

/* tools/efi/efi.mk */
extern const char _binary_connect_efi_start[], _binary_connect_efi_end[];

int boot_media_connect(const char *file, struct vdisk_error *err)
{
	/* cppcheck-suppress comparePointers */
	size_t size = _binary_connect_efi_end - _binary_connect_efi_start;

	return place_write(file, _binary_connect_efi_start, size, 0644, err);
}

/* What the server answers is asked for in a loop, for ever: there is nothing else to boot. */
static char *make_config(const char *const *servers, unsigned int count)
{
	char *text = NULL;
	size_t size;
	FILE *out = must(open_memstream(&text, &size));
	unsigned int i;

	fputs("smbios --type 1 --get-uuid 8 --set uuid\n"
	      "while true; do\n"
	      "echo 'vdisk: looking for a server'\n"
	      "if [ -z \"$mac\" ]; then\n"
	      "net_dhcp\n", out);
	/* The first that has an address; GRUB calls what DHCP set up so. */
	for (i = 0; i < CARDS_MOST; i++)
		fprintf(out, "if [ -z \"$mac\" ]; then\nset mac=$net_efinet%u_dhcp_mac\nfi\n", i);
	fputs("fi\n"
	      "if [ -n \"$mac\" ]; then\n", out);
	for (i = 0; i < count; i++)
		fprintf(out, "set root=http,%s%s\n"
			"configfile \"/boot/grub.cfg?uuid=$uuid&mac=$mac&arch=x86_64\"\n",
			servers[i], strchr(servers[i], ':') ? "" : ":10810");
	fputs("else\n"
	      "echo 'vdisk: no network: no address from DHCP, or the firmware has no driver of the card'\n"
	      "fi\n"
	      "echo 'vdisk: trying again in 10 seconds'\n"
	      "sleep 10\n"
	      "done\n", out);
	if (fclose(out))
		abort();
	return text;
}

int boot_media_grub(const char *file, const char *config, const char *const *servers,
		    unsigned int count, struct vdisk_error *err)
{
	char *text = make_config(servers, count), *into = text_format("boot/grub/grub.cfg=%s", config);
	char *core = text_format("--modules=%s", modules);
	char *all = text_format("--install-modules=%s", modules);
	int ret = place_write(config, text, strlen(text), 0644, err);

	if (!ret)
		ret = place_run((const char *const[]){
			MKSTANDALONE, "--format=x86_64-efi", "--directory=" MODULES, core, all,
			"--locales=", "--themes=", "--fonts=", "--output", file, into, NULL }, err);
	free(all);
	free(core);
	free(into);
	free(text);
	return ret;
}
