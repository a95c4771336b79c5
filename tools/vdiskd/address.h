/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses of clients, and networks that they are compared with. */
#ifndef VDISKD_ADDRESS_H
#define VDISKD_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = 64 };

/*
 * An IP address without its port, as 16 bytes: IPv4 is kept as ::ffff:a.b.c.d
 * (a client has one identity whichever kind of socket it came in by); all
 * zeroes stands for a Unix socket.
 */
struct address {
	uint8_t bytes[16];
};

struct network {
	struct network *next;
	struct address address;
	unsigned int bits;
};

/** address_from_socket - take the address out of what accept() returned */
struct address address_from_socket(const struct sockaddr_storage *peer);

/** address_owner - what stands for all addresses of one client: of IPv6 its /64 */
struct address address_owner(const struct address *address);

/** address_format - write it as people do, into @text of ADDRESS_TEXT bytes */
const char *address_format(const struct address *address, char *text);

static inline bool address_equal(const struct address *a, const struct address *b)
{
	return !__builtin_memcmp(a, b, sizeof(*a));
}

/**
 * network_parse - read "ADDRESS" or "ADDRESS/BITS"
 * @text:    what the user wrote
 * @network: filled in; its @next is left alone
 *
 * Return: false when it is neither, or has bits set past the prefix.
 */
bool network_parse(const char *text, struct network *network);

/** network_has - whether @address belongs to @network */
bool network_has(const struct network *network, const struct address *address);

/**
 * endpoint_parse - read "ADDR:PORT", "[ADDR6]:PORT", "ADDR" or "*:PORT"
 * @text:   what the user wrote
 * @port:   when it names none
 * @sa:     filled in
 * @length: its length
 *
 * Return: false when it is none of these.
 */
bool endpoint_parse(const char *text, unsigned int port, struct sockaddr_storage *sa,
		    socklen_t *length);

/** endpoint_format - write a socket address with its port, into ADDRESS_TEXT bytes */
const char *endpoint_format(const struct sockaddr_storage *sa, char *text);

#endif
