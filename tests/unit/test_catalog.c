// SPDX-License-Identifier: GPL-2.0
/*
 * The catalog's objects: every field of every kind with good, bad and absurd
 * values; what must be unique; what refers to what; audit; revisions; filters.
 */
#include "catalog_fixture.h"
#include "catalog_kinds.h"

static struct catalog *catalog;

/* --- every kind --- */

/* A good object of each kind; the numbers are of what make_world() has added. */
static const char *const samples[CATALOG_KINDS] = {
	[CATALOG_IMAGE] = "{'name':'sample'}",
	[CATALOG_VERSION] = "{'image_id':1, 'number':9, 'size':512}",
	[CATALOG_GROUP] = "{'name':'sample'}",
	[CATALOG_CLIENT] = "{'name':'sample'}",
	[CATALOG_MAC] = "{'client_id':1, 'mac':'52:54:00:00:00:99'}",
	[CATALOG_PROPERTY] = "{'owner':'client', 'owner_id':1, 'name':'sample'}",
	[CATALOG_NETWORK] = "{'cidr':'10.9.0.0/16'}",
	[CATALOG_ASSIGNMENT] = "{'client_id':1, 'image_id':1}",
	[CATALOG_ENROLMENT] = "{'name':'pc%02d', 'until':4000000000, 'max':5}",
	[CATALOG_PENDING] = "{'reason':'unknown'}",
	[CATALOG_SESSION] = "{'token_id':'sample', 'client_id':1, 'image_id':1, 'version':1}",
	[CATALOG_BOOT] = "{'client_id':1, 'step':'kernel'}",
	[CATALOG_EVENT] = "{'step':'kernel'}",
	[CATALOG_SERVER] = "{'name':'sample'}",
	[CATALOG_TOKEN] = "{'name':'sample', 'role':'admin', 'hash':"
		"'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'}",
};

