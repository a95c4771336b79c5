// SPDX-License-Identifier: GPL-2.0
#include "pem.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "token.h"

enum { FILE_MOST = 64 << 10, PATH_SIZE = 4096 };

static char *complain(const char *path, const char *reason)
{
	log_event(LOG_LEVEL_ERROR, "cannot read a key or certificate", "file", path, "reason",
		  reason, "hint", "'vdiskadm init' makes them");
	return NULL;
}

static char *read_open(int fd, const char *path, bool secret)
{
	struct stat st;
	ssize_t got;
	char *text;

	if (fstat(fd, &st))
		return complain(path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MOST)
		return complain(path, "it is no file of a sensible size");
	if (secret && st.st_mode & 07)
		return complain(path, "everybody may read it; chmod 600");
	text = calloc(1, st.st_size + 1);
	if (!text)
		return complain(path, strerror(ENOMEM));
	got = pread(fd, text, st.st_size, 0);
	if (got == st.st_size)
		return text;
	free(text);
	return complain(path, got < 0 ? strerror(errno) : "it changes while it is read");
}

static char *read_file(const char *directory, const char *name, bool secret)
{
	char path[PATH_SIZE], *text;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return complain(directory, strerror(ENAMETOOLONG));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(path, strerror(errno));
	text = read_open(fd, path, secret);
	close(fd);
	return text;
}

int pem_load(const char *directory, char **key, char **chain)
{
	char *server = NULL, *ca = NULL;

	*chain = NULL;
	*key = read_file(directory, "server.key", true);
	if (*key)
		server = read_file(directory, "server.crt", false);
	if (server)
		ca = read_file(directory, "ca.crt", false);
	if (ca && asprintf(chain, "%s\n%s", server, ca) < 0)
		*chain = NULL;
	free(server);
	free(ca);
	if (*chain)
		return 0;
	pem_free(*key, NULL);
	*key = NULL;
	return -1;
}

void pem_free(char *key, char *chain)
{
	if (key)
		gnutls_memset(key, 0, strlen(key));
	free(key);
	free(chain);
}

int pem_load_farm_key(const char *directory, struct token_key *key)
{
	char path[PATH_SIZE], *text;
	int ret;

	if (snprintf(path, sizeof(path), "%s/farm.key", directory) < (int)sizeof(path) &&
	    access(path, F_OK) && errno == ENOENT)
		return 0;
	text = read_file(directory, "farm.key", true);
	if (!text)
		return -1;
	ret = token_key_parse(text, strlen(text), key);
	pem_free(text, NULL);
	if (!ret)
		return 1;
	complain(path, "it is not 64 hexadecimal digits");
	return -1;
}
