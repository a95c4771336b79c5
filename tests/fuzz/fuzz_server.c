// SPDX-License-Identifier: GPL-2.0
/*
 * A whole connection of vdiskd, fed with whatever the fuzzer thinks of.
 *
 * The first byte chooses: bit 0, whether a good handshake comes before the rest;
 * bits 1-2, on which image; bit 3, structured replies and a meta context; bits
 * 4-7, in what pieces the bytes arrive.  One event loop runs in this thread, and
 * work meant for other threads is done at once, so that a run repeats.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "connection.h"
#include "log.h"
#include "loop.h"
#include "nbd.h"
#include "server.h"
#include "wire.h"

enum { IMAGE_SIZE = 300001, INPUT_MOST = 256 << 10 };

static char folder[64], on_disk[64];
static const char *const names[] = { "a", "w", "d", "dw" };
static struct config config;
static struct server server;
static struct loop loop;

void job_start(struct workers *workers, struct job *job)
{
	(void)workers;
	job->work(job);
	loop_post(job->loop, &job->task);
}

void server_loop_started(struct server *s, struct loop *l, int error)
{
	(void)s;
	(void)l;
	(void)error;
}

/* Its loops are stepped, and never fall asleep. */
bool server_watch_begin(struct server *s)
{
	(void)s;
	return false;
}

void server_watch_end(struct server *s)
{
	(void)s;
}

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void make_image(const char *where, const char *name, const char *link)
{
	char path[256], target[256];
	int fd;

	snprintf(target, sizeof(target), "%s/%s.img", where, name);
	fd = open(target, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd, target);
	must(ftruncate(fd, IMAGE_SIZE), target);
	must(pwrite(fd, target, sizeof(target), 5000), target);
	close(fd);
	if (!link)
		return;
	snprintf(path, sizeof(path), "%s/%s.img", link, name);
	must(symlink(target, path), path);
}

static void clean_up(void)
{
	char path[256];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s.img", folder, names[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s.img", on_disk, names[i]);
		unlink(path);
	}
	rmdir(folder);
	rmdir(on_disk);
}

/*
 * The fuzzer's end runs no atexit() functions: another process waits for it, and
 * sees it by the end of a pipe.
 */
static void clean_up_at_end(void)
{
	int ends[2];
	char byte;

	must(pipe2(ends, O_CLOEXEC), "pipe");
	switch (fork()) {
	case -1:
		must(-1, "fork");
		break;
	case 0:
		setsid();
		close(ends[1]);
		for (byte = 0; byte < 3; byte++)
			close(byte);
		if (!read(ends[0], &byte, 1))
			clean_up();
		_exit(0);
	}
	close(ends[0]);
}

static void allow(struct store_writable *rule, const char *name)
{
	static struct network everybody;

	strcpy(rule->name, name);
	rule->allowed = &everybody;
	rule->next = server.store.writable;
	server.store.writable = rule;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct store_writable rules[2];

	(void)argc;
	(void)argv;
	log_setup(LOG_LEVEL_NONE);
	strcpy(folder, "/dev/shm/fuzz_server.XXXXXX");
	strcpy(on_disk, "/var/tmp/fuzz_server.XXXXXX");
	must(mkdtemp(folder) ? 0 : -1, folder);
	must(mkdtemp(on_disk) ? 0 : -1, on_disk);
	clean_up_at_end();
	make_image(folder, "a", NULL);
	make_image(folder, "w", NULL);
	make_image(on_disk, "d", folder);
	make_image(on_disk, "dw", folder);
	server.config = &config;
	server.loops = &loop;
	server.loop_count = 1;
	server.pool_cap = 4 << 20;
	errno = -store_open(&server.store, folder);
	must(errno ? -1 : 0, folder);
	allow(&rules[0], "w");
	allow(&rules[1], "dw");
	errno = -loop_init(&loop, &server);
	must(errno ? -1 : 0, "io_uring");
	return 0;
}

static size_t put_option(uint8_t *p, uint32_t option, const void *data, uint32_t length)
{
	put_be64(p, NBD_MAGIC_OPTION);
	put_be32(p + 8, option);
	put_be32(p + 12, length);
	memcpy(p + 16, data, length);
	return 16 + length;
}

static size_t put_handshake(uint8_t *p, const char *name, bool structured)
{
	static const char context[] = "base:allocation";
	uint32_t length = strlen(name);
	uint8_t data[64], *start = p;

	put_be32(p, NBD_HS_FIXED_NEWSTYLE | NBD_HS_NO_ZEROES);
	p += 4;
	put_be32(data, length);
	memcpy(data + 4, name, length);
	if (structured) {
		p += put_option(p, NBD_OPT_STRUCTURED_REPLY, "", 0);
		put_be32(data + 4 + length, 1);
		put_be32(data + 8 + length, strlen(context));
		memcpy(data + 12 + length, context, strlen(context));
		p += put_option(p, NBD_OPT_SET_META_CONTEXT, data, 12 + length + strlen(context));
	}
	put_be16(data + 4 + length, 0);
	p += put_option(p, NBD_OPT_GO, data, 6 + length);
	return p - start;
}

/* Throws away what the server answers; it must never wait for us. */
static void drain(int fd)
{
	static uint8_t sink[1 << 18];

	while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
}

static void feed(int fd, const uint8_t *data, size_t size, size_t piece)
{
	size_t part;
	ssize_t n;

	while (size && loop.connections) {
		part = size < piece ? size : piece;
		n = send(fd, data, part, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			data += n;
			size -= n;
		} else if (n < 0 && errno != EAGAIN) {
			return;
		}
		loop_step(&loop, false);
		drain(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { INPUT_MOST, 1, 7, 28, 100, 4096, 10000, 65536 };
	struct sockaddr_storage peer = { .ss_family = AF_UNIX };
	static uint8_t input[INPUT_MOST + 512];
	struct connection *c;
	size_t length = 0;
	int fds[2];

	if (!size || size > INPUT_MOST)
		return 0;
	if (data[0] & 1)
		length = put_handshake(input, names[data[0] >> 1 & 3], data[0] & 8);
	memcpy(input + length, data + 1, size - 1);
	length += size - 1;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), "socketpair");
	c = connection_create(&loop, fds[0], &peer);
	must(c ? 0 : -1, "connection");
	connection_start(c);
	feed(fds[1], input, length, pieces[data[0] >> 4 & 7]);
	shutdown(fds[1], SHUT_WR);
	while (loop.connections) {
		drain(fds[1]);
		loop_step(&loop, true);
	}
	close(fds[1]);
	/* All that was begun has come back. */
	if (loop.pool.used) {
		fprintf(stderr, "%zu bytes of buffers are lost\n", loop.pool.used);
		abort();
	}
	return 0;
}
