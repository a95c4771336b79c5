// SPDX-License-Identifier: GPL-2.0
/*
 * The socket of a connection.  Only the connection's thread calls it, and never
 * blocks in it: every wait is on conn->wait, with a deadline, and ends when the
 * thread is to stop.
 */
#include <linux/net.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "path.h"
#include "source.h"

#ifdef CONFIG_DEBUG_LOCK_ALLOC
/*
 * Own lock classes: these sockets are used below the block layer, and what
 * lockdep learned of user space's sockets must not be held against them.
 */
static struct lock_class_key socket_key[4];

static void socket_reclassify(struct sock *sk)
{
	if (sk->sk_family == AF_INET6)
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-VDISK", &socket_key[0],
					      "sk_lock-AF_INET6-VDISK", &socket_key[1]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET-VDISK", &socket_key[2],
					      "sk_lock-AF_INET-VDISK", &socket_key[3]);
}
#else
static void socket_reclassify(struct sock *sk)
{
}
#endif

/*
 * While any socket is sk_set_memalloc() a static key is on, and switching it
 * patches the kernel's text on all CPUs.  This socket, which is never connected,
 * keeps it on as long as the module is loaded, so that reconnecting doesn't.
 */
static struct socket *memalloc_socket;

int vdisk_socket_init(void)
{
	int ret = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP,
				   &memalloc_socket);

	if (!ret)
		sk_set_memalloc(memalloc_socket->sk);
	return ret;
}

void vdisk_socket_uninit(void)
{
	sk_clear_memalloc(memalloc_socket->sk);
	sock_release(memalloc_socket);
}

/*----- callbacks, in softirq context or under the socket's lock -----*/

static void socket_data_ready(struct sock *sk)
{
	struct vdisk_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn && conn->streaming)
		vdisk_receive(conn);
	else if (conn)
		vdisk_conn_wake(conn);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void socket_write_space(struct sock *sk)
{
	struct vdisk_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn && sk_stream_is_writeable(sk)) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		vdisk_conn_wake(conn);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void socket_wake(struct sock *sk)
{
	struct vdisk_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn)
		vdisk_conn_wake(conn);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void socket_hook(struct vdisk_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	conn->streaming = false;
	conn->saved_data_ready = sk->sk_data_ready;
	conn->saved_write_space = sk->sk_write_space;
	conn->saved_state_change = sk->sk_state_change;
	conn->saved_error_report = sk->sk_error_report;
	sk->sk_user_data = conn;
	sk->sk_data_ready = socket_data_ready;
	sk->sk_write_space = socket_write_space;
	sk->sk_state_change = socket_wake;
	sk->sk_error_report = socket_wake;
	write_unlock_bh(&sk->sk_callback_lock);
}

