/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The farm's signature under this machine's ssh host key.  It lives for days, not for
 * ever, so that a key which was stolen is of use for as long; the agent has it renewed.
 */
#ifndef VDISKCTL_HOSTCERT_H
#define VDISKCTL_HOSTCERT_H

#include <stdbool.h>
#include "session.h"

#define HOST_KEY "/etc/ssh/ssh_host_ed25519_key"

enum { HOSTCERT_TEXT = 8192 };

struct hostcert {
	char line[HOSTCERT_TEXT];	/* as it stands in the file, newline included */
	double due;			/* seconds_up() when half of its time is over */
};

/**
 * hostcert_ask - have the farm sign @public
 * @refused: the farm won't, and asking again in this session changes nothing
 *
 * Return: 0 or -errno.
 */
int hostcert_ask(struct session *session, const char *public, struct hostcert *cert,
		 bool *refused, struct vdisk_error *err);

/**
 * hostcert_write - put it where sshd looks
 * @root: descriptor of the root directory
 *
 * What an administrator made of our part of sshd's configuration stays.
 */
int hostcert_write(int root, const struct hostcert *cert, struct vdisk_error *err);

/* hostcert_due - when the session's is to be renewed, seconds_up(); < 0: never. */
double hostcert_due(const struct session *session);

/* hostcert_set_due - keeps that in the session, for session_save(). */
void hostcert_set_due(struct session *session, double due);

/**
 * hostcert_renew - a new certificate for the key that is there; sshd is told, if it needs to be
 * @root: of the tree, "" for /
 *
 * Return: 0 or -errno.  In both cases hostcert_due() says when to try next.
 */
int hostcert_renew(struct session *session, const char *root, struct vdisk_error *err);

#endif
