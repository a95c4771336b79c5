/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One generic netlink socket: requests with their replies, dumps, events.
 * Knows libnl; nothing above it needs to, but for the messages themselves.
 */
#ifndef VDISK_GENL_H
#define VDISK_GENL_H

#include <netlink/msg.h>
#include "error.h"

struct vdisk_genl;

/* Called with each message of a reply; stops the exchange when it returns < 0. */
typedef int (*vdisk_genl_handler)(struct nlmsghdr *message, void *data, struct vdisk_error *err);

/**
 * vdisk_genl_open - open a socket and find the driver's family
 *
 * Return: 0; -ENOENT when the kernel has no such family; -errno.
 */
int vdisk_genl_open(struct vdisk_genl **genl, struct vdisk_error *err);
void vdisk_genl_close(struct vdisk_genl *genl);

/* vdisk_genl_join - listen to a multicast group; the socket never blocks from then on. */
int vdisk_genl_join(struct vdisk_genl *genl, const char *group, struct vdisk_error *err);
int vdisk_genl_fd(const struct vdisk_genl *genl);

/**
 * vdisk_genl_request - begin a message to the driver
 * @flags: NLM_F_DUMP or 0
 *
 * Return: the message, or NULL when there is no memory.
 */
struct nl_msg *vdisk_genl_request(struct vdisk_genl *genl, int command, int flags);

/**
 * vdisk_genl_talk - send a request, hand over each reply, wait for the end
 * @msg: freed in any case
 * @handler: may be NULL
 *
 * Return: 0; what @handler returned; or the kernel's -errno, with its reason
 * (extended acknowledgment) as the text.
 */
int vdisk_genl_talk(struct vdisk_genl *genl, struct nl_msg *msg, vdisk_genl_handler handler,
		    void *data, struct vdisk_error *err);

/**
 * vdisk_genl_receive - hand over one event of a joined group
 *
 * Return: 1 when @handler was called and returned 0; 0 when there is none now;
 * -ENOBUFS when events were lost; what @handler returned; -errno.
 */
int vdisk_genl_receive(struct vdisk_genl *genl, vdisk_genl_handler handler, void *data,
		       struct vdisk_error *err);

#endif