/* When this returns no callback runs, nor will. */
static void socket_unhook(struct vdisk_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	conn->streaming = false;
	sk->sk_user_data = NULL;
	sk->sk_data_ready = conn->saved_data_ready;
	sk->sk_write_space = conn->saved_write_space;
	sk->sk_state_change = conn->saved_state_change;
	sk->sk_error_report = conn->saved_error_report;
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * vdisk_socket_stream - from now on replies are parsed as they come.
 *
 * The server does not speak until it is asked, so nothing has come yet.
 */
void vdisk_socket_stream(struct vdisk_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	conn->streaming = true;
	write_unlock_bh(&sk->sk_callback_lock);
}

/*----- waiting -----*/

bool vdisk_socket_failed(struct vdisk_conn *conn)
{
	const struct sock *sk = conn->sock->sk;

	return READ_ONCE(sk->sk_err) || READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN ||
	       sk->sk_state == TCP_CLOSE;
}

/* Waits until @cond, the deadline or the stop; the result is an errno or 0. */
#define socket_wait(conn, cond)							\
({										\
	long __left = (long)((conn)->deadline - jiffies);			\
										\
	if (__left > 0)								\
		__left = wait_event_idle_timeout((conn)->wait,			\
					READ_ONCE((conn)->stop) || (cond), __left); \
	READ_ONCE((conn)->stop) ? -EINTR : __left > 0 ? 0 : -ETIMEDOUT;		\
})

static bool socket_connected(struct vdisk_conn *conn)
{
	return conn->sock->sk->sk_state == TCP_ESTABLISHED || READ_ONCE(conn->sock->sk->sk_err) ||
	       conn->sock->sk->sk_state == TCP_CLOSE;
}

static bool socket_readable(struct vdisk_conn *conn)
{
	return !skb_queue_empty_lockless(&conn->sock->sk->sk_receive_queue) ||
	       vdisk_socket_failed(conn);
}

static bool socket_writable(struct vdisk_conn *conn)
{
	return sk_stream_is_writeable(conn->sock->sk) || vdisk_socket_failed(conn);
}

/*----- life -----*/

static void socket_setup(struct socket *sock)
{
	struct sock *sk = sock->sk;

	socket_reclassify(sk);
	/* a reply may be what frees the memory that others wait for */
	sk->sk_allocation = GFP_NOIO | __GFP_MEMALLOC;
	sk->sk_use_task_frag = false;
	sk_set_memalloc(sk);
	tcp_sock_set_nodelay(sk);
	sock_set_keepalive(sk);
	tcp_sock_set_keepidle(sk, VDISK_KEEPALIVE_S);
	tcp_sock_set_keepintvl(sk, 2);
	tcp_sock_set_keepcnt(sk, 3);
	tcp_sock_set_user_timeout(sk, VDISK_STALL_MS);
}

static int socket_address(const struct vdisk_address *addr, u16 port,
			  struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (addr->family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		sin6->sin6_addr = addr->in6;
		sin6->sin6_scope_id = addr->scope;
		return sizeof(*sin6);
	}
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	sin->sin_addr = addr->in4;
	return sizeof(*sin);
}

/**
 * vdisk_socket_connect - opens a TCP connection.
 * @conn: has no socket yet.
 * @addr: where to.
 * @port: host order.
 *
 * Waits VDISK_CONNECT_MS at most.  Returns 0 or a negative errno, -EINTR when
 * the thread is to stop.
 */
int vdisk_socket_connect(struct vdisk_conn *conn, const struct vdisk_address *addr, u16 port)
{
	struct sockaddr_storage ss;
	int len = socket_address(addr, port, &ss);
	int ret;

	ret = sock_create_kern(conn->src->net, addr->family, SOCK_STREAM, IPPROTO_TCP,
			       &conn->sock);
	if (ret < 0)
		return ret;
	socket_setup(conn->sock);
	socket_hook(conn);
	conn->deadline = jiffies + msecs_to_jiffies(VDISK_CONNECT_MS);
	ret = kernel_connect(conn->sock, (void *)&ss, len, O_NONBLOCK);
	if (ret == -EINPROGRESS) {
		ret = socket_wait(conn, socket_connected(conn));
		if (!ret && conn->sock->sk->sk_state != TCP_ESTABLISHED)
			ret = sock_error(conn->sock->sk) ?: -ECONNRESET;
	}
	if (ret < 0)
		vdisk_socket_close(conn, false);
	return ret;
}

static bool fin_is_out(const struct sock *sk)
{
	return (1 << READ_ONCE(sk->sk_state)) & (TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK);
}

/* Says that nothing more comes; true when the server has heard it. */
static bool say_goodbye(struct vdisk_conn *conn)
{
	const struct sock *sk = conn->sock->sk;

	kernel_sock_shutdown(conn->sock, SHUT_WR);
	return wait_event_idle_timeout(conn->wait, !fin_is_out(sk),
				       msecs_to_jiffies(VDISK_FIN_MS));
}

/**
 * vdisk_socket_close - ends the connection; no receiver runs when it returns.
 * @orderly: the server still answers: let it end its side.
 *
 * What the server has not acknowledged by then is dropped with a reset: TCP
 * runs no timers for a closed socket of the kernel's, so it would stay for ever.
 */
void vdisk_socket_close(struct vdisk_conn *conn, bool orderly)
{
	struct socket *sock = conn->sock;

	if (!sock)
		return;
	if (!orderly || !say_goodbye(conn))
		sock_no_linger(sock->sk);
	socket_unhook(conn);
	lock_sock(sock->sk);
	sk_clear_memalloc(sock->sk);
	release_sock(sock->sk);
	sock_release(sock);
	conn->sock = NULL;
}

/*----- the handshake's transfers -----*/

static int socket_error(struct vdisk_conn *conn)
{
	return sock_error(conn->sock->sk) ?: -ECONNRESET;
}

/* Sends exactly @len bytes, or returns a negative errno. */
int vdisk_socket_send(struct vdisk_conn *conn, const void *buf, size_t len)
{
	while (len) {
		struct kvec vec = { .iov_base = (void *)buf, .iov_len = len };
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
		int ret = kernel_sendmsg(conn->sock, &msg, &vec, 1, len);

		if (ret == -EAGAIN && socket_writable(conn)) {
			/* there is room, but no memory: nobody will tell when there is */
			schedule_timeout_idle(1);
			ret = socket_wait(conn, true);
		} else if (ret == -EAGAIN) {
			ret = socket_wait(conn, socket_writable(conn));
		}
		if (ret < 0)
			return ret;
		buf += ret;
		len -= ret;
		if (len && vdisk_socket_failed(conn))
			return socket_error(conn);
	}
	return 0;
}

/* Receives exactly @len bytes, or returns a negative errno. */
int vdisk_socket_recv(struct vdisk_conn *conn, void *buf, size_t len)
{
	while (len) {
		struct kvec vec = { .iov_base = buf, .iov_len = len };
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
		int ret = kernel_recvmsg(conn->sock, &msg, &vec, 1, len, MSG_DONTWAIT);

		if (!ret)
			return -ECONNRESET;
		if (ret == -EAGAIN) {
			ret = socket_wait(conn, socket_readable(conn));
			if (ret < 0)
				return ret;
			continue;
		}
		if (ret < 0)
			return ret;
		buf += ret;
		len -= ret;
	}
	return 0;
}
