// SPDX-License-Identifier: GPL-2.0
/*
 * Who asks.  On the local socket it is the peer's user, as the kernel tells it;
 * elsewhere a token, of which the catalog has the hash alone.  Each request is
 * looked up anew: a token that is revoked is refused at once.
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apitoken.h"
#include "catalog.h"
#include "control.h"
#include "error.h"
#include "http_internal.h"
#include "log.h"
#include "util.h"

enum {
	FAILURES_MOST = 10,		/* from one address, in a window */
	WINDOW_SECONDS = 60,
	ADDRESSES_KEPT = 1024,
	ADDRESS_WAYS = 4,		/* places that one address may have in the table */
	USED_SECONDS = 300,		/* how exact a token's last use is kept */
};

struct failures {
	struct address owner;
	time_t since;			/* of the window; 0: free */
	unsigned int count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* the table below */
static struct failures table[ADDRESSES_KEPT];

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec + 1;
}

static struct address owner_of(const struct http_request *request)
{
	struct address address = address_from_socket(&request->peer);

	return address_owner(&address);
}

/* The entry of @owner; with @make one is found for it, if need be the oldest of its places. */
static struct failures *find(const struct address *owner, bool make)
{
	struct failures *ways, *oldest = NULL;
	unsigned int i, hash = 2166136261u;

	for (i = 0; i < sizeof(owner->bytes); i++)
		hash = (hash ^ owner->bytes[i]) * 16777619u;
	ways = &table[hash % (ADDRESSES_KEPT / ADDRESS_WAYS) * ADDRESS_WAYS];
	for (i = 0; i < ADDRESS_WAYS; i++) {
		if (ways[i].since && address_equal(&ways[i].owner, owner) &&
		    now() - ways[i].since < WINDOW_SECONDS)
			return &ways[i];
		if (!oldest || ways[i].since < oldest->since)
			oldest = &ways[i];
	}
	if (!make)
		return NULL;
	*oldest = (struct failures) { .owner = *owner, .since = now() };
	return oldest;
}

/* Seconds that this address has to wait; 0: none. */
static unsigned int must_wait(const struct http_request *request)
{
	struct address owner = owner_of(request);
	struct failures *failures;
	unsigned int seconds = 0;

	pthread_mutex_lock(&lock);
	failures = find(&owner, false);
	if (failures && failures->count >= FAILURES_MOST)
		seconds = WINDOW_SECONDS - (now() - failures->since);
	pthread_mutex_unlock(&lock);
	return seconds;
}

static void too_many(struct http_answer *answer, unsigned int seconds)
{
	http_problem(answer, MHD_HTTP_TOO_MANY_REQUESTS, "Too many failures",
		     "too many refused tokens from this address; wait %u s", seconds);
	answer->retry_after = seconds;
}

void http_refused(struct http_request *request, struct http_answer *answer)
{
	struct address owner = owner_of(request);
	unsigned int seconds = must_wait(request);

	if (seconds) {
		too_many(answer, seconds);
		return;
	}
	pthread_mutex_lock(&lock);
	find(&owner, true)->count++;
	pthread_mutex_unlock(&lock);
	log_limited(LOG_LEVEL_WARNING, "a token is refused", "from", request->from, "path",
		    request->path);
	http_problem(answer, MHD_HTTP_UNAUTHORIZED, "Not authorized",
		     "the token is unknown or revoked");
}

static enum http_role role_by_name(const char *name)
{
	if (!strcmp(name, "admin"))
		return ROLE_ADMIN;
	if (!strcmp(name, "operator"))
		return ROLE_OPERATOR;
	return !strcmp(name, "viewer") ? ROLE_VIEWER : ROLE_ANYONE;
}

static int64_t integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* Anybody may still use it who knows when: to five minutes. */
static void note_use(struct catalog *catalog, const json_t *token)
{
	json_t *changes;
	time_t used = time(NULL);

	if (used - integer(token, "last_used") < USED_SECONDS)
		return;
	changes = json_pack("{s:I}", "last_used", (json_int_t)used);
	/* Only a note: when it fails the next use makes it. */
	catalog_change(catalog, NULL, CATALOG_TOKEN, integer(token, "id"), changes, -1, NULL, NULL);
	json_decref(changes);
}