/* Of the samples, with ' for ". */
static json_t *sample(int kind)
{
	char text[400], *c;

	snprintf(text, sizeof(text), "%s", samples[kind]);
	for (c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return json("%s", text);
}

static void make_world(void)
{
	static const struct {
		int kind;
		const char *object;
	} world[] = {
		{ CATALOG_GROUP, "{\"name\":\"lab\"}" },
		{ CATALOG_IMAGE, "{\"name\":\"debian\"}" },
		{ CATALOG_VERSION, "{\"image_id\":1, \"number\":1, \"size\":4096}" },
		{ CATALOG_CLIENT, "{\"name\":\"pc1\"}" },
		{ CATALOG_SERVER, "{\"name\":\"srv1\"}" },
		{ CATALOG_SESSION, "{\"token_id\":\"t1\", \"client_id\":1, \"image_id\":1, \"version\":1}" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(world) / sizeof(*world); i++)
		if (add(catalog, world[i].kind, json("%s", world[i].object)) != 1) {
			fprintf(stderr, "%s: %s\n", world[i].object, error.text);
			exit(1);
		}
}

static void test_samples(void)
{
	int64_t id;
	int kind;

	for (kind = 0; kind < CATALOG_AUDIT; kind++) {
		id = add(catalog, kind, sample(kind));
		tap_ok(id > 0, "%s: a good one is stored", catalog_kind_name(kind));
		if (id < 0)
			tap_diag("%s", error.text);
		tap_ok(catalog_remove(catalog, &admin, kind, id, 1, &error) == 0 &&
		       catalog_remove(catalog, &admin, kind, id, -1, &error) == -ENOENT,
		       "%s: and removed, once", catalog_kind_name(kind));
		tap_ok(catalog_kind_by_name(catalog_kind_name(kind)) == kind, "%s: found by its name",
		       catalog_kind_name(kind));
	}
	tap_ok(catalog_kind_by_name("nothing") == -EINVAL, "a kind that is none");
}

/* Good and bad, where the form of a text decides. */
static const struct value {
	int kind;
	const char *field, *value;
	bool good;
} values[] = {
	{ CATALOG_IMAGE, "name", "\"a\"", true },
	{ CATALOG_IMAGE, "name", "\"0-9._x\"", true },
	{ CATALOG_IMAGE, "name", "\"\"", false },
	{ CATALOG_IMAGE, "name", "\"Debian\"", false },
	{ CATALOG_IMAGE, "name", "\".hidden\"", false },
	{ CATALOG_IMAGE, "name", "\"../etc\"", false },
	{ CATALOG_IMAGE, "name", "\"a@1\"", false },
	{ CATALOG_IMAGE, "name", "\"~token\"", false },
	{ CATALOG_IMAGE, "name", "\"a/b\"", false },
	{ CATALOG_IMAGE, "kind", "\"private\"", true },
	{ CATALOG_IMAGE, "kind", "\"other\"", false },
	{ CATALOG_IMAGE, "public", "1", false },
	{ CATALOG_IMAGE, "public", "null", false },
	{ CATALOG_IMAGE, "description", "\"two\\nlines\\tand a tab\"", true },
	{ CATALOG_IMAGE, "description", "\"gr\\u00fc\\u00dfe \\ud83d\\ude00\"", true },
	{ CATALOG_IMAGE, "description", "\"red \\u001b[31m\"", false },
	{ CATALOG_IMAGE, "description", "\"\\u009b31m\"", false },
	{ CATALOG_VERSION, "number", "0", false },
	{ CATALOG_VERSION, "number", "2147483648", false },
	{ CATALOG_VERSION, "size", "-1", false },
	{ CATALOG_VERSION, "size", "9223372036854775807", true },
	{ CATALOG_VERSION, "size", "4096.0", false },
	{ CATALOG_VERSION, "sha256", "\"abc\"", false },
	{ CATALOG_CLIENT, "name", "\"lab1-01\"", true },
	{ CATALOG_CLIENT, "name", "\"-lab\"", false },
	{ CATALOG_CLIENT, "name", "\"lab-\"", false },
	{ CATALOG_CLIENT, "name", "\"a.b\"", false },
	{ CATALOG_CLIENT, "name", "\"$(reboot)\"", false },
	{ CATALOG_CLIENT, "uuid", "\"4C4C4544-0034-3510-8052-B4C04F4A3532\"", true },
	{ CATALOG_CLIENT, "uuid", "\"00000000-0000-0000-0000-000000000000\"", false },
	{ CATALOG_CLIENT, "uuid", "\"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF\"", false },
	{ CATALOG_CLIENT, "uuid", "\"4c4c4544003435108052b4c04f4a3532\"", false },
	{ CATALOG_CLIENT, "machine_id", "\"00000000000000000000000000000000\"", false },
	{ CATALOG_CLIENT, "created", "5", false },
	{ CATALOG_CLIENT, "id", "5", false },
	{ CATALOG_CLIENT, "revision", "5", false },
	{ CATALOG_CLIENT, "type", "\"test\"", true },
	{ CATALOG_MAC, "mac", "\"52-54-00-AB-CD-EF\"", true },
	{ CATALOG_MAC, "mac", "\"52:54:00-ab:cd:ef\"", false },
	{ CATALOG_MAC, "mac", "\"01:00:5e:00:00:01\"", false },
	{ CATALOG_MAC, "mac", "\"00:00:00:00:00:00\"", false },
	{ CATALOG_MAC, "mac", "\"ff:ff:ff:ff:ff:ff\"", false },
	{ CATALOG_PROPERTY, "name", "\"two words\"", false },
	{ CATALOG_PROPERTY, "value", "\"any \\\"thing\\\" $(at) all\"", true },
	{ CATALOG_NETWORK, "cidr", "\"fd00:1::/64\"", true },
	{ CATALOG_NETWORK, "cidr", "\"0.0.0.0/0\"", true },
	{ CATALOG_NETWORK, "cidr", "\"10.1.2.3/16\"", false },
	{ CATALOG_NETWORK, "cidr", "\"10.1.0.0/33\"", false },
	{ CATALOG_NETWORK, "cidr", "\"10.1.0.0\"", false },
	{ CATALOG_NETWORK, "cidr", "\"10.1.0.0/\"", false },
	{ CATALOG_NETWORK, "cidr", "\"10.1.0.0/016\"", false },
	{ CATALOG_ENROLMENT, "network", "\"10.1.0.0/16\"", true },
	{ CATALOG_ENROLMENT, "network", "\"10.1.2.3/16\"", false },
	{ CATALOG_ENROLMENT, "network", "\"room 1\"", false },
	{ CATALOG_NETWORK, "servers", "[\"a\", \"10.0.0.1:10809\"]", true },
	{ CATALOG_NETWORK, "servers", "[1]", false },
	{ CATALOG_NETWORK, "servers", "[\"\"]", false },
	{ CATALOG_NETWORK, "servers", "[[\"a\"]]", false },
	{ CATALOG_ASSIGNMENT, "overlay", "\"ram:50%\"", true },
	{ CATALOG_ASSIGNMENT, "overlay", "\"ram; reboot\"", false },
	{ CATALOG_ASSIGNMENT, "timeout", "86401", false },
	{ CATALOG_ASSIGNMENT, "state", "\"testing\"", true },
	{ CATALOG_ASSIGNMENT, "state", "\"current\"", false },
	{ CATALOG_ASSIGNMENT, "state", "\"\"", false },
	{ CATALOG_ENROLMENT, "name", "\"lab1-%02d\"", true },
	{ CATALOG_ENROLMENT, "name", "\"%d\"", true },
	{ CATALOG_ENROLMENT, "name", "\"lab1\"", false },
	{ CATALOG_ENROLMENT, "name", "\"%d%d\"", false },
	{ CATALOG_ENROLMENT, "name", "\"%s\"", false },
	{ CATALOG_ENROLMENT, "name", "\"%n\"", false },
	{ CATALOG_ENROLMENT, "name", "\"%0d\"", false },
	{ CATALOG_ENROLMENT, "name", "\"%*d\"", false },
	{ CATALOG_ENROLMENT, "name", "\"%99d\"", false },
	{ CATALOG_ENROLMENT, "until", "1", false },
	{ CATALOG_ENROLMENT, "max", "0", false },
	{ CATALOG_SESSION, "state", "\"live\"", true },
	{ CATALOG_SESSION, "state", "\"dead\"", false },
	{ CATALOG_SESSION, "ended_how", "\"logout\"", false },
	{ CATALOG_EVENT, "seconds", "1.25", true },
	{ CATALOG_EVENT, "seconds", "3", true },
	{ CATALOG_EVENT, "seconds", "-0.5", false },
	{ CATALOG_EVENT, "seconds", "1e300", false },
	{ CATALOG_SERVER, "port", "65536", false },
	{ CATALOG_TOKEN, "role", "\"root\"", false },
};

static void test_values(void)
{
	char start[80];
	json_t *object;
	unsigned int i;
	int64_t id;

	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct value *v = &values[i];

		object = sample(v->kind);
		json_object_set_new(object, v->field, json("%s", v->value));
		id = add(catalog, v->kind, object);
		snprintf(start, sizeof(start), "%s: %s: ", catalog_kind_name(v->kind), v->field);
		tap_ok(v->good ? id > 0 : id == -EINVAL && !strncmp(error.text, start, strlen(start)),
		       "%s%s is %s", start, v->value, v->good ? "taken" : "refused by name");
		if (id > 0)
			catalog_remove(catalog, &admin, v->kind, id, -1, &error);
	}
}

/* What no field takes, of whatever type: @absurd is taken. */
static void refuse_everywhere(const char *what, json_t *absurd, unsigned int types)
{
	const struct catalog_field *field;
	int64_t before = count(catalog, CATALOG_AUDIT, NULL);
	unsigned int wrong = 0, tried = 0;
	json_t *object;
	int kind;

	for (kind = 0; kind < CATALOG_AUDIT; kind++)
		for (field = catalog_fields(kind) + 2; field->name; field++) {
			if (!(types & 1 << field->type) || field->flags & CATALOG_READONLY)
				continue;
			tried++;
			object = sample(kind);
			json_object_set(object, field->name, absurd);
			if (add(catalog, kind, object) == -EINVAL && strstr(error.text, field->name))
				continue;
			wrong++;
			tap_diag("%s of %s: %s", field->name, catalog_kind_name(kind), error.text);
		}
	json_decref(absurd);
	tap_ok(tried && !wrong && count(catalog, CATALOG_AUDIT, NULL) == before,
	       "%s: refused by %u fields, nothing stored", what, tried);
}

static void test_absurd(void)
{
	enum {
		ANY = 0xff, INTS = 1 << CATALOG_INT | 1 << CATALOG_TIME, TEXTS = 1 << CATALOG_TEXT,
		BOOLS = 1 << CATALOG_BOOL, LISTS = 1 << CATALOG_JSON, NUMBERS = 1 << CATALOG_NUMBER
	};
	static char huge[CATALOG_TEXT_BYTES + 1];
	json_t *list = json_array(), *deep = json_array();
	int i;

	memset(huge, 'a', sizeof(huge));
	refuse_everywhere("an object", json("{\"a\":1}"), ANY);
	refuse_everywhere("a text of 64 KiB and one", json_stringn(huge, sizeof(huge)), ANY);
	refuse_everywhere("bad UTF-8", json_stringn_nocheck("a\xff\xfe", 3), ANY);
	refuse_everywhere("an overlong form", json_stringn_nocheck("\xc0\xaf", 2), ANY);
	refuse_everywhere("half a surrogate pair", json_stringn_nocheck("\xed\xa0\x80", 3), ANY);
	refuse_everywhere("a cut character", json_stringn_nocheck("\xf0\x9f\x98", 3), ANY);
	refuse_everywhere("a NUL", json_stringn("a\0b", 3), ANY);
	refuse_everywhere("an escape", json_string("\x1b[2J"), ANY);
	refuse_everywhere("a carriage return", json_string("a\rb"), ANY);
	refuse_everywhere("a fraction", json_real(1.5), ANY & ~NUMBERS);
	refuse_everywhere("a negative number", json_integer(-1), ANY);
	refuse_everywhere("the lowest number", json_integer(INT64_MIN), ANY);
	refuse_everywhere("a truth value", json_true(), ANY & ~BOOLS);
	refuse_everywhere("a number", json_integer(1), TEXTS | BOOLS | LISTS);
	refuse_everywhere("a list", json("[\"a\"]"), ANY & ~LISTS);
	for (i = 0; i < 65; i++)
		json_array_append_new(list, json_string("a"));
	refuse_everywhere("a list of 65", list, ANY);
	for (i = 0; i < 1000; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, deep);
		deep = outer;
	}
	refuse_everywhere("a list 1000 deep", deep, ANY);

	tap_ok(add(catalog, CATALOG_CLIENT, json("[]")) == -EINVAL, "a list instead of an object");
	tap_ok(add(catalog, CATALOG_CLIENT, json("{\"name\":\"x\",\"nothing\":1}")) == -EINVAL &&
	       says("nothing"), "a field that is none is named");
	tap_ok(add(catalog, CATALOG_CLIENT, json("{}")) == -EINVAL && says("client: name: "),
	       "a missing field is named");
	tap_ok(add(catalog, CATALOG_AUDIT, json("{}")) == -EINVAL, "nobody adds audit records");
	tap_ok(add(catalog, CATALOG_KINDS, json("{}")) == -EINVAL && add(catalog, -1, json("{}")) == -EINVAL,
	       "a kind that is none");
	tap_ok(catalog_add(catalog, NULL, CATALOG_CLIENT, list = json("{\"name\":\"x\"}"), NULL, &error) ==
	       -EINVAL, "somebody must have done it");
	json_decref(list);
}

