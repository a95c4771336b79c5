// SPDX-License-Identifier: GPL-2.0
/* The gate alone: what names mean, and the life of sessions as connections come and go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate.h"
#include "image.h"
#include "nbd.h"
#include "tap.h"

static const struct token_key key = { { 5, 6, 7 } };
static struct gate *gate;
static unsigned int ended;

static void claim_end(struct claim *claim, const char *why)
{
	(void)claim;
	(void)why;
	ended++;
}

struct peer {
	struct claim claim;
	struct gate_hold hold;
	atomic_ulong sent;
};

static void peer_init(struct peer *peer)
{
	memset(peer, 0, sizeof(*peer));
	peer->claim.end = claim_end;
	peer->hold.claim = &peer->claim;
	peer->hold.fd = -1;
	peer->hold.sent = &peer->sent;
}

static enum store_answer resolve(const char *name, struct gate_target *target, char *words)
{
	size_t length = strlen(name);
	char *copy = malloc(length + !length);
	enum store_answer answer;

	memcpy(copy, name, length);
	*words = '\0';
	answer = gate_resolve(gate, copy, length, target, words);
	free(copy);
	return answer;
}

static void test_public(void)
{
	static const struct gate_version versions[] = {
		{ "lab", 2, true, true }, { "lab", 1, true, false },
		{ "hidden", 1, false, true }, { "zoo", 10, true, true },
	};
	static const char *const unknown[] = {
		"hidden", "hidden@1", "lab@3", "lab@01", "lab@", "lab@0", "lab@+1", "lab@4294967297", "lab@1@1",
		"LAB", "", "@1", "../lab", "lab/1", "lab@18446744073709551617",
	};
	struct gate_target target;
	char words[IMAGE_WORDS];
	struct name *names;
	unsigned int i;
	size_t count;

	gate_set_versions(gate, versions, 4);
	tap_ok(resolve("lab", &target, words) == STORE_OK && !strcmp(target.key, "lab@2") &&
	       !strcmp(target.told, "lab@2"), "NAME is its current version");
	tap_ok(resolve("lab@1", &target, words) == STORE_OK && !strcmp(target.key, "lab@1"),
	       "NAME@N is that one");
	for (i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		tap_ok(resolve(unknown[i], &target, words) == STORE_UNKNOWN && *words,
		       "'%s' is unknown", unknown[i]);
	tap_ok(!gate_list(gate, &names, &count) && count == 2 && !strcmp(names[0].text, "lab") &&
	       !strcmp(names[1].text, "zoo"), "public images are listed");
	free(names);
}

static void test_no_catalog(void)
{
	struct gate_target target;
	char words[IMAGE_WORDS];

	tap_ok(gate_resolve(NULL, "lab@1", 5, &target, words) == STORE_OK &&
	       !strcmp(target.key, "lab") && !strcmp(target.told, "lab@1"),
	       "without a catalog NAME@1 is NAME");
	tap_ok(gate_resolve(NULL, "lab@2", 5, &target, words) == STORE_UNKNOWN, "NAME@2 is none");
	tap_ok(gate_resolve(NULL, "~secret", 7, &target, words) == STORE_UNKNOWN &&
	       !strstr(words, "secret"), "a token is refused, and not quoted");
}

static struct gate_view view(uint64_t id, uint64_t epoch)
{
	struct gate_view v = {
		.id = id, .client_id = 3, .client = "pc1", .image = "lab", .version = 2,
		.epoch = epoch, .expires = time(NULL) + 100, .started = time(NULL),
	};

	return v;
}

static void make(const struct gate_view *v, int64_t expires, bool writable, char *name)
{
	struct token token = {
		.farm = "f", .session = v->id, .version = v->version, .epoch = v->epoch,
		.expires = expires, .writable = writable,
	};

	strcpy(token.client, v->client);
	strcpy(token.image, v->image);
	name[0] = '~';
	token_make(&key, &token, name + 1, NULL);
}

static enum gate_state state(uint64_t id)
{
	struct gate_view v = { .state = 99 };

	gate_look(gate, id, &v);
	return v.state;
}

/* As the driver takes it. */
static bool is_final(const char *words)
{
	return !strncmp(words, VDISK_SESSION_ENDED, strlen(VDISK_SESSION_ENDED));
}

