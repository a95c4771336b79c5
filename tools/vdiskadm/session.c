// SPDX-License-Identifier: GPL-2.0
/* vdiskadm session: which machines run, and how their boots went. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "ask.h"
#include "resource.h"
#include "session.h"
#include "text.h"
#include "vdiskadm.h"
#include "watch.h"

static const struct column columns[] = {
	{ .title = "ID", .key = "id", .right = true, .print = print_session_id },
	{ .title = "CLIENT", .key = "client", .print = print_session_client },
	{ .title = "STATE", .key = "state", .print = print_session_state },
	{ .title = "IMAGE", .key = "image", .print = print_session_image },
	{ .title = "TRUST", .key = "trust" },
	{ .title = "ADDRESS", .key = "address" },
	{ .title = "STARTED", .key = "started", .print = print_time },
	{ .title = "READ", .key = "bytes", .print = print_bytes, .right = true, .drifts = true },
	{ .title = "STEP", .key = "step", .print = print_session_step },
	{ 0 },
};

static const struct column details[] = {
	{ .title = "Session", .key = "id" },
	{ .title = "Client", .key = "client" },
	{ .title = "State", .key = "state", .print = print_session_state },
	{ .title = "In it since", .key = "since", .print = print_time },
	{ .title = "Image", .key = "image", .print = print_session_image },
	{ .title = "Trust", .key = "trust" },
	{ .title = "Address", .key = "address" },
	{ .title = "Server", .key = "server" },
	{ .title = "Started", .key = "started", .print = print_time },
	{ .title = "Expires", .key = "expires", .print = print_time },
	{ .title = "Connections", .key = "connections" },
	{ .title = "Read", .key = "bytes", .print = print_bytes },
	{ .title = "Retries", .key = "retries" },
	{ .title = "Overlay, at most", .key = "overlay_high", .print = print_bytes },
	{ .title = "Last step", .key = "step", .print = print_session_step },
	{ 0 },
};

static const struct column stopped_details[] = {
	{ .title = "Boot", .key = "key" },
	{ .title = "Client", .key = "client" },
	{ .title = "State", .key = "state" },
	{ .title = "UUID", .key = "uuid" },
	{ .title = "MAC", .key = "mac" },
	{ .title = "Address", .key = "address" },
	{ .title = "Started", .key = "started", .print = print_time },
	{ .title = "Heard of", .key = "since", .print = print_time },
	{ .title = "Last step", .key = "step", .print = print_session_step },
	{ 0 },
};

static const char *const states[] = { "starting", "live", "lost", "ended", "all", NULL };

static const struct field filters[] = {
	{ .option = "state", .key = "state", .words = states },
	{ .option = "client", .key = "client" },
	{ .option = "failed", .key = "failed", .kind = FIELD_TRUE },
	{ .option = "since", .key = "since", .kind = FIELD_SINCE },
	{ .option = "last", .key = "limit", .kind = FIELD_NUMBER, .min = 1, .max = 10000 },
	{ 0 },
};

/* Boots that failed: sessions, and what stopped before it had one. */
struct failed {
	const char *sessions, *boots;	/* paths; no boots: NULL */
	size_t most;			/* 0: all */
};

static int newer_first(const void *a, const void *b)
{
	json_int_t x = number_of(*(json_t *const *)a, "started", 0);
	json_int_t y = number_of(*(json_t *const *)b, "started", 0);

	return x > y ? -1 : x < y;
}

static json_t *sorted(json_t *array, size_t most)
{
	size_t count = json_array_size(array), i;
	json_t **list = must(calloc(count + 1, sizeof(*list))), *result = must(json_array());

	for (i = 0; i < count; i++)
		list[i] = json_array_get(array, i);
	qsort(list, count, sizeof(*list), newer_first);
	for (i = 0; i < count && (!most || i < most); i++)
		json_array_append(result, list[i]);
	free(list);
	return result;
}

static int fetch_failed(void *context, json_t **array, struct vdisk_error *err)
{
	const struct failed *failed = context;
	json_t *sessions, *boots;
	int ret;

	ret = fetch_list(failed->sessions, &sessions, err);
	if (ret < 0)
		return ret;
	if (failed->boots) {
		ret = fetch_list(failed->boots, &boots, err);
		if (!ret) {
			json_array_extend(sessions, boots);
			json_decref(boots);
		}
	}
	if (!ret)
		*array = sorted(sessions, failed->most);
	json_decref(sessions);
	return ret;
}