static void test_forms(void)
{
	int64_t id = add(catalog, CATALOG_CLIENT,
			 json("{\"name\":\"form\",\"uuid\":\"4C4C4544-0034-3510-8052-B4C04F4A3532\"}"));
	json_t *object = get(catalog, CATALOG_CLIENT, id);

	tap_ok(!strcmp(text_of(object, "uuid"), "4c4c4544-0034-3510-8052-b4c04f4a3532"),
	       "a UUID is stored in lower case");
	tap_ok(strlen(text_of(object, "machine_id")) == 32, "a client gets a machine-id");
	tap_ok(json_is_null(json_object_get(object, "public_key")), "what has no value is null");
	json_decref(object);
	tap_ok(count(catalog, CATALOG_CLIENT,
		     json("{\"uuid\":\"4C4C4544-0034-3510-8052-B4C04F4A3532\"}")) == 1,
	       "and is found in upper case");
	tap_ok(add(catalog, CATALOG_MAC, json("{\"client_id\":%d,\"mac\":\"52-54-00-AB-CD-EF\"}", (int)id)) > 0 &&
	       count(catalog, CATALOG_MAC, json("{\"mac\":\"52:54:00:ab:cd:ef\"}")) == 1,
	       "a MAC address in either form is one");
	tap_ok(add(catalog, CATALOG_MAC, json("{\"client_id\":1,\"mac\":\"52:54:00:AB:CD:EF\"}")) == -EEXIST &&
	       says("mac: mac: "), "and nobody else's");
	tap_ok(!catalog_remove(catalog, &admin, CATALOG_CLIENT, id, -1, &error) &&
	       count(catalog, CATALOG_MAC, NULL) == 0, "it goes with its client");
}

