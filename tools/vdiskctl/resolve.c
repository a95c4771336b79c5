// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include "resolve.h"

static int take_address(const struct sockaddr *from, struct vdisk_address *to)
{
	const struct sockaddr_in *in4 = (const void *)from;
	const struct sockaddr_in6 *in6 = (const void *)from;

	memset(to, 0, sizeof(*to));
	to->family = from->sa_family;
	switch (from->sa_family) {
	case AF_INET:
		memcpy(to->bytes, &in4->sin_addr, sizeof(in4->sin_addr));
		return 0;
	case AF_INET6:
		memcpy(to->bytes, &in6->sin6_addr, sizeof(in6->sin6_addr));
		if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			to->scope = in6->sin6_scope_id;
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

static void add(struct vdisk_server *server, const struct sockaddr *from)
{
	struct vdisk_address address;
	unsigned int i;

	if (server->nr_addresses == VDISK_ADDRESSES_MAX || take_address(from, &address) < 0)
		return;
	for (i = 0; i < server->nr_addresses; i++)
		if (!memcmp(&server->address[i], &address, sizeof(address)))
			return;
	server->address[server->nr_addresses++] = address;
}

int resolve(struct vdisk_server *server, struct vdisk_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *info;
	int ret;

	ret = getaddrinfo(server->host, NULL, &hints, &list);
	if (ret)
		return vdisk_error_set(err, EHOSTUNREACH, "%s: no address: %s", server->host,
				       ret == EAI_SYSTEM ? strerror(errno) : gai_strerror(ret));
	server->nr_addresses = 0;
	for (info = list; info; info = info->ai_next)
		add(server, info->ai_addr);
	freeaddrinfo(list);
	if (!server->nr_addresses)
		return vdisk_error_set(err, EHOSTUNREACH, "%s: no IPv4 or IPv6 address",
				       server->host);
	return 0;
}
