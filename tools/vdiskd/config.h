/* SPDX-License-Identifier: GPL-2.0 */
/* What vdiskd is told: the same options from its arguments and from a file. */
#ifndef VDISKD_CONFIG_H
#define VDISKD_CONFIG_H

#include <sys/socket.h>

#include "log.h"
#include "store.h"

struct config_listen {
	struct config_listen *next;
	char *text;
	struct sockaddr_storage address;
	socklen_t length;
};

struct config {
	char *store;
	struct config_listen *listen;
	char *catalog;			/* NULL: none, and then none of these five */
	char *keys, *socket;
	struct config_listen *http;	/* for firmware */
	struct config_listen *api, *api_plain;
	struct store_writable *writable;
	unsigned int ssh_certificate_days;
	unsigned int threads;		/* 0: as many as there are processors */
	unsigned int buffers;		/* MiB; 0: by the machine's memory */
	enum log_level log_level;
	/* Days that ended sessions, waiting machines, audit records are kept; 0: for ever. */
	unsigned int keep_sessions, keep_pending, keep_audit;
	unsigned int test_delay_write;	/* ms */
	unsigned int test_request_seconds; /* 0: as usual */
	unsigned int test_session_seconds; /* 0: as usual */
	unsigned int test_prune_seconds; /* 0: as usual */
	unsigned int test_boot_seconds;	/* 0: as usual */
	unsigned int test_certificate_seconds; /* 0: as usual */
};

/**
 * config_parse - read the command line, and the file that it names
 *
 * Complains by itself.  Return: 0 to go on, else the exit code plus one.
 */
int config_parse(struct config *config, int argc, char **argv);

/** config_free - the opposite */
void config_free(struct config *config);

/** config_usage - print the summary of options to @argv's user */
void config_usage(int fd);

#endif
