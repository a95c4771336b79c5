// SPDX-License-Identifier: GPL-2.0
/* vdiskctl login, logout, event: a session of its own, for scripts and the initramfs. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "json.h"
#include "klog.h"
#include "parse.h"
#include "session.h"
#include "vdiskctl.h"

enum { DEFAULT_WAIT = 30 };

enum login_option {
	OPT_WAIT = 256, OPT_MENU, OPT_SECRETS, OPT_TAKEOVER, OPT_LOG, OPT_TEXT, OPT_BYTES, OPT_JSON,
};

static int write_secrets(const char *path, const json_t *json, struct vdisk_error *err)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (json_dumpfd(json, fd, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0)
		ret = vdisk_error_set(err, EIO, "%s: cannot be written", path);
	if (close(fd) < 0 && !ret)
		ret = vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	return ret;
}

static int login(struct farm_target *target, const struct login_options *options,
		 const char *secrets)
{
	struct session session;
	struct vdisk_error err;
	int ret;

	if (session_login(target, options, &session, &err) < 0)
		return fail("login: %s", err.text);
	ret = session_save(&session, options->means.root, &err);
	if (!ret && secrets)
		ret = write_secrets(secrets, session.json, &err);
	if (!ret)
		print_object(session_public(session.json), false);
	session_close(&session);
	return ret < 0 ? fail("login: %s", err.text) : EXIT_DONE;
}

int login_main(int argc, char **argv)
{
	static const struct option options[] = {
		MEANS_OPTIONS,
		{ "wait", required_argument, NULL, OPT_WAIT },
		{ "menu", no_argument, NULL, OPT_MENU },
		{ "takeover", no_argument, NULL, OPT_TAKEOVER },
		{ "secrets", required_argument, NULL, OPT_SECRETS },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct login_options login_options = { .patience = DEFAULT_WAIT };
	struct farm_target target = { .automatic = false };
	const char *secrets = NULL;
	struct vdisk_error err;
	int option, ret = 0;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'h':
			return EXIT_DONE;
		case '?':
			return EXIT_USAGE;
		case OPT_WAIT:
			ret = parse_number(optarg, 0, VDISK_SECONDS_MAX, "--wait",
					   &login_options.patience, &err);
			break;
		case OPT_MENU:
			login_options.menu = true;
			break;
		case OPT_TAKEOVER:
			login_options.takeover = true;
			break;
		case OPT_SECRETS:
			secrets = optarg;
			break;
		case OPT_JSON:
			break;
		default:
			ret = means_take(&login_options.means, option, optarg, &err);
		}
		if (ret < 0)
			return usage_error("login: %s", err.text);
	}
	if (target_add_all(&target, argv + optind, &err) < 0)
		return usage_error("login: %s", err.text);
	return login(&target, &login_options, secrets);
}

int logout_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, MEANS_ROOT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *root = "";
	struct session session;
	struct vdisk_error err;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		if (option == 'h')
			return EXIT_DONE;
		if (option == '?')
			return EXIT_USAGE;
		root = optarg;
	}
	if (optind != argc)
		return usage_error("logout: what is '%s'?", argv[optind]);
	if (session_load(root, &session, &err) < 0)
		return fail("logout: %s", err.text);
	ret = session_logout(&session, &err);
	session_close(&session);
	/* A session that the farm does not know any more has ended, too. */
	if (ret < 0 && ret != -ENOENT)
		return fail("logout: %s", err.text);
	session_forget(root);
	return EXIT_DONE;
}

int event_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, MEANS_ROOT },
		{ "log", no_argument, NULL, OPT_LOG },
		{ "text", required_argument, NULL, OPT_TEXT },
		{ "bytes", required_argument, NULL, OPT_BYTES },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char *log = NULL, *both = NULL;
	const char *root = "", *text = NULL;
	struct session session;
	struct vdisk_error err;
	uint64_t bytes = UINT64_MAX;
	int option, ret;

	while ((option = next_option(argc, argv, options)) != -1) {
		switch (option) {
		case 'h':
			return EXIT_DONE;
		case '?':
			return EXIT_USAGE;
		case MEANS_ROOT:
			root = optarg;
			break;
		case OPT_LOG:
			log = log ? log : kernel_log();
			break;
		case OPT_TEXT:
			text = optarg;
			break;
		case OPT_BYTES:
			if (parse_size(optarg, &bytes, &err) < 0)
				return usage_error("event: %s", err.text);
			break;
		}
	}
	if (argc - optind != 1 || !is_word(argv[optind], 1, 32, "-"))
		return usage_error("event: exactly one step");
	if (session_load(root, &session, &err) < 0) {
		free(log);
		return fail("event: %s", err.text);
	}
	if (text && log && asprintf(&both, "%s\n%s", text, log) < 0)
		both = NULL;
	ret = session_event(&session, argv[optind], seconds_up(),
			    bytes == UINT64_MAX ? -1 : (int64_t)bytes,
			    both ? both : text ? text : log, &err);
	session_close(&session);
	free(both);
	free(log);
	return ret < 0 ? fail("event: %s", err.text) : EXIT_DONE;
}
