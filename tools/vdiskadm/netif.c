// SPDX-License-Identifier: GPL-2.0
/* The server's network: the interface that its clients are on. */
#include "netif.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void write_down(struct netif *netif)
{
	struct in_addr network = { .s_addr = netif->address.s_addr & netif->mask.s_addr };

	inet_ntop(AF_INET, &netif->address, netif->text, sizeof(netif->text));
	inet_ntop(AF_INET, &network, netif->network, sizeof(netif->network));
	inet_ntop(AF_INET, &netif->mask, netif->netmask, sizeof(netif->netmask));
}

/* True when this is the address that was looked for. */
static bool take(const struct ifaddrs *a, const struct in_addr *wanted, struct netif *netif)
{
	const struct sockaddr_ll *link = (const void *)a->ifa_addr;
	const struct sockaddr_in *address = (const void *)a->ifa_addr;

	if (!a->ifa_addr)
		return false;
	if (a->ifa_addr->sa_family == AF_PACKET && link->sll_halen == sizeof(netif->mac)) {
		memcpy(netif->mac, link->sll_addr, sizeof(netif->mac));
		netif->has_mac = true;
	}
	if (a->ifa_addr->sa_family != AF_INET || netif->address.s_addr ||
	    (wanted && wanted->s_addr != address->sin_addr.s_addr))
		return false;
	netif->address = address->sin_addr;
	netif->mask = ((const struct sockaddr_in *)a->ifa_netmask)->sin_addr;
	return true;
}

int netif_find(const char *name, const char *address, struct netif *netif,
	       struct vdisk_error *err)
{
	bool there = false, found = false;
	struct ifaddrs *all, *a;
	struct in_addr wanted;

	memset(netif, 0, sizeof(*netif));
	if (address && inet_pton(AF_INET, address, &wanted) != 1)
		return vdisk_error_set(err, EINVAL, "'%s' is not an IPv4 address", address);
	if (strlen(name) >= sizeof(netif->name))
		return vdisk_error_set(err, EINVAL, "'%s' is too long for an interface", name);
	if (getifaddrs(&all))
		return vdisk_error_set(err, errno, "cannot list the interfaces: %s", strerror(errno));
	for (a = all; a; a = a->ifa_next) {
		if (strcmp(a->ifa_name, name))
			continue;
		there = true;
		found |= take(a, address ? &wanted : NULL, netif);
	}
	freeifaddrs(all);
	if (!there)
		return vdisk_error_set(err, ENODEV, "there is no interface '%s': 'ip link' lists them",
				       name);
	if (!found && address)
		return vdisk_error_set(err, EADDRNOTAVAIL, "%s doesn't have the address %s", name,
				       address);
	if (!found)
		return vdisk_error_set(err, EADDRNOTAVAIL, "%s has no IPv4 address: give it one that "
				       "stays, clients boot from it", name);
	strcpy(netif->name, name);
	write_down(netif);
	return 0;
}

bool netif_has(const struct netif *netif, struct in_addr address)
{
	return !((netif->address.s_addr ^ address.s_addr) & netif->mask.s_addr);
}

/* Whether a process has this socket open. */
static bool holds(const char *pid, unsigned long inode)
{
	char path[64], target[64], wanted[32];
	struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			found = !strcmp(target, wanted);
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static void name_process(const char *pid, char *who, size_t size)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	snprintf(who, size, "%s (%.16s)", name, pid);
}

static void find_holder(unsigned long inode, char *who, size_t size)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	snprintf(who, size, "another program");
	while (proc && inode && (entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, inode)) {
			name_process(entry->d_name, who, size);
			break;
		}
	}
	if (proc)
		closedir(proc);
}

/* The socket that has the port, by the kernel's table; 0 when it is in none. */
static unsigned long find_socket(const char *table, in_addr_t address, unsigned int port)
{
	unsigned long inode, found = 0;
	unsigned int local, local_port, state;
	char line[256];
	FILE *f = fopen(table, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %8X:%4X %*8X:%*4X %2X %*s %*s %*s %*u %*d %lu", &local,
			   &local_port, &state, &inode) == 4 &&
		    local_port == port && (local == INADDR_ANY || local == address) &&
		    (state == 0x0a || state == 0x07))
			found = inode;
	}
	if (f)
		fclose(f);
	return found;
}

/* A socket for all of IPv6 usually is one for IPv4, too. */
static unsigned long find_socket6(const char *table, unsigned int port)
{
	unsigned long inode, found = 0;
	unsigned int local_port, state;
	char line[256], local[33];
	FILE *f = fopen(table, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %32[0-9A-F]:%4X %*32[0-9A-F]:%*4X %2X %*s %*s %*s %*u %*d %lu",
			   local, &local_port, &state, &inode) == 4 &&
		    local_port == port && strspn(local, "0") == 32 &&
		    (state == 0x0a || state == 0x07))
			found = inode;
	}
	if (f)
		fclose(f);
	return found;
}

int port_taken(int type, struct in_addr address, unsigned int port, char *who, size_t size)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port),
				   .sin_addr = address };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1, ret;
	bool tcp = type == SOCK_STREAM;
	unsigned long inode;

	if (fd < 0)
		return -errno;
	/* Connections of a server that ran here don't count. */
	if (tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ret = bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || (tcp && listen(fd, 1)) ? -errno : 0;
	close(fd);
	if (ret != -EADDRINUSE)
		return ret;
	inode = find_socket(tcp ? "/proc/net/tcp" : "/proc/net/udp", address.s_addr, port);
	if (!inode)
		inode = find_socket6(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", port);
	find_holder(inode, who, size);
	return 1;
}
