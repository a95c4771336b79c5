// SPDX-License-Identifier: GPL-2.0
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nbd.h"

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static void map_ipv4(const void *four, struct address *address)
{
	memcpy(address->bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(address->bytes + sizeof(mapped_prefix), four, 4);
}

static bool is_ipv4(const struct address *address)
{
	return !memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix));
}

struct address address_from_socket(const struct sockaddr_storage *peer)
{
	struct address address = { .bytes = { 0 } };

	if (peer->ss_family == AF_INET)
		map_ipv4(&((const struct sockaddr_in *)peer)->sin_addr, &address);
	else if (peer->ss_family == AF_INET6)
		memcpy(address.bytes, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
	return address;
}

struct address address_owner(const struct address *address)
{
	struct address owner = *address;

	/* Who has one has 2^64 of them. */
	if (!is_ipv4(address))
		memset(owner.bytes + 8, 0, 8);
	return owner;
}

const char *address_format(const struct address *address, char *text)
{
	static const struct address none;

	if (address_equal(address, &none))
		return strcpy(text, "unix");
	if (is_ipv4(address))
		inet_ntop(AF_INET, address->bytes + 12, text, ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT);
	return text;
}

static bool parse_number(const char *text, unsigned int most, unsigned int *value)
{
	unsigned int v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (*text - '0');
		if (v > most)
			return false;
	}
	*value = v;
	return true;
}

bool network_parse(const char *text, struct network *network)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int width, bits, i;
	char host[ADDRESS_TEXT];
	uint8_t four[4];

	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, four) == 1) {
		map_ipv4(four, &network->address);
		width = 32;
	} else if (inet_pton(AF_INET6, host, network->address.bytes) == 1) {
		width = 128;
	} else {
		return false;
	}
	bits = width;
	if (slash && !parse_number(slash + 1, width, &bits))
		return false;
	network->bits = bits + (128 - width);
	for (i = network->bits; i < 128; i++)
		if (network->address.bytes[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

bool network_has(const struct network *network, const struct address *address)
{
	unsigned int whole = network->bits / 8, rest = network->bits % 8;
	uint8_t mask = 0xff00 >> rest;

	if (memcmp(network->address.bytes, address->bytes, whole))
		return false;
	return !rest || (network->address.bytes[whole] & mask) == (address->bytes[whole] & mask);
}

/* Splits "HOST:PORT" at the colon that belongs to the port. */
static bool split_port(const char *text, char *host, size_t size, unsigned int *port)
{
	const char *colon = strrchr(text, ':'), *end;

	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		if (end[1] && !parse_number(end + 2, 65535, port))
			return false;
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
		if (!parse_number(colon + 1, 65535, port))
			return false;
	} else {
		end = text + strlen(text);
	}
	if ((size_t)(end - text) >= size)
		return false;
	memcpy(host, text, end - text);
	host[end - text] = '\0';
	return true;
}

bool endpoint_parse(const char *text, unsigned int port, struct sockaddr_storage *sa,
		    socklen_t *length)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)sa;
	struct sockaddr_in *four = (struct sockaddr_in *)sa;
	char host[ADDRESS_TEXT];

	memset(sa, 0, sizeof(*sa));
	if (!split_port(text, host, sizeof(host), &port))
		return false;
	if (!strcmp(host, "*"))
		strcpy(host, "::");
	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		*length = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, host, &six->sin6_addr) != 1)
		return false;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	*length = sizeof(*six);
	return true;
}

const char *endpoint_format(const struct sockaddr_storage *sa, char *text)
{
	struct address address = address_from_socket(sa);
	char host[ADDRESS_TEXT];

	address_format(&address, host);
	if (sa->ss_family == AF_INET)
		snprintf(text, ADDRESS_TEXT, "%.45s:%u", host,
			 ntohs(((const struct sockaddr_in *)sa)->sin_port));
	else if (sa->ss_family == AF_INET6)
		snprintf(text, ADDRESS_TEXT, "[%.45s]:%u", host,
			 ntohs(((const struct sockaddr_in6 *)sa)->sin6_port));
	else
		snprintf(text, ADDRESS_TEXT, "%s", host);
	return text;
}
