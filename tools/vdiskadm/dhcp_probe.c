// SPDX-License-Identifier: GPL-2.0
/*
 * Asks the network as a machine does that boots from it, and takes no answer.
 *
 * Answers come to port 68, which this machine's own DHCP client may have, so
 * they are listened for below UDP. What they hold is checked here, byte by byte.
 */
#include "dhcp_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT_SERVER = 67, PORT_CLIENT = 68,
	REQUEST = 1, REPLY = 2, ETHERNET = 1, DISCOVER = 1, OFFER = 2,
	OPT_PAD = 0, OPT_TYPE = 53, OPT_SERVER = 54, OPT_PARAMETERS = 55, OPT_CLASS = 60,
	OPT_FILE = 67, OPT_ARCH = 93, OPT_UNDI = 94, OPT_UUID = 97, OPT_END = 255,
};

static const unsigned char cookie[4] = { 99, 130, 83, 99 };

struct dhcp {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	struct in_addr ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
	char sname[64], file[128];
	uint8_t cookie[4];
	uint8_t options[512];
} __attribute__((packed));

enum { DHCP_HEADER = offsetof(struct dhcp, options) };

static uint8_t *put(uint8_t *to, uint8_t code, const void *data, uint8_t size)
{
	*to++ = code;
	*to++ = size;
	memcpy(to, data, size);
	return to + size;
}

/* @dhcp is all zero. */
static size_t make_discover(const struct netif *netif, uint32_t xid, struct dhcp *dhcp)
{
	static const uint8_t parameters[] = { 1, 3, 6, 43, 54, 60, 66, 67, 97 };
	static const char class[] = "PXEClient:Arch:00000:UNDI:002001";
	uint8_t *end = dhcp->options, uuid[17] = { 0 };

	dhcp->op = REQUEST;
	dhcp->htype = ETHERNET;
	dhcp->hlen = sizeof(netif->mac);
	dhcp->xid = xid;
	dhcp->flags = htons(0x8000);
	memcpy(dhcp->chaddr, netif->mac, sizeof(netif->mac));
	memcpy(dhcp->cookie, cookie, sizeof(cookie));
	memcpy(uuid + 1, netif->mac, sizeof(netif->mac));
	end = put(end, OPT_TYPE, &(uint8_t){ DISCOVER }, 1);
	end = put(end, OPT_PARAMETERS, parameters, sizeof(parameters));
	end = put(end, OPT_CLASS, class, sizeof(class) - 1);
	end = put(end, OPT_ARCH, "\0\0", 2);
	end = put(end, OPT_UNDI, "\1\2\1", 3);
	end = put(end, OPT_UUID, uuid, sizeof(uuid));
	*end++ = OPT_END;
	return end - (uint8_t *)dhcp;
}

/* The value of an option; NULL when there is none, or the options run over their end. */
static const uint8_t *find(const struct dhcp *dhcp, size_t size, uint8_t code, uint8_t *length)
{
	const uint8_t *at = dhcp->options, *end = (const uint8_t *)dhcp + size;

	while (at < end && *at != OPT_END) {
		if (*at == OPT_PAD) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at - 2 < at[1])
			return NULL;
		if (*at == code) {
			*length = at[1];
			return at + 2;
		}
		at += 2 + at[1];
	}
	return NULL;
}

static void take_file(const struct dhcp *dhcp, size_t size, struct dhcp_offer *offer)
{
	uint8_t length;
	const uint8_t *file = find(dhcp, size, OPT_FILE, &length);

	if (file && length > sizeof(offer->file) - 1)
		length = sizeof(offer->file) - 1;
	if (file)
		memcpy(offer->file, file, length);
	else
		memcpy(offer->file, dhcp->file, sizeof(dhcp->file));
}

