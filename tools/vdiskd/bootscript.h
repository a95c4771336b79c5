/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scripts for iPXE, and for the GRUB of a boot medium under UEFI.
 *
 * iPXE knows no quotes: it expands ${…} wherever it stands, splits at white space,
 * and takes "||", "&&" and "#…" for its own wherever a word begins.  GRUB takes what
 * stands in single quotes as it is, but adds a backslash to quotes and backslashes
 * of a kernel's words.  So a script is put together of our words and of words that
 * were looked at; what people wrote is shown with all else replaced.
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

struct bootscript;

/* One that reads scripts. */
struct bootscript_kind {
	const char *head;		/* what a script begins with */
	/** word_is_safe - whether it leaves a word of the kernel's command line as it is */
	bool (*word_is_safe)(const char *word, size_t length);
	void (*again)(struct text *out, const struct bootscript *boot, const char *message);
	void (*boot)(struct text *out, const struct bootscript *boot, const json_t *choices);
};

extern const struct bootscript_kind bootscript_ipxe, bootscript_grub;

/* What a script is made for. */
struct bootscript {
	const struct bootscript_kind *kind;
	const char *uuid, *mac;		/* as the machine said, and looked at; "" none */
	const char *arch;		/* one word; "" none */
	unsigned int try;		/* how often it asked before */
	const char *server;		/* "10.0.0.1:10811" or "[fd00::1]:10811" */
	const char *client;		/* name; NULL: not known */
	int store;			/* the folder */
};

/** bootscript_show - add people's words: anything that could mean something becomes '?' */
void bootscript_show(struct text *out, const char *words);

/** bootscript_again - a message, and the same question a while later, or the next device */
static inline void bootscript_again(struct text *out, const struct bootscript *boot,
				    const char *message)
{
	boot->kind->again(out, boot, message);
}

/**
 * bootscript_boot - boot the only choice, or show a menu
 * @choices: as login_choices(), at least one
 */
static inline void bootscript_boot(struct text *out, const struct bootscript *boot,
				   const json_t *choices)
{
	boot->kind->boot(out, boot, choices);
}

/* For the kinds: what their scripts share. */

/** bootscript_add - add words of ours */
void bootscript_add(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * bootscript_cmdline - the kernel's command line for a choice
 * @quote: around each word
 *
 * Return: false: the image's own has a word that does not travel, or is too long.
 */
bool bootscript_cmdline(struct text *out, const struct bootscript *boot, const json_t *choice,
			const char *quote);

/** bootscript_timeout - seconds that a menu waits; 0: nobody is to be asked */
long long bootscript_timeout(const json_t *choices);

/** bootscript_entry - what a machine starts with: it says who it is */
extern const char bootscript_entry[];

#endif
