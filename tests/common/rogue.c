// SPDX-License-Identifier: GPL-2.0
/* rogue: options, connections, the image. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pattern.h"
#include "rogue.h"

static const char usage[] =
	"usage: rogue [OPTION]... BEHAVIOUR...\n"
	"       rogue --image [--size BYTES] [--seed N]     writes the image to standard output\n"
	"Serves an image over NBD on the loopback.  The first connection has the first\n"
	"behaviour, and so on; the last one is for all that come later.\n"
	"  --port N       (10809)\n"
	"  --size BYTES   of the image (16M)\n"
	"  --seed N       another image\n"
	"  --file FILE    serves this instead\n"
	"  --writable     takes writes, in memory\n";

/*----- the image -----*/

void image_read(struct rogue *r, uint64_t offset, void *to, uint32_t len)
{
	if (r->memory) {
		memset(to, 0, len);
		if (offset < r->size)
			memcpy(to, r->memory + offset,
			       len < r->size - offset ? len : r->size - offset);
	} else if (r->file >= 0) {
		ssize_t n = pread(r->file, to, len, offset);

		if (n < 0) {
			fprintf(stderr, "rogue: can't read the file: %s\n", strerror(errno));
			exit(1);
		}
		memset((char *)to + n, 0, len - n);
	} else {
		pattern_fill(r->seed, offset, to, len);
	}
}

bool image_zero(struct rogue *r, uint64_t sector)
{
	static const uint8_t zero[512];
	uint8_t data[512];

	if (!r->memory && r->file < 0)
		return pattern_zero(r->seed, sector);
	image_read(r, sector * 512, data, sizeof(data));
	return !memcmp(data, zero, sizeof(data));
}

static int image_write(struct rogue *r)
{
	static uint8_t data[1 << 20];
	uint64_t at, n;

	for (at = 0; at < r->size; at += n) {
		n = r->size - at < sizeof(data) ? r->size - at : sizeof(data);
		image_read(r, at, data, n);
		if (fwrite(data, 1, n, stdout) != n) {
			perror("rogue: can't write the image");
			return 1;
		}
	}
	return 0;
}

/*----- a connection -----*/

void conn_log(struct conn *c, const char *text, ...)
{
	va_list ap;

	pthread_mutex_lock(&c->rogue->lock);
	printf("conn %u: ", c->number);
	va_start(ap, text);
	vprintf(text, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	pthread_mutex_unlock(&c->rogue->lock);
}

uint32_t conn_random(struct conn *c, uint32_t below)
{
	return pattern_mix(c->random++) % below;
}

bool conn_recv(struct conn *c, void *buf, size_t len)
{
	ssize_t n;

	for (; len; buf = (char *)buf + n, len -= n) {
		n = recv(c->fd, buf, len, MSG_WAITALL);
		if (n <= 0)
			return false;
	}
	return true;
}

static size_t segment(struct conn *c, size_t len)
{
	size_t n = len;

	if (c->how.trickle_bytes)
		n = c->how.trickle_bytes;
	else if (c->how.tiny)
		n = 1 + conn_random(c, conn_random(c, 8) ? 3000 : 20);
	return n < len ? n : len;
}

bool conn_send(struct conn *c, const void *buf, size_t len)
{
	ssize_t n;

	for (; len; buf = (const char *)buf + n, len -= n) {
		n = send(c->fd, buf, segment(c, len), MSG_NOSIGNAL);
		if (n < 0)
			return false;
		if (c->how.trickle_bytes)
			usleep(c->how.trickle_ms * 1000);
	}
	return true;
}

/* Takes what still comes, without an answer. */
void conn_wait_for_end(struct conn *c)
{
	uint8_t data[4096];

	while (recv(c->fd, data, sizeof(data), 0) > 0)
		;
	conn_log(c, "the client went");
}

void conn_reset(struct conn *c)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void *conn_main(void *arg)
{
	struct conn *c = arg;

	if (conn_handshake(c)) {
		conn_log(c, "ready");
		conn_serve(c);
	}
	conn_log(c, "end after %u replies", c->replies);
	close(c->fd);
	free(c->data);
	free(c);
	return NULL;
}

static void conn_start(struct rogue *r, const struct behaviour *how, int fd, unsigned int number)
{
	struct conn *c = calloc(1, sizeof(*c));
	pthread_t thread;
	int one = 1;

	if (!c)
		abort();
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->rogue = r;
	c->how = *how;
	c->number = number;
	c->fd = fd;
	c->size = how->size ? how->size : r->size;
	c->random = r->seed + number * 1000003ULL;
	c->data = malloc(ROGUE_PAYLOAD + 4096);
	if (!c->data || pthread_create(&thread, NULL, conn_main, c))
		abort();
	pthread_detach(thread);
}

/*----- the server -----*/

static int listen_on(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 128)) {
		fprintf(stderr, "rogue: can't listen on port %u: %s\n", port, strerror(errno));
		exit(1);
	}
	return fd;
}

