// SPDX-License-Identifier: GPL-2.0
/*
 * Objects and filters of the catalog, as they come in bodies of requests.
 *
 * The first byte tells the kind, the second what is done: add, change object 1,
 * or look for. The rest is JSON, with NUL taken in texts. Whatever is stored must
 * be found again as it was given back, and everything else be refused as bad
 * input: never as trouble of the database.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "catalog.h"
#include "catalog_kinds.h"

enum { RUNS_KEPT = 500 };

static const struct catalog_who who = { .name = "fuzz" };
static struct catalog *catalog;
static struct vdisk_error error;
static char folder[32] = "/tmp/vdisk-fuzz-XXXXXX";

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", what, error.text);
	abort();
}

static void make_world(void)
{
	static const struct {
		int kind;
		const char *object;
	} world[] = {
		{ CATALOG_GROUP, "{\"name\":\"lab\"}" },
		{ CATALOG_IMAGE, "{\"name\":\"debian\"}" },
		{ CATALOG_VERSION, "{\"image_id\":1,\"number\":1,\"size\":4096}" },
		{ CATALOG_CLIENT, "{\"name\":\"pc1\"}" },
		{ CATALOG_MAC, "{\"client_id\":1,\"mac\":\"52:54:00:00:00:01\"}" },
		{ CATALOG_PROPERTY, "{\"owner\":\"client\",\"owner_id\":1,\"name\":\"room\"}" },
		{ CATALOG_NETWORK, "{\"cidr\":\"10.0.0.0/8\"}" },
		{ CATALOG_ASSIGNMENT, "{\"client_id\":1,\"image_id\":1}" },
		{ CATALOG_ENROLMENT, "{\"name\":\"pc%d\",\"until\":4000000000,\"max\":1}" },
		{ CATALOG_PENDING, "{\"reason\":\"unknown\"}" },
		{ CATALOG_SERVER, "{\"name\":\"srv1\"}" },
		{ CATALOG_SESSION, "{\"token_id\":\"t\",\"client_id\":1,\"image_id\":1,\"version\":1}" },
		{ CATALOG_EVENT, "{\"step\":\"agent\"}" },
	};
	json_t *object;
	unsigned int i;

	for (i = 0; i < sizeof(world) / sizeof(*world); i++) {
		object = json_loads(world[i].object, 0, NULL);
		must(!catalog_add(catalog, &who, world[i].kind, object, NULL, &error), world[i].object);
		json_decref(object);
	}
}

static void remove_all(void)
{
	char name[80];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/c%s", folder, i ? i > 1 ? "-shm" : "-wal" : "");
		unlink(name);
	}
	rmdir(folder);
}

static void begin(void)
{
	char uri[80];

	if (!catalog) {
		must(mkdtemp(folder), "a directory");
		atexit(remove_all);
		snprintf(uri, sizeof(uri), "sqlite:%s/c", folder);
		must(!catalog_open(&catalog, uri, &error), "opening");
		make_world();
	}
	must(!catalog_begin(catalog, &error), "beginning");
}

static bool is_clean(const json_t *object, int kind)
{
	const struct catalog_field *field = catalog_fields(kind);
	const json_t *value;

	for (; field->name; field++) {
		value = json_object_get(object, field->name);
		if (!value)
			return false;
		if (json_is_string(value) &&
		    !catalog_text_clean(json_string_value(value), json_string_length(value),
					field->flags & CATALOG_LINES))
			return false;
	}
	return true;
}

static void check_stored(int kind, const json_t *stored)
{
	int64_t id = json_integer_value(json_object_get(stored, "id"));
	json_t *again = NULL;

	must(!catalog_get_id(catalog, kind, id, &again, &error), "what was stored is not found");
	must(json_equal(again, (json_t *)stored), "what was stored is something else");
	must(is_clean(again, kind), "what was stored is not clean");
	json_decref(again);
}

static void try_input(int kind, unsigned int what, const json_t *input)
{
	json_t *stored = NULL;
	int ret;

	error.text[0] = '\0';
	if (what == 0)
		ret = catalog_add(catalog, &who, kind, input, &stored, &error);
	else if (what == 1)
		ret = catalog_change(catalog, &who, kind, 1, input, -1, &stored, &error);
	else
		ret = catalog_list(catalog, kind, input, &stored, &error);
	if (!ret) {
		if (what < 2)
			check_stored(kind, stored);
		json_decref(stored);
		return;
	}
	must(ret == -EINVAL || ret == -EEXIST || ret == -ENOENT, "not the input's fault");
	must(error.text[0] && error.code == -ret, "refused without a word");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned int runs;
	json_t *input;

	if (size < 3)
		return 0;
	if (runs++ % RUNS_KEPT == 0) {
		if (catalog)
			catalog_rollback(catalog);
		begin();
	}
	input = json_loadb((const char *)data + 2, size - 2, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!input)
		return 0;
	try_input(data[0] % (CATALOG_KINDS + 1), data[1] % 3, input);
	json_decref(input);
	return 0;
}
