// SPDX-License-Identifier: GPL-2.0
/*
 * Which client a machine is.  UUID and MACs have to agree: whatever could mean
 * two records means none.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "error.h"
#include "login_internal.h"
#include "util.h"

/* What boards say whose makers didn't care; in either byte order. */
static const char *const placeholders[] = {
	"03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
	"12345678-1234-5678-90ab-cddeefaabbcc", "12345678-1234-1234-1234-123456789abc",
	"12345678-1234-5678-1234-567812345678", "01234567-8910-1112-1314-151617181920",
	"00010203-0405-0607-0809-0a0b0c0d0e0f", "0f0e0d0c-0b0a-0908-0706-050403020100",
	"01020304-0506-0708-090a-0b0c0d0e0f10", "11223344-5566-7788-99aa-bbccddeeff00",
	"49434d53-0200-9033-2500-339025003390", "4c4c4544-0000-2010-8020-80c04f202020",
	"a5a5a5a5-a5a5-a5a5-a5a5-a5a5a5a5a5a5", "deadbeef-dead-beef-dead-beefdeadbeef",
};

void login_swap_uuid(const char *uuid, char swapped[LOGIN_UUID])
{
	/* Where each pair of digits comes from; the rest stays. */
	static const uint8_t from[] = { 6, 4, 2, 0, 11, 9, 16, 14 };
	static const uint8_t to[] = { 0, 2, 4, 6, 9, 11, 14, 16 };
	unsigned int i;

	strcpy(swapped, uuid);
	for (i = 0; i < ARRAY_SIZE(from); i++)
		memcpy(swapped + to[i], uuid + from[i], 2);
}

