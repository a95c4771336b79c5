/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scripts for iPXE.  iPXE knows no quotes: it expands ${…} wherever it stands,
 * splits at white space, and takes "||", "&&" and "#…" for its own wherever a
 * word begins.  So a script is put together of our words and of words that were
 * looked at; what people wrote is shown with all else replaced.
 */
#ifndef VDISKD_BOOTSCRIPT_H
#define VDISKD_BOOTSCRIPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum bootscript_limits {
	BOOTSCRIPT_CMDLINE_MOST = 2000,
	BOOTSCRIPT_SHOWN_MOST = 200,	/* of one text on the screen */
	BOOTSCRIPT_TRIES_MOST = 60,	/* and then the next boot device has its turn */
	BOOTSCRIPT_RETRY_SECONDS = 10,
};

/* What a script is made for. */
struct bootscript {
	const char *uuid, *mac;		/* as the machine said, and looked at; "" none */
	const char *arch;		/* one word; "" none */
	unsigned int try;		/* how often it asked before */
	const char *server;		/* "10.0.0.1:10811" or "[fd00::1]:10811" */
	const char *client;		/* name; NULL: not known */
	int store;			/* the folder */
};

/** bootscript_show - add people's words: anything that could mean something becomes '?' */
void bootscript_show(struct text *out, const char *words);

/** bootscript_word_is_safe - whether iPXE leaves a word as it is */
bool bootscript_word_is_safe(const char *word, size_t length);

/** bootscript_again - a message, and the same question a while later, or the next device */
void bootscript_again(struct text *out, const struct bootscript *boot, const char *message);

/**
 * bootscript_boot - boot the only choice, or show a menu
 * @choices: as login_choices(), at least one
 */
void bootscript_boot(struct text *out, const struct bootscript *boot, const json_t *choices);

/** bootscript_entry - what a machine starts with: it says who it is */
extern const char bootscript_entry[];

#endif