static int fetch_sessions(void *context, json_t **array, struct vdisk_error *err)
{
	return fetch_list(context, array, err);
}

static int list(struct arguments *arguments, struct watch *from)
{
	struct watch watch = *from;
	struct vdisk_error err;
	json_t *array;

	if (arguments->watch)
		return watch_list(&watch);
	if (watch.fetch(watch.context, &array, &err) < 0)
		return fail_here("%s", err.text);
	if (arguments->json)
		show_json(array, false);
	else
		show_list(columns, array, watch.what);
	json_decref(array);
	return EXIT_DONE;
}

static int list_failed(struct arguments *arguments, const struct watch *from, char *path)
{
	struct failed failed = {
		.sessions = path, .most = number_of(arguments->body, "limit", 0),
	};
	struct watch watch = *from;
	json_t *query = must(json_copy(arguments->body));
	char *boots;
	int ret;

	json_object_del(query, "failed");
	boots = query_path("/v1/boots", query);
	/* A boot without a session is in none of its states. */
	if (!json_object_get(query, "state"))
		failed.boots = boots;
	watch.what = "boots that failed";
	watch.fetch = fetch_failed;
	watch.context = &failed;
	ret = list(arguments, &watch);
	free(boots);
	json_decref(query);
	return ret;
}

static int list_main(int argc, char **argv)
{
	struct watch watch = { .what = "sessions", .columns = columns, .fetch = fetch_sessions };
	struct arguments arguments;
	char *path;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | TAKES_WATCH, filters, &arguments);
	if (ret == GO_ON) {
		path = query_path("/v1/sessions", arguments.body);
		watch.context = path;
		watch.json = arguments.json;
		if (json_object_get(arguments.body, "failed"))
			ret = list_failed(&arguments, &watch, path);
		else
			ret = list(&arguments, &watch);
		free(path);
	}
	arguments_free(&arguments);
	return ret;
}

static bool is_id(const char *name)
{
	return *name && !name[strspn(name, "0123456789")];
}

/* "b7" and "u7" of "session list --failed". */
static bool is_key(const char *name)
{
	return (*name == 'b' || *name == 'u') && is_id(name + 1);
}

enum meant { MEANS_SESSION, MEANS_BOOT, MEANS_CLIENT };

static const char *const meanings[] = { "session", "boot", "client" };
static const char *const places[] = { "/v1/sessions/%s", "/v1/boots/%s", "/v1/clients/%s" };

/* Whether the server has one of that name.  1, 0 or -errno. */
static int is_there(enum meant meant, const char *name, struct vdisk_error *err)
{
	char *path = api_path(places[meant], name);
	json_t *found = NULL;
	int ret = api_get(path, &found, err);

	free(path);
	if (!ret)
		/* Clients are found by their number, too. */
		ret = meant != MEANS_CLIENT || !strcmp(text_of(found, "name"), name);
	else if (ret == -EACCES)
		ret = 1;		/* another's */
	else if (ret == -ENOENT)
		ret = 0;
	json_decref(found);
	return ret;
}

