/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink without a library: messages as wrong as a test wants them.
 * The tables of the family come from its specification.
 */
#ifndef NETLINK_RAW_H
#define NETLINK_RAW_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vdisk.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum spec_kind {
	KIND_U16, KIND_U32, KIND_U64, KIND_FLAG, KIND_STRING, KIND_BINARY, KIND_NEST, KIND_PAD,
};

struct spec_set;

struct spec_attr {
	const char *name;
	uint16_t type;
	enum spec_kind kind;
	bool multi;
	uint64_t min, max;		/* of numbers */
	uint32_t len;			/* of strings, the most; of binaries, the only one */
	const struct spec_set *nested;
};

struct spec_set {
	const struct spec_attr *attrs;
	unsigned int count;
};

struct spec_op {
	const char *name;
	uint8_t command;
	uint64_t request;		/* bits of the attributes it takes */
};

#include "netlink_table.h"

enum { NL_BUFFER = 65536 };

struct nl_message {
	union {
		struct nlmsghdr head;
		char bytes[NL_BUFFER];
	};
};

struct nl_socket {
	int fd;
	uint16_t family;
	uint32_t sequence;
	struct nl_message reply;	/* the last datagram received */
	int error;			/* of the last exchange, 0 or -errno */
	char reason[512];		/* its extended acknowledgment */
};

static inline void nl_begin(struct nl_message *m, uint16_t type, uint8_t command, uint16_t flags)
{
	struct genlmsghdr *genl = NLMSG_DATA(&m->head);

	memset(m->bytes, 0, NLMSG_LENGTH(GENL_HDRLEN));
	m->head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = NLM_F_REQUEST | flags;
	genl->cmd = command;
	genl->version = VDISK_GENL_VERSION;
}

/* Returns the attribute's place, or NULL when the message is full. */
static inline struct nlattr *nl_put(struct nl_message *m, uint16_t type, const void *data,
				    size_t len)
{
	size_t at = NLMSG_ALIGN(m->head.nlmsg_len), size = NLA_ALIGN(NLA_HDRLEN + len);
	struct nlattr *attr = (void *)(m->bytes + at);

	if (at + size > sizeof(m->bytes) || NLA_HDRLEN + len > UINT16_MAX)
		return NULL;
	memset(attr, 0, size);
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)attr + NLA_HDRLEN, data, len);
	m->head.nlmsg_len = at + size;
	return attr;
}

static inline void nl_nest_end(struct nl_message *m, struct nlattr *nest)
{
	size_t len;

	if (!nest)
		return;
	len = m->bytes + m->head.nlmsg_len - (char *)nest;
	nest->nla_len = len > UINT16_MAX ? UINT16_MAX : len;
}

static inline const void *nl_data(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static inline size_t nl_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

/* The first attribute at @data, or the one behind @attr; NULL at the end. */
static inline const struct nlattr *nl_next(const void *data, size_t len, const struct nlattr *attr)
{
	const char *end = (const char *)data + len;
	const char *at = attr ? (const char *)attr + NLA_ALIGN(attr->nla_len) : data;

	if (at + NLA_HDRLEN > end)
		return NULL;
	attr = (const void *)at;
	if (attr->nla_len < NLA_HDRLEN || at + attr->nla_len > end)
		return NULL;
	return attr;
}

static inline const struct nlattr *nl_find(const void *data, size_t len, uint16_t type)
{
	const struct nlattr *attr = NULL;

	while ((attr = nl_next(data, len, attr)))
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

/* The result in an error or at the end of a dump, and the reason behind its @size bytes. */
static inline void nl_take_result(struct nl_socket *s, const struct nlmsghdr *head, size_t size)
{
	size_t have = head->nlmsg_len - NLMSG_HDRLEN;
	const char *data = NLMSG_DATA(head);
	const struct nlattr *text;

	s->error = *(const int *)data;
	s->reason[0] = '\0';
	if (!(head->nlmsg_flags & NLM_F_ACK_TLVS) || have <= size)
		return;
	text = nl_find(data + size, have - size, NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(s->reason, sizeof(s->reason), "%.*s", (int)nl_len(text),
			 (const char *)nl_data(text));
}

static inline void nl_take_error(struct nl_socket *s, const struct nlmsghdr *head)
{
	const struct nlmsgerr *error = NLMSG_DATA(head);
	size_t size = sizeof(*error);

	if (!(head->nlmsg_flags & NLM_F_CAPPED))
		size += NLMSG_ALIGN(error->msg.nlmsg_len - NLMSG_HDRLEN);
	nl_take_result(s, head, size);
}

typedef void (*nl_seen)(struct nl_socket *s, const struct nlmsghdr *head, void *data);

/* Takes a datagram.  Returns true when the exchange is over. */
static inline bool nl_take(struct nl_socket *s, ssize_t n, nl_seen seen, void *data)
{
	struct nlmsghdr *head = &s->reply.head;
	unsigned int left = n;

	for (; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
		if (head->nlmsg_seq != s->sequence)
			continue;
		if (head->nlmsg_type == NLMSG_ERROR) {
			nl_take_error(s, head);
			return true;
		}
		if (head->nlmsg_type == NLMSG_DONE) {
			nl_take_result(s, head, sizeof(int));
			return true;
		}
		if (seen)
			seen(s, head, data);
	}
	return false;
}

/*
 * Sends @m and waits for its end; @seen is called with each message of the
 * reply.  Returns false when the kernel does not answer; else s->error tells.
 */
static inline bool nl_exchange(struct nl_socket *s, struct nl_message *m, nl_seen seen, void *data)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	m->head.nlmsg_seq = ++s->sequence;
	s->error = 0;
	s->reason[0] = '\0';
	if (sendto(s->fd, m, m->head.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) < 0)
		return false;
	for (;;) {
		n = recv(s->fd, &s->reply, sizeof(s->reply), MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (size_t)n > sizeof(s->reply))
			return false;
		if (nl_take(s, n, seen, data))
			return true;
	}
}

static inline void nl_take_family(struct nl_socket *s, const struct nlmsghdr *head, void *data)
{
	size_t hdr = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *id;

	(void)data;
	id = nl_find((const char *)head + hdr, head->nlmsg_len - hdr, CTRL_ATTR_FAMILY_ID);
	if (id)
		s->family = *(const uint16_t *)nl_data(id);
}

/* Returns false with errno when there is no socket or no family. */
static inline bool nl_open(struct nl_socket *s, int seconds)
{
	struct timeval patience = { .tv_sec = seconds };
	struct nl_message *m = calloc(1, sizeof(*m));
	int on = 1;

	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (s->fd < 0 || !m)
		return false;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nl_begin(m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	nl_put(m, CTRL_ATTR_FAMILY_NAME, VDISK_GENL_NAME, sizeof(VDISK_GENL_NAME));
	if (!nl_exchange(s, m, nl_take_family, NULL))
		s->error = -errno;
	free(m);
	errno = -s->error;
	return s->family;
}

#endif
