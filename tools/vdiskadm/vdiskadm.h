/* SPDX-License-Identifier: GPL-2.0 */
/* What vdiskadm's commands share: how they are called, and how they complain. */
#ifndef VDISKADM_H
#define VDISKADM_H

#include <stdbool.h>
#include <stdint.h>
#include "error.h"

/* Exit codes, of every command. */
enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct option;

/*
 * A noun (it has verbs), a verb, or a command that is neither ("init").
 * argv[0] of main() is the last word of the command's name.
 */
struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage;		/* what follows the name; further lines begin with "\n       " */
	const char *help;		/* of a noun: what it is, one line; else paragraphs for --help */
	const struct command *verbs;	/* of a noun; the last one is all zero */
	bool local;			/* talks to no server: takes no --server, --socket, ... */
};

/* The nouns' tables, each at the end of the noun's file. */
extern const struct command assign_command;
extern const struct command audit_command;
extern const struct command boot_media_command;
extern const struct command catalog_command;
extern const struct command client_command;
extern const struct command enrol_command;
extern const struct command doctor_command;
extern const struct command group_command;
extern const struct command image_command;
extern const struct command init_command;
extern const struct command network_command;
extern const struct command pxe_config_command;
extern const struct command server_command;
extern const struct command session_command;
extern const struct command status_command;
extern const struct command token_command;
extern const struct command version_command;

/* fail - "vdiskadm: …" on standard error. Returns EXIT_FAILED. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* warn - "vdiskadm: …" on standard error. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * fail_here - "vdiskadm: NOUN VERB: …" on standard error, with the name of the
 * command that runs. Returns EXIT_FAILED.
 */
int fail_here(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * usage_error - "vdiskadm: NOUN VERB: …: try 'vdiskadm NOUN VERB --help'".
 * Returns EXIT_USAGE.
 */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * next_option - getopt_long() that complains in our words, and takes the
 * options of every command that talks to a server by itself.  -y is known when
 * @options has one with that value.
 * Returns the option's value; -1 at the end; '?' after a complaint (exit with
 * EXIT_USAGE); 'h' after it printed the help (exit with EXIT_DONE).
 */
int next_option(int argc, char **argv, const struct option *options);

#endif