/* "client:b7": 1, with @name moved behind it; 0: it isn't said. */
static int said_meaning(const char **name, enum meant *meant)
{
	size_t length = strcspn(*name, ":"), i;

	for (i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if ((*name)[length] && strlen(meanings[i]) == length &&
		    !strncmp(*name, meanings[i], length)) {
			*name += length + 1;
			*meant = i;
			return 1;
		}
	return 0;
}

/* Numbers and keys may be names of clients as well: what could be either has to be said. */
static int find_meaning(const char **name, bool boots, enum meant *meant, struct vdisk_error *err)
{
	int ret;

	if (said_meaning(name, meant)) {
		if (*meant == MEANS_BOOT ? !boots || !is_key(*name) :
					   *meant == MEANS_SESSION && !is_id(*name))
			return vdisk_error_set(err, EINVAL, "'%s' is no %s that this can be done to", *name,
					       meanings[*meant]);
		return 0;
	}
	*meant = is_id(*name) ? MEANS_SESSION : boots && is_key(*name) ? MEANS_BOOT : MEANS_CLIENT;
	if (*meant == MEANS_CLIENT)
		return 0;
	ret = is_there(MEANS_CLIENT, *name, err);
	if (ret <= 0)
		return ret;
	ret = is_there(*meant, *name, err);
	if (ret < 0)
		return ret;
	if (ret)
		return vdisk_error_set(err, EINVAL, "there is a %s and a client of that name: write %s:%s or client:%s",
				       meanings[*meant], meanings[*meant], *name, *name);
	*meant = MEANS_CLIENT;
	return 0;
}

/* The one of a client's sessions that has not ended. */
static int session_of(const char *client, char *id, size_t size, struct vdisk_error *err)
{
	json_t *array, *session;
	char *path;
	size_t i;
	int ret;

	path = api_path("/v1/sessions?client=%s", client);
	ret = fetch_list(path, &array, err);
	free(path);
	if (ret < 0)
		return ret;
	*id = '\0';
	json_array_foreach(array, i, session)
		if (strcmp(text_of(session, "state"), "ended"))
			snprintf(id, size, "%" JSON_INTEGER_FORMAT, number_of(session, "id", 0));
	json_decref(array);
	return *id ? 0 : vdisk_error_set(err, ENOENT, "has no session now");
}

/* The id of the session that is meant, or the key of the boot; that only where @boot isn't NULL. */
static int find_session(const char *name, char *id, size_t size, bool *boot,
			struct vdisk_error *err)
{
	enum meant meant;
	int ret;

	ret = find_meaning(&name, boot, &meant, err);
	if (ret < 0)
		return ret;
	if (boot)
		*boot = meant == MEANS_BOOT;
	if (meant == MEANS_CLIENT)
		return session_of(name, id, size, err);
	if (strlen(name) >= size)
		return vdisk_error_set(err, EINVAL, "there is no such %s", meanings[meant]);
	strcpy(id, name);
	return 0;
}

static int show_session(const char *name, const struct arguments *arguments, void *context,
			struct vdisk_error *err)
{
	json_t *session;
	char id[24], *path;
	bool boot;
	int ret;

	(void)context;
	ret = find_session(name, id, sizeof(id), &boot, err);
	if (ret < 0)
		return ret;
	path = api_path(places[boot ? MEANS_BOOT : MEANS_SESSION], id);
	ret = api_get(path, &session, err);
	free(path);
	if (ret < 0)
		return ret;
	if (arguments->json) {
		show_json(session, arguments->names.count > 1);
	} else {
		show_details(boot ? stopped_details : details, session);
		show_timeline(json_object_get(session, "events"), "  ");
	}
	json_decref(session);
	return 0;
}

static int show_main(int argc, char **argv)
{
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_JSON | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = each_name(&arguments, show_session, NULL);
	arguments_free(&arguments);
	return ret;
}

/* What is to be done to a session: an end of its path, and a body. */
struct deed {
	const char *path;		/* with a %s for the id */
	json_t *body;
};

static int do_deed(const char *name, const struct arguments *arguments, void *context,
		   struct vdisk_error *err)
{
	const struct deed *deed = context;
	char id[24], *path;
	int ret;

	(void)arguments;
	ret = find_session(name, id, sizeof(id), NULL, err);
	if (ret < 0)
		return ret;
	path = api_path(deed->path, id);
	ret = api_call("POST", path, deed->body, API_ANY_REVISION, NULL, err);
	free(path);
	return ret;
}

static int confirm_all(const struct arguments *arguments, const char *verb)
{
	const struct names *names = &arguments->names;

	if (names->count == 1)
		return confirm(arguments->yes, "%s %s", verb, names->name[0]);
	return confirm(arguments->yes, "%s %zu machines, from %s to %s", verb, names->count,
		       names->name[0], names->name[names->count - 1]);
}

static int deed_main(int argc, char **argv, const char *path, json_t *body)
{
	struct deed deed = { .path = path, .body = must(body) };
	struct arguments arguments;
	const char *verb = argv[0];
	int ret;

	ret = arguments_take(argc, argv, TAKES_YES | NEEDS_NAMES, NULL, &arguments);
	if (ret == GO_ON)
		ret = confirm_all(&arguments, verb);
	if (ret == GO_ON)
		ret = each_name(&arguments, do_deed, &deed);
	arguments_free(&arguments);
	json_decref(body);
	return ret;
}

static int fence_main(int argc, char **argv)
{
	return deed_main(argc, argv, "/v1/sessions/%s/fence", json_object());
}

static int reboot_main(int argc, char **argv)
{
	return deed_main(argc, argv, "/v1/sessions/%s/orders",
			 json_pack("{s:s}", "order", "reboot"));
}

static int shutdown_main(int argc, char **argv)
{
	return deed_main(argc, argv, "/v1/sessions/%s/orders",
			 json_pack("{s:s}", "order", "shutdown"));
}

static int message_main(int argc, char **argv)
{
	static const struct field fields[] = { { .option = "text", .key = "text" }, { 0 } };
	struct deed deed = { .path = "/v1/sessions/%s/orders" };
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, NEEDS_NAMES, fields, &arguments);
	if (ret == GO_ON && !*text_of(arguments.body, "text"))
		ret = usage_error("--text TEXT is needed");
	if (ret == GO_ON) {
		deed.body = json_incref(arguments.body);
		json_object_set_new(deed.body, "order", must(json_string("message")));
		ret = each_name(&arguments, do_deed, &deed);
		json_decref(deed.body);
	}
	arguments_free(&arguments);
	return ret;
}