/* --- objects together --- */

static void test_unique(void)
{
	tap_ok(add(catalog, CATALOG_CLIENT, json("{\"name\":\"pc1\"}")) == -EEXIST &&
	       says("client: name: 'pc1' is taken already (by id 1)"), "a name is taken");
	tap_ok(add(catalog, CATALOG_VERSION, json("{\"image_id\":1,\"number\":1,\"size\":1}")) == -EEXIST &&
	       says("version: number: "), "a number is taken within its image");
	tap_ok(add(catalog, CATALOG_CLIENT, json("{\"name\":\"u1\"}")) > 0 &&
	       add(catalog, CATALOG_CLIENT, json("{\"name\":\"u2\"}")) > 0,
	       "two clients without a UUID are no conflict");
	tap_ok(change(catalog, CATALOG_CLIENT, 1, json("{\"name\":\"u1\"}"), -1) == -EEXIST,
	       "a change to a name that is taken");
	tap_ok(change(catalog, CATALOG_CLIENT, 1, json("{\"name\":\"pc1\"}"), -1) == 0,
	       "a change to one's own name");
}

static void test_references(void)
{
	int64_t id, image;

	tap_ok(add(catalog, CATALOG_CLIENT, json("{\"name\":\"r\",\"group_id\":99}")) == -ENOENT &&
	       says("client: group_id: there is no group with id 99"), "a group that is not there");
	tap_ok(add(catalog, CATALOG_PROPERTY, json("{\"owner\":\"group\",\"owner_id\":99,\"name\":\"x\"}")) ==
	       -ENOENT && says("property: owner_id: "), "an owner that is not there");
	tap_ok(change(catalog, CATALOG_IMAGE, 1, json("{\"current\":7}"), -1) == -ENOENT &&
	       says("image: current: "), "a current version that is not there");
	tap_ok(add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":1,\"image_id\":1,\"version\":7}")) ==
	       -ENOENT && says("assignment: version: "), "an assigned version that is not there");
	tap_ok(add(catalog, CATALOG_ASSIGNMENT, json("{\"image_id\":1}")) == -EINVAL &&
	       add(catalog, CATALOG_ASSIGNMENT, json("{\"image_id\":1,\"client_id\":1,\"group_id\":1}")) ==
	       -EINVAL && says("assignment: client_id: "), "an assignment to nobody, and to two");

	tap_ok(add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":1,\"image_id\":1,\"version\":1,\"state\":\"draft\"}")) ==
	       -EINVAL && says("assignment: state: "), "an assignment of a version and of a state");
	id = add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":1,\"image_id\":1,\"state\":\"draft\"}"));
	tap_ok(id > 0 && change(catalog, CATALOG_ASSIGNMENT, id, json("{\"version\":1}"), -1) == -EINVAL &&
	       change(catalog, CATALOG_ASSIGNMENT, id, json("{\"version\":1,\"state\":null}"), -1) == 0 &&
	       change(catalog, CATALOG_ASSIGNMENT, id, json("{\"state\":\"testing\"}"), -1) == -EINVAL &&
	       change(catalog, CATALOG_ASSIGNMENT, id, json("{\"state\":\"testing\",\"version\":null}"), -1) == 0 &&
	       catalog_remove(catalog, &admin, CATALOG_ASSIGNMENT, id, -1, &error) == 0, "one after the other");

	tap_ok(catalog_remove(catalog, &admin, CATALOG_CLIENT, 1, -1, &error) == -EBUSY &&
	       says("pc1") && says("session 1"), "a client with a living session stays");
	tap_ok(catalog_remove(catalog, &admin, CATALOG_VERSION, 1, -1, &error) == -EBUSY &&
	       says("session"), "and its version");
	tap_ok(catalog_remove(catalog, &admin, CATALOG_IMAGE, 1, -1, &error) == -EBUSY &&
	       says("version 1"), "and its image");
	tap_ok(change(catalog, CATALOG_IMAGE, 1, json("{\"current\":1}"), -1) == 0 &&
	       change(catalog, CATALOG_SESSION, 1, json("{\"state\":\"ended\",\"ended_how\":\"logout\"}"), -1) == 0 &&
	       catalog_remove(catalog, &admin, CATALOG_VERSION, 1, -1, &error) == -EBUSY && says("current"),
	       "the current version stays");

	id = add(catalog, CATALOG_CLIENT, json("{\"name\":\"gone\"}"));
	add(catalog, CATALOG_PROPERTY, json("{\"owner\":\"client\",\"owner_id\":%d,\"name\":\"p\"}", (int)id));
	add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":%d,\"image_id\":1}", (int)id));
	add(catalog, CATALOG_SESSION,
	    json("{\"token_id\":\"e\",\"client_id\":%d,\"image_id\":1,\"version\":1,\"state\":\"ended\"}", (int)id));
	add(catalog, CATALOG_EVENT, json("{\"session_id\":2,\"client_id\":%d,\"step\":\"agent\"}", (int)id));
	tap_ok(catalog_remove(catalog, &admin, CATALOG_CLIENT, id, -1, &error) == 0 &&
	       !count(catalog, CATALOG_PROPERTY, NULL) && !count(catalog, CATALOG_ASSIGNMENT, NULL) &&
	       !count(catalog, CATALOG_EVENT, NULL) && count(catalog, CATALOG_SESSION, NULL) == 1,
	       "a client takes what is only its own along");
	tap_ok(count(catalog, CATALOG_AUDIT, json("{\"action\":\"remove\",\"kind\":\"property\"}")) > 0,
	       "each is in the audit");

	image = add(catalog, CATALOG_IMAGE, json("{\"name\":\"once\"}"));
	id = add(catalog, CATALOG_ENROLMENT,
		 json("{\"name\":\"e%%d\",\"until\":4000000000,\"max\":1,\"image_id\":%d}", (int)image));
	tap_ok(catalog_remove(catalog, &admin, CATALOG_IMAGE, image, -1, &error) == -EBUSY,
	       "an open enrolment holds its image");
	tap_ok(change(catalog, CATALOG_ENROLMENT, id, json("{\"closed\":true}"), -1) == 0 &&
	       catalog_remove(catalog, &admin, CATALOG_IMAGE, image, -1, &error) == 0 &&
	       count(catalog, CATALOG_ENROLMENT, json("{\"image_id\":null}")) == 1,
	       "a closed one forgets it");
	tap_ok(add(catalog, CATALOG_IMAGE, json("{\"name\":\"twice\"}")) > image,
	       "the number of what was removed is not given again");
}

