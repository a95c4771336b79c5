/* SPDX-License-Identifier: GPL-2.0 */
/* Handlers of /v1/sessions/{id}/…: for the session's own client. */
#ifndef VDISKD_SESSION_ROUTES_H
#define VDISKD_SESSION_ROUTES_H

struct control;
struct http_answer;
struct http_request;

/* A text of 64 KiB, and what JSON makes of its control characters. */
enum { SESSION_BODY_MOST = 512 << 10 };

#define SESSION_HANDLER(name) \
	void name(struct control *control, struct http_request *request, struct http_answer *answer)

/* With the session's token as bearer. */
SESSION_HANDLER(session_run_events);
SESSION_HANDLER(session_run_renew);
SESSION_HANDLER(session_run_statistics);
SESSION_HANDLER(session_run_ssh);
SESSION_HANDLER(session_run_logout);

#undef SESSION_HANDLER
#endif
