// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "identity.h"

enum { ETHERNET = 1, COMMAND_LINE = 4096 };

/* The first line of a file below @root; "" when there is none. */
static void read_line(const char *root, const char *path, char *line, size_t size)
{
	char full[PATH_MAX];
	FILE *file;

	line[0] = '\0';
	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return;
	file = fopen(full, "re");
	if (!file)
		return;
	if (!fgets(line, size, file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

static bool exists(const char *root, const char *path)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return false;
	return !access(full, F_OK);
}

int identity_parse_uuid(const char *text, char uuid[IDENTITY_UUID])
{
	size_t i;

	if (strlen(text) != IDENTITY_UUID - 1)
		return -EINVAL;
	for (i = 0; i < IDENTITY_UUID - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -EINVAL;
		} else if (!isxdigit((unsigned char)text[i])) {
			return -EINVAL;
		}
		uuid[i] = tolower((unsigned char)text[i]);
	}
	uuid[i] = '\0';
	return 0;
}

int identity_parse_mac(const char *text, char mac[IDENTITY_MAC])
{
	size_t i;

	/* BOOTIF= begins with the type of hardware, 01 for Ethernet. */
	if (strlen(text) == IDENTITY_MAC - 1 + 3 && !strncmp(text, "01-", 3))
		text += 3;
	if (strlen(text) != IDENTITY_MAC - 1)
		return -EINVAL;
	for (i = 0; i < IDENTITY_MAC - 1; i++) {
		if (i % 3 == 2) {
			if (text[i] != ':' && text[i] != '-')
				return -EINVAL;
			mac[i] = ':';
			continue;
		}
		if (!isxdigit((unsigned char)text[i]))
			return -EINVAL;
		mac[i] = tolower((unsigned char)text[i]);
	}
	mac[i] = '\0';
	return 0;
}

/* Firmware writes what it likes; only plain text is passed on. */
static void clean(char *text)
{
	char *c, *end = text;

	for (c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
		if (*c != ' ')
			end = c + 1;
	}
	*end = '\0';
}

static void add_mac(struct identity *identity, const char *mac)
{
	unsigned int i;

	if (identity->nr_macs == IDENTITY_MACS_MAX || !strcmp(mac, "00:00:00:00:00:00"))
		return;
	for (i = 0; i < identity->nr_macs; i++)
		if (!strcmp(identity->mac[i], mac))
			return;
	strcpy(identity->mac[identity->nr_macs++], mac);
}

/* A NIC in a bond shows the bond's address; its own stands beside. */
static void add_interface(const char *root, const char *name, struct identity *identity)
{
	char path[NAME_MAX + 64], line[64], mac[IDENTITY_MAC];

	snprintf(path, sizeof(path), "/sys/class/net/%s/device", name);
	if (!exists(root, path))
		return;
	snprintf(path, sizeof(path), "/sys/class/net/%s/type", name);
	read_line(root, path, line, sizeof(line));
	if (atoi(line) != ETHERNET)
		return;
	snprintf(path, sizeof(path), "/sys/class/net/%s/bonding_slave/perm_hwaddr", name);
	read_line(root, path, line, sizeof(line));
	if (identity_parse_mac(line, mac) < 0) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/address", name);
		read_line(root, path, line, sizeof(line));
		if (identity_parse_mac(line, mac) < 0)
			return;
	}
	add_mac(identity, mac);
}

/* In the order of their names, so that a machine says the same at each boot. */
static void read_macs(const char *root, struct identity *identity)
{
	struct dirent **list;
	char path[PATH_MAX];
	int i, count;

	snprintf(path, sizeof(path), "%s/sys/class/net", root);
	count = scandir(path, &list, NULL, alphasort);
	for (i = 0; i < count; i++) {
		if (list[i]->d_name[0] != '.')
			add_interface(root, list[i]->d_name, identity);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
}

static void boot_nic_first(const char *root, struct identity *identity)
{
	char line[COMMAND_LINE], mac[IDENTITY_MAC], *rest = line, *word;
	bool known = false;
	unsigned int i;

	read_line(root, "/proc/cmdline", line, sizeof(line));
	while ((word = strsep(&rest, " ")))
		if (!strncmp(word, "BOOTIF=", 7) && !identity_parse_mac(word + 7, mac))
			known = true;
	for (i = 0; known && i < identity->nr_macs; i++) {
		if (strcmp(identity->mac[i], mac))
			continue;
		memmove(identity->mac[1], identity->mac[0], i * sizeof(identity->mac[0]));
		strcpy(identity->mac[0], mac);
		return;
	}
}

int identity_read(const char *root, struct identity *identity, struct vdisk_error *err)
{
	char line[128];

	memset(identity, 0, sizeof(*identity));
	read_line(root, "/sys/class/dmi/id/product_uuid", line, sizeof(line));
	if (identity_parse_uuid(line, identity->uuid) < 0)
		identity->uuid[0] = '\0';
	read_line(root, "/sys/class/dmi/id/product_serial", identity->serial,
		  sizeof(identity->serial));
	clean(identity->serial);
	strcpy(identity->firmware, exists(root, "/sys/firmware/efi") ? "uefi" : "bios");
	read_macs(root, identity);
	boot_nic_first(root, identity);
	if (!identity->uuid[0] && !identity->nr_macs)
		return vdisk_error_set(err, ENODATA,
				       "this machine has neither a UUID (readable for root) nor a network card");
	return 0;
}
