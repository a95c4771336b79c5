// SPDX-License-Identifier: GPL-2.0
/* vdiskctl attach: begins a device, waits until it is there, prints its path. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "json.h"
#include "klog.h"
#include "parse.h"
#include "resolve.h"
#include "session.h"
#include "uri.h"
#include "vdiskctl.h"
#include "wait.h"

enum {
	DEFAULT_WAIT = 30,		/* seconds for a first connection */
	LEAST_WAIT = 5,			/* what a long login leaves of it */
	GONE_MS = 5000,			/* patience with a detach after SIGINT */
	NODE_MS = 10000,		/* patience with the device's node */
	NODE_STEP_MS = 20,
};

struct request {
	struct vdisk_attach attach;
	bool json, full_given, overlay_given;
	struct farm_target target;	/* a farm that says image and servers */
	bool farm;
	struct login_options login;
};

enum attach_option {
	OPT_OVERLAY = 256, OPT_FULL, OPT_WRITE_THROUGH, OPT_CONNECTIONS, OPT_DEVICE, OPT_LOST,
	OPT_OVERCOMMIT, OPT_WAIT, OPT_READ_AHEAD, OPT_JSON, OPT_BOOT, OPT_TAKEOVER,
};

static const struct option options[] = {
	{ "overlay", required_argument, NULL, OPT_OVERLAY },
	{ "full", required_argument, NULL, OPT_FULL },
	{ "write-through", no_argument, NULL, OPT_WRITE_THROUGH },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "lost", required_argument, NULL, OPT_LOST },
	{ "overcommit", no_argument, NULL, OPT_OVERCOMMIT },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "read-ahead", required_argument, NULL, OPT_READ_AHEAD },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "boot", no_argument, NULL, OPT_BOOT },
	{ "takeover", no_argument, NULL, OPT_TAKEOVER },
	MEANS_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int take_option(struct request *request, int option, struct vdisk_error *err)
{
	struct vdisk_attach *attach = &request->attach;
	uint32_t number;
	int ret;

	switch (option) {
	case OPT_OVERLAY:
		request->overlay_given = true;
		return parse_overlay(optarg, memory_total(), &attach->overlay, err);
	case OPT_FULL:
		request->full_given = true;
		return parse_full(optarg, &attach->overlay, err);
	case OPT_WRITE_THROUGH:
		attach->flags |= VDISK_F_WRITE_THROUGH;
		return 0;
	case OPT_CONNECTIONS:
		return parse_number(optarg, 1, VDISK_CONNECTIONS_MAX, "--connections",
				    &attach->connections, err);
	case OPT_DEVICE:
		ret = parse_device(optarg, &number, err);
		if (!ret)
			attach->number = number;
		return ret;
	case OPT_LOST:
		return parse_lost(optarg, &attach->lost, &attach->lost_seconds, err);
	case OPT_OVERCOMMIT:
		attach->overlay.overcommit = true;
		return 0;
	case OPT_WAIT:
		return parse_number(optarg, 0, VDISK_SECONDS_MAX, "--wait", &attach->patience, err);
	case OPT_READ_AHEAD:
		attach->has_readahead = true;
		return parse_number(optarg, 0, VDISK_READAHEAD_KB_MAX, "--read-ahead",
				    &attach->readahead_kb, err);
	case OPT_JSON:
		request->json = true;
		return 0;
	case OPT_BOOT:
		request->login.menu = true;
		request->login.local_disk = true;
		return 0;
	case OPT_TAKEOVER:
		request->login.takeover = true;
		return 0;
	}
	return means_take(&request->login.means, option, optarg, err);
}

/* A mistake is the user's (2); what is right but not there yet is ours (1). */
static int refuse(const struct vdisk_error *err)
{
	if (err->code == EOPNOTSUPP)
		return fail("attach: %s", err->text);
	return usage_error("attach: %s", err->text);
}

static int check(const struct request *request)
{
	const struct vdisk_attach *attach = &request->attach;
	bool overlay = attach->overlay.kind != VDISK_OVERLAY_NONE;

	if (overlay && (attach->flags & VDISK_F_WRITE_THROUGH))
		return usage_error("attach: writes go to an overlay or through to the server, not both");
	/* What a farm says about the overlay comes later. */
	if (request->farm && !request->overlay_given)
		return EXIT_DONE;
	if (!overlay && request->full_given)
		return usage_error("attach: --full is for a device with an overlay");
	if (!overlay && attach->overlay.overcommit)
		return usage_error("attach: --overcommit is for a device with an overlay");
	return EXIT_DONE;
}

static int take_uri(struct request *request, const char *uri, struct vdisk_error *err)
{
	struct vdisk_attach *attach = &request->attach;

	if (target_is_farm(uri) ? attach->nr_servers > 0 : request->farm)
		return vdisk_error_set(err, EINVAL, "%s: either a farm or NBD servers, not both", uri);
	if (!target_is_farm(uri))
		return uri_parse(uri, &attach->server[attach->nr_servers++], err);
	request->farm = true;
	return target_add(&request->target, uri, err);
}

