// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "discover.h"
#include "json.h"
#include "vdiskctl.h"

enum { LINE = 4096, DOMAIN = 256 };

/* What DHCP clients leave behind: where, and under which keys. */
static const struct {
	const char *files;
	const char *root_path, *option, *domain;
} leases[] = {
	{ "/run/systemd/netif/leases/*", "ROOT_PATH", "OPTION_224", "DOMAINNAME" },
	{ "/run/net-*.conf", "ROOTPATH", NULL, "DNSDOMAIN" },
	{ "/tmp/dhclient.*.dhcpopts", "new_root_path", "new_vdisk", "new_domain_name" },
	{ "/run/NetworkManager/devices/*", "root-path", NULL, NULL },
};

void found_add(struct found *found, const char *text, const char *source)
{
	struct farm_target target = { .automatic = false };
	struct vdisk_error err;
	unsigned int i;
	int ret;

	if (!strcmp(text, "auto") || found->count == FOUND_MAX)
		return;
	ret = target_is_farm(text) ? target_add(&target, text, &err) :
				     target_add_server(&target, text, &err);
	if (ret < 0) {
		warn("%s: %s: left out", source, err.text);
		return;
	}
	for (i = 0; i < found->count; i++)
		if (!strcmp(found->list[i].server, target.server[0]))
			return;
	strcpy(found->list[found->count].server, target.server[0]);
	strcpy(found->list[found->count].image, target.image);
	found->list[found->count++].source = source;
}

static void from_command_line(const struct farm_means *means, struct found *found)
{
	char path[PATH_MAX], line[LINE], *rest = line, *word, *server;
	FILE *file;

	if (means->server) {
		snprintf(line, sizeof(line), "rd.vdisk.server=%s", means->server);
	} else {
		file = fopen(path_in(means->root, "/proc/cmdline", path, sizeof(path)), "re");
		if (!file)
			return;
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
		fclose(file);
	}
	while ((word = strsep(&rest, "\n "))) {
		if (strncmp(word, "rd.vdisk.server=", 16))
			continue;
		word += 16;
		while ((server = strsep(&word, ",")))
			if (*server)
				found_add(found, server, "command line");
	}
}

static void from_medium(const struct farm_means *means, struct found *found)
{
	struct farm_target target = { .automatic = false };
	struct vdisk_error err;
	char path[PATH_MAX];
	unsigned int i;

	if (target_read_list(path_in(means->root, "/etc/vdisk/farm.conf", path, sizeof(path)),
			     &target, &err) < 0)
		return;
	for (i = 0; i < target.nr_servers; i++)
		found_add(found, target.server[i], "boot medium");
}

/* Takes shell's quotes off, as far as lease files have them; expands nothing. */
static char *unquote(char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && (text[0] == '\'' || text[0] == '"') && text[len - 1] == text[0]) {
		text[len - 1] = '\0';
		text++;
	}
	return text;
}

/* networkd writes options it does not know in hexadecimal; some servers send the NUL behind a text. */
static void unhex(char *text)
{
	size_t i, len = strlen(text), used = 0;
	unsigned int byte;
	char plain[LINE];

	if (len % 2 || strspn(text, "0123456789abcdefABCDEF") != len)
		return;
	for (i = 0; i < len; i += 2) {
		if (sscanf(text + i, "%2x", &byte) != 1)
			return;
		if (!byte && i + 2 == len)
			break;
		if (byte < ' ' || byte > '~')
			return;
		plain[used++] = byte;
	}
	plain[used] = '\0';
	strcpy(text, plain);
}

static bool is_key(const char *line, const char *key, char **value)
{
	size_t len = key ? strlen(key) : 0;

	if (!len || strncmp(line, key, len) || line[len] != '=')
		return false;
	*value = unquote((char *)line + len + 1);
	return true;
}

/* Root paths belong to NFS and iSCSI as well: only "vdisk:" is ours. */
static void take_root_path(const char *value, struct found *found)
{
	if (!strncasecmp(value, "vdisk://", 8))
		found_add(found, value, "DHCP");
	else if (!strncasecmp(value, "vdisk:", 6))
		found_add(found, value + 6, "DHCP");
}

