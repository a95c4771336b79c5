/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The catalog: what a farm knows of its images, clients, sessions and servers.
 *
 * Objects are JSON; each is of a KIND, a table of fields that catalog_fields()
 * shows.  Every object has "id" and "revision", which nobody sets.  A field
 * without a value is null, never missing, in what the catalog hands out.
 *
 * Any thread may call, at any time but during catalog_close().  Every call
 * waits for the disk, and for other writers no longer than catalog_patience():
 * none belongs on an event loop.  Nothing here prints or exits.
 */
#ifndef VDISK_CATALOG_H
#define VDISK_CATALOG_H

#include <stdbool.h>
#include <stdint.h>
#include <jansson.h>
#include "error.h"

struct catalog;

enum catalog_kind {
	CATALOG_IMAGE,
	CATALOG_VERSION,	/* of an image */
	CATALOG_GROUP,
	CATALOG_CLIENT,
	CATALOG_MAC,		/* of a client */
	CATALOG_PROPERTY,	/* of a client or a group */
	CATALOG_NETWORK,
	CATALOG_ASSIGNMENT,
	CATALOG_ENROLMENT,
	CATALOG_PENDING,
	CATALOG_SESSION,
	CATALOG_BOOT,		/* of a client, that ended before it had a session */
	CATALOG_EVENT,		/* of a session's, a boot's or a client's timeline */
	CATALOG_SERVER,
	CATALOG_TOKEN,		/* of an administrator */
	CATALOG_AUDIT,		/* written by the catalog alone */
	CATALOG_KINDS
};

enum catalog_type {
	CATALOG_INT,
	CATALOG_TEXT,		/* UTF-8, no control characters */
	CATALOG_BOOL,
	CATALOG_TIME,		/* seconds since 1970, an integer */
	CATALOG_NUMBER,		/* an integer or a fraction; handed out as a fraction */
	CATALOG_JSON		/* here always a list of texts, but in audit records */
};

enum catalog_flags {
	CATALOG_REQUIRED = 1 << 0,	/* has no default and is never null */
	CATALOG_UNIQUE	 = 1 << 1,
	CATALOG_READONLY = 1 << 2,	/* the catalog alone sets it */
	CATALOG_FIXED	 = 1 << 3,	/* may be given to catalog_add(), never changed */
	CATALOG_SECRET	 = 1 << 4,	/* masked in audit records and by catalog_mask() */
	CATALOG_SECRET_IF = 1 << 5,	/* likewise when the object's "secret" is true */
	CATALOG_VOLATILE = 1 << 6,	/* bookkeeping: a change of such alone leaves revision as it is */
	CATALOG_LINES	 = 1 << 7,	/* newlines and tabs are welcome */
};

enum catalog_on_remove {
	CATALOG_REFUSE,			/* what is referred to can't be removed: -EBUSY */
	CATALOG_REMOVE,			/* is removed with it */
	CATALOG_FORGET			/* becomes null */
};

enum { CATALOG_NOTHING = -1 };		/* a field that refers to no other kind */

struct catalog_field {
	const char *name;
	enum catalog_type type;
	unsigned int flags;		/* enum catalog_flags */
	int refers;			/* enum catalog_kind or CATALOG_NOTHING */
	enum catalog_on_remove on_remove;
	const char *initial;		/* JSON text, "@now", "@machine-id", "@next"; NULL: null */
	int64_t min, max;		/* of a number; max is also bytes of a text, items of a list */
	const char *const *words;	/* the only values of a text; ends with NULL */
	/* Brings a text into its one form, at most @size bytes; false: it is not one. */
	bool (*form)(const char *text, char *out, unsigned int size);
	const char *expected;		/* for people: what it must look like */
};

/* What "image", "client" are; -EINVAL for another. */
int catalog_kind_by_name(const char *name);
const char *catalog_kind_name(enum catalog_kind kind);

/* catalog_fields - the fields of a kind, "id" and "revision" first; ends with a NULL name */
const struct catalog_field *catalog_fields(enum catalog_kind kind);

/* catalog_find_field - one of them by name, or NULL */
const struct catalog_field *catalog_find_field(enum catalog_kind kind, const char *name);

/* catalog_mask - put "(secret)" for each secret value of an object, in place */
void catalog_mask(enum catalog_kind kind, json_t *object);

/**
 * catalog_open - open a catalog; create or migrate it when that is needed
 * @uri: "sqlite:FILE"
 *
 * Before a migration to schema N a copy is kept as FILE.before-N.
 *
 * Return: 0; -EINVAL for a URI of another kind; -EPROTO when the schema is a
 * newer one or the file is no catalog; or what catalog_is_down() says yes to.
 */
int catalog_open(struct catalog **catalog, const char *uri, struct vdisk_error *err);

/* catalog_close - no call may be under way; an open transaction is rolled back */
void catalog_close(struct catalog *catalog);

/* catalog_patience - how long to wait for other writers, 5000 ms at first */
void catalog_patience(struct catalog *catalog, unsigned int milliseconds);

/**
 * catalog_is_down - whether a result means "ask again later"
 *
 * Input is not to blame for these: -EIO (the disk, a damaged or missing file),
 * -ETIMEDOUT (locked by another for too long), -ENOSPC, -EROFS, -EACCES,
 * -ENOMEM.  Running clients go on, new logins wait.
 */
bool catalog_is_down(int ret);

/* Who makes a change, for its audit record. Texts may be NULL and are made clean. */
struct catalog_who {
	const char *name;	/* of the token, of the user, of a program */
	const char *role;
	const char *from;	/* address */
};