/* Returns an exit code, or -1 to go on. */
static int parse(int argc, char **argv, struct request *request)
{
	struct vdisk_attach *attach = &request->attach;
	struct vdisk_error err;
	int option, ret;

	attach->number = -1;
	attach->patience = DEFAULT_WAIT;
	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		if (take_option(request, option, &err) < 0)
			return refuse(&err);
	}
	if (optind == argc)
		return usage_error("attach: no URI to attach");
	if (argc - optind > VDISK_SERVERS_MAX)
		return usage_error("attach: more than %d URIs", VDISK_SERVERS_MAX);
	for (; optind < argc; optind++)
		if (take_uri(request, argv[optind], &err) < 0)
			return refuse(&err);
	ret = check(request);
	return ret ? ret : -1;
}

/* Servers without an address are left out, loudly, as long as one has one. */
static int resolve_all(struct vdisk_attach *attach)
{
	unsigned int i, kept = 0;
	struct vdisk_error err;

	for (i = 0; i < attach->nr_servers; i++) {
		if (resolve(&attach->server[i], &err) < 0) {
			warn("attach: %s", err.text);
			continue;
		}
		if (kept != i)
			attach->server[kept] = attach->server[i];
		kept++;
	}
	attach->nr_servers = kept;
	return kept ? 0 : -EHOSTUNREACH;
}

