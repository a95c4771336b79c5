// SPDX-License-Identifier: GPL-2.0
/* The administrators' routes. */
#include "http.h"

#include <string.h>

static void run_health(struct control *control, struct http_request *request,
		       struct http_answer *answer)
{
	(void)control;
	(void)request;
	answer->text = strdup("ok\n");
}

const struct http_route api_routes[] = {
	{ "GET", "/healthz", ROLE_ANYONE, run_health, ROUTE_QUIET, 0 },
	{ .method = NULL },
};
