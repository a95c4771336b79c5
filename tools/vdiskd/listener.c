// SPDX-License-Identifier: GPL-2.0
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "log.h"
#include "nbd.h"

enum { FIRST_PASSED = 3, BACKLOG = 4096 };

/* An address may come later than we do, with a network that isn't up yet. */
static void allow_absent(int fd, int family)
{
	int on = 1;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	else if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
}

static int open_one(const struct sockaddr_storage *sa, socklen_t length, bool absent)
{
	int fd, on = 1, off = 0, error;

	fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (absent)
		allow_absent(fd, sa->ss_family);
	/* "*" is [::] for both families; any other IPv6 address is just that. */
	if (sa->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
			   IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)sa)->sin6_addr) ?
			   &off : &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)sa, length) || listen(fd, BACKLOG)) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static int complain(const char *address, int error)
{
	log_event(LOG_LEVEL_ERROR, "cannot listen", "address", address, "reason", strerror(error));
	return -1;
}

/* Port 0 asks the kernel for one: say which it is. */
static void announce(int fd)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof(sa);
	char text[ADDRESS_TEXT];

	if (getsockname(fd, (struct sockaddr *)&sa, &length))
		return;
	log_event(LOG_LEVEL_INFO, "listening", "address", endpoint_format(&sa, text));
}

/* "*" is every address of the machine, where there is no IPv6 as well. */
int listener_open(const struct config_listen *listen)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&listen->address;
	struct sockaddr_storage any = { .ss_family = AF_INET };
	int fd = open_one(&listen->address, listen->length, true);

	if (fd != -EAFNOSUPPORT || listen->text[0] != '*')
		return fd;
	((struct sockaddr_in *)&any)->sin_port = six->sin6_port;
	return open_one(&any, sizeof(struct sockaddr_in), false);
}

static int open_configured(const struct config *config, int *listeners, unsigned int most)
{
	const struct config_listen *listen;
	unsigned int count = 0;
	int fd;

	for (listen = config->listen; listen; listen = listen->next) {
		if (count == most)
			return complain(listen->text, EMFILE);
		fd = listener_open(listen);
		if (fd < 0)
			return complain(listen->text, -fd);
		announce(fd);
		listeners[count++] = fd;
	}
	return count;
}

/* Loopback of both families; a machine may have only one of them. */
static int open_default(int *listeners)
{
	static const char *const addresses[] = { "127.0.0.1", "[::1]" };
	struct sockaddr_storage sa;
	unsigned int i, count = 0;
	socklen_t length;
	int fd;

	for (i = 0; i < 2; i++) {
		endpoint_parse(addresses[i], NBD_PORT, &sa, &length);
		fd = open_one(&sa, length, false);
		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
			continue;
		if (fd < 0)
			return complain(addresses[i], -fd);
		announce(fd);
		listeners[count++] = fd;
	}
	return count ? (int)count : complain("loopback", EADDRNOTAVAIL);
}

static int check_passed(int fd)
{
	int accepting = 0, type = 0;
	socklen_t length = sizeof(int);
	char number[16];

	if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) && accepting &&
	    !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) && type == SOCK_STREAM) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		announce(fd);
		return 0;
	}
	snprintf(number, sizeof(number), "%d", fd);
	log_event(LOG_LEVEL_ERROR, "a descriptor passed by systemd is no listening stream socket",
		  "descriptor", number);
	return -1;
}

/* sd_listen_fds(3), without libsystemd: 0 when none were passed to us. */
static int take_passed(int *listeners, unsigned int most)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long count, i;

	if (!pid || !fds || atol(pid) != (long)getpid())
		return 0;
	count = atol(fds);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (count < 1 || count > (long)most)
		return complain("systemd's sockets", EINVAL);
	for (i = 0; i < count; i++) {
		if (check_passed(FIRST_PASSED + i))
			return -1;
		listeners[i] = FIRST_PASSED + i;
	}
	return count;
}

int listener_open_all(const struct config *config, int *listeners, unsigned int most)
{
	int count = take_passed(listeners, most);

	if (count > 0 && config->listen)
		log_event(LOG_LEVEL_WARNING, "listen options are not used", "reason",
			  "systemd has handed sockets over");
	if (count)
		return count;
	return config->listen ? open_configured(config, listeners, most) : open_default(listeners);
}
