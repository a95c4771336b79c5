// SPDX-License-Identifier: GPL-2.0
/*
 * vdisk-lifeline: ends a machine whose root disk has no server any more.
 *
 * A shutdown pages its programs in from the root disk; when the servers are
 * dead, each of those reads waits for ever, and PID 1 with it.  This program is
 * static, lives in a tmpfs, and is locked into memory.  It does nothing until
 * PID 1 stops its unit, first thing in a shutdown.  From then on it
 *
 *   - makes all I/O of a disk fail once its servers have been gone for a while,
 *     so that nothing waits any more and the shutdown goes on;
 *   - calls reboot(2) itself when the shutdown then does not come to its end,
 *     because PID 1 could not load the program that would do so.
 *
 * Two processes: PID 1 stops the parent, which passes the word on and is gone
 * at once, so that the shutdown never waits for it.  The child is marked by '@'
 * as one that the last killing spree spares.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define ENDING_FILE "/run/initramfs/vdisk/ending"

enum {
	TICK_MS = 200,
	LOST_MS = 2000,		/* servers gone so long: give them up */
	STALL_MS = 4000,	/* requests sent, and not a byte came back */
	PRIVATE_MS = 30000,	/* both, where writes would be lost by it */
	GRACE_MS = 3000,	/* for PID 1, once nothing waits any more */
	UNMOUNT_MS = 15000,	/* the same, when it got to unmounting */
	SYNC_MS = 2000,		/* for other disks, before the end */
};

/* What is known of a device between two looks. */
struct watch {
	bool used, given_up;
	uint64_t bytes;		/* received, at the last look that saw progress */
	int64_t progress;	/* when that was */
	int64_t lost;		/* since when it has no server; 0: it has one */
};

static struct watch watches[VDISK_NUMBER_MAX + 1];
static bool given_up;		/* any of them */
static bool complained;		/* of the driver */
static int kmsg = -1;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	n = snprintf(line, sizeof(line), "<4>vdisk-lifeline: ");
	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - n, format, args);
	va_end(args);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	/* The kernel's log is all there is left to complain to. */
	if (kmsg < 0 || write(kmsg, line, n) < 0)
		return;
}

/* True when @s has had no server, or no word from one, for too long, or gets none again. */
static bool is_hopeless(struct watch *w, const struct vdisk_status *s, int64_t now)
{
	bool keeps_writes = s->flags & VDISK_F_WRITE_THROUGH;
	uint32_t inflight = 0;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < s->nr_servers; i++) {
		inflight += s->server[i].inflight;
		bytes += s->server[i].rx_bytes + s->server[i].requests;
	}
	if (!w->used || !inflight || bytes != w->bytes) {
		w->used = true;
		w->bytes = bytes;
		w->progress = now;
	}
	if (s->state == VDISK_STATE_ENDED)
		return true;
	if (s->state != VDISK_STATE_LOST && s->state != VDISK_STATE_FAILED)
		w->lost = 0;
	else if (!w->lost)
		w->lost = now;
	return (w->lost && now - w->lost >= (keeps_writes ? PRIVATE_MS : LOST_MS)) ||
	       now - w->progress >= (keeps_writes ? PRIVATE_MS : STALL_MS);
}

static bool give_up(struct vdisk_client *client, uint32_t number)
{
	struct vdisk_change change = { .what = VDISK_CHANGE_FAIL_NOW };
	struct vdisk_error err = { 0 };

	if (vdisk_client_set(client, number, &change, &err) < 0) {
		say("/dev/vdisk%u: cannot fail its I/O: %s", number, err.text);
		return false;
	}
	say("/dev/vdisk%u has no server: its I/O fails from now on", number);
	return true;
}