static bool is_placeholder(const char *uuid)
{
	char swapped[LOGIN_UUID], same[] = { uuid[0], '-', '\0' };
	unsigned int i;

	/* One digit all over, as 0 and f. */
	if (strspn(uuid, same) == LOGIN_UUID - 1)
		return true;
	/* The same byte all over. */
	for (i = 2; uuid[i] && (uuid[i] == '-' || !memcmp(uuid + i, uuid, 2));)
		i += uuid[i] == '-' ? 1 : 2;
	if (!uuid[i])
		return true;
	login_swap_uuid(uuid, swapped);
	for (i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (!strcmp(uuid, placeholders[i]) || !strcmp(swapped, placeholders[i]))
			return true;
	return false;
}

bool login_set_uuid(struct login_machine *machine, const char *text)
{
	unsigned int i;

	if (strlen(text) != LOGIN_UUID - 1)
		return false;
	for (i = 0; i < LOGIN_UUID - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
		machine->said[i] = tolower((unsigned char)text[i]);
	}
	machine->said[i] = '\0';
	if (is_placeholder(machine->said))
		*machine->uuid = '\0';
	else
		strcpy(machine->uuid, machine->said);
	return true;
}

bool login_add_mac(struct login_machine *machine, const char *text)
{
	unsigned int i;
	char *mac;

	if (strlen(text) != LOGIN_MAC - 1 || machine->mac_count == LOGIN_MACS_MOST)
		return false;
	mac = machine->macs[machine->mac_count];
	for (i = 0; i < LOGIN_MAC - 1; i++) {
		if (i % 3 == 2 ? text[i] != ':' && text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
		mac[i] = i % 3 == 2 ? ':' : tolower((unsigned char)text[i]);
	}
	mac[i] = '\0';
	/* No card's own: all zeroes, or a group's. */
	if (strspn(mac, "0:") == LOGIN_MAC - 1 || strchr("13579bdf", mac[1]))
		return true;
	for (i = 0; i < machine->mac_count; i++)
		if (!strcmp(machine->macs[i], mac))
			return true;
	machine->mac_count++;
	return true;
}

static int rows_by_uuid(struct catalog *catalog, const struct login_machine *machine,
			json_t **rows, struct vdisk_error *err)
{
	char swapped[LOGIN_UUID];
	json_t *filter;
	int ret;

	*rows = NULL;
	if (!*machine->uuid) {
		*rows = json_array();
		return 0;
	}
	login_swap_uuid(machine->uuid, swapped);
	filter = json_pack("{s:[ss]}", "uuid", machine->uuid, swapped);
	ret = catalog_list(catalog, CATALOG_CLIENT, filter, rows, err);
	json_decref(filter);
	return ret;
}

static int rows_by_mac(struct catalog *catalog, const struct login_machine *machine, json_t **rows,
		       struct vdisk_error *err)
{
	json_t *macs = json_array(), *filter;
	unsigned int i;
	int ret;

	for (i = 0; i < machine->mac_count; i++)
		json_array_append_new(macs, json_string(machine->macs[i]));
	if (!machine->mac_count) {
		*rows = macs;
		return 0;
	}
	filter = json_pack("{s:o}", "mac", macs);
	ret = catalog_list(catalog, CATALOG_MAC, filter, rows, err);
	json_decref(filter);
	return ret;
}

static bool same_uuid(const char *a, const char *b)
{
	char swapped[LOGIN_UUID];

	if (strlen(b) != LOGIN_UUID - 1)
		return false;
	login_swap_uuid(b, swapped);
	return !strcmp(a, b) || !strcmp(a, swapped);
}

/* The one client that all of @macs belong to; 0: none; -1: they belong to several. */
static int64_t owner_of(const json_t *macs)
{
	int64_t owner = 0, id;
	json_t *mac;
	size_t i;

	json_array_foreach(macs, i, mac) {
		id = login_integer(mac, "client_id");
		if (owner && owner != id)
			return -1;
		owner = id;
	}
	return owner;
}

/* Found by its UUID alone: then its record must know no other cards than these. */
static int check_cards(struct catalog *catalog, const struct login_machine *machine,
		       const json_t *client, enum login_match *match, char *words,
		       struct vdisk_error *err)
{
	json_t *filter;
	int64_t count;
	int ret;

	if (!machine->mac_count)
		return 0;
	filter = json_pack("{s:I}", "client_id", (json_int_t)login_integer(client, "id"));
	ret = catalog_count(catalog, CATALOG_MAC, filter, &count, err);
	json_decref(filter);
	if (ret || !count)
		return ret;
	*match = LOGIN_CONFLICT;
	snprintf(words, LOGIN_WORDS, "its UUID is that of client '%s', but none of its network cards is: another machine with the same UUID, or new cards",
		 login_text(client, "name"));
	return 0;
}

static int by_mac(struct catalog *catalog, const struct login_machine *machine, int64_t owner,
		  enum login_match *match, json_t **client, char *words, struct vdisk_error *err)
{
	const char *uuid;
	int ret;

	ret = catalog_get_id(catalog, CATALOG_CLIENT, owner, client, err);
	if (ret)
		return ret;
	uuid = login_text(*client, "uuid");
	if (!uuid || !*machine->uuid || same_uuid(machine->uuid, uuid)) {
		*match = LOGIN_FOUND;
		return 0;
	}
	*match = LOGIN_CONFLICT;
	snprintf(words, LOGIN_WORDS, "a network card of it is client '%s', but its UUID is not: a new mainboard, or the card of another machine",
		 login_text(*client, "name"));
	return 0;
}

static int judge(struct catalog *catalog, const struct login_machine *machine, const json_t *clients,
		 const json_t *macs, enum login_match *match, json_t **client, char *words,
		 struct vdisk_error *err)
{
	int64_t owner = owner_of(macs);
	json_t *by_uuid = json_array_get(clients, 0);

	*match = LOGIN_CONFLICT;
	if (owner < 0) {
		snprintf(words, LOGIN_WORDS, "its network cards belong to several clients");
		return 0;
	}
	if (json_array_size(clients) > 1) {
		snprintf(words, LOGIN_WORDS, "its UUID is that of clients '%s' and '%s', once with its bytes swapped",
			 login_text(by_uuid, "name"),
			 login_text(json_array_get(clients, 1), "name"));
		return 0;
	}
	if (by_uuid && owner && owner != login_integer(by_uuid, "id")) {
		snprintf(words, LOGIN_WORDS, "its UUID is that of client '%s', and a network card that of another",
			 login_text(by_uuid, "name"));
		return 0;
	}
	if (!by_uuid && !owner) {
		*match = LOGIN_UNKNOWN;
		return 0;
	}
	if (!by_uuid)
		return by_mac(catalog, machine, owner, match, client, words, err);
	*match = LOGIN_FOUND;
	*client = json_incref(by_uuid);
	return owner ? 0 : check_cards(catalog, machine, by_uuid, match, words, err);
}

int login_find(struct catalog *catalog, const struct login_machine *machine,
	       enum login_match *match, json_t **client, char *words, struct vdisk_error *err)
{
	json_t *clients = NULL, *macs = NULL;
	int ret;

	*client = NULL;
	*words = '\0';
	ret = rows_by_uuid(catalog, machine, &clients, err);
	if (!ret)
		ret = rows_by_mac(catalog, machine, &macs, err);
	if (!ret)
		ret = judge(catalog, machine, clients, macs, match, client, words, err);
	json_decref(clients);
	json_decref(macs);
	if ((ret || *match != LOGIN_FOUND) && *client) {
		json_decref(*client);
		*client = NULL;
	}
	return ret;
}
