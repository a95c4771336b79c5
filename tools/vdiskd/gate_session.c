// SPDX-License-Identifier: GPL-2.0
#include "gate_session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "image.h"
#include "nbd.h"

enum {
	FIRST_READ_BYTES = 2048,	/* more than GO's answer */
	TELL_BYTES_SECONDS = 10,
	ENDED_KEPT_SECONDS = 24 * 3600,	/* so that who was replaced is told so */
};

static const uint64_t DISPLACED = 1ULL << 62;

static struct gate_session **bucket_of(struct gate *gate, uint64_t id)
{
	return &gate->buckets[id % GATE_BUCKETS];
}

static struct gate_session *find(const struct gate *gate, uint64_t id)
{
	struct gate_session *s;

	for (s = gate->buckets[id % GATE_BUCKETS]; s; s = s->next)
		if (s->view.id == id)
			return s;
	return NULL;
}

static void mark(struct gate *gate, struct gate_session *s)
{
	gate->changes += !s->changed;
	s->changed = true;
}

static void set_state(struct gate *gate, struct gate_session *s, enum gate_state state)
{
	s->view.state = state;
	s->view.since = time(NULL);
	mark(gate, s);
}

const char *gate_state_name(enum gate_state state)
{
	static const char *const names[] = { "starting", "live", "lost", "ended" };

	return names[state];
}

static enum store_answer refuse_unknown(uint64_t id, char *words)
{
	snprintf(words, IMAGE_WORDS, "session %llu is not known here", (unsigned long long)id);
	return STORE_REFUSED;
}

static enum store_answer refuse_expired(char *words)
{
	snprintf(words, IMAGE_WORDS, "the session has expired");
	return STORE_REFUSED;
}

/*
 * The driver takes VDISK_SESSION_ENDED for final.  Expiry is not: it goes by a clock,
 * which may be wrong, here or in the catalog.
 */
static enum store_answer refuse_ended(const struct gate_session *s, char *words)
{
	if (!strcmp(s->view.how, "expired"))
		return refuse_expired(words);
	snprintf(words, IMAGE_WORDS, VDISK_SESSION_ENDED "%s", s->view.why);
	return STORE_REFUSED;
}

enum store_answer gate_session_may(const struct gate *gate, const struct token *token, int64_t now,
				   char *words)
{
	const struct gate_session *s = find(gate, token->session);

	/* A catalog that was restored, or read before that login, knows less than the token. */
	if (!s || strcmp(s->view.client, token->client) || strcmp(s->view.image, token->image) ||
	    s->view.version != token->version || s->view.epoch < token->epoch)
		return refuse_unknown(token->session, words);
	if (s->view.state == GATE_ENDED)
		return refuse_ended(s, words);
	if (s->view.epoch != token->epoch) {
		snprintf(words, IMAGE_WORDS, VDISK_SESSION_ENDED "a newer login has taken its place");
		return STORE_REFUSED;
	}
	/* A session that was renewed, or streams, is renewed for the token it was begun with. */
	if (now >= s->view.expires && now >= token->expires)
		return refuse_expired(words);
	if (token->writable) {
		snprintf(words, IMAGE_WORDS, "this server has no writable sessions");
		return STORE_REFUSED;
	}
	return STORE_OK;
}

static void count_bytes(struct gate_session *s, struct gate_hold *hold, int64_t now)
{
	unsigned long sent = atomic_load_explicit(hold->sent, memory_order_relaxed);

	s->view.bytes += sent - hold->counted;
	hold->counted = sent;
	if (!s->view.first_read && s->view.bytes > FIRST_READ_BYTES)
		s->view.first_read = now;
}

static void unlink_hold(struct gate_hold *hold)
{
	*hold->previous = hold->next;
	if (hold->next)
		hold->next->previous = hold->previous;
	hold->session = NULL;
}

enum store_answer gate_enter(struct gate *gate, const struct gate_target *target,
			     struct gate_hold *hold, char *words)
{
	enum store_answer answer = STORE_OK;
	struct gate_session *s;

	if (!gate || !target->session)
		return STORE_OK;
	pthread_mutex_lock(&gate->lock);
	s = find(gate, target->session);
	if (!s) {
		answer = refuse_unknown(target->session, words);
	} else if (s->view.state == GATE_ENDED) {
		answer = refuse_ended(s, words);
	} else if (!hold->session) {
		hold->session = s;
		hold->live = false;
		hold->checked = false;
		hold->counted = atomic_load_explicit(hold->sent, memory_order_relaxed);
		hold->previous = &s->holds;
		hold->next = s->holds;
		if (hold->next)
			hold->next->previous = &hold->next;
		s->holds = hold;
	}
	pthread_mutex_unlock(&gate->lock);
	return answer;
}