/* One look at all devices; true once one of them has been given up. */
static bool look(struct vdisk_client *client, int64_t now)
{
	struct vdisk_error err = { 0 };
	struct vdisk_status *list = NULL;
	size_t count = 0;

	if (vdisk_client_list(client, &list, &count, &err) < 0) {
		if (!complained)
			say("cannot ask the driver: %s", err.text);
		complained = true;
		return given_up;
	}
	for (size_t i = 0; i < count; i++) {
		struct watch *w = &watches[list[i].number & VDISK_NUMBER_MAX];

		if (!w->given_up && is_hopeless(w, &list[i], now)) {
			w->given_up = give_up(client, list[i].number);
			given_up |= w->given_up;
		}
	}
	free(list);
	return given_up;
}

/* PID 1 has become systemd-shutdown: services are gone, it unmounts. */
static bool is_unmounting(void)
{
	char name[32] = "";
	int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return !strncmp(name, "systemd-shutdow", 15);
}

/* What the shutdown was asked to end in. */
static int ending(void)
{
	char word[16] = "";
	int fd = open(ENDING_FILE, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, word, sizeof(word) - 1) < 0)
			word[0] = '\0';
		close(fd);
	}
	if (!strncmp(word, "poweroff", 8))
		return RB_POWER_OFF;
	if (!strncmp(word, "halt", 4))
		return RB_HALT_SYSTEM;
	return RB_AUTOBOOT;
}

static void sync_others(void)
{
	struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	pid_t pid = fork();

	if (pid == 0) {
		sync();
		_exit(0);
	}
	for (int waited = 0; pid > 0 && waited < SYNC_MS; waited += TICK_MS) {
		if (kill(pid, 0) < 0)
			return;
		nanosleep(&tick, NULL);
	}
}

/* From the first moment of a shutdown until there is no machine. */
static void watch_the_end(struct vdisk_client *client)
{
	int64_t hopeless = 0;

	for (;;) {
		int64_t now = now_ms();

		if (look(client, now) && !hopeless)
			hopeless = now;
		if (hopeless && now - hopeless > (is_unmounting() ? UNMOUNT_MS : GRACE_MS))
			break;
		poll(NULL, 0, TICK_MS);
	}
	say("the shutdown does not come to its end without a disk: ending it");
	sync_others();
	reboot(ending());
	say("reboot: %s", strerror(errno));
}

static int child(int pipe_fd, char *argv0)
{
	struct vdisk_client *client;
	struct vdisk_status *list = NULL;
	struct vdisk_error err = { 0 };
	size_t count;
	char word;

	argv0[0] = '@';
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (vdisk_client_open(&client, &err) < 0) {
		say("cannot reach the driver: %s", err.text);
		return 1;
	}
	/* Warm what a look allocates, while allocating still is harmless; nothing ends yet. */
	if (!vdisk_client_list(client, &list, &count, &err))
		free(list);
	if (read(pipe_fd, &word, 1) == 1)
		watch_the_end(client);
	return 1;
}

static int note_ending(const char *word)
{
	int fd = open(ENDING_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, word, strlen(word)) < 0) {
		fprintf(stderr, "vdisk-lifeline: cannot write %s: %s\n", ENDING_FILE,
			strerror(errno));
		return 1;
	}
	return close(fd) < 0;
}

int main(int argc, char **argv)
{
	sigset_t stop;
	int fds[2], sig;
	pid_t pid;

	if (argc == 3 && !strcmp(argv[1], "--ending"))
		return note_ending(argv[2]);
	if (argc != 1) {
		fprintf(stderr, "usage: vdisk-lifeline [--ending poweroff|reboot|halt|kexec]\n");
		return 2;
	}
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (pipe(fds) < 0) {
		perror("vdisk-lifeline: cannot start: pipe");
		return 1;
	}
	pid = fork();
	if (pid < 0) {
		perror("vdisk-lifeline: cannot start: fork");
		return 1;
	}
	/* Locks are not inherited: each process takes its own. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		say("mlockall: %s", strerror(errno));
	if (pid == 0) {
		close(fds[1]);
		return child(fds[0], argv[0]);
	}
	close(fds[0]);
	while (sigwait(&stop, &sig) != 0)
		continue;
	return write(fds[1], "s", 1) == 1 ? 0 : 1;
}
