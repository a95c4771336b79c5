/* SPDX-License-Identifier: GPL-2.0 */
/* What the files login*.c share and nobody else needs. */
#ifndef VDISKD_LOGIN_INTERNAL_H
#define VDISKD_LOGIN_INTERNAL_H

#include <pthread.h>
#include <time.h>

#include "login.h"

enum {
	LOGIN_LOCKS = 64,
	LOGIN_CHECKS = 512,
	LOGIN_NONCES = 4096,
	LOGIN_RATES = 4096,
	LOGIN_SIGHTS = 4096,
	LOGIN_BURST = 64,		/* logins of one address at once, */
	LOGIN_REFILL = 8,		/* and then as many a second */
};

/* A holder that has to show that it lives. */
struct login_check {
	uint64_t session;		/* 0: free */
	int64_t began;			/* ms */
};

struct login_rate {
	struct address owner;
	int64_t filled;			/* ms */
	unsigned int left;		/* thousandths of a login */
};

struct login_sight;

struct logins {
	pthread_mutex_t clients[LOGIN_LOCKS];	/* by id: one login of a client at a time */
	pthread_mutex_t unknown;	/* enrolment and the pending table */
	pthread_mutex_t lock;		/* all below; never held while something waits */
	struct login_check checks[LOGIN_CHECKS];
	unsigned int next_check;
	uint64_t nonces[LOGIN_NONCES];	/* used ones, as hashes */
	int64_t nonce_times[LOGIN_NONCES];
	unsigned int next_nonce;
	struct login_rate rates[LOGIN_RATES];	/* by hash of the address */
	struct login_sight *sights[LOGIN_SIGHTS];	/* by hash of the UUID */
	int64_t enrolled_window;	/* names of this one are taken up to */
	unsigned int enrolled_number;
};

static inline int64_t login_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline int64_t login_integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static inline const char *login_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/**
 * login_see - a machine was found to be @client
 * @alone: whether nobody else was seen with its UUID, when that is all the record has
 */
int login_see(struct control *control, const struct login_machine *machine, const json_t *client,
	      bool *alone, struct vdisk_error *err);

/** login_see_stop - forget who was seen */
void login_see_stop(struct logins *logins);

/** login_use_nonce - false when it was used before */
bool login_use_nonce(struct logins *logins, const char *nonce);

#endif