static void test_private(void)
{
	int64_t open, closed;

	tap_ok(add(catalog, CATALOG_IMAGE, json("{\"name\":\"both\",\"kind\":\"private\",\"public\":true}")) ==
	       -EINVAL && says("image: public: "), "an image isn't private and public");
	open = add(catalog, CATALOG_IMAGE, json("{\"name\":\"open\",\"public\":true}"));
	closed = add(catalog, CATALOG_IMAGE, json("{\"name\":\"closed\",\"kind\":\"private\"}"));
	tap_ok(change(catalog, CATALOG_IMAGE, open, json("{\"kind\":\"private\"}"), -1) == -EINVAL &&
	       change(catalog, CATALOG_IMAGE, closed, json("{\"public\":true}"), -1) == -EINVAL,
	       "nor becomes it");
	tap_ok(change(catalog, CATALOG_IMAGE, open, json("{\"kind\":\"private\",\"public\":false}"), -1) == 0 &&
	       change(catalog, CATALOG_IMAGE, closed, json("{\"kind\":\"shared\",\"public\":true}"), -1) == 0,
	       "but one instead of the other");
}

/* A part has changed: who knew the whole from before must not change it. */
static void test_revise(void)
{
	int64_t id = add(catalog, CATALOG_CLIENT, json("{\"name\":\"parts\"}"));
	int64_t audits = count(catalog, CATALOG_AUDIT, NULL);
	json_t *stored = NULL;

	tap_ok(!catalog_revise(catalog, CATALOG_CLIENT, id, &stored, &error) &&
	       number_of(stored, "revision") == 2, "a revision is counted up by itself");
	json_decref(stored);
	tap_ok(count(catalog, CATALOG_AUDIT, NULL) == audits, "which is no change of its own");
	tap_ok(change(catalog, CATALOG_CLIENT, id, json("{\"comment\":\"x\"}"), 1) == -EAGAIN &&
	       change(catalog, CATALOG_CLIENT, id, json("{\"comment\":\"x\"}"), 2) == 0,
	       "but is seen by who changes it");
	tap_ok(catalog_revise(catalog, CATALOG_CLIENT, 999, NULL, &error) == -ENOENT,
	       "what isn't there has none");
}

static void test_groups(void)
{
	int64_t top, below = 0, id, last = 0;
	json_t *array = NULL;
	int i;

	top = add(catalog, CATALOG_GROUP, json("{\"name\":\"g0\"}"));
	for (id = top, i = 1; i < CATALOG_GROUP_DEPTH && id > 0; i++) {
		last = id;
		id = add(catalog, CATALOG_GROUP, json("{\"name\":\"g%d\",\"parent_id\":%d}", i, (int)last));
		below = i == 1 ? id : below;
	}
	tap_ok(id > 0, "groups %d deep", CATALOG_GROUP_DEPTH);
	tap_ok(add(catalog, CATALOG_GROUP, json("{\"name\":\"deep\",\"parent_id\":%d}", (int)id)) == -EINVAL,
	       "not deeper");
	tap_ok(change(catalog, CATALOG_GROUP, top, json("{\"parent_id\":%d}", (int)top), -1) == -EINVAL &&
	       says("group: parent_id: "), "a group is not its own parent");
	tap_ok(change(catalog, CATALOG_GROUP, top, json("{\"parent_id\":%d}", (int)id), -1) == -EINVAL,
	       "nor its own ancestor");
	tap_ok(change(catalog, CATALOG_GROUP, top, json("{\"parent_id\":1}"), -1) == -EINVAL,
	       "a whole tree is not put too deep");
	tap_ok(!catalog_groups(catalog, id, &array, &error) &&
	       json_array_size(array) == CATALOG_GROUP_DEPTH &&
	       number_of(json_array_get(array, 0), "id") == id &&
	       number_of(json_array_get(array, CATALOG_GROUP_DEPTH - 1), "id") == top,
	       "the chain of a group, nearest first");
	json_decref(array);
	tap_ok(catalog_remove(catalog, &admin, CATALOG_GROUP, top, -1, &error) == -EBUSY && says("g1"),
	       "a parent stays");
}