static void from_lease(const char *path, size_t kind, struct found *found, char *domain)
{
	char line[LINE], *value;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n;")] = '\0';
		if (is_key(line, leases[kind].root_path, &value)) {
			take_root_path(value, found);
		} else if (is_key(line, leases[kind].option, &value)) {
			unhex(value);
			take_root_path(value, found);
		} else if (is_key(line, leases[kind].domain, &value) && !domain[0]) {
			snprintf(domain, DOMAIN, "%s", value);
		}
	}
	fclose(file);
}

static void from_dhcp(const struct farm_means *means, struct found *found, char *domain)
{
	char pattern[PATH_MAX];
	glob_t files;
	size_t kind, i;

	for (kind = 0; kind < sizeof(leases) / sizeof(*leases); kind++) {
		path_in(means->root, leases[kind].files, pattern, sizeof(pattern));
		if (glob(pattern, GLOB_NOSORT, NULL, &files))
			continue;
		for (i = 0; i < files.gl_pathc; i++)
			from_lease(files.gl_pathv[i], kind, found, domain);
		globfree(&files);
	}
}

void discover_all(const struct farm_means *means, struct found *found)
{
	char domain[DOMAIN] = "";

	memset(found, 0, sizeof(*found));
	from_command_line(means, found);
	/* Who says where it is does not want it looked for. */
	if (found->count)
		return;
	from_medium(means, found);
	from_dhcp(means, found, domain);
	discover_dns(domain, found);
	if (means->multicast)
		discover_multicast(found);
}

int discover_servers(struct farm_target *target, const struct farm_means *means,
		     unsigned int patience, struct vdisk_error *err)
{
	struct found found;
	unsigned int i;

	(void)patience;
	discover_all(means, &found);
	for (i = 0; i < found.count && target->nr_servers < FARM_SERVERS_MAX; i++) {
		strcpy(target->server[target->nr_servers++], found.list[i].server);
		if (!target->image[0])
			strcpy(target->image, found.list[i].image);
	}
	if (!target->nr_servers)
		return vdisk_error_set(err, EHOSTUNREACH,
				       "no farm found: neither rd.vdisk.server=, /etc/vdisk/farm.conf, DHCP (root-path vdisk://HOST) nor DNS (_vdisk._tcp) names a server");
	return 0;
}

/* Whether it is of our farm: any answer will do, after the pin. */
static const char *prove(const struct farm_means *means, const char *server,
			 struct vdisk_error *err)
{
	struct farm_target target = { .automatic = false };
	struct farm_answer answer;
	struct farm *farm;
	int ret;

	ret = target_add_server(&target, server, err);
	if (!ret)
		ret = target_open(&target, means, NULL, 0, &farm, err);
	if (ret < 0)
		return err->text;
	ret = farm_get(farm, "/healthz", &answer, err);
	if (!ret)
		farm_answer_free(&answer);
	farm_close(farm);
	return ret < 0 ? err->text : "";
}

static void show(const struct farm_means *means, const struct found *found, bool json)
{
	json_t *list = json_array();
	struct vdisk_error err;
	const char *why;
	unsigned int i;

	for (i = 0; i < found->count; i++) {
		why = prove(means, found->list[i].server, &err);
		if (json)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:s}",
				"server", found->list[i].server, "image", found->list[i].image,
				"source", found->list[i].source, "good", !*why, "reason", why));
		else
			printf("%-14s %-32s %s\n", found->list[i].source, found->list[i].server,
			       *why ? why : "ok");
	}
	if (json)
		print_object(json_incref(list), false);
	json_decref(list);
}

int discover_main(int argc, char **argv)
{
	static const struct option options[] = {
		MEANS_OPTIONS,
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct farm_means means = { .root = "" };
	struct vdisk_error err;
	struct found found;
	bool json = false;
	int option;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		if (option == 'j')
			json = true;
		else if (means_take(&means, option, optarg, &err) < 0)
			return usage_error("discover: %s", err.text);
	}
	if (optind != argc)
		return usage_error("discover: what is '%s'?", argv[optind]);
	discover_all(&means, &found);
	show(&means, &found, json);
	return found.count ? EXIT_DONE : fail("discover: no server found");
}
