// SPDX-License-Identifier: GPL-2.0
/*
 * Host certificates by ssh-keygen: it gets nothing but paths of files that we
 * wrote, a name that the catalog has checked, and constants.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "error.h"
#include "session.h"
#include "util.h"

enum {
	KEY_BLOB_MOST = 2048,
	CERTIFICATE_MOST = 16 << 10,
	RUN_MS = 10000,
	DAY_SECONDS = 24 * 3600,
	TYPE_LONGEST = 32,
};

extern char **environ;

/* One at a time: there are few processors, and nobody is to start a thousand processes. */
static pthread_mutex_t signing = PTHREAD_MUTEX_INITIALIZER;

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 with its padding; bytes, or -EINVAL. */
static ssize_t decode(const char *text, size_t length, uint8_t *data, size_t room)
{
	size_t padding = 0, i, count = 0;
	unsigned int bits = 0, have = 0;

	if (!length || length % 4)
		return -EINVAL;
	while (padding < 2 && text[length - 1 - padding] == '=')
		padding++;
	for (i = 0; i < length - padding; i++) {
		int v = digit(text[i]);

		if (v < 0 || (have >= 2 && count == room))
			return -EINVAL;
		bits = bits << 6 | v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			data[count++] = bits >> have;
		}
	}
	return bits & ((1U << have) - 1) ? -EINVAL : (ssize_t)count;
}

/* The type stands in front of the key, and again within it. */
static bool is_key(const char *type, size_t type_length, const char *text, size_t length)
{
	static const char *const types[] = {
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	};
	uint8_t blob[KEY_BLOB_MOST];
	ssize_t bytes;
	size_t within;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i]) == type_length && !memcmp(types[i], type, type_length))
			break;
	if (i == ARRAY_SIZE(types))
		return false;
	bytes = decode(text, length, blob, sizeof(blob));
	if (bytes < (ssize_t)(4 + type_length))
		return false;
	within = (size_t)blob[0] << 24 | blob[1] << 16 | blob[2] << 8 | blob[3];
	return within == type_length && !memcmp(blob + 4, type, type_length);
}

/* "TYPE BASE64 [COMMENT]" on one line becomes "TYPE BASE64"; malloc'ed, or NULL. */
static char *take_key(const char *public_key)
{
	size_t type = strcspn(public_key, " "), length;
	const char *text = public_key + type + 1;
	char *line;

	if (type > TYPE_LONGEST || !public_key[type])
		return NULL;
	length = strcspn(text, " \n");
	if (strcspn(text, "\n") + 1 < strlen(text) || !is_key(public_key, type, text, length))
		return NULL;
	if (asprintf(&line, "%.*s %.*s\n", (int)type, public_key, (int)length, text) < 0)
		return NULL;
	return line;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static char *read_file(const char *path)
{
	char *text = calloc(1, CERTIFICATE_MOST + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd >= 0 && text ? read(fd, text, CERTIFICATE_MOST) : -1;

	if (fd >= 0)
		close(fd);
	if (bytes > 0)
		return text;
	free(text);
	return NULL;
}

/* Starts it with no signals blocked, and no terminal to ask for a passphrase. */
static int start(char *const argv[], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	int ret;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
				 POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	ret = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -ret;
}

static int run(char *const argv[])
{
	struct pollfd ended = { .events = POLLIN };
	int status, ret;
	pid_t pid;

	ret = start(argv, &pid);
	if (ret)
		return ret;
	ended.fd = syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd < 0 || poll(&ended, 1, RUN_MS) != 1)
		kill(pid, SIGKILL);
	if (ended.fd >= 0)
		close(ended.fd);
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

unsigned int session_ssh_seconds(const struct control *control)
{
	const struct config *config = control->config;

	return config->test_certificate_seconds ? config->test_certificate_seconds :
	       config->ssh_certificate_days * DAY_SECONDS;
}

/* What it says, besides the key. */
struct terms {
	const char *client;
	char serial[24], validity[32];
};

static int sign_in(const char *folder, const char *ca, const struct terms *terms, const char *key,
		   char **certificate, struct vdisk_error *err)
{
	char public[64], made[64];
	char *const argv[] = {
		(char *)"ssh-keygen", (char *)"-q", (char *)"-s", (char *)ca, (char *)"-h",
		(char *)"-I", (char *)terms->client, (char *)"-n", (char *)terms->client,
		(char *)"-z", (char *)terms->serial, (char *)"-V", (char *)terms->validity,
		public, NULL,
	};
	int ret;

	snprintf(public, sizeof(public), "%s/key.pub", folder);
	snprintf(made, sizeof(made), "%s/key-cert.pub", folder);
	ret = write_file(public, key);
	if (ret)
		return vdisk_error_set(err, EIO, "the key can't be written down: %s",
				       strerror(-ret));
	ret = run(argv);
	*certificate = ret ? NULL : read_file(made);
	unlink(public);
	unlink(made);
	if (*certificate)
		return 0;
	return vdisk_error_set(err, EIO, "the key can't be signed: ssh-keygen %s",
			       ret == -ENOENT ? "is not here" : "failed; is the key whole?");
}

int session_ssh_sign(const struct control *control, const struct gate_view *view,
		     const char *public_key, char **certificate, struct vdisk_error *err)
{
	char folder[] = "/tmp/vdiskd-ssh.XXXXXX", *ca, *key;
	struct terms terms = { .client = view->client };
	int ret;

	snprintf(terms.serial, sizeof(terms.serial), "%llu", (unsigned long long)view->id);
	/* From yesterday, for those whose clocks are late. */
	snprintf(terms.validity, sizeof(terms.validity), "-1d:+%us", session_ssh_seconds(control));

	*certificate = NULL;
	key = take_key(public_key);
	if (!key)
		return vdisk_error_set(err, EINVAL, "public_key: one line of type and base64, an ssh-ed25519 or ecdsa-sha2 key");
	if (asprintf(&ca, "%s/ssh_ca", control->config->keys) < 0) {
		free(key);
		return vdisk_error_set(err, ENOMEM, "no memory");
	}
	if (access(ca, R_OK)) {
		ret = vdisk_error_set(err, ENOENT, "this farm has no ssh CA: 'vdiskadm init' makes it");
	} else if (!mkdtemp(folder)) {
		ret = vdisk_error_set(err, EIO, "no temporary folder: %s", strerror(errno));
	} else {
		pthread_mutex_lock(&signing);
		ret = sign_in(folder, ca, &terms, key, certificate, err);
		pthread_mutex_unlock(&signing);
		rmdir(folder);
	}
	free(ca);
	free(key);
	return ret;
}