/* The number that sysfs gives the disk and the number of the node are the same. */
static bool node_is_right(uint32_t number, const char *path)
{
	unsigned int major, minor;
	char sysfs[64];
	struct stat st;
	FILE *dev;
	int n;

	if (stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	snprintf(sysfs, sizeof(sysfs), "/sys/block/vdisk%u/dev", number);
	dev = fopen(sysfs, "re");
	/* Without sysfs there is nothing to compare with. */
	if (!dev)
		return true;
	n = fscanf(dev, "%u:%u", &major, &minor);
	fclose(dev);
	return n == 2 && makedev(major, minor) == st.st_rdev;
}

static bool dev_is_devtmpfs(void)
{
	char line[1024], where[512], type[64];
	bool found = false;
	FILE *mounts;

	mounts = fopen("/proc/self/mounts", "re");
	if (!mounts)
		return false;
	while (fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %511s %63s", where, type) == 2 && !strcmp(where, "/dev"))
			found = !strcmp(type, "devtmpfs");
	fclose(mounts);
	return found;
}

/* Only devtmpfs promises a node; elsewhere somebody else makes it, or nobody. */
static int wait_for_node(uint32_t number, const char *path)
{
	int64_t deadline = now_ms() + NODE_MS;

	if (!dev_is_devtmpfs())
		return EXIT_DONE;
	while (!node_is_right(number, path)) {
		if (now_ms() >= deadline)
			return fail("attach: vdisk%u is attached, but %s has not appeared in %d s",
				    number, path, NODE_MS / 1000);
		poll(NULL, 0, NODE_STEP_MS);
	}
	return EXIT_DONE;
}

static int print_json(struct waiter *waiter, uint32_t number)
{
	struct vdisk_status *status = malloc(sizeof(*status));
	struct vdisk_error err;
	int ret = EXIT_DONE;

	if (!status)
		return fail("attach: no memory");
	if (vdisk_client_get(waiter->client, number, status, &err) < 0)
		ret = fail("attach: vdisk%u: %s", number, err.text);
	else
		print_object(json_status(status), false);
	free(status);
	return ret;
}

/* The server whose trouble @waiter saw last; the only one; or NULL. */
static const struct vdisk_server *culprit(const struct waiter *waiter,
					  const struct vdisk_attach *attach)
{
	const struct vdisk_event_info *last = &waiter->last;
	unsigned int i;

	for (i = 0; last->reason[0] && i < attach->nr_servers; i++)
		if (attach->server[i].port == last->port &&
		    !strcmp(attach->server[i].host, last->host))
			return &attach->server[i];
	return attach->nr_servers == 1 ? &attach->server[0] : NULL;
}

static void tell_why(const struct waiter *waiter, const struct vdisk_attach *attach,
		     const char *reason)
{
	const struct vdisk_server *server = culprit(waiter, attach);
	bool interrupted = !reason[0];
	const char *brackets;

	if (interrupted)
		reason = waiter->last.reason[0] ? waiter->last.reason : "no server answered yet";
	if (!server) {
		fail("attach: %s%s", interrupted ? "interrupted: " : "", reason);
		return;
	}
	/* A session's token stays out of logs. */
	brackets = strchr(server->host, ':') ? "[]" : "";
	fail("attach: %snbd://%.1s%s%.1s:%u/%s: %s", interrupted ? "interrupted: " : "", brackets,
	     server->host, brackets[0] ? "]" : "", server->port,
	     server->export[0] == '~' ? "~" : server->export, reason);
}

/*
 * An interrupted or failed wait leaves no device behind.  One that has failed
 * (EIO) goes by itself, and one that went (ENODEV) is gone: its number may be
 * another one's by now, so it is not detached by it.
 */
static int give_up(struct waiter *waiter, const struct vdisk_attach *attach, uint32_t number,
		   const struct vdisk_error *why)
{
	struct vdisk_error err;
	int ret = 0;

	tell_why(waiter, attach, why->code == EINTR ? "" : why->text);
	if (why->code == ENODEV)
		return EXIT_FAILED;
	if (why->code != EIO)
		ret = vdisk_client_detach(waiter->client, number, true, &err);
	if (ret == -ENODEV)
		return EXIT_FAILED;
	if (!ret) {
		waiter_deafen(waiter);
		ret = wait_gone(waiter, number, GONE_MS, &err);
	}
	if (ret < 0)
		fail("attach: vdisk%u: cannot detach it: %s", number, err.text);
	return EXIT_FAILED;
}

static int attach_device(struct waiter *waiter, const struct request *request)
{
	struct vdisk_error err;
	uint32_t number;
	char path[32];
	int ret;

	if (vdisk_client_attach(waiter->client, &request->attach, &number, &err) < 0) {
		if (request->attach.number >= 0)
			return fail("attach: vdisk%d: %s", request->attach.number, err.text);
		return fail("attach: %s", err.text);
	}
	if (wait_ready(waiter, number, &err) < 0)
		return give_up(waiter, &request->attach, number, &err);
	snprintf(path, sizeof(path), "/dev/vdisk%u", number);
	ret = wait_for_node(number, path);
	if (ret)
		return ret;
	if (request->json)
		return print_json(waiter, number);
	puts(path);
	return EXIT_DONE;
}

/* The farm's word on where writes go, unless the command line has one. */
static int take_farm_overlay(struct request *request, const struct session *session,
			     struct vdisk_error *err)
{
	const char *overlay = session_text(session->json, "overlay");
	struct vdisk_attach *attach = &request->attach;

	if (request->overlay_given || (attach->flags & VDISK_F_WRITE_THROUGH))
		return 0;
	return parse_overlay(overlay[0] ? overlay : "ram", memory_total(), &attach->overlay, err);
}

static int run(struct request *request)
{
	struct vdisk_error err;
	struct waiter waiter;
	int ret;

	if (waiter_open(&waiter, true, &err) < 0)
		return fail("%s", err.text);
	ret = attach_device(&waiter, request);
	waiter_close(&waiter);
	return ret;
}

/* Why a boot ended here, as far as the log knows. */
static void tell_farm(struct session *session)
{
	struct vdisk_error err;
	char *log = kernel_log();

	if (session_event(session, "failed", seconds_up(), -1, log ? log : "no log", &err) < 0)
		warn("attach: %s", err.text);
	free(log);
}

/* Logs in, then attaches what the farm says; a session that led to nothing is ended. */
static int run_at_farm(struct request *request)
{
	const char *root = request->login.means.root;
	struct session session;
	struct vdisk_error err;
	int64_t begin = now_ms(), gone;
	int ret = EXIT_FAILED;

	request->login.patience = request->attach.patience;
	if (session_login(&request->target, &request->login, &session, &err) < 0)
		return fail("attach: login: %s", err.text);
	gone = (now_ms() - begin) / 1000;
	if (request->attach.patience)
		request->attach.patience = gone + LEAST_WAIT < request->attach.patience ?
			request->attach.patience - gone : LEAST_WAIT;
	if (session_save(&session, root, &err) < 0 ||
	    session_servers(&session, &request->attach, &err) < 0 ||
	    take_farm_overlay(request, &session, &err) < 0)
		fail("attach: %s", err.text);
	else if (!resolve_all(&request->attach))
		ret = run(request);
	if (ret && request->login.menu)
		tell_farm(&session);
	if (ret && session_logout(&session, &err) < 0)
		warn("attach: the session does not end: %s", err.text);
	if (ret)
		session_forget(root);
	session_close(&session);
	return ret;
}

int attach_main(int argc, char **argv)
{
	struct request *request = calloc(1, sizeof(*request));
	int ret;

	if (!request)
		return fail("attach: no memory");
	ret = parse(argc, argv, request);
	if (ret < 0 && request->farm)
		ret = run_at_farm(request);
	else if (ret < 0)
		ret = resolve_all(&request->attach) ? EXIT_FAILED : run(request);
	explicit_bzero(request, sizeof(*request));
	free(request);
	return ret;
}