static void test_effective(void)
{
	int64_t parent = add(catalog, CATALOG_GROUP, json("{\"name\":\"house\"}"));
	int64_t group = add(catalog, CATALOG_GROUP, json("{\"name\":\"room\",\"parent_id\":%d}", (int)parent));
	int64_t client = add(catalog, CATALOG_CLIENT, json("{\"name\":\"eff\",\"group_id\":%d}", (int)group));
	int64_t other = add(catalog, CATALOG_IMAGE, json("{\"name\":\"other\"}"));
	json_t *found = NULL, *entry;

	add(catalog, CATALOG_PROPERTY, json("{\"owner\":\"group\",\"owner_id\":%d,\"name\":\"a\",\"value\":\"house\"}", (int)parent));
	add(catalog, CATALOG_PROPERTY, json("{\"owner\":\"group\",\"owner_id\":%d,\"name\":\"b\",\"value\":\"house\"}", (int)parent));
	add(catalog, CATALOG_PROPERTY, json("{\"owner\":\"group\",\"owner_id\":%d,\"name\":\"b\",\"value\":\"room\"}", (int)group));
	add(catalog, CATALOG_PROPERTY, json("{\"owner\":\"client\",\"owner_id\":%d,\"name\":\"c\",\"value\":\"me\",\"secret\":true}", (int)client));
	tap_ok(!catalog_effective_properties(catalog, client, &found, &error) &&
	       json_object_size(found) == 3, "properties of client, group and parent");
	entry = json_object_get(found, "b");
	tap_ok(!strcmp(text_of(entry, "value"), "room") && !strcmp(text_of(entry, "source"), "room"),
	       "the nearest wins");
	tap_ok(!strcmp(text_of(json_object_get(found, "a"), "source"), "house") &&
	       json_is_true(json_object_get(json_object_get(found, "c"), "secret")), "the rest is inherited");
	json_decref(found);

	add(catalog, CATALOG_ASSIGNMENT, json("{\"group_id\":%d,\"image_id\":1}", (int)parent));
	add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":%d,\"image_id\":1,\"version\":1,\"position\":5}", (int)client));
	add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":%d,\"image_id\":%d,\"position\":2}", (int)client, (int)other));
	found = NULL;
	tap_ok(!catalog_effective_assignments(catalog, client, &found, &error) &&
	       json_array_size(found) == 3 &&
	       !strcmp(text_of(json_array_get(found, 0), "image"), "other") &&
	       json_is_null(json_object_get(json_array_get(found, 0), "number")) &&
	       number_of(json_array_get(found, 1), "number") == 1 &&
	       !strcmp(text_of(json_array_get(found, 2), "source"), "house"),
	       "own assignments by position, then inherited ones");
	json_decref(found);
	found = NULL;
	change(catalog, CATALOG_IMAGE, 1, json("{\"current\":1}"), -1);
	add(catalog, CATALOG_ASSIGNMENT, json("{\"client_id\":%d,\"image_id\":1,\"state\":\"testing\",\"position\":1}", (int)client));
	tap_ok(!catalog_effective_assignments(catalog, client, &found, &error) &&
	       json_array_size(found) == 4 && !strcmp(text_of(json_array_get(found, 0), "state"), "testing") &&
	       json_is_null(json_object_get(json_array_get(found, 0), "number")) &&
	       number_of(json_array_get(found, 3), "number") == 1, "which version a state means is not told from the current one");
	json_decref(found);
	found = NULL;
	tap_ok(change(catalog, CATALOG_IMAGE, other, json("{\"deleted\":true}"), -1) == 0 &&
	       !catalog_effective_assignments(catalog, client, &found, &error) &&
	       json_array_size(found) == 3, "without images marked as deleted");
	json_decref(found);
	tap_ok(catalog_effective_properties(catalog, 999, &found, &error) == -ENOENT,
	       "of a client that is not there");
}

/* --- changes --- */

static void test_revisions(void)
{
	int64_t id = add(catalog, CATALOG_SERVER, json("{\"name\":\"rev\"}"));
	json_t *changes = json("{\"last_seen\":5}"), *object;
	int64_t audits;

	tap_ok(change(catalog, CATALOG_SERVER, id, json("{\"port\":1}"), 1) == 0, "a change of revision 1");
	tap_ok(change(catalog, CATALOG_SERVER, id, json("{\"port\":2}"), 1) == -EAGAIN && says("revision 2"),
	       "another of revision 1 comes too late");
	audits = count(catalog, CATALOG_AUDIT, NULL);
	tap_ok(change(catalog, CATALOG_SERVER, id, json("{\"port\":1}"), 2) == 0 &&
	       count(catalog, CATALOG_AUDIT, NULL) == audits, "what is equal changes nothing");
	tap_ok(catalog_change(catalog, NULL, CATALOG_SERVER, id, changes, 2, NULL, &error) == 0 &&
	       count(catalog, CATALOG_AUDIT, NULL) == audits, "bookkeeping is nobody's change");
	object = get(catalog, CATALOG_SERVER, id);
	tap_ok(number_of(object, "revision") == 2 && number_of(object, "last_seen") == 5,
	       "and leaves the revision");
	json_decref(object);
	json_object_set_new(changes, "port", json_integer(7));
	tap_ok(catalog_change(catalog, NULL, CATALOG_SERVER, id, changes, 2, NULL, &error) == -EINVAL,
	       "but not together with others");
	json_decref(changes);
	tap_ok(change(catalog, CATALOG_SERVER, id, json("{\"name\":null}"), -1) == -EINVAL &&
	       change(catalog, CATALOG_SERVER, id, json("{\"id\":9}"), -1) == -EINVAL &&
	       change(catalog, CATALOG_IMAGE, 1, json("{\"name\":\"new\"}"), -1) == -EINVAL,
	       "what must be there, is given, or is fixed does not change");
	tap_ok(catalog_remove(catalog, &admin, CATALOG_SERVER, id, 1, &error) == -EAGAIN &&
	       catalog_remove(catalog, &admin, CATALOG_SERVER, id, 2, &error) == 0,
	       "removal minds the revision, too");
}