/**
 * catalog_list - objects that match a filter
 * @filter: NULL for all; borrowed. FIELD: value (equal), null (has none), a
 *	list (one of), {"min", "max"} (inclusive), {"not": value or null};
 *	and "$order": FIELD or "-FIELD" (else by id), "$limit", "$offset": numbers
 * @array: the caller's own
 *
 * Return: 0; -EINVAL for a filter that makes no sense; catalog_is_down().
 */
int catalog_list(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		 json_t **array, struct vdisk_error *err);

/* catalog_get - the first object of what catalog_list() would give; -ENOENT */
int catalog_get(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		json_t **object, struct vdisk_error *err);

/* catalog_get_id - the object with that id; -ENOENT */
int catalog_get_id(struct catalog *catalog, enum catalog_kind kind, int64_t id, json_t **object,
		   struct vdisk_error *err);

/* catalog_count - how many match */
int catalog_count(struct catalog *catalog, enum catalog_kind kind, const json_t *filter,
		  int64_t *count, struct vdisk_error *err);

/**
 * catalog_add - store a new object
 * @who: NULL only for kinds that are records themselves: pending, session, boot, event
 *	(their changes are audited only when @who is given)
 * @object: borrowed; every field must be known and may be set
 * @stored: NULL, or the object as it is now, with id and defaults
 *
 * Return: 0; -EINVAL, -EEXIST, -ENOENT (something it refers to): the text
 * begins with kind and field; catalog_is_down().
 */
int catalog_add(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		const json_t *object, json_t **stored, struct vdisk_error *err);

/**
 * catalog_change - change fields of an object
 * @who: NULL as for catalog_add(), and when only volatile fields change
 * @changes: borrowed; null clears a field; what is equal changes nothing
 * @revision: the one that the change is meant for; -1: any
 *
 * Return: as catalog_add(); -ENOENT: no such object; -EAGAIN: the object has
 * another revision by now.
 */
int catalog_change(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		   int64_t id, const json_t *changes, int64_t revision, json_t **stored,
		   struct vdisk_error *err);

/**
 * catalog_revise - count up an object's revision, as something that is part of it changed
 *
 * Has no audit record: the part's change has one.  Return: as catalog_change().
 */
int catalog_revise(struct catalog *catalog, enum catalog_kind kind, int64_t id, json_t **stored,
		   struct vdisk_error *err);

/**
 * catalog_remove - remove an object, and what belongs to it alone
 * @revision: as for catalog_change()
 *
 * Return: 0; -ENOENT; -EAGAIN; -EBUSY: something refers to it, the text says
 * what; catalog_is_down().
 */
int catalog_remove(struct catalog *catalog, const struct catalog_who *who, enum catalog_kind kind,
		   int64_t id, int64_t revision, struct vdisk_error *err);

/* catalog_note - an audit record of something that is not a change; @details may be NULL */
int catalog_note(struct catalog *catalog, const struct catalog_who *who, const char *action,
		 enum catalog_kind kind, int64_t id, const json_t *details,
		 struct vdisk_error *err);

/**
 * catalog_begin - several calls as one, seen by nobody else before catalog_commit()
 *
 * The calling thread alone writes until it commits or rolls back, and every
 * call it makes belongs to the transaction. A call that fails has no effect,
 * the ones before it stay. Keep it short.
 *
 * Return: 0; -EALREADY when this thread has begun one; catalog_is_down().
 */
int catalog_begin(struct catalog *catalog, struct vdisk_error *err);

/* catalog_commit - in any case the transaction is over; unless 0, nothing was done */
int catalog_commit(struct catalog *catalog, struct vdisk_error *err);
void catalog_rollback(struct catalog *catalog);

/* catalog_groups - a group, its parent, and so on, nearest first */
int catalog_groups(struct catalog *catalog, int64_t group_id, json_t **array,
		   struct vdisk_error *err);

/**
 * catalog_effective_properties - a client's properties and those it inherits
 * @object: NAME: {"value", "secret", "owner" (client or group), "owner_id",
 *	"source" (name of that client or group)}; the nearest owner wins
 */
int catalog_effective_properties(struct catalog *catalog, int64_t client_id, json_t **object,
				 struct vdisk_error *err);

/**
 * catalog_effective_assignments - what a client may boot, in order
 * @array: its own first, then its group's, then the parents'; each is an
 *	assignment with "image" (name), "number" (version to boot now, null when
 *	the image has no current one, and with a "state"), "source" (name of client
 *	or group) added.
 *	Images marked as deleted are left out.
 */
int catalog_effective_assignments(struct catalog *catalog, int64_t client_id, json_t **array,
				  struct vdisk_error *err);

/* What is old: from before these times; 0: nothing is. */
struct catalog_ages {
	int64_t sessions;	/* that have ended, boots without one, and their events */
	int64_t pending;	/* machines not seen since */
	int64_t audit;
};

/* catalog_prune - remove what is old, in several transactions; @removed: rows, or NULL */
int catalog_prune(struct catalog *catalog, const struct catalog_ages *before, int64_t *removed,
		  struct vdisk_error *err);

/* catalog_check - integrity of the file and of all references; -EIO says what is wrong */
int catalog_check(struct catalog *catalog, struct vdisk_error *err);

/**
 * catalog_backup - a consistent copy of a catalog, also of one in use
 * @file: mode 0600, as it holds secrets; appears only when complete and checked
 * @overwrite: else -EEXIST when @file is there
 */
int catalog_backup(const char *uri, const char *file, bool overwrite, struct vdisk_error *err);

/**
 * catalog_restore - make a catalog from a backup
 * @overwrite: else -EEXIST when there is a catalog; a server that has it open
 *	sees the new content from its next call on
 *
 * Return: 0; -EPROTO when @file is no catalog or a newer one; -EIO when it is
 * damaged: then what was there stays; -EEXIST.
 */
int catalog_restore(const char *file, const char *uri, bool overwrite, struct vdisk_error *err);

#endif
