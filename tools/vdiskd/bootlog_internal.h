/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of bootlog*.c. */
#ifndef VDISKD_BOOTLOG_INTERNAL_H
#define VDISKD_BOOTLOG_INTERNAL_H

#include <pthread.h>

#include "bootlog.h"

enum { BOOTLOG_BUCKETS = 1024, BOOTLOG_WHY_SIZE = LOGIN_WORDS + 128 };

struct boot_step {
	struct boot_step *next;
	const char *step;
	int64_t at;
	int64_t bytes;
	double seconds;
	unsigned int count;		/* the same again and again is one */
	bool written;			/* is in the catalog */
	char *text;
};

struct boot {
	struct boot *next;		/* of its bucket, or of the dead */
	struct boot *newer, *older;	/* by last sign */
	uint64_t number;
	int64_t client_id;		/* 0: nobody's */
	struct login_machine machine;
	int64_t began, last;
	struct boot_step *steps;
	unsigned int step_count;
	const struct boot_step *cause;	/* what refused it, or failed; NULL: nothing did */
	char why[BOOTLOG_WHY_SIZE];	/* that it stopped */
	bool stopped;			/* nothing is added any more */
	bool changed;			/* the catalog doesn't know yet */
	bool busy;			/* it is being written: not to be freed */
	bool dead;			/* in no list any more, and its row is to go */
	int64_t written;		/* when */
	int64_t row;			/* of the catalog; 0: none */
};

struct boot_list {
	struct boot *newest, *oldest;
	unsigned int count, most;
};

struct bootlog {
	pthread_mutex_t lock;		/* all below; the sessions' is taken within, and no other */
	struct boot_list known, unknown;
	struct boot *clients[BOOTLOG_BUCKETS];	/* the known ones, by id */
	struct boot *dead;		/* with rows that the writer has to remove */
	int64_t silent, anew;		/* BOOTLOG_SECONDS, BOOTLOG_ANEW_SECONDS; less in tests */
	uint64_t next_number;
	size_t text_bytes;
	unsigned long dropped;		/* that never got to the catalog */
};

/** bootlog_shows - whether people should see it: it was refused, failed or stopped */
bool bootlog_shows(const struct boot *boot);

/**
 * bootlog_asked - whether it came as far as a login, or said why not
 * @step, @why: of its cause, or of its row in the catalog; may be NULL
 */
bool bootlog_asked(const char *step, const char *why);

/** bootlog_last_step - or NULL; locked */
struct boot_step *bootlog_last_step(const struct boot *boot);

/** bootlog_object - a boot as the catalog has it; locked */
json_t *bootlog_object(const struct boot *boot);

/** bootlog_step_object - a step of it likewise, without the boot; locked */
json_t *bootlog_step_object(const struct boot_step *step);

/** bootlog_expire - boots that are silent have stopped, unknown ones are forgotten; locked */
void bootlog_expire(struct bootlog *log, int64_t now);

/** bootlog_forget - it is in the catalog, or nobody's: free it; locked */
void bootlog_forget(struct bootlog *log, struct boot *boot);

/** bootlog_free - the memory of one that is in no list; locked */
void bootlog_free(struct bootlog *log, struct boot *boot);

#endif