static void serve(struct rogue *r, uint16_t port, const struct behaviour *how, unsigned int n)
{
	int listener = listen_on(port), fd;
	unsigned int number = 0;

	printf("listening on port %u\n", port);
	fflush(stdout);
	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			perror("rogue: accept");
			exit(1);
		}
		conn_start(r, &how[number < n ? number : n - 1], fd, number + 1);
		number++;
	}
}

static void open_file(struct rogue *r, const char *name)
{
	struct stat st;

	r->file = open(name, O_RDONLY | O_CLOEXEC);
	if (r->file < 0 || fstat(r->file, &st)) {
		fprintf(stderr, "rogue: can't open %s: %s\n", name, strerror(errno));
		exit(1);
	}
	r->size = st.st_size;
}

static void make_writable(struct rogue *r)
{
	uint8_t *memory = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at, n;

	if (memory == MAP_FAILED) {
		perror("rogue: no memory for the image");
		exit(1);
	}
	for (at = 0; at < r->size; at += n) {
		n = r->size - at < 1 << 20 ? r->size - at : 1 << 20;
		image_read(r, at, memory + at, n);
	}
	r->memory = memory;
}

static __attribute__((noreturn)) void wrong(const char *what, const char *value)
{
	fprintf(stderr, "rogue: %s %s; 'rogue --help' tells more\n", what, value);
	exit(2);
}

static uint64_t size_option(const char *text)
{
	uint64_t n;

	if (!parse_size(text, &n))
		wrong("this is no number:", text);
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' }, { "size", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'e' }, { "file", required_argument, NULL, 'f' },
		{ "writable", no_argument, NULL, 'w' }, { "image", no_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	static struct rogue r = { .size = 16 << 20, .file = -1, .lock = PTHREAD_MUTEX_INITIALIZER };
	bool writable = false, image = false;
	struct behaviour *how;
	const char *bad;
	uint16_t port = NBD_PORT;
	int opt, i;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (opt) {
		case 'p':
			port = size_option(optarg);
			break;
		case 's':
			r.size = size_option(optarg);
			break;
		case 'e':
			r.seed = size_option(optarg);
			break;
		case 'f':
			open_file(&r, optarg);
			break;
		case 'w':
			writable = true;
			break;
		case 'i':
			image = true;
			break;
		case 'h':
			printf("%s%s", usage, behaviour_help);
			return 0;
		default:
			return 2;
		}
	}
	if (image)
		return image_write(&r);
	if (optind == argc)
		wrong("no behaviour", "given");
	how = calloc(argc - optind, sizeof(*how));
	if (!how)
		abort();
	for (i = optind; i < argc; i++) {
		bad = behaviour_parse(&how[i - optind], argv[i]);
		if (bad)
			wrong("can't understand the behaviour", bad);
	}
	signal(SIGPIPE, SIG_IGN);
	if (writable)
		make_writable(&r);
	serve(&r, port, how, argc - optind);
	return 1;
}
