// SPDX-License-Identifier: GPL-2.0
/* rogue: the handshake, as far as it is wanted. */
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include "rogue.h"

#define OLDSTYLE_MAGIC	0x00420281861253ULL

static uint16_t transmission_flags(const struct conn *c)
{
	uint16_t flags = NBD_FLAG_HAS_FLAGS;

	if (c->how.multi_conn)
		flags |= NBD_FLAG_CAN_MULTI_CONN;
	if (!c->rogue->memory)
		return flags | NBD_FLAG_READ_ONLY;
	return flags | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM |
	       NBD_FLAG_SEND_WRITE_ZEROES;
}

static bool reply(struct conn *c, uint32_t option, uint32_t type, const void *data, uint32_t len)
{
	struct nbd_option_reply head = {
		.magic = htobe64(NBD_MAGIC_OPTION_REPLY), .option = htobe32(option),
		.type = htobe32(type), .length = htobe32(len),
	};

	return conn_send(c, &head, sizeof(head)) && (!len || conn_send(c, data, len));
}

static bool greet(struct conn *c)
{
	struct {
		uint64_t magic, option;
		uint16_t flags;
	} __attribute__((packed)) greeting = {
		htobe64(NBD_MAGIC_INIT), htobe64(NBD_MAGIC_OPTION),
		htobe16((c->how.not_fixed ? 0 : NBD_HS_FIXED_NEWSTYLE) |
			(c->how.zeroes ? 0 : NBD_HS_NO_ZEROES)),
	};
	uint32_t flags;

	if (c->how.not_nbd) {
		conn_send(c, "SSH-2.0-rogue_1.0 something else\r\n", 34);
		conn_wait_for_end(c);
		return false;
	}
	if (c->how.oldstyle) {
		uint8_t old[152] = { 0 };

		greeting.option = htobe64(OLDSTYLE_MAGIC);
		memcpy(old, &greeting, 16);
		conn_send(c, old, sizeof(old));
		conn_wait_for_end(c);
		return false;
	}
	if (!conn_send(c, &greeting, sizeof(greeting)) || !conn_recv(c, &flags, sizeof(flags)))
		return false;
	c->no_zeroes = be32toh(flags) & NBD_HS_NO_ZEROES;
	return true;
}

static bool info(struct conn *c, const void *data, uint32_t len)
{
	return reply(c, NBD_OPT_GO, NBD_REP_INFO, data, len);
}

static bool infos(struct conn *c)
{
	struct {
		uint16_t type;
		uint64_t size;
		uint16_t flags;
	} __attribute__((packed)) export = {
		htobe16(NBD_INFO_EXPORT), htobe64(c->size), htobe16(transmission_flags(c)),
	};
	struct {
		uint16_t type;
		uint32_t min, preferred, max;
	} __attribute__((packed)) blocks = {
		htobe16(NBD_INFO_BLOCK_SIZE), htobe32(c->how.min), htobe32(c->how.preferred),
		htobe32(c->how.max),
	};
	char name[NBD_STRING_MAX + 2] = { 0, NBD_INFO_NAME };

	if (c->how.name) {
		snprintf(name + 2, sizeof(name) - 2, "%s", c->how.name);
		if (!info(c, name, 2 + strlen(c->how.name)))
			return false;
	}
	if (c->how.min && !info(c, &blocks, sizeof(blocks)))
		return false;
	return info(c, &export, sizeof(export)) && reply(c, NBD_OPT_GO, NBD_REP_ACK, NULL, 0);
}

static bool refuse(struct conn *c, uint32_t option, uint32_t error, const char *words)
{
	reply(c, option, error, words, words ? strlen(words) : 0);
	return true;
}

/* Returns whether the next option is to be read. */
static bool go(struct conn *c, const uint8_t *data, uint32_t len, bool *ready)
{
	uint32_t n;

	if (c->how.no_go)
		return refuse(c, NBD_OPT_GO, NBD_REP_ERR_UNSUP, NULL);
	memcpy(&n, data, sizeof(n));
	n = be32toh(n);
	if (len < sizeof(n) || n > len - sizeof(n))
		return refuse(c, NBD_OPT_GO, NBD_REP_ERR_INVALID, "the lengths don't fit");
	conn_log(c, "export '%.*s'", (int)n, data + 4);
	if (c->how.silent_go) {
		conn_wait_for_end(c);
		return false;
	}
	if (c->how.go_error)
		return refuse(c, NBD_OPT_GO, c->how.go_error, c->how.words);
	if (c->how.want && (n != strlen(c->how.want) || memcmp(data + 4, c->how.want, n)))
		return refuse(c, NBD_OPT_GO, NBD_REP_ERR_UNKNOWN, "not that one");
	*ready = infos(c);
	return false;
}

static bool export_name(struct conn *c, const uint8_t *data, uint32_t len)
{
	uint8_t answer[134] = { 0 };
	uint64_t size = htobe64(c->size);
	uint16_t flags = htobe16(transmission_flags(c));

	conn_log(c, "export '%.*s' by EXPORT_NAME", (int)len, data);
	if (c->how.go_error)
		return false;
	memcpy(answer, &size, 8);
	memcpy(answer + 8, &flags, 2);
	return conn_send(c, answer, c->no_zeroes ? 10 : sizeof(answer));
}

static bool contexts(struct conn *c)
{
	uint8_t data[4 + 14 + 256] = { 0, 0, 0, 1 };
	int n;

	if (c->how.stamp) {
		n = snprintf((char *)data + 4, sizeof(data) - 4, "%s:%s", VDISK_STAMP_QUERY,
			     c->how.stamp);
		if (!reply(c, NBD_OPT_LIST_META_CONTEXT, NBD_REP_META_CONTEXT, data, 4 + n))
			return false;
	}
	return reply(c, NBD_OPT_LIST_META_CONTEXT, NBD_REP_ACK, NULL, 0);
}

static bool option(struct conn *c, uint32_t opt, const uint8_t *data, uint32_t len, bool *ready)
{
	switch (opt) {
	case NBD_OPT_STRUCTURED_REPLY:
		if (c->how.no_structured)
			return refuse(c, opt, NBD_REP_ERR_UNSUP, NULL);
		c->structured = true;
		return reply(c, opt, NBD_REP_ACK, NULL, 0);
	case NBD_OPT_LIST_META_CONTEXT:
		return contexts(c);
	case NBD_OPT_GO:
		return go(c, data, len, ready);
	case NBD_OPT_EXPORT_NAME:
		*ready = export_name(c, data, len);
		return false;
	case NBD_OPT_ABORT:
		reply(c, opt, NBD_REP_ACK, NULL, 0);
		return false;
	}
	return refuse(c, opt, NBD_REP_ERR_UNSUP, NULL);
}

bool conn_handshake(struct conn *c)
{
	struct nbd_option_header head;
	uint8_t data[2 * NBD_STRING_MAX] = { 0 };
	bool ready = false;
	uint32_t len;

	if (c->how.close_accept)
		return false;
	if (c->how.silent_accept) {
		conn_wait_for_end(c);
		return false;
	}
	if (!greet(c))
		return false;
	do {
		if (!conn_recv(c, &head, sizeof(head)))
			return false;
		len = be32toh(head.length);
		if (be64toh(head.magic) != NBD_MAGIC_OPTION || len > sizeof(data)) {
			conn_log(c, "VIOLATION: an option that is none");
			return false;
		}
		if (len && !conn_recv(c, data, len))
			return false;
	} while (option(c, be32toh(head.option), data, len, &ready));
	return ready;
}
