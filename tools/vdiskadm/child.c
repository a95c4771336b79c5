// SPDX-License-Identifier: GPL-2.0
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "confine.h"
#include "interrupt.h"

enum { EXIT_NO_PROGRAM = 127, EXIT_NO_START = 126, TICK_MS = 200 };

struct run {
	struct child *child;
	pid_t pid;
	int out, error;			/* our ends of its pipes; -1 at their end */
	struct timespec began;
	bool spoke;
	char line[CHILD_SAID];
	size_t length;
};

static void limit(int resource, uint64_t most)
{
	struct rlimit limit = { .rlim_cur = most, .rlim_max = most };

	if (most)
		setrlimit(resource, &limit);
}

static void keep(const int *files)
{
	for (; files && *files >= 0; files++)
		fcntl(*files, F_SETFD, 0);
}

static void start(struct child *child, int out, int error, pid_t parent)
{
	static const struct rlimit none;
	int null = open("/dev/null", O_RDONLY);

	/* With us ends what works for us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_NO_START);
	/* ^C on a terminal is for us alone. */
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(error, STDERR_FILENO);
	keep(child->read);
	keep(child->write);
	setrlimit(RLIMIT_CORE, &none);
	limit(RLIMIT_AS, child->memory);
	limit(RLIMIT_FSIZE, child->file);
	limit(RLIMIT_CPU, child->seconds);
	if (child->confined && confine(child->read, child->write)) {
		dprintf(error, "cannot confine it: %s\n", strerror(errno));
		_exit(EXIT_NO_START);
	}
	execvp(child->argv[0], (char *const *)child->argv);
	_exit(errno == ENOENT ? EXIT_NO_PROGRAM : EXIT_NO_START);
}

/* Its words end up on a terminal, and may quote an image. */
static void end_line(struct run *run)
{
	size_t i;

	if (!run->length)
		return;
	for (i = 0; i < run->length; i++)
		if (run->line[i] < ' ' || run->line[i] > '~')
			run->line[i] = '?';
	run->line[run->length] = '\0';
	memcpy(run->child->said, run->line, run->length + 1);
	run->length = 0;
}

static void take_error(struct run *run, const char *data, size_t length)
{
	for (; length; data++, length--) {
		if (*data == '\n' || *data == '\r')
			end_line(run);
		else if (run->length < sizeof(run->line) - 1)
			run->line[run->length++] = *data;
	}
}

static int take(struct run *run, int *fd)
{
	char data[16384];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (!n) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	if (fd == &run->error)
		take_error(run, data, n);
	else
		run->spoke = true;
	if (fd == &run->out && run->child->output && run->child->output(run->child->context, data, n))
		return -ECANCELED;
	return 0;
}

static bool late(const struct run *run)
{
	struct timespec now;
	unsigned int limit = run->child->patience;

	if (!run->spoke && run->child->first && (!limit || run->child->first < limit))
		limit = run->child->first;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return limit && now.tv_sec - run->began.tv_sec > limit;
}

static int listen_to(struct run *run)
{
	int ret = 0;

	while (!ret && (run->out >= 0 || run->error >= 0)) {
		struct pollfd fds[] = {
			{ .fd = run->out, .events = POLLIN },
			{ .fd = run->error, .events = POLLIN },
		};

		/* The tick is for a signal that comes just before poll(). */
		if (poll(fds, 2, TICK_MS) > 0) {
			if (fds[0].revents)
				ret = take(run, &run->out);
			if (!ret && fds[1].revents)
				ret = take(run, &run->error);
		}
		if (interrupt_came())
			return -EINTR;
		if (late(run))
			return -ETIME;
	}
	end_line(run);
	return ret;
}

static int judge(const struct child *child, int ret, int status, struct vdisk_error *err)
{
	const char *name = child->argv[0];

	switch (ret) {
	case 0:
		break;
	case -EINTR:
		return vdisk_error_set(err, EINTR, "interrupted");
	case -ETIME:
		return vdisk_error_set(err, ETIME, "%s took too long", name);
	default:
		return vdisk_error_set(err, -ret, "%s: %s", name, strerror(-ret));
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
		return vdisk_error_set(err, EFBIG, "%s wanted to write a longer file than the image says it is",
				       name);
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
		return vdisk_error_set(err, ETIME, "%s used more CPU time than it was given", name);
	if (WIFSIGNALED(status))
		return vdisk_error_set(err, ECHILD, "%s was ended by signal %d%s%s", name, WTERMSIG(status),
				       *child->said ? ": " : "", child->said);
	switch (WEXITSTATUS(status)) {
	case EXIT_NO_PROGRAM:
		return vdisk_error_set(err, ENOENT, "there is no program %s here", name);
	case EXIT_NO_START:
		return vdisk_error_set(err, EPERM, "%s cannot be started%s%s", name,
				       *child->said ? ": " : "", child->said);
	}
	return WEXITSTATUS(status);
}

int child_run(struct child *child, struct vdisk_error *err)
{
	struct run run = { .child = child };
	pid_t parent = getpid();
	int out[2], error[2], status, ret;

	child->said[0] = '\0';
	if (pipe2(out, O_CLOEXEC))
		return vdisk_error_set(err, errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(error, O_CLOEXEC)) {
		ret = errno;
		close(out[0]);
		close(out[1]);
		return vdisk_error_set(err, ret, "cannot make a pipe: %s", strerror(ret));
	}
	run.pid = fork();
	if (!run.pid)
		start(child, out[1], error[1], parent);
	ret = run.pid < 0 ? -errno : 0;
	close(out[1]);
	close(error[1]);
	run.out = out[0];
	run.error = error[0];
	if (ret) {
		close(out[0]);
		close(error[0]);
		return vdisk_error_set(err, -ret, "cannot start %s: %s", child->argv[0], strerror(-ret));
	}
	clock_gettime(CLOCK_MONOTONIC, &run.began);
	ret = listen_to(&run);
	if (ret)
		kill(run.pid, SIGKILL);
	while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (run.out >= 0)
		close(run.out);
	if (run.error >= 0)
		close(run.error);
	return judge(child, ret, status, err);
}
