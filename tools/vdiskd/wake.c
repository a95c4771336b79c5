// SPDX-License-Identifier: GPL-2.0
#include "wake.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAC_BYTES = 6, REPEATS = 16, PORT_DISCARD = 9 };

static int parse(const char *mac, uint8_t *bytes)
{
	char end;

	if (sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &bytes[0], &bytes[1], &bytes[2],
		   &bytes[3], &bytes[4], &bytes[5], &end) != MAC_BYTES)
		return -EINVAL;
	return 0;
}

int wake_send(const char *mac)
{
	uint8_t packet[MAC_BYTES * (1 + REPEATS)];
	struct ifaddrs *all, *one;
	struct sockaddr_in to;
	int fd, on = 1, i, count = 0, error = ENETUNREACH;

	memset(packet, 0xff, MAC_BYTES);
	if (parse(mac, packet + MAC_BYTES))
		return -EINVAL;
	for (i = 2; i <= REPEATS; i++)
		memcpy(packet + i * MAC_BYTES, packet + MAC_BYTES, MAC_BYTES);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (getifaddrs(&all)) {
		error = errno;
		close(fd);
		return -error;
	}
	for (one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET || !one->ifa_broadaddr ||
		    !(one->ifa_flags & IFF_UP) || !(one->ifa_flags & IFF_BROADCAST))
			continue;
		memcpy(&to, one->ifa_broadaddr, sizeof(to));
		to.sin_port = htons(PORT_DISCARD);
		if (sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			error = errno;
		else
			count++;
	}
	freeifaddrs(all);
	close(fd);
	return count ? count : -error;
}