void gate_live(struct gate *gate, struct gate_hold *hold)
{
	struct gate_session *s;

	if (!gate)
		return;
	pthread_mutex_lock(&gate->lock);
	s = hold->session;
	if (s && !hold->live) {
		hold->live = true;
		s->view.connections++;
		mark(gate, s);
		if (s->view.state == GATE_STARTING || s->view.state == GATE_LOST)
			set_state(gate, s, GATE_LIVE);
	}
	pthread_mutex_unlock(&gate->lock);
}

void gate_leave(struct gate *gate, struct gate_hold *hold)
{
	struct gate_session *s;

	if (!gate)
		return;
	pthread_mutex_lock(&gate->lock);
	s = hold->session;
	if (s) {
		count_bytes(s, hold, time(NULL));
		unlink_hold(hold);
		if (hold->live) {
			s->view.connections--;
			mark(gate, s);
		}
		if (hold->live && !s->view.connections && s->view.state == GATE_LIVE)
			set_state(gate, s, GATE_LOST);
		hold->live = false;
	}
	pthread_mutex_unlock(&gate->lock);
}

static void end(struct gate *gate, struct gate_session *s, const char *how, const char *why)
{
	struct gate_hold *hold;

	snprintf(s->view.how, sizeof(s->view.how), "%s", how);
	snprintf(s->view.why, sizeof(s->view.why), "%s", why);
	set_state(gate, s, GATE_ENDED);
	for (hold = s->holds; hold; hold = hold->next)
		hold->claim->end(hold->claim, "its session ended");
}

static void put_in(struct gate *gate, struct gate_session *s)
{
	struct gate_session **bucket = bucket_of(gate, s->view.id);

	s->next = *bucket;
	*bucket = s;
}

/*
 * The catalog gives a number once.  When it does so again, it was restored to a
 * time before this session, which then is over; it stays until its connections
 * are gone, under a number that nothing asks for.
 */
static void displace(struct gate *gate, uint64_t id)
{
	struct gate_session *s = find(gate, id), **link;

	if (!s)
		return;
	if (s->view.state != GATE_ENDED)
		end(gate, s, "fenced", "the catalog was restored to a time before it");
	for (link = bucket_of(gate, id); *link != s; link = &(*link)->next)
		;
	*link = s->next;
	s->view.id |= DISPLACED;
	put_in(gate, s);
}

int gate_admit(struct gate *gate, const struct gate_view *view)
{
	struct gate_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->view = *view;
	s->view.connections = 0;
	s->told_bytes = view->bytes;
	s->told = view->started;
	pthread_mutex_lock(&gate->lock);
	displace(gate, view->id);
	put_in(gate, s);
	pthread_mutex_unlock(&gate->lock);
	return 0;
}

int gate_end(struct gate *gate, uint64_t id, const char *how, const char *why)
{
	struct gate_session *s;
	int ret = 0;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	if (!s)
		ret = -ENOENT;
	else if (s->view.state == GATE_ENDED)
		ret = -EALREADY;
	else
		end(gate, s, how, why);
	pthread_mutex_unlock(&gate->lock);
	return ret;
}

int gate_renew(struct gate *gate, uint64_t id, int64_t expires)
{
	struct gate_session *s;
	int ret = 0;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	if (!s || s->view.state == GATE_ENDED) {
		ret = s ? -EALREADY : -ENOENT;
	} else if (s->view.expires < expires) {
		s->view.expires = expires;
		mark(gate, s);
	}
	pthread_mutex_unlock(&gate->lock);
	return ret;
}

int gate_report(struct gate *gate, uint64_t id, uint64_t retries, uint64_t overlay_high)
{
	struct gate_session *s;
	int ret = 0;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	if (!s || s->view.state == GATE_ENDED) {
		ret = s ? -EALREADY : -ENOENT;
	} else if (s->view.retries != retries || s->view.overlay_high != overlay_high) {
		s->view.retries = retries;
		if (s->view.overlay_high < overlay_high)
			s->view.overlay_high = overlay_high;
		mark(gate, s);
	}
	pthread_mutex_unlock(&gate->lock);
	return ret;
}

int gate_look(struct gate *gate, uint64_t id, struct gate_view *view)
{
	struct gate_session *s;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	if (s)
		*view = s->view;
	pthread_mutex_unlock(&gate->lock);
	return s ? 0 : -ENOENT;
}

int gate_of_client(struct gate *gate, int64_t client_id, struct gate_view *view)
{
	const struct gate_session *s, *best = NULL;
	unsigned int i;

	pthread_mutex_lock(&gate->lock);
	for (i = 0; i < GATE_BUCKETS; i++)
		for (s = gate->buckets[i]; s; s = s->next)
			if (s->view.client_id == client_id && s->view.state != GATE_ENDED &&
			    (!best || best->view.epoch < s->view.epoch))
				best = s;
	if (best)
		*view = best->view;
	pthread_mutex_unlock(&gate->lock);
	return best ? 0 : -ENOENT;
}