static json_t *last_audit(void)
{
	json_t *filter = json("{\"$order\":\"-id\"}"), *record = NULL;

	catalog_get(catalog, CATALOG_AUDIT, filter, &record, &error);
	json_decref(filter);
	return record;
}

static bool mentions(const json_t *object, const char *text)
{
	char *dump = json_dumps(object, JSON_ENCODE_ANY);
	bool found = dump && strstr(dump, text);

	free(dump);
	return found;
}

static void test_audit(void)
{
	const struct catalog_who odd = { .name = "a\x1b[31m\xff\n", .role = NULL, .from = "::1" };
	json_t *object = json("{\"owner\":\"client\",\"owner_id\":1,\"name\":\"pw\",\"value\":\"first\",\"secret\":true}");
	json_t *record, *details = json("{\"a\":1}");
	int64_t id;

	tap_ok(catalog_add(catalog, &odd, CATALOG_PROPERTY, object, NULL, &error) == 0, "a secret property");
	json_decref(object);
	record = last_audit();
	tap_ok(!strcmp(text_of(record, "who"), "a?[31m??") && !strcmp(text_of(record, "from"), "::1") &&
	       !strcmp(text_of(record, "action"), "add") && !strcmp(text_of(record, "kind"), "property") &&
	       number_of(record, "at") > 0 && json_is_null(json_object_get(record, "before")),
	       "audit: who, from where, what, when");
	tap_ok(!mentions(record, "first") && mentions(record, "(secret)"), "audit: without the secret");
	id = number_of(record, "object_id");
	json_decref(record);

	change(catalog, CATALOG_PROPERTY, id, json("{\"value\":\"second\"}"), -1);
	record = last_audit();
	tap_ok(!mentions(record, "first") && !mentions(record, "second") &&
	       mentions(record, "(secret, changed)"), "audit: that a secret changed, not how");
	json_decref(record);
	change(catalog, CATALOG_PROPERTY, id, json("{\"secret\":false}"), -1);
	record = last_audit();
	tap_ok(!mentions(record, "second"), "audit: a secret that is none any more");
	json_decref(record);
	change(catalog, CATALOG_PROPERTY, id, json("{\"value\":\"third\"}"), -1);
	record = last_audit();
	tap_ok(mentions(json_object_get(record, "before"), "second") &&
	       mentions(json_object_get(record, "after"), "third"), "audit: before and after");
	json_decref(record);

	id = add(catalog, CATALOG_TOKEN, sample(CATALOG_TOKEN));
	record = last_audit();
	tap_ok(!mentions(record, "00112233"), "audit: no hash of a token");
	json_decref(record);
	record = get(catalog, CATALOG_TOKEN, id);
	tap_ok(mentions(record, "00112233"), "which those who ask for it get");
	catalog_mask(CATALOG_TOKEN, record);
	tap_ok(!mentions(record, "00112233"), "until it is masked");
	json_decref(record);

	tap_ok(!catalog_note(catalog, &admin, "wake", CATALOG_CLIENT, 1, details, &error), "a note");
	record = last_audit();
	tap_ok(!strcmp(text_of(record, "action"), "wake") && mentions(record, "\"a\": 1"), "is in the audit");
	json_decref(record);
	json_decref(details);
	tap_ok(change(catalog, CATALOG_AUDIT, 1, json("{\"who\":\"me\"}"), -1) == -EINVAL &&
	       catalog_remove(catalog, &admin, CATALOG_AUDIT, 1, -1, &error) == -EINVAL,
	       "nobody touches audit records");
}

/* --- filters --- */

