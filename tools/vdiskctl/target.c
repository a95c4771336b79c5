// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "discover.h"
#include "target.h"
#include "vdiskctl.h"

static const char scheme[] = "vdisk://";

bool target_is_farm(const char *uri)
{
	return !strcmp(uri, "auto") || !strncasecmp(uri, scheme, sizeof(scheme) - 1);
}

const char *path_in(const char *root, const char *path, char *room, size_t size)
{
	if (snprintf(room, size, "%s%s", root ? root : "", path) >= (int)size)
		room[0] = '\0';
	return room;
}

/* What farm_open() would refuse later is refused here, where the URI can be named. */
static int check_server(const char *text, const char *uri, struct vdisk_error *err)
{
	const struct farm_options options = {
		.servers = &text, .nr_servers = 1, .trust_network = true,
	};
	struct vdisk_error why;
	struct farm *farm;

	if (farm_open(&farm, &options, &why) < 0)
		return vdisk_error_set(err, EINVAL, "%s: %s", uri, why.text);
	farm_close(farm);
	return 0;
}

int target_add_server(struct farm_target *target, const char *text, struct vdisk_error *err)
{
	unsigned int i;
	int ret;

	if (strlen(text) >= TARGET_SERVER)
		return vdisk_error_set(err, EINVAL, "a server's name of %zu bytes", strlen(text));
	ret = check_server(text, text, err);
	if (ret < 0)
		return ret;
	for (i = 0; i < target->nr_servers; i++)
		if (!strcmp(target->server[i], text))
			return 0;
	if (target->nr_servers == FARM_SERVERS_MAX)
		return vdisk_error_set(err, EINVAL, "more than %d servers", FARM_SERVERS_MAX);
	strcpy(target->server[target->nr_servers++], text);
	return 0;
}

/* Names of images: [a-z0-9][a-z0-9._-]{0,62}, and a version may follow: NAME@N */
static int take_image(struct farm_target *target, const char *text, const char *uri,
		      struct vdisk_error *err)
{
	const char *c, *end = strchrnul(text, '@');

	for (c = text; c < end; c++)
		if (!(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
		      (c > text && strchr("._-", *c))))
			return vdisk_error_set(err, EINVAL, "%s: '%s' is not an image's name", uri, text);
	if (*end && (c == text || !end[1] || strlen(end) > 11 ||
		     end[1 + strspn(end + 1, "0123456789")]))
		return vdisk_error_set(err, EINVAL, "%s: '%s' is not a version", uri, end);
	if (strlen(text) >= TARGET_IMAGE)
		return vdisk_error_set(err, EINVAL, "%s: the image's name is too long", uri);
	if (*text && target->image[0] && strcmp(target->image, text))
		return vdisk_error_set(err, EINVAL, "%s: another image than the URI before it", uri);
	if (*text)
		strcpy(target->image, text);
	return 0;
}

int target_add(struct farm_target *target, const char *uri, struct vdisk_error *err)
{
	char server[TARGET_SERVER];
	const char *rest, *slash;
	int ret;

	if (!strcmp(uri, "auto")) {
		target->automatic = true;
		return 0;
	}
	rest = uri + sizeof(scheme) - 1;
	slash = strchrnul(rest, '/');
	if (slash - rest >= TARGET_SERVER || slash == rest)
		return vdisk_error_set(err, EINVAL, "%s: vdisk://HOST[:PORT][/IMAGE] is one", uri);
	snprintf(server, sizeof(server), "%.*s", (int)(slash - rest), rest);
	ret = check_server(server, uri, err);
	if (!ret)
		ret = take_image(target, *slash ? slash + 1 : slash, uri, err);
	return ret ? ret : target_add_server(target, server, err);
}

