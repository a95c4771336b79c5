/* SPDX-License-Identifier: GPL-2.0 */
/* What vdiskctl's subcommands share: how they are called, and how they complain. */
#ifndef VDISKCTL_H
#define VDISKCTL_H

#include <stdbool.h>
#include <stdint.h>
#include "client.h"

/* Exit codes, of every subcommand. */
enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct option;

struct subcommand {
	const char *name;
	int (*main)(int argc, char **argv);	/* argv[0] is the subcommand's name */
	const char *usage;			/* what follows the name, one line */
	const char *help;			/* one paragraph or more, for --help */
};

int attach_main(int argc, char **argv);
int detach_main(int argc, char **argv);
int status_main(int argc, char **argv);
int set_main(int argc, char **argv);
int overlay_main(int argc, char **argv);
int monitor_main(int argc, char **argv);
int login_main(int argc, char **argv);
int logout_main(int argc, char **argv);
int identity_main(int argc, char **argv);
int event_main(int argc, char **argv);
int report_main(int argc, char **argv);
int discover_main(int argc, char **argv);
int agent_main(int argc, char **argv);
int key_main(int argc, char **argv);
int medium_main(int argc, char **argv);

/* fail - "vdiskctl: …" on standard error. Returns EXIT_FAILED. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* usage_error - what was wrong with the command line, and where to read. Returns EXIT_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * next_option - getopt_long() that complains in our words.
 * Returns the option's value; -1 at the end; '?' after a complaint (exit with
 * EXIT_USAGE); 'h' after it printed the help (exit with EXIT_DONE).
 */
int next_option(int argc, char **argv, const struct option *options);

/* warn - "vdiskctl: …" on standard error. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