static void test_filters(void)
{
	json_t *filter, *array = NULL;
	int i;

	for (i = 1; i <= 5; i++)
		add(catalog, CATALOG_EVENT, json("{\"client_id\":1,\"step\":\"%s\",\"at\":%d,\"bytes\":%s}",
						 i % 2 ? "agent" : "login", i, i == 3 ? "null" : "7"));
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"step\":\"agent\"}")) == 3, "equal");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"step\":[\"agent\",\"login\"]}")) == 5, "one of");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"step\":[]}")) == 0, "one of none");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"at\":{\"min\":2,\"max\":4}}")) == 3, "between");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"bytes\":null}")) == 1, "without a value");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"bytes\":{\"not\":null}}")) == 4, "with one");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"bytes\":{\"not\":7}}")) == 1, "with another or none");
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"step\":\"x' OR 1=1 --\"}")) == 0, "quotes are text");
	filter = json("{\"$order\":\"-at\",\"$limit\":2,\"$offset\":1}");
	tap_ok(!catalog_list(catalog, CATALOG_EVENT, filter, &array, &error) && json_array_size(array) == 2 &&
	       number_of(json_array_get(array, 0), "at") == 4, "ordered, a part of it");
	json_decref(array);
	json_decref(filter);
	tap_ok(count(catalog, CATALOG_EVENT, json("{\"nothing\":1}")) == -EINVAL &&
	       count(catalog, CATALOG_EVENT, json("{\"at\":\"1\"}")) == -EINVAL &&
	       count(catalog, CATALOG_EVENT, json("{\"at\":{\"above\":1}}")) == -EINVAL &&
	       count(catalog, CATALOG_EVENT, json("{\"at\":{}}")) == -EINVAL &&
	       count(catalog, CATALOG_EVENT, json("[]")) == -EINVAL &&
	       count(catalog, CATALOG_KINDS, NULL) == -EINVAL, "filters that make no sense");
	array = json_array();
	for (i = 0; i < 1000; i++)
		json_array_append_new(array, json_integer(i));
	tap_ok(count(catalog, CATALOG_EVENT, json_pack("{s:o}", "at", array)) == -EINVAL, "a list of 1000");
	for (i = 0; i < 6; i++) {
		static const char *const bad[] = { "{\"$limit\":-1}", "{\"$offset\":\"1\"}", "{\"$order\":5}",
			"{\"$order\":\"id; DROP TABLE events\"}", "{\"$other\":1}", "{\"$order\":\"--id\"}" };

		filter = json("%s", bad[i]);
		tap_ok(catalog_list(catalog, CATALOG_EVENT, filter, &array, &error) == -EINVAL, "%s", bad[i]);
		json_decref(filter);
	}
}

static void test_transactions(void)
{
	tap_ok(!catalog_begin(catalog, &error) && catalog_begin(catalog, &error) == -EALREADY,
	       "transactions don't nest");
	tap_ok(add(catalog, CATALOG_SERVER, json("{\"name\":\"in\"}")) > 0 &&
	       add(catalog, CATALOG_SERVER, json("{\"name\":\"in\"}")) == -EEXIST &&
	       add(catalog, CATALOG_SERVER, json("{\"name\":\"in2\"}")) > 0 &&
	       count(catalog, CATALOG_SERVER, json("{\"name\":[\"in\",\"in2\"]}")) == 2,
	       "one that fails leaves the others, and all are seen from within");
	catalog_rollback(catalog);
	tap_ok(count(catalog, CATALOG_SERVER, json("{\"name\":[\"in\",\"in2\"]}")) == 0, "rolled back");
	tap_ok(catalog_commit(catalog, &error) == -EINVAL, "nothing to commit");
	tap_ok(!catalog_begin(catalog, &error) && add(catalog, CATALOG_SERVER, json("{\"name\":\"in\"}")) > 0 &&
	       !catalog_commit(catalog, &error) && count(catalog, CATALOG_SERVER, json("{\"name\":\"in\"}")) == 1,
	       "committed");
}

static void test_prune(void)
{
	int64_t removed = -1, sessions = count(catalog, CATALOG_SESSION, NULL);
	int64_t boots = count(catalog, CATALOG_BOOT, NULL), old, pending;

	add(catalog, CATALOG_SESSION, json("{\"token_id\":\"old\",\"client_id\":1,\"image_id\":1,\"version\":1,"
					    "\"state\":\"ended\",\"since\":5}"));
	add(catalog, CATALOG_SESSION, json("{\"token_id\":\"alive\",\"client_id\":1,\"image_id\":1,\"version\":1,"
					    "\"state\":\"live\",\"since\":5}"));
	old = add(catalog, CATALOG_BOOT, json("{\"client_id\":1,\"step\":\"kernel\",\"since\":5}"));
	add(catalog, CATALOG_BOOT, json("{\"client_id\":1,\"step\":\"kernel\"}"));
	add(catalog, CATALOG_EVENT, json("{\"boot_id\":%lld,\"step\":\"kernel\"}", (long long)old));
	tap_ok(!catalog_prune(catalog, &(struct catalog_ages) { .sessions = 6 }, &removed, &error) && removed >= 2 &&
	       count(catalog, CATALOG_SESSION, NULL) == sessions + 1, "old sessions go, living ones stay");
	tap_ok(count(catalog, CATALOG_BOOT, NULL) == boots + 1 &&
	       count(catalog, CATALOG_EVENT, json("{\"boot_id\":%lld}", (long long)old)) == 0,
	       "old boots go, with their events");
	pending = count(catalog, CATALOG_PENDING, NULL);
	add(catalog, CATALOG_PENDING, json("{\"reason\":\"unknown\",\"last_seen\":5}"));
	tap_ok(!catalog_prune(catalog, &(struct catalog_ages) { .pending = 6 }, &removed, &error) && removed == 1 &&
	       count(catalog, CATALOG_PENDING, NULL) == pending, "machines not seen for long go");
	tap_ok(!catalog_prune(catalog, &(struct catalog_ages) { .audit = 0 }, &removed, &error) && !removed &&
	       count(catalog, CATALOG_AUDIT, NULL) > 0, "nothing is old when that is said");
	tap_ok(!catalog_prune(catalog, &(struct catalog_ages) { .audit = 4000000000 }, &removed, &error) &&
	       count(catalog, CATALOG_AUDIT, NULL) == 0, "old audit records go");
	tap_ok(!catalog_check(catalog, &error), "and the catalog is sound");
}

int main(void)
{
	make_folder();
	catalog = open_catalog();
	make_world();
	test_samples();
	test_values();
	test_absurd();
	test_forms();
	test_unique();
	test_references();
	test_private();
	test_revise();
	test_groups();
	test_effective();
	test_revisions();
	test_audit();
	test_filters();
	test_transactions();
	test_prune();
	catalog_close(catalog);
	clear_folder();
	return tap_done();
}