static void set_keepalive(struct gate_hold *hold, bool fast)
{
	int idle = 1, interval = 1;
	socklen_t size = sizeof(int);

	if (fast == hold->checked)
		return;
	if (fast && (getsockopt(hold->fd, IPPROTO_TCP, TCP_KEEPIDLE, &hold->keepalive[0], &size) ||
		     getsockopt(hold->fd, IPPROTO_TCP, TCP_KEEPINTVL, &hold->keepalive[1], &size)))
		return;
	if (!fast) {
		idle = hold->keepalive[0];
		interval = hold->keepalive[1];
	}
	/* On a connection that is idle already, this has the next probe sent at once. */
	setsockopt(hold->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(hold->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	hold->checked = fast;
}

static void check_all(struct gate *gate, uint64_t id, bool fast)
{
	struct gate_session *s;
	struct gate_hold *hold;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	for (hold = s ? s->holds : NULL; hold; hold = hold->next)
		set_keepalive(hold, fast);
	pthread_mutex_unlock(&gate->lock);
}

void gate_check(struct gate *gate, uint64_t id)
{
	check_all(gate, id, true);
}

void gate_check_end(struct gate *gate, uint64_t id)
{
	check_all(gate, id, false);
}

static int64_t heard(const struct gate_hold *hold)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	/* What is no TCP is a process on this machine. */
	if (getsockopt(hold->fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return 0;
	return info.tcpi_last_ack_recv < info.tcpi_last_data_recv ? info.tcpi_last_ack_recv :
	       info.tcpi_last_data_recv;
}

int64_t gate_signs(struct gate *gate, uint64_t id)
{
	int64_t least = -1, ms;
	struct gate_session *s;
	struct gate_hold *hold;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	for (hold = s ? s->holds : NULL; hold; hold = hold->next) {
		if (!hold->live)
			continue;
		ms = heard(hold);
		if (least < 0 || ms < least)
			least = ms;
	}
	pthread_mutex_unlock(&gate->lock);
	return least;
}

static void tick_session(struct gate *gate, struct gate_session *s, int64_t now, int64_t lifetime)
{
	int64_t first_read = s->view.first_read;
	struct gate_hold *hold;

	for (hold = s->holds; hold; hold = hold->next)
		if (hold->live)
			count_bytes(s, hold, now);
	if (s->view.first_read != first_read ||
	    (s->view.bytes != s->told_bytes && now - s->told >= TELL_BYTES_SECONDS))
		mark(gate, s);
	if (s->view.state == GATE_LIVE && s->view.expires - now < lifetime / 2) {
		s->view.expires = now + lifetime;
		mark(gate, s);
	} else if (s->view.state != GATE_ENDED && now >= s->view.expires) {
		end(gate, s, "expired", "it has expired");
	}
}

static bool is_forgotten(const struct gate_session *s, int64_t now)
{
	return s->view.state == GATE_ENDED && !s->holds && !s->changed &&
	       now >= s->view.expires && now - s->view.since > ENDED_KEPT_SECONDS;
}

unsigned int gate_tick(struct gate *gate, int64_t now, int64_t lifetime, uint64_t *forgotten,
		       unsigned int most)
{
	struct gate_session **link, *s;
	unsigned int count = 0, i;

	pthread_mutex_lock(&gate->lock);
	for (i = 0; i < GATE_BUCKETS; i++) {
		link = &gate->buckets[i];
		while ((s = *link)) {
			tick_session(gate, s, now, lifetime);
			if (count < most && is_forgotten(s, now)) {
				forgotten[count++] = s->view.id;
				*link = s->next;
				free(s);
			} else {
				link = &s->next;
			}
		}
	}
	pthread_mutex_unlock(&gate->lock);
	return count;
}

bool gate_changed(struct gate *gate, struct gate_view *view)
{
	struct gate_session *s = NULL;
	unsigned int i;

	pthread_mutex_lock(&gate->lock);
	for (i = 0; gate->changes && i < GATE_BUCKETS && !s; i++) {
		s = gate->buckets[gate->changed_bucket];
		while (s && !s->changed)
			s = s->next;
		if (!s)
			gate->changed_bucket = (gate->changed_bucket + 1) % GATE_BUCKETS;
	}
	if (s) {
		s->changed = false;
		gate->changes--;
		s->told = time(NULL);
		s->told_bytes = s->view.bytes;
		*view = s->view;
	}
	pthread_mutex_unlock(&gate->lock);
	return s;
}

void gate_change_again(struct gate *gate, uint64_t id)
{
	struct gate_session *s;

	pthread_mutex_lock(&gate->lock);
	s = find(gate, id);
	if (s)
		mark(gate, s);
	pthread_mutex_unlock(&gate->lock);
}

void gate_session_free_all(struct gate *gate)
{
	struct gate_session *s;
	unsigned int i;

	for (i = 0; i < GATE_BUCKETS; i++) {
		while ((s = gate->buckets[i])) {
			gate->buckets[i] = s->next;
			free(s);
		}
	}
}
