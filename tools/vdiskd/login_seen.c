// SPDX-License-Identifier: GPL-2.0
/*
 * UUIDs that were seen on two machines.  A record that has a UUID and no network
 * card means whoever says that UUID; when that turns out to be two, it means
 * nobody until an administrator has given it its cards.
 */
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "control.h"
#include "login_internal.h"

struct login_sight {
	char uuid[LOGIN_UUID];
	bool shared;
	unsigned int mac_count;
	char macs[LOGIN_MACS_MOST][LOGIN_MAC];
};

static bool shares_mac(const struct login_sight *sight, const struct login_machine *machine)
{
	unsigned int i, j;

	for (i = 0; i < sight->mac_count; i++)
		for (j = 0; j < machine->mac_count; j++)
			if (!strcmp(sight->macs[i], machine->macs[j]))
				return true;
	return false;
}

static struct login_sight **place_of(struct logins *logins, const char *uuid)
{
	uint32_t sum = 2166136261;

	for (; *uuid; uuid++)
		sum = (sum ^ (unsigned char)*uuid) * 16777619;
	return &logins->sights[sum % LOGIN_SIGHTS];
}

static bool see(struct logins *logins, const struct login_machine *machine)
{
	struct login_sight **place = place_of(logins, machine->uuid), *sight = *place;

	if (!sight) {
		sight = calloc(1, sizeof(*sight));
		*place = sight;
		if (!sight)
			return true;
	}
	if (strcmp(sight->uuid, machine->uuid)) {
		/* Another one's place: what is known of that is forgotten, the table has an end. */
		*sight = (struct login_sight) { .mac_count = machine->mac_count };
		strcpy(sight->uuid, machine->uuid);
		memcpy(sight->macs, machine->macs, sizeof(sight->macs));
		return true;
	}
	if (!shares_mac(sight, machine))
		sight->shared = true;
	return !sight->shared;
}

int login_see(struct control *control, const struct login_machine *machine, const json_t *client,
	      bool *alone, struct vdisk_error *err)
{
	struct logins *logins = control->logins;
	json_t *filter;
	int64_t count;
	int ret;

	*alone = true;
	if (!*machine->uuid || !machine->mac_count)
		return 0;
	filter = json_pack("{s:I}", "client_id", (json_int_t)login_integer(client, "id"));
	ret = catalog_count(control->catalog, CATALOG_MAC, filter, &count, err);
	json_decref(filter);
	if (ret || count)
		return ret;
	pthread_mutex_lock(&logins->lock);
	*alone = see(logins, machine);
	pthread_mutex_unlock(&logins->lock);
	return 0;
}

void login_see_stop(struct logins *logins)
{
	unsigned int i;

	for (i = 0; i < LOGIN_SIGHTS; i++)
		free(logins->sights[i]);
}