static void test_session(void)
{
	struct gate_view v = view(1, 5), told;
	char name[GATE_TOLD_SIZE], words[IMAGE_WORDS];
	struct gate_target target;
	struct peer one, two;

	make(&v, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED &&
	       !strcmp(words, "session 1 is not known here"),
	       "the token of a session that isn't known is refused, and not for good");
	tap_ok(!gate_admit(gate, &v), "a session comes");
	tap_ok(resolve(name, &target, words) == STORE_OK && !strcmp(target.key, "lab@2"),
	       "its token opens its image, though that is not public");
	tap_ok(!strcmp(target.told, name), "and is told its own name");
	tap_ok(!strcmp(target.shown, "1"), "logs show its number");

	peer_init(&one);
	peer_init(&two);
	tap_ok(state(1) == GATE_STARTING, "it is starting");
	gate_enter(gate, &target, &one.hold, words);
	gate_live(gate, &one.hold);
	tap_ok(state(1) == GATE_LIVE, "it is live with a connection");
	tap_ok(gate_changed(gate, &told) && told.id == 1 && told.state == GATE_LIVE &&
	       told.connections == 1 && !gate_changed(gate, &told), "which is told once");
	gate_enter(gate, &target, &two.hold, words);
	gate_live(gate, &two.hold);
	gate_leave(gate, &one.hold);
	tap_ok(state(1) == GATE_LIVE, "still, with the other one");
	atomic_store(&two.sent, 100000);
	gate_leave(gate, &two.hold);
	gate_leave(gate, &two.hold);
	gate_look(gate, 1, &told);
	tap_ok(told.state == GATE_LOST && !told.connections && told.bytes == 100000,
	       "lost without any, and its bytes were counted");
	gate_enter(gate, &target, &one.hold, words);
	gate_live(gate, &one.hold);
	gate_enter(gate, &target, &two.hold, words);
	tap_ok(state(1) == GATE_LIVE, "live again");
	ended = 0;
	tap_ok(!gate_end(gate, 1, "fenced", "fenced by admin"), "it is fenced");
	tap_ok(ended == 2, "which ends its connections, the one in its handshake, too");
	tap_ok(resolve(name, &target, words) == STORE_REFUSED &&
	       !strcmp(words, "session ended: fenced by admin"), "a reconnect is told why");
	target.session = 1;
	gate_leave(gate, &one.hold);
	gate_leave(gate, &two.hold);
	tap_ok(gate_enter(gate, &target, &one.hold, words) == STORE_REFUSED &&
	       !strcmp(words, "session ended: fenced by admin"), "also one that was resolved before");
	target.session = 77;
	tap_ok(gate_enter(gate, &target, &one.hold, words) == STORE_REFUSED && !is_final(words),
	       "one that was forgotten since is refused, not for good");
	tap_ok(gate_end(gate, 1, "logout", "again") == -EALREADY && state(1) == GATE_ENDED,
	       "it ends once");
	tap_ok(gate_renew(gate, 1, 1 << 30) == -EALREADY, "and is not renewed");
}

static void test_refused(void)
{
	struct gate_view v = view(2, 6), wrong;
	char name[GATE_TOLD_SIZE], words[IMAGE_WORDS];
	struct gate_target target;

	gate_admit(gate, &v);
	make(&v, v.expires, true, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED, "nothing is writable");
	wrong = v;
	wrong.epoch = 5;
	make(&wrong, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && is_final(words),
	       "an older epoch is refused for good");
	wrong.epoch = 7;
	make(&wrong, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && !is_final(words),
	       "a newer one is not, as it is the catalog that is old");
	wrong = v;
	wrong.version = 1;
	make(&wrong, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && !is_final(words),
	       "another version is refused");
	wrong = v;
	strcpy(wrong.image, "zoo");
	make(&wrong, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && !is_final(words),
	       "another image is refused");
	wrong = v;
	strcpy(wrong.client, "pc2");
	make(&wrong, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && !is_final(words),
	       "another client is refused");
	make(&v, v.expires, false, name);
	name[20] ^= 1;
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && !strstr(words, name + 1),
	       "a damaged one is refused, and not quoted");
	tap_ok(resolve("~", &target, words) == STORE_REFUSED, "so is none");
}

