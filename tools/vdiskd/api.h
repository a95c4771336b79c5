/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The administrators' API over the catalog.  What the catalog declares of a kind
 * is what the API takes and gives, but for three things: a field that refers to
 * another object shows that object's name ("group" for "group_id"), what belongs
 * to a client or group alone is part of it ("macs", "properties"), and secrets
 * only go in.
 *
 * Functions here return 0 or -errno with the reason in the call's error, as those
 * of the catalog do; api_end() makes an answer of it.
 */
#ifndef VDISKD_API_H
#define VDISKD_API_H

#include <jansson.h>

#include "catalog.h"
#include "control.h"
#include "error.h"
#include "http.h"

enum api_limits {
	API_PAGE = 1000,		/* objects in an answer that doesn't ask for less */
	API_PAGE_MOST = 10000,
	API_IDS_MOST = 200,		/* in one filter of the catalog */
	API_BOOTS = 10,			/* shown of a client */
};

enum api_flags {
	API_SCOPED = 1,			/* has a group: operators see and change their own */
	API_MACS = 2,
	API_PROPERTIES = 4,
	API_NEWEST = 8,			/* lists begin with the newest */
	API_TIMELINE = 16,		/* lists tell the last step of each */
	API_SEEN = 32,			/* has an address: operators see what is in their networks */
};

struct api_resource {
	const char *many;		/* in paths */
	enum catalog_kind kind;
	const char *key;		/* field that stands in paths; NULL: the id alone */
	unsigned int flags;
	const char *const *hidden;	/* fields that the API doesn't know; or NULL */
	const char *const *kept;	/* fields that are shown, and set in other ways */
};

/* One request at work. */
struct api_call {
	struct control *control;
	struct http_request *request;
	struct http_answer *answer;
	const struct api_resource *resource;
	struct catalog_who who;
	json_t *scope;			/* ids of groups this caller is bound to; NULL: no bounds */
	json_t *networks;		/* all there are, once api_scope_networks() was called */
	struct vdisk_error err;
};

/* api.c */

/**
 * api_begin - who asks, and within which groups; @resource may be NULL
 *
 * Return: false: answered.
 */
bool api_begin(struct api_call *call, struct control *control, struct http_request *request,
	       struct http_answer *answer, const struct api_resource *resource);

/** api_end - free what api_begin() made; answer with the problem unless @ret is 0 */
void api_end(struct api_call *call, int ret);

/** api_give - answer with an object, with its revision for ETag; takes @object */
void api_give(struct api_call *call, unsigned int status, json_t *object);

/** api_resource_by_name - "clients"; NULL: none */
const struct api_resource *api_resource_by_name(const char *many, size_t length);

extern const struct api_resource api_clients, api_groups, api_images, api_tokens, api_pending;
extern const struct api_resource api_stopped;	/* boots without a session */
extern const struct api_resource api_sessions, api_versions, api_events, api_audit;

/* api_names.c */

/** api_present - what the API shows of objects of the catalog, in place; nested parts not */
int api_present(struct api_call *call, const struct api_resource *resource, json_t *array);

/** api_accept - a body as the catalog takes it: names become ids; nested parts left out */
int api_accept(struct api_call *call, const json_t *body, json_t **object);

/** api_filter - the query as a filter of the catalog */
int api_filter(struct api_call *call, json_t **filter);

/** api_find - the object whose key or id is @key; -ENOENT */
int api_find(struct api_call *call, const struct api_resource *resource, const char *key,
	     json_t **object);

/** api_id - the number that @text is, or -1 */
int64_t api_id(const char *text);

/** api_integer - an integer of an object; 0 when it is null */
int64_t api_integer(const json_t *object, const char *name);

/* api_scope.c */

/** api_scope_load - fill in @call->scope */
int api_scope_load(struct api_call *call);

/** api_scope_check - -EPERM unless the caller may touch something in this group (0: none) */
int api_scope_check(struct api_call *call, int64_t group_id);

/** api_scope_has - the same as a question */
bool api_scope_has(const struct api_call *call, int64_t group_id);

/**
 * api_scope_clients - the clients that a bound caller may see
 * @clients: an object with their ids for members; NULL: the caller is bound to no group
 */
int api_scope_clients(struct api_call *call, json_t **clients);

/** api_scope_networks - fill in @call->networks, for those below */
int api_scope_networks(struct api_call *call);

/** api_scope_has_address - whether the network of @object's "address" leads to the caller's groups */
bool api_scope_has_address(const struct api_call *call, const json_t *object);

/** api_scope_seen - -EPERM unless it does */
int api_scope_seen(struct api_call *call, const json_t *object);

/* api_rights.c */

/**
 * api_rights_check - whether the caller may store such fields, beyond groups
 * @before: the object as it is; NULL: a new one
 * @changes: as the catalog takes them; what the caller's bounds make of them is put in
 *
 * In a transaction.  Return: 0; -EPERM; what the catalog said.
 */
int api_rights_check(struct api_call *call, const json_t *before, json_t *changes);

/** api_rights_property - -EPERM unless the caller may give a property of that name a value */
int api_rights_property(struct api_call *call, const char *name);

/* api_nested.c */