#define WHICH "SESSION is its number, or the name of a client that has one now; where a name could\n" \
	      "mean either, session:NUMBER or client:NAME.\n"

static const struct command verbs[] = {
	{
		.name = "list", .main = list_main,
		.usage = "[--state starting|live|lost|ended|all] [--client CLIENT] [--failed]\n"
			 "       [--since WHEN] [--last N] [--watch] [--json]",
		.help = "Lists sessions: which machines run or boot, and how their boots went, the newest\n"
			"first.  Ended ones are there when --state, --client or --failed asks for them.\n"
			"\n"
			"  --state STATE    starting, live, lost, ended or all\n"
			"  --client CLIENT  of one machine\n"
			"  --failed         boots that stopped on their way, also before they had a session:\n"
			"                   such have a key in place of a number, of machines that nobody\n"
			"                   knows it begins with u\n"
			"  --since WHEN     started since then: 2h, 3d, today, 2026-11-20, '2026-11-20 14:30'\n"
			"  --last N         that many, the newest\n"
			"  --watch          again every second; where the output is no terminal, each that\n"
			"                   comes, changes or goes\n"
			"  --json           as the server has them (with --watch: a change a line)\n",
	}, {
		.name = "show", .main = show_main,
		.usage = "SESSION... [--json]",
		.help = "Shows sessions, with the timeline of their boots; also boots that had none, by the\n"
			"key that 'session list --failed' shows, KEY or boot:KEY.\n" WHICH
			"\n"
			"  --json   as the server has them\n",
	}, {
		.name = "fence", .main = fence_main,
		.usage = "SESSION... [-y]",
		.help = "Ends sessions at once and for good: their machines lose their disks.\n" WHICH
			"\n"
			"  -y, --yes   do not ask\n",
	}, {
		.name = "reboot", .main = reboot_main,
		.usage = "SESSION... [-y]",
		.help = "Tells machines to reboot; their agent does it.\n" WHICH
			"\n"
			"  -y, --yes   do not ask\n",
	}, {
		.name = "shutdown", .main = shutdown_main,
		.usage = "SESSION... [-y]",
		.help = "Tells machines to shut down; their agent does it.\n" WHICH
			"\n"
			"  -y, --yes   do not ask\n",
	}, {
		.name = "message", .main = message_main,
		.usage = "SESSION... --text TEXT",
		.help = "Has machines show a message to whoever uses them.\n" WHICH
			"\n"
			"  --text TEXT   what it says\n",
	},
	{ 0 },
};

const struct command session_command = {
	.name = "session", .help = "which machines run, and how their boots went\n", .verbs = verbs,
};