int target_add_all(struct farm_target *target, char **uris, struct vdisk_error *err)
{
	int ret;

	if (!*uris)
		return vdisk_error_set(err, EINVAL,
				       "at which farm? vdisk://HOST[:PORT][/IMAGE] or auto");
	for (; *uris; uris++) {
		if (!target_is_farm(*uris))
			return vdisk_error_set(err, EINVAL,
					       "%s: not vdisk://HOST[:PORT][/IMAGE] or auto", *uris);
		ret = target_add(target, *uris, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int target_read_list(const char *path, struct farm_target *target, struct vdisk_error *err)
{
	char line[2048], *rest, *word;
	struct vdisk_error why;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		rest = line + strspn(line, " \t");
		if (strncmp(rest, "servers", 7))
			continue;
		rest += 7 + strspn(rest + 7, " \t");
		if (*rest++ != '=')
			continue;
		while ((word = strsep(&rest, " \t\r\n,")))
			if (*word && target_add_server(target, word, &why) < 0)
				warn("%s: %s: left out", path, why.text);
	}
	fclose(file);
	return target->nr_servers ? 0 : vdisk_error_set(err, ENOENT, "%s names no server", path);
}

/* The pin that the farm's administrator put into the initramfs.  "" when there is none. */
static int read_pin(const struct farm_means *means, char *pin, struct vdisk_error *err)
{
	char path[PATH_MAX], line[128] = "";
	FILE *file;

	pin[0] = '\0';
	path_in(means->root, "/etc/vdisk/farm.pin", path, sizeof(path));
	file = fopen(path, "re");
	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, " \t\r\n")] = '\0';
	if (!pin_is_valid(line))
		return vdisk_error_set(err, EINVAL, "%s: not a pin, sha256//BASE64", path);
	strcpy(pin, line);
	return 0;
}

/*
 * The kernel's command line comes by plain HTTP.  What it says makes up for a pin that
 * is lacking; it neither replaces nor weakens one that this machine was given.
 */
static int check_against(const struct farm_means *means, const char *pin, struct vdisk_error *err)
{
	if (!pin[0])
		return 0;
	if (means->trust_network)
		return vdisk_error_set(err, EPERM,
				       "this machine has the farm's pin, %s (/etc/vdisk/farm.pin), and --trust network (rd.vdisk.trust=network) would do without: take away one of them",
				       pin);
	if (means->pin && strcmp(means->pin, pin))
		return vdisk_error_set(err, EPERM,
				       "this machine has the farm's pin, %s (/etc/vdisk/farm.pin), and --pin (rd.vdisk.pin=) says %s: one of them is another farm's",
				       pin, means->pin);
	return 0;
}

static void say(void *context, const char *text)
{
	(void)context;
	warn("%s", text);
}

int target_open(struct farm_target *target, const struct farm_means *means, const char *token,
		unsigned int patience, struct farm **farm, struct vdisk_error *err)
{
	const char *list[FARM_SERVERS_MAX];
	struct farm_options options = { .servers = list, .token = token, .notice = say,
					.trust_network = means->trust_network,
					.answer_max = 8 << 20 };
	char pin[PIN_TEXT];
	unsigned int i;
	int ret;

	ret = read_pin(means, pin, err);
	if (!ret)
		ret = check_against(means, pin, err);
	if (ret < 0)
		return ret;
	options.pin = pin[0] ? pin : means->pin;
	if (target->automatic && !target->nr_servers) {
		ret = discover_servers(target, means, patience, err);
		if (ret < 0)
			return ret;
	}
	for (i = 0; i < target->nr_servers; i++)
		list[i] = target->server[i];
	options.nr_servers = target->nr_servers;
	if (!options.pin && !options.trust_network)
		return vdisk_error_set(err, EINVAL,
				       "the farm's pin is not known: give --pin (rd.vdisk.pin=) or /etc/vdisk/farm.pin, or say --trust network (rd.vdisk.trust=network)");
	return farm_open(farm, &options, err);
}

int means_take(struct farm_means *means, int option, const char *value, struct vdisk_error *err)
{
	switch (option) {
	case MEANS_PIN:
		if (!pin_is_valid(value))
			return vdisk_error_set(err, EINVAL, "--pin '%s' is not sha256//BASE64", value);
		means->pin = value;
		break;
	case MEANS_TRUST:
		if (strcmp(value, "network"))
			return vdisk_error_set(err, EINVAL, "--trust '%s' is not network", value);
		means->trust_network = true;
		break;
	case MEANS_KEY:
		means->key = value;
		break;
	case MEANS_SERVER:
		means->server = value;
		break;
	case MEANS_MULTICAST:
		means->multicast = true;
		break;
	case MEANS_ROOT:
		means->root = value;
		break;
	}
	if (means->pin && means->trust_network)
		return vdisk_error_set(err, EINVAL, "--pin and --trust network exclude each other");
	return 0;
}
