// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/vdisk.h>
#include <netlink/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include "genl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum {
	/* The driver's largest message is a little below 32 KiB. */
	RECEIVE_BUFFER = 65536,
	/* Room for a few hundred events while their reader is busy. */
	EVENTS_BUFFER = 262144,
};

struct vdisk_genl {
	struct nl_sock *sock;
	int family;
};

/* One exchange, seen from libnl's callbacks. */
struct exchange {
	vdisk_genl_handler handler;
	void *data;
	struct vdisk_error *err;
	bool done;
	int messages;
	int ret;		/* 0 or -errno, once done */
};

/* libnl's error numbers are its own; those that matter come as errno values. */
static int nl_errno(int nl_error)
{
	switch (abs(nl_error)) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_INTR:
		return -EINTR;
	case NLE_AGAIN:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static int nl_failed(struct vdisk_error *err, const char *what, int nl_error)
{
	return vdisk_error_set(err, -nl_errno(nl_error), "%s: %s", what, nl_geterror(nl_error));
}

int vdisk_genl_open(struct vdisk_genl **genl, struct vdisk_error *err)
{
	struct vdisk_genl *g;
	int ret, on = 1;

	g = calloc(1, sizeof(*g));
	if (g)
		g->sock = nl_socket_alloc();
	if (!g || !g->sock) {
		free(g);
		return vdisk_error_set(err, ENOMEM, "no memory for a netlink socket");
	}
	ret = genl_connect(g->sock);
	if (ret < 0) {
		ret = nl_failed(err, "cannot open a netlink socket", ret);
		goto err_close;
	}
	/* Reasons are worth having, not worth failing for. */
	setsockopt(nl_socket_get_fd(g->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(g->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nl_socket_set_msg_buf_size(g->sock, RECEIVE_BUFFER);

	g->family = genl_ctrl_resolve(g->sock, VDISK_GENL_NAME);
	if (g->family == -NLE_OBJ_NOTFOUND) {
		ret = vdisk_error_set(err, ENOENT,
				      "kernel module is not loaded: run 'modprobe vdisk'");
		goto err_close;
	}
	if (g->family < 0) {
		ret = nl_failed(err, "cannot ask for the kernel's netlink families", g->family);
		goto err_close;
	}
	*genl = g;
	return 0;

err_close:
	vdisk_genl_close(g);
	return ret;
}

void vdisk_genl_close(struct vdisk_genl *genl)
{
	if (!genl)
		return;
	nl_socket_free(genl->sock);
	free(genl);
}

int vdisk_genl_join(struct vdisk_genl *genl, const char *group, struct vdisk_error *err)
{
	int id, ret;

	id = genl_ctrl_resolve_grp(genl->sock, VDISK_GENL_NAME, group);
	if (id < 0)
		return nl_failed(err, "the kernel module has no such events", id);
	nl_socket_disable_seq_check(genl->sock);
	nl_socket_set_buffer_size(genl->sock, EVENTS_BUFFER, 0);
	ret = nl_socket_add_membership(genl->sock, id);
	if (ret < 0)
		return nl_failed(err, "cannot listen to events", ret);
	ret = nl_socket_set_nonblocking(genl->sock);
	if (ret < 0)
		return nl_failed(err, "cannot listen to events", ret);
	return 0;
}

int vdisk_genl_fd(const struct vdisk_genl *genl)
{
	return nl_socket_get_fd(genl->sock);
}

struct nl_msg *vdisk_genl_request(struct vdisk_genl *genl, int command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(RECEIVE_BUFFER);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, genl->family, 0, flags, command,
				VDISK_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* The reason among the attributes behind an error, or NULL. */
static const char *reason_of(struct nlattr *attrs, int len)
{
	struct nlattr *attr = nla_find(attrs, len, NLMSGERR_ATTR_MSG);

	if (!attr || nla_len(attr) < 1 || ((char *)nla_data(attr))[nla_len(attr) - 1])
		return NULL;
	return nla_data(attr);
}

static void refused(struct exchange *x, int code, const char *reason)
{
	x->done = true;
	x->ret = vdisk_error_set(x->err, code, "%s", reason ? reason : strerror(code));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct nlmsghdr *head = (void *)((char *)error - NLMSG_HDRLEN);
	size_t size = sizeof(*error);
	const char *reason = NULL;

	(void)from;
	if (!(head->nlmsg_flags & NLM_F_CAPPED))
		size += error->msg.nlmsg_len - NLMSG_HDRLEN;
	size = NLMSG_ALIGN(size);
	if ((head->nlmsg_flags & NLM_F_ACK_TLVS) && head->nlmsg_len > NLMSG_HDRLEN + size)
		reason = reason_of((void *)((char *)error + size),
				   head->nlmsg_len - NLMSG_HDRLEN - size);
	refused(arg, -error->error, reason);
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	(void)msg;
	x->done = true;
	return NL_STOP;
}

/* The end of a dump carries its result, and the reason when that is an error. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	int *result = nlmsg_data(head);
	const char *reason = NULL;
	int len = nlmsg_datalen(head);
	struct exchange *x = arg;

	x->done = true;
	if (len < (int)sizeof(*result) || *result >= 0)
		return NL_STOP;
	if ((head->nlmsg_flags & NLM_F_ACK_TLVS) && len > (int)sizeof(*result))
		reason = reason_of((void *)(result + 1), len - sizeof(*result));
	refused(x, -*result, reason);
	return NL_STOP;
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;
	int ret;

	if (!genlmsg_valid_hdr(nlmsg_hdr(msg), 0))
		return NL_SKIP;
	x->messages++;
	if (!x->handler)
		return NL_OK;
	ret = x->handler(nlmsg_hdr(msg), x->data, x->err);
	if (ret >= 0)
		return NL_OK;
	x->done = true;
	x->ret = ret;
	return NL_STOP;
}

static struct nl_cb *callbacks(struct exchange *x)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return NULL;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, x);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, x);
	return cb;
}

int vdisk_genl_talk(struct vdisk_genl *genl, struct nl_msg *msg, vdisk_genl_handler handler,
		    void *data, struct vdisk_error *err)
{
	struct exchange x = { .handler = handler, .data = data, .err = err };
	struct nl_cb *cb = callbacks(&x);
	int ret;

	if (!cb) {
		nlmsg_free(msg);
		return vdisk_error_set(err, ENOMEM, "no memory for a netlink request");
	}
	ret = nl_send_auto(genl->sock, msg);
	nlmsg_free(msg);
	if (ret < 0) {
		nl_cb_put(cb);
		return nl_failed(err, "cannot send to the kernel module", ret);
	}
	while (!x.done) {
		ret = nl_recvmsgs(genl->sock, cb);
		if (ret < 0 && !x.done && ret != -NLE_INTR) {
			x.ret = nl_failed(err, "cannot receive from the kernel module", ret);
			break;
		}
	}
	nl_cb_put(cb);
	return x.ret;
}

static int no_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

int vdisk_genl_receive(struct vdisk_genl *genl, vdisk_genl_handler handler, void *data,
		       struct vdisk_error *err)
{
	struct exchange x = { .handler = handler, .data = data, .err = err };
	struct nl_cb *cb = callbacks(&x);
	int ret;

	if (!cb)
		return vdisk_error_set(err, ENOMEM, "no memory for an event");
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, no_sequence, NULL);
	errno = 0;
	ret = nl_recvmsgs(genl->sock, cb);
	nl_cb_put(cb);
	if (x.done)
		return x.ret;
	if (ret >= 0)
		return x.messages > 0;
	if (ret == -NLE_AGAIN || ret == -NLE_INTR)
		return 0;
	/* An overrun: libnl calls ENOBUFS "out of memory". */
	if (ret == -NLE_NOMEM)
		return vdisk_error_set(err, ENOBUFS, "events were lost");
	return nl_failed(err, "cannot receive events", ret);
}
