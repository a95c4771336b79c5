/* SPDX-License-Identifier: GPL-2.0 */
/* What the control plane counts, and GET /metrics, in Prometheus' text format. */
#ifndef VDISKD_METRICS_H
#define VDISKD_METRICS_H

struct control;
struct http_answer;
struct http_request;
struct http_route;

/** metrics_http - a request was answered; @route: NULL when there is none for it */
void metrics_http(const struct http_route *route, unsigned int status);

/** metrics_login - a login ended with @result: a literal, one of a few ("accepted", "pending") */
void metrics_login(const char *result);

void metrics_run(struct control *control, struct http_request *request,
		 struct http_answer *answer);

#endif
