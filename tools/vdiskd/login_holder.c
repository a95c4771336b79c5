// SPDX-License-Identifier: GPL-2.0
/*
 * Whether the one who has a client's session is still there.  Who was heard of a
 * moment ago is.  Else TCP probes it, and whoever wants its place asks again:
 *
 *   no connection, and none for 5 s     -> dead
 *   no connection, not for so long      -> checking
 *   silent connections                  -> checking: probes are sent
 *   something heard since that began    -> alive
 *   nothing heard for 5 s since         -> dead
 */
#include <string.h>
#include <time.h>

#include "control.h"
#include "login_internal.h"

enum {
	HEARD_MS = 1000,		/* ago: no probe is needed */
	CHECK_OLD_MS = 20000,		/* nobody asked again: begin anew */
};

/* When the check of @session began, ms; one begins now if there is none. */
static int64_t began(struct control *control, uint64_t session, int64_t now)
{
	struct logins *logins = control->logins;
	struct login_check *check;
	bool fresh = true;
	int64_t since = now;
	unsigned int i;

	pthread_mutex_lock(&logins->lock);
	for (i = 0; i < LOGIN_CHECKS && logins->checks[i].session != session; i++)
		;
	if (i == LOGIN_CHECKS) {
		i = logins->next_check;
		logins->next_check = (i + 1) % LOGIN_CHECKS;
	}
	check = &logins->checks[i];
	if (check->session == session && now - check->began < CHECK_OLD_MS) {
		since = check->began;
		fresh = false;
	} else {
		*check = (struct login_check) { session, now };
	}
	pthread_mutex_unlock(&logins->lock);
	if (fresh)
		gate_check(control->gate, session);
	return since;
}

void login_holder_forget(struct control *control, uint64_t session)
{
	struct logins *logins = control->logins;
	unsigned int i;

	pthread_mutex_lock(&logins->lock);
	for (i = 0; i < LOGIN_CHECKS; i++)
		if (logins->checks[i].session == session)
			logins->checks[i].session = 0;
	pthread_mutex_unlock(&logins->lock);
	gate_check_end(control->gate, session);
}

enum login_holder login_holder(struct control *control, int64_t client_id, const char *address,
			       struct gate_view *holder, unsigned int *retry_after)
{
	int64_t now = login_now_ms(), heard, since;

	*retry_after = 1;
	if (gate_of_client(control->gate, client_id, holder))
		return HOLDER_NONE;
	heard = gate_signs(control->gate, holder->id);
	if (heard >= 0 && heard < HEARD_MS) {
		login_holder_forget(control, holder->id);
		return HOLDER_ALIVE;
	}
	if (heard < 0) {
		/* From where it logged in itself: it has begun anew, or never got our answer. */
		if (!strcmp(holder->address, address) ||
		    time(NULL) - holder->since > LOGIN_CHECK_MS / 1000)
			return HOLDER_DEAD;
		since = began(control, holder->id, now);
		return now - since >= LOGIN_CHECK_MS ? HOLDER_DEAD : HOLDER_CHECKING;
	}
	since = began(control, holder->id, now);
	if (since < now && heard < now - since) {
		login_holder_forget(control, holder->id);
		return HOLDER_ALIVE;
	}
	return now - since >= LOGIN_CHECK_MS ? HOLDER_DEAD : HOLDER_CHECKING;
}
