/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Login: which client a machine is, whether it may have a session, and what it is
 * told.  Used by the API's routes and, only for looking, by the boot scripts.
 *
 * Functions return 0 or -errno with the reason in @err, as the catalog's do;
 * catalog_is_down() says whether it is to be tried again.
 */
#ifndef VDISKD_LOGIN_H
#define VDISKD_LOGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "gate.h"
#include "proof.h"

struct catalog;
struct control;
struct http_answer;
struct http_request;
struct vdisk_error;

enum login_limits {
	LOGIN_UUID = 36 + 1,
	LOGIN_MAC = 17 + 1,
	LOGIN_MACS_MOST = 16,
	LOGIN_WORDS = 512,
	LOGIN_PENDING_MOST = 1000,	/* machines in the table; the one not seen longest goes */
	LOGIN_RETRY_SECONDS = 10,	/* of a machine that waits for its administrator */
	LOGIN_CHECK_MS = 5000,		/* a holder has that long to show that it lives */
	LOGIN_NONCE_SECONDS = 60,
	LOGIN_BIND_SECONDS = 600,	/* for the key of a machine that was just enrolled */
	LOGIN_MENU_SECONDS = 20,	/* unless an assignment says */
};

/* What a machine says it is. */
struct login_machine {
	char said[LOGIN_UUID];		/* its UUID, lower case; "" none */
	char uuid[LOGIN_UUID];		/* the same, or "" when it identifies nobody */
	unsigned int mac_count;
	char macs[LOGIN_MACS_MOST][LOGIN_MAC];
	char address[ADDRESS_TEXT];
};

enum login_match {
	LOGIN_FOUND,
	LOGIN_UNKNOWN,
	LOGIN_CONFLICT,			/* two records could be meant */
};

/* login_find.c */

/** login_set_uuid - note a machine's UUID; false: it is none */
bool login_set_uuid(struct login_machine *machine, const char *text);

/** login_add_mac - note one more MAC; false: it is none, or there are too many */
bool login_add_mac(struct login_machine *machine, const char *text);

/** login_swap_uuid - the same with its first three fields in the other byte order */
void login_swap_uuid(const char *uuid, char swapped[LOGIN_UUID]);

/**
 * login_find - the client that a machine is
 * @client: when found; the caller's
 * @words: LOGIN_WORDS bytes; for a conflict, what is wrong
 */
int login_find(struct catalog *catalog, const struct login_machine *machine,
	       enum login_match *match, json_t **client, char *words, struct vdisk_error *err);

/* login_window.c */

/** login_network_among - the smallest of @networks that @address is in, borrowed; or NULL */
json_t *login_network_among(const json_t *networks, const char *address);

/** login_network - the same of all in the catalog; the caller's */
int login_network(struct control *control, const char *address, json_t **network,
		  struct vdisk_error *err);

/** login_unknown_group - the group for machines that nobody knows there, or NULL */
int login_unknown_group(struct control *control, const char *address, json_t **group,
			struct vdisk_error *err);

/**
 * login_window - the enrolment that takes in machines at @address now, or NULL
 * @window: the caller's; of several the one that says most closely where from
 */
int login_window(struct control *control, const char *address, json_t **window,
		 struct vdisk_error *err);

/** login_window_takes - whether this one does */
int login_window_takes(struct control *control, const json_t *window, const char *address,
		       bool *takes, struct vdisk_error *err);

/* login_unknown.c */

/**
 * login_enrol - make a client of a machine that nobody knows
 * @window: from login_window(); looked at again, as others enrol as well
 *
 * Return: 0; -ENOENT: the window is used up or closed; -EEXIST: the machine is
 * known by now; others.
 */
int login_enrol(struct control *control, const json_t *window, const struct login_machine *machine,
		json_t **client, struct vdisk_error *err);

/** login_pend - show a machine to the administrators; @reason: as the catalog's field */
int login_pend(struct control *control, const struct login_machine *machine, const char *reason,
	       const char *detail, struct vdisk_error *err);

