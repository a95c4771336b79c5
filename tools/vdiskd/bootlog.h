/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Boots that have no session yet, in memory.
 *
 *   first sign (a script, or a login that is refused) --> under way
 *   under way --login--> its steps are the session's
 *             --nothing for a quarter of an hour, or it begins anew--> stopped
 *
 * What was refused, failed or stopped of a client is a row of the catalog; one of
 * a machine that nobody knows stays here, in a table with an end: whatever made-up
 * machines ask for, the catalog doesn't grow by it.
 */
#ifndef VDISKD_BOOTLOG_H
#define VDISKD_BOOTLOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "login.h"

struct control;
struct vdisk_error;

enum bootlog_limits {
	BOOTLOG_SECONDS = 900,		/* silent for so long it has stopped */
	BOOTLOG_KNOWN_MOST = 8192,	/* boots of clients; one each */
	BOOTLOG_UNKNOWN_MOST = 512,	/* boots of others, the stopped ones as well */
	BOOTLOG_UNKNOWN_SECONDS = 24 * 3600,
	BOOTLOG_STEPS_MOST = 24,	/* of a boot */
	BOOTLOG_ROWS_MOST = 20,		/* of a client in the catalog, that logged in or reported */
					/* and as many again that only asked for files */
	BOOTLOG_ANEW_SECONDS = 10,	/* boots of a client are that far apart, or one */
	BOOTLOG_TEXTS_BYTES = 16 << 20,	/* of all boots */
};

/* What begins the reason of a login's refusal, as against that of a boot script's. */
#define BOOTLOG_LOGIN "login from "

/* One step; -1 and NULL: nothing. */
struct bootlog_sign {
	const char *step;		/* a literal, as the catalog's events have it */
	int64_t bytes;
	double seconds;
	const char *text;
};

int bootlog_start(struct control *control, struct vdisk_error *err);
void bootlog_stop(struct control *control);

/**
 * bootlog_seen - a machine shows that it boots: "script", "waiting", "refused"
 * @client_id: 0: nobody knows it
 * @again: it goes on with the boot that it began
 */
void bootlog_seen(struct control *control, const struct login_machine *machine, int64_t client_id,
		  bool again, const struct bootlog_sign *sign);

/** bootlog_fetched - whoever booted from @address last has got a "kernel", an "initramfs" */
void bootlog_fetched(struct control *control, const char *address, const struct bootlog_sign *sign);

/**
 * bootlog_failed - a machine without a session says that, and why, it doesn't boot
 *
 * Return: 0; -ENOENT: nobody saw it begin, or it asks from another address.
 */
int bootlog_failed(struct control *control, const struct login_machine *machine, const char *text);

/** bootlog_logged_in - its boot goes on as @session_id, which gets its steps */
void bootlog_logged_in(struct control *control, const struct login_machine *machine,
		       int64_t client_id, int64_t session_id);

/**
 * bootlog_unknown - boots of machines that nobody knows that failed or stopped
 * @number: of one, or 0: all, without the texts of their steps
 *
 * As the API shows boots; the newest first.  Return: an array, NULL without memory.
 */
json_t *bootlog_unknown(struct control *control, uint64_t number);

/** bootlog_write - once a second, on the writer's thread; false: the catalog is down */
bool bootlog_write(struct control *control);

#endif