/** api_nested_show - add "macs", "properties" and "trust" to presented objects */
int api_nested_show(struct api_call *call, const struct api_resource *resource, json_t *array);

/** api_nested_store - what @body says of them, for the object @id; in a transaction */
int api_nested_store(struct api_call *call, const json_t *body, int64_t id, bool *changed);

/* api_versions.c */

/** api_show_prepared - add "prepared" to presented images or versions: whether it has boot files */
void api_show_prepared(const struct api_call *call, const struct api_resource *resource,
		       json_t *array);

/* api_resource.c */

/** api_add - store @body as a new object; @stored: as the catalog has it */
int api_add(struct api_call *call, const json_t *body, json_t **stored);

/** api_change - change the object @id by @body */
int api_change(struct api_call *call, int64_t id, const json_t *body, int64_t revision,
	       json_t **stored);

/**
 * api_list_page - a page of what this caller may see, and where the next one is
 * @filter: of api_filter(); changed
 */
int api_list_page(struct api_call *call, json_t *filter, json_t **array);

/** api_show - answer with an object of the catalog, presented, with all that belongs to it */
int api_show(struct api_call *call, unsigned int status, json_t *object);

void api_list_run(struct control *control, struct http_request *request,
		  struct http_answer *answer);
void api_get_run(struct control *control, struct http_request *request,
		 struct http_answer *answer);
void api_post_run(struct control *control, struct http_request *request,
		  struct http_answer *answer);
void api_patch_run(struct control *control, struct http_request *request,
		   struct http_answer *answer);
void api_delete_run(struct control *control, struct http_request *request,
		    struct http_answer *answer);

/* api_boots.c */

enum api_timeline { TIMELINE_LAST, TIMELINE_STEPS, TIMELINE_TEXTS };

/**
 * api_timeline - add to rows of the catalog what their events say
 * @kind: CATALOG_SESSION or CATALOG_BOOT
 *
 * To sessions "step" (how far they came) and "failure" (why, or null), which boots
 * have; but for TIMELINE_LAST "events", with TIMELINE_TEXTS the texts of those, too.
 */
int api_timeline(struct api_call *call, enum catalog_kind kind, json_t *array,
		 enum api_timeline detail);

/** api_boots - the last boots of a client, with what is known of each */
int api_boots(struct api_call *call, int64_t client_id, json_t **boots);

/* api_stopped.c */

/** api_stopped_show - boots of the catalog as the API shows them, with their steps, in place */
int api_stopped_show(struct api_call *call, json_t *array, enum api_timeline detail);

void api_stopped_list_run(struct control *control, struct http_request *request,
			  struct http_answer *answer);
void api_stopped_get_run(struct control *control, struct http_request *request,
			 struct http_answer *answer);

/* Those with routes of their own. */

/* api_images.c */
void api_image_delete_run(struct control *control, struct http_request *request,
			  struct http_answer *answer);
void api_image_current_run(struct control *control, struct http_request *request,
			   struct http_answer *answer);

/* api_versions.c */
void api_version_list_run(struct control *control, struct http_request *request,
			  struct http_answer *answer);
void api_version_post_run(struct control *control, struct http_request *request,
			  struct http_answer *answer);
void api_version_get_run(struct control *control, struct http_request *request,
			 struct http_answer *answer);
void api_version_patch_run(struct control *control, struct http_request *request,
			   struct http_answer *answer);
void api_version_delete_run(struct control *control, struct http_request *request,
			    struct http_answer *answer);

/* api_tokens.c */
void api_token_post_run(struct control *control, struct http_request *request,
			struct http_answer *answer);
void api_token_patch_run(struct control *control, struct http_request *request,
			 struct http_answer *answer);
void api_token_delete_run(struct control *control, struct http_request *request,
			  struct http_answer *answer);

/* api_pending.c */
void api_pending_approve_run(struct control *control, struct http_request *request,
			     struct http_answer *answer);
void api_client_replace_run(struct control *control, struct http_request *request,
			    struct http_answer *answer);

/* api_clients.c */

/** api_client_change - by the request's body; a client that is disabled by it loses its session */
int api_client_change(struct api_call *call, int64_t id, json_t **stored);

/** api_client_remove - with all that is its own; its session ends */
int api_client_remove(struct api_call *call, int64_t id);

void api_client_debug_run(struct control *control, struct http_request *request,
			  struct http_answer *answer);
void api_client_bind_run(struct control *control, struct http_request *request,
			 struct http_answer *answer);
void api_client_wake_run(struct control *control, struct http_request *request,
			 struct http_answer *answer);

/* api_sessions.c */
void api_session_get_run(struct control *control, struct http_request *request,
			 struct http_answer *answer);
void api_session_fence_run(struct control *control, struct http_request *request,
			   struct http_answer *answer);
void api_session_order_run(struct control *control, struct http_request *request,
			   struct http_answer *answer);

/* api_status.c */
void api_health_run(struct control *control, struct http_request *request,
		    struct http_answer *answer);
void api_status_run(struct control *control, struct http_request *request,
		    struct http_answer *answer);
void api_backup_run(struct control *control, struct http_request *request,
		    struct http_answer *answer);
void api_openapi_run(struct control *control, struct http_request *request,
		     struct http_answer *answer);

#endif