static int look_up(struct catalog *catalog, const char *text, struct principal *who,
		   struct vdisk_error *err)
{
	char hash[APITOKEN_HASH_SIZE];
	const char *stored;
	json_t *filter, *token = NULL;
	int ret;

	apitoken_hash(text, hash);
	filter = json_pack("{s:s}", "hash", hash);
	ret = catalog_get(catalog, CATALOG_TOKEN, filter, &token, err);
	json_decref(filter);
	if (ret)
		return ret;
	stored = json_string_value(json_object_get(token, "hash"));
	if (!stored || strlen(stored) != strlen(hash) ||
	    gnutls_memcmp(stored, hash, strlen(hash)) ||
	    !json_is_null(json_object_get(token, "revoked"))) {
		json_decref(token);
		return -ENOENT;
	}
	who->role = role_by_name(json_string_value(json_object_get(token, "role")));
	who->group = integer(token, "group_id");
	snprintf(who->name, sizeof(who->name), "%s",
		 json_string_value(json_object_get(token, "name")));
	note_use(catalog, token);
	json_decref(token);
	return 0;
}

static bool by_token(struct http_exchange *exchange, const char *text)
{
	struct http_request *request = &exchange->request;
	struct vdisk_error err = { .code = 0 };
	unsigned int seconds = must_wait(request);
	int ret;

	if (seconds) {
		too_many(&exchange->answer, seconds);
		return false;
	}
	ret = look_up(exchange->listener->control->catalog, text, &request->who, &err);
	if (!ret)
		return true;
	if (ret == -ENOENT)
		http_refused(request, &exchange->answer);
	else
		http_catalog_problem(&exchange->answer, ret, &err);
	return false;
}

static bool by_peer(struct http_exchange *exchange)
{
	struct principal *who = &exchange->request.who;
	const union MHD_ConnectionInfo *info;
	struct ucred peer;
	socklen_t length = sizeof(peer);

	info = MHD_get_connection_info(exchange->request.connection,
				       MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info && !getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) &&
	    (!peer.uid || peer.uid == geteuid())) {
		who->role = ROLE_LOCAL;
		snprintf(who->name, sizeof(who->name), "uid:%u", (unsigned int)peer.uid);
		return true;
	}
	http_problem(&exchange->answer, MHD_HTTP_FORBIDDEN, "Forbidden",
		     "the local socket is for root and for the server's own user");
	return false;
}

/* Not what a proxy on this machine passes on for somebody else. */
static bool from_loopback(const struct http_request *request)
{
	struct address address = address_from_socket(&request->peer);
	struct network four, six;

	if (MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "X-Forwarded-For") ||
	    MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Forwarded"))
		return false;
	return request->peer.ss_family == AF_UNIX ||
	       (network_parse("127.0.0.0/8", &four) && network_has(&four, &address)) ||
	       (network_parse("::1", &six) && network_has(&six, &address));
}

bool http_authenticate(struct http_exchange *exchange)
{
	enum http_role wanted = exchange->route->role;
	struct http_request *request = &exchange->request;
	const char *text;

	if (wanted == ROLE_ANYONE)
		return true;
	if (exchange->listener->kind == HTTP_LOCAL) {
		if (!by_peer(exchange))
			return false;
	} else {
		if (exchange->route->flags & ROUTE_LOOPBACK && from_loopback(request))
			return true;
		text = http_bearer(request);
		if (!text || !*text) {
			http_problem(&exchange->answer, MHD_HTTP_UNAUTHORIZED, "Not authorized",
				     "this needs a token: Authorization: Bearer ...");
			return false;
		}
		if (!by_token(exchange, text))
			return false;
	}
	if (request->who.role >= wanted)
		return true;
	http_problem(&exchange->answer, MHD_HTTP_FORBIDDEN, "Forbidden", "this needs %s",
		     wanted == ROLE_LOCAL ? "the server's local socket" :
		     wanted == ROLE_ADMIN ? "the role admin" : "the role operator or admin");
	return false;
}