/* An IP packet as it came: 1 when it is an offer to us. */
static int parse(const uint8_t *packet, size_t size, uint32_t xid, struct dhcp_offer *offer)
{
	const struct iphdr *ip = (const void *)packet;
	const struct udphdr *udp;
	struct dhcp dhcp = { 0 };
	const uint8_t *value;
	size_t header;
	uint8_t length;

	if (size < sizeof(*ip) || ip->version != 4 || ip->protocol != IPPROTO_UDP)
		return 0;
	header = ip->ihl * 4;
	if (header < sizeof(*ip) || size < header + sizeof(*udp) + DHCP_HEADER)
		return 0;
	udp = (const void *)(packet + header);
	size -= header + sizeof(*udp);
	if (ntohs(udp->dest) != PORT_CLIENT || ntohs(udp->source) != PORT_SERVER)
		return 0;
	if (size > sizeof(dhcp))
		size = sizeof(dhcp);
	memcpy(&dhcp, packet + header + sizeof(*udp), size);
	if (dhcp.op != REPLY || dhcp.xid != xid || memcmp(dhcp.cookie, cookie, sizeof(cookie)))
		return 0;
	value = find(&dhcp, size, OPT_TYPE, &length);
	if (!value || length != 1 || *value != OFFER)
		return 0;
	memset(offer, 0, sizeof(*offer));
	offer->from.s_addr = ip->saddr;
	offer->address = dhcp.yiaddr;
	take_file(&dhcp, size, offer);
	return 1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int gather(int fd, uint32_t xid, unsigned int milliseconds, struct dhcp_offer *offers)
{
	int64_t end = now_ms() + milliseconds, left;
	_Alignas(8) uint8_t packet[2048];
	int count = 0, i;
	ssize_t n;

	while (count < DHCP_PROBE_OFFERS && (left = end - now_ms()) > 0) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (poll(&wait, 1, left) <= 0)
			continue;
		n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n <= 0 || !parse(packet, n, xid, &offers[count]))
			continue;
		/* One that answers twice counts once. */
		for (i = 0; i < count; i++)
			if (offers[i].from.s_addr == offers[count].from.s_addr &&
			    !offers[i].address.s_addr == !offers[count].address.s_addr)
				break;
		count += i == count;
	}
	return count;
}

static int open_listener(const struct netif *netif)
{
	struct sockaddr_ll link = {
		.sll_family = AF_PACKET,
		/* Our own server's answers don't come in, they go out. */
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(netif->name),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&link, sizeof(link))) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

static int broadcast(const struct netif *netif, uint32_t xid)
{
	struct sockaddr_in all = { .sin_family = AF_INET, .sin_port = htons(PORT_SERVER),
				   .sin_addr.s_addr = INADDR_BROADCAST };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1, ret = 0;
	struct dhcp dhcp = { 0 };
	size_t size = make_discover(netif, xid, &dhcp);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, netif->name, strlen(netif->name)) ||
	    sendto(fd, &dhcp, size, 0, (struct sockaddr *)&all, sizeof(all)) != (ssize_t)size)
		ret = -errno;
	close(fd);
	return ret;
}

int dhcp_probe(const struct netif *netif, unsigned int milliseconds,
	       struct dhcp_offer offers[DHCP_PROBE_OFFERS], struct vdisk_error *err)
{
	uint32_t xid;
	int fd, ret;

	if (!netif->has_mac)
		return vdisk_error_set(err, EOPNOTSUPP, "%s is no Ethernet", netif->name);
	if (getrandom(&xid, sizeof(xid), 0) != sizeof(xid))
		return vdisk_error_set(err, EIO, "there is no randomness");
	fd = open_listener(netif);
	if (fd < 0)
		return vdisk_error_set(err, -fd, "cannot listen on %s: %s", netif->name, strerror(-fd));
	ret = broadcast(netif, xid);
	if (ret)
		vdisk_error_set(err, -ret, "cannot broadcast on %s: %s", netif->name, strerror(-ret));
	else
		ret = gather(fd, xid, milliseconds, offers);
	close(fd);
	return ret;
}
