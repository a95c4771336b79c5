// SPDX-License-Identifier: GPL-2.0
/* What vdiskd.conf says, as far as the administrator's commands want it. */
#include "settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "place.h"

/* "  key = value  " in place; false for anything else. */
static bool split(char *line, char **key, char **value)
{
	char *equals = strchr(line, '='), *end;

	*key = line + strspn(line, " \t");
	if (!equals || **key == '#')
		return false;
	*value = equals + 1 + strspn(equals + 1, " \t");
	for (end = equals; end > *key && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	for (end = *value + strlen(*value); end > *value && strchr(" \t\r", end[-1]); end--)
		;
	*end = '\0';
	return **key;
}

static void set(char **to, const char *value)
{
	free(*to);
	*to = strdup(value);
	if (!*to)
		abort();
}

/* The address of "10.0.0.1:10810"; none of "*:10810". */
static void take_address(struct settings *settings)
{
	struct in_addr address;
	char *colon;

	if (!settings->http)
		return;
	set(&settings->address, settings->http);
	colon = strrchr(settings->address, ':');
	if (colon)
		*colon = '\0';
	if (inet_pton(AF_INET, settings->address, &address) != 1 || !address.s_addr) {
		free(settings->address);
		settings->address = NULL;
	}
}

int settings_read(struct settings *settings, struct vdisk_error *err)
{
	char *text, *line, *rest, *key, *value;

	memset(settings, 0, sizeof(*settings));
	text = place_read(PLACE_CONFIG, NULL, err);
	if (!text)
		return -err->code;
	settings->ours = !strncmp(text, PLACE_MARK, strlen(PLACE_MARK));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!split(line, &key, &value))
			continue;
		settings->count++;
		if (!strcmp(key, "store"))
			set(&settings->store, value);
		else if (!strcmp(key, "catalog"))
			set(&settings->catalog, value);
		else if (!strcmp(key, "http"))
			set(&settings->http, value);
		else if (!strcmp(key, "keys"))
			set(&settings->keys, value);
	}
	free(text);
	take_address(settings);
	return 0;
}

void settings_free(struct settings *settings)
{
	free(settings->store);
	free(settings->catalog);
	free(settings->http);
	free(settings->keys);
	free(settings->address);
}
