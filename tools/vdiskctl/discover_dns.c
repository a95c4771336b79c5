// SPDX-License-Identifier: GPL-2.0
/* DNS SRV records of a farm: asked of the name servers, or of the link. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "check.h"
#include "discover.h"
#include "vdiskctl.h"
#include "wait.h"

enum {
	ANSWER_MAX = 8192, MULTICAST_MS = 2000, MULTICAST_PORT = 5353, SERVICES_MAX = 16,
	SRV_FIXED = 6,			/* bytes of a record in front of its name */
};

static const char service[] = "_vdisk._tcp";

struct record {
	unsigned int priority, weight, port;
	char host[NS_MAXDNAME];
};

static int by_priority(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->weight == y->weight ? 0 : x->weight > y->weight ? -1 : 1;
}

static bool take_srv(ns_msg *message, const ns_rr *rr, struct record *record)
{
	const unsigned char *data = ns_rr_rdata(*rr);

	if (ns_rr_rdlen(*rr) <= SRV_FIXED)
		return false;
	record->priority = ns_get16(data);
	record->weight = ns_get16(data + 2);
	record->port = ns_get16(data + 4);
	if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), data + SRV_FIXED,
			       record->host, sizeof(record->host)) < 0)
		return false;
	/* "." says that there is no such service here. */
	return record->port && record->host[0] != '.' && is_word(record->host, 1, 253, "-._");
}

/* The address that the answer itself gives for a host's name; "" none. */
static void find_address(ns_msg *message, const char *host, char *address, size_t size)
{
	static const ns_sect sections[] = { ns_s_an, ns_s_ar };
	ns_rr rr;
	size_t s;
	int i;

	address[0] = '\0';
	for (s = 0; s < 2; s++)
		for (i = 0; i < ns_msg_count(*message, sections[s]); i++)
			if (!ns_parserr(message, sections[s], i, &rr) && ns_rr_type(rr) == ns_t_a &&
			    ns_rr_rdlen(rr) == 4 && !strcasecmp(ns_rr_name(rr), host))
				inet_ntop(AF_INET, ns_rr_rdata(rr), address, size);
}

void discover_records(const unsigned char *message, size_t len, const char *from,
		      const char *source, struct found *found)
{
	static const ns_sect sections[] = { ns_s_an, ns_s_ar };
	char address[INET_ADDRSTRLEN], text[TARGET_SERVER];
	struct record list[SERVICES_MAX];
	unsigned int count = 0, n;
	ns_msg handle;
	ns_rr rr;
	size_t s;
	int i;

	if (ns_initparse(message, len, &handle) < 0)
		return;
	for (s = 0; s < 2; s++)
		for (i = 0; i < ns_msg_count(handle, sections[s]); i++)
			if (count < SERVICES_MAX && !ns_parserr(&handle, sections[s], i, &rr) &&
			    ns_rr_type(rr) == ns_t_srv && strstr(ns_rr_name(rr), service) &&
			    take_srv(&handle, &rr, &list[count]))
				count++;
	qsort(list, count, sizeof(*list), by_priority);
	for (n = 0; n < count; n++) {
		const char *host = list[n].host;

		/* Names below .local mean nothing to name servers. */
		if (from) {
			find_address(&handle, host, address, sizeof(address));
			host = address[0] ? address : from;
		}
		snprintf(text, sizeof(text), "%s:%u", host, list[n].port);
		found_add(found, text, source);
	}
}

void discover_dns(const char *domain, struct found *found)
{
	unsigned char answer[ANSWER_MAX];
	struct __res_state state;
	int len = -1;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state) < 0)
		return;
	state.retrans = 2;
	state.retry = 2;
	/* A domain is text of DHCP's: only a name is asked for. */
	if (domain[0] && is_word(domain, 1, 200, "-._"))
		len = res_nquerydomain(&state, service, domain, ns_c_in, ns_t_srv, answer,
				       sizeof(answer));
	if (len < 0)
		len = res_nsearch(&state, service, ns_c_in, ns_t_srv, answer, sizeof(answer));
	if (len > 0)
		discover_records(answer, len < ANSWER_MAX ? len : ANSWER_MAX, NULL, "DNS", found);
	res_nclose(&state);
}

static int ask_link(int fd)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(MULTICAST_PORT) };
	unsigned char query[512];
	struct __res_state state;
	int len;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state) < 0)
		return -EIO;
	len = res_nmkquery(&state, ns_o_query, "_vdisk._tcp.local", ns_c_in, ns_t_ptr, NULL, 0, NULL,
			   query, sizeof(query));
	res_nclose(&state);
	if (len < 0)
		return -EIO;
	inet_pton(AF_INET, "224.0.0.251", &to.sin_addr);
	return sendto(fd, query, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

void discover_multicast(struct found *found)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;
	int64_t end = now_ms() + MULTICAST_MS, left;
	unsigned char answer[ANSWER_MAX];
	struct sockaddr_in from;
	char text[INET_ADDRSTRLEN];
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	socklen_t size;
	ssize_t len;

	ret = fd < 0 ? -errno : ask_link(fd);
	if (ret < 0) {
		warn("multicast DNS: %s", strerror(-ret));
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((left = end - now_ms()) > 0) {
		if (poll(&poller, 1, left) <= 0)
			continue;
		size = sizeof(from);
		len = recvfrom(fd, answer, sizeof(answer), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (len > 0 && inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text)))
			discover_records(answer, len, text, "multicast DNS", found);
	}
	close(fd);
}