static void test_expiry(void)
{
	struct gate_view v = view(3, 7), late, told;
	char name[GATE_TOLD_SIZE], words[IMAGE_WORDS];
	int64_t now = time(NULL);
	bool told_forgotten = false;
	struct gate_target target;
	uint64_t forgotten[2];
	struct peer one;

	v.client_id = 4;
	v.expires = now + 50;
	gate_admit(gate, &v);
	make(&v, now - 1, false, name);
	tap_ok(resolve(name, &target, words) == STORE_OK,
	       "a session that was renewed is so for its first token");
	late = v;
	late.id = 4;
	late.expires = now - 1;
	gate_admit(gate, &late);
	make(&late, now - 1, false, name);
	tap_ok(resolve(name, &target, words) == STORE_REFUSED && state(4) == GATE_STARTING &&
	       !strcmp(words, "the session has expired"), "one that is over by the clock is refused at once");
	gate_end(gate, 4, "expired", "it has expired");
	make(&v, now - 1, false, name);
	resolve(name, &target, words);
	peer_init(&one);
	gate_enter(gate, &target, &one.hold, words);
	gate_live(gate, &one.hold);
	gate_tick(gate, now + 1, 200, forgotten, 2);
	gate_look(gate, 3, &told);
	tap_ok(told.expires == now + 201, "streaming renews");
	gate_leave(gate, &one.hold);
	gate_tick(gate, now + 200, 200, forgotten, 2);
	tap_ok(state(3) == GATE_LOST, "lost, it isn't over yet");
	tap_ok(!gate_of_client(gate, 4, &told) && told.id == 3, "and is its client's");
	gate_tick(gate, now + 201, 200, forgotten, 2);
	gate_look(gate, 3, &told);
	tap_ok(told.state == GATE_ENDED && !strcmp(told.how, "expired"), "then it is");
	tap_ok(resolve(name, &target, words) == STORE_REFUSED &&
	       !strcmp(words, "the session has expired"), "which depends on clocks, and is not final");
	target.session = 3;
	tap_ok(gate_enter(gate, &target, &one.hold, words) == STORE_REFUSED && !is_final(words),
	       "nor is it to one that was resolved before");
	tap_ok(gate_of_client(gate, 4, &told) == -ENOENT, "and nobody's");
	while (gate_changed(gate, &told))
		;
	gate_change_again(gate, 3);
	tap_ok(gate_changed(gate, &told) && told.id == 3, "what couldn't be written is told again");
	gate_tick(gate, now + 10 * 86400, 200, forgotten, 0);
	while (gate_changed(gate, &told))
		;
	tap_ok(!gate_tick(gate, now + 10 * 86400, 200, forgotten, 0) && !gate_look(gate, 3, &told),
	       "nothing is forgotten that nobody can be told of");
	while (gate_tick(gate, now + 10 * 86400, 200, forgotten, 1))
		told_forgotten |= forgotten[0] == 3;
	tap_ok(gate_look(gate, 3, &told) == -ENOENT && told_forgotten,
	       "days later it is, and that is told");
}

static void test_displaced(void)
{
	struct gate_view v = view(9, 1), told;
	char name[GATE_TOLD_SIZE], words[IMAGE_WORDS];
	struct gate_target target;
	struct peer one;

	v.client_id = 8;
	gate_admit(gate, &v);
	make(&v, v.expires, false, name);
	resolve(name, &target, words);
	peer_init(&one);
	gate_enter(gate, &target, &one.hold, words);
	gate_live(gate, &one.hold);
	strcpy(v.client, "pc9");
	ended = 0;
	tap_ok(!gate_admit(gate, &v) && ended == 1, "a number that comes again ends who had it");
	tap_ok(resolve(name, &target, words) == STORE_REFUSED, "its token is of no use any more");
	gate_leave(gate, &one.hold);
	gate_look(gate, 9, &told);
	tap_ok(told.state == GATE_STARTING && !strcmp(told.client, "pc9"), "the new one is itself");
	make(&v, v.expires, false, name);
	tap_ok(resolve(name, &target, words) == STORE_OK, "and its token is good");
}

int main(void)
{
	test_no_catalog();
	if (gate_open(&gate, &key))
		return 1;
	test_public();
	test_session();
	test_refused();
	test_expiry();
	test_displaced();
	gate_close(gate);
	return tap_done();
}