/* login_choice.c */

/**
 * login_choices - what a client may boot now, in order
 * @bound: it proved itself
 * @choices: of {"name", "label", "image", "image_id", "version", "overlay",
 *	"default", "timeout"}, the names all different
 * @withheld: NULL, or an array that gets {"what", "why"}
 * @missing: NULL, or an array that login_missing() tells of
 */
int login_choices(struct control *control, int64_t client_id, bool bound, json_t **choices,
		  json_t *withheld, json_t *missing, struct vdisk_error *err);

/**
 * login_newest - the newest version of an image that is in a state and has boot files
 * @image: the image's name
 * @missing: NULL, or an array that gets a note if there is none
 * @number: 0: there is none
 */
int login_newest(struct control *control, const json_t *image_id, const char *image,
		 const char *state, json_t *missing, int64_t *number, struct vdisk_error *err);

/**
 * login_missing - tell of an assignment whose image has no version in its state
 * @name: of a choice, whose image is meant; NULL: the first of all
 * @words: LOGIN_WORDS bytes
 *
 * Return: false: there is no such assignment.
 */
bool login_missing(const json_t *missing, const char *name, char *words);

/** login_choice - the one that @name means; the only or default one for NULL; NULL: none */
json_t *login_choice(const json_t *choices, const char *name);

/* login_proof.c */

/** login_has_key - whether a client of the catalog could prove who it is */
bool login_has_key(const json_t *client);

/* What a login proved of its client. */
struct login_proof {
	bool bound;			/* it has the client's key; or the one below, which is new */
	bool fresh;			/* the client has no key yet, and may be given this one */
	char key[PROOF_PUBLIC_TEXT];	/* if fresh */
	char words[LOGIN_WORDS];	/* why it isn't bound, for the client */
};

/** login_may_bind - whether a client without a key may be given one now */
bool login_may_bind(const json_t *client);

/**
 * login_prove - whether a login proves its client's secret
 * @client: of the catalog
 * @proof: of the request, or NULL
 *
 * Return: 0; -EACCES: a proof that is wrong, told in @proved's words.
 */
int login_prove(struct control *control, const json_t *client, const struct login_machine *machine,
		const json_t *proof, struct login_proof *proved);

/**
 * login_bind - give a client the key that its machine has just proved
 *
 * Return: 0; -EEXIST: it has one by now; -EPERM: its time is over; others.
 */
int login_bind(struct control *control, const json_t *client, const struct login_machine *machine,
	       const struct login_proof *proved, struct vdisk_error *err);

/* login_holder.c */

enum login_holder { HOLDER_NONE, HOLDER_ALIVE, HOLDER_CHECKING, HOLDER_DEAD };

/**
 * login_holder - whether somebody else has the client's session
 * @holder: filled in unless HOLDER_NONE
 * @retry_after: seconds, of HOLDER_CHECKING
 *
 * Never waits for the check: whoever wants to log in asks again.
 */
enum login_holder login_holder(struct control *control, int64_t client_id, const char *address,
			       struct gate_view *holder, unsigned int *retry_after);

/** login_holder_forget - its check is over */
void login_holder_forget(struct control *control, uint64_t session);

/* login_answer.c */

/** login_answer - what a client is told of its new session; takes @withheld */
int login_answer(struct control *control, struct http_request *request, const json_t *client,
		 const struct gate_view *view, const json_t *choice, bool secrets,
		 const char *why_not, json_t *withheld, json_t **answer, struct vdisk_error *err);

/**
 * login_secrets - whether the client's secrets go to a machine that proved nothing
 *
 * Its group says so, and never of a client that has a key to prove.
 */
int login_secrets(struct control *control, const json_t *client, bool *network,
		  struct vdisk_error *err);

/* login.c */

/** login_hold - nobody logs in as this client before login_release() */
void login_hold(struct control *control, int64_t client_id);
void login_release(struct control *control, int64_t client_id);

int login_start(struct control *control, struct vdisk_error *err);
void login_stop(struct control *control);

#endif
