// SPDX-License-Identifier: GPL-2.0
/*
 * vdiskctl identity: what this machine is called in its farm; and, in the initramfs,
 * writes that into the root filesystem before it is switched to.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"
#include "hostcert.h"
#include "install.h"
#include "json.h"
#include "session.h"
#include "sshkey.h"
#include "vdiskctl.h"

enum identity_option { OPT_INTO = 256, OPT_CREDENTIALS, OPT_DEBUG, OPT_JSON };

/* What goes wrong with one thing is told, and does not stop the others. */
struct outcome {
	unsigned int failed;
};

static void put(struct outcome *outcome, int root, const char *path, mode_t mode,
		const char *text, size_t len)
{
	struct vdisk_error err;

	if (install_file(root, path, mode, text, len, &err) < 0) {
		warn("identity: %s", err.text);
		outcome->failed++;
	}
}

static void put_text(struct outcome *outcome, int root, const char *path, mode_t mode,
		     const char *text)
{
	put(outcome, root, path, mode, text, strlen(text));
}

static void put_names(struct outcome *outcome, int root, const json_t *session)
{
	char line[128];

	snprintf(line, sizeof(line), "%s\n", session_text(session, "client"));
	put_text(outcome, root, "/etc/hostname", 0644, line);
	if (session_text(session, "machine_id")[0]) {
		snprintf(line, sizeof(line), "%s\n", session_text(session, "machine_id"));
		put_text(outcome, root, "/etc/machine-id", 0444, line);
	}
}

static void put_files(struct outcome *outcome, int root, const json_t *session)
{
	struct vdisk_error err;
	json_t *file, *content;
	size_t i;

	json_array_foreach(json_object_get(session, "files"), i, file) {
		/* Checked when it came; but it has been in a file since. */
		if (check_file(file, &err) < 0) {
			warn("identity: %s", err.text);
			outcome->failed++;
			continue;
		}
		content = json_object_get(file, "content");
		put(outcome, root, session_text(file, "path"), check_file_mode(file),
		    json_string_value(content), json_string_length(content));
	}
}

/* Whether the farm's files have a key or certificate of their own for this place. */
static bool is_told(const json_t *session)
{
	json_t *file;
	size_t i;

	json_array_foreach(json_object_get(session, "files"), i, file)
		if (!strncmp(session_text(file, "path"), HOST_KEY, strlen(HOST_KEY)))
			return true;
	return false;
}

/*
 * The farm's signature under the machine's new host key.  A farm may have none to give;
 * else the agent has to know when the next is due, or that it is for it to get the first.
 */
static void put_certificate(struct outcome *outcome, int root, struct session *session,
			    const char *public)
{
	struct vdisk_error err;
	struct hostcert cert;
	bool refused;

	if (hostcert_ask(session, public, &cert, &refused, &err) < 0) {
		warn("identity: no ssh certificate: %s", err.text);
		if (refused)
			return;
		cert.due = seconds_up();
	} else if (hostcert_write(root, &cert, &err) < 0) {
		warn("identity: %s", err.text);
		outcome->failed++;
	}
	if (!is_told(session->json))
		hostcert_set_due(session, cert.due);
}

/* A host key of an image is one that all its machines share, so it is nobody's. */
static void put_ssh(struct outcome *outcome, int root, struct session *session)
{
	char private[SSH_PRIVATE_TEXT], public[SSH_PUBLIC_TEXT];
	struct vdisk_error err;

	if (!install_exists(root, "/etc/ssh"))
		return;
	if (sshkey_make(session_text(session->json, "client"), private, public, &err) < 0) {
		warn("identity: no ssh host key: %s", err.text);
		outcome->failed++;
		return;
	}
	put_text(outcome, root, HOST_KEY, 0600, private);
	explicit_bzero(private, sizeof(private));
	put_certificate(outcome, root, session, public);
	strcat(public, "\n");
	put_text(outcome, root, HOST_KEY ".pub", 0644, public);
}

/* Where systemd looks for them: systemd.exec(5), LoadCredential=. */
static void put_credentials(struct outcome *outcome, const char *directory, const json_t *session)
{
	char path[256], *public;
	const char *name;
	json_t *value, *copy;
	int fd;

	if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
		warn("identity: %s: %s", directory, strerror(errno));
		outcome->failed++;
		return;
	}
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		warn("identity: %s: %s", directory, strerror(errno));
		outcome->failed++;
		return;
	}
	copy = session_public(session);
	public = json_dumps(copy, JSON_COMPACT);
	json_decref(copy);
	if (public)
		put_text(outcome, fd, "/vdisk.session", 0400, public);
	free(public);
	put_text(outcome, fd, "/vdisk.client", 0400, session_text(session, "client"));
	json_object_foreach(json_object_get(session, "properties"), name, value) {
		snprintf(path, sizeof(path), "/vdisk.property.%s", name);
		put(outcome, fd, path, 0400, json_string_value(value), json_string_length(value));
	}
	close(fd);
}

static int install(const char *into, const char *credentials, const char *tree,
		   struct session *session)
{
	struct outcome outcome = { .failed = 0 };
	struct vdisk_error err;
	int root;

	if (into) {
		root = open(into, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			return fail("identity: %s: %s", into, strerror(errno));
		put_names(&outcome, root, session->json);
		put_ssh(&outcome, root, session);
		/* Last, so that the administrator's word counts over ours. */
		put_files(&outcome, root, session->json);
		close(root);
		if (hostcert_due(session) >= 0 && session_save(session, tree, &err) < 0) {
			warn("identity: %s", err.text);
			outcome.failed++;
		}
	}
	if (credentials)
		put_credentials(&outcome, credentials, session->json);
	return outcome.failed ? EXIT_FAILED : EXIT_DONE;
}

int identity_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, MEANS_ROOT },
		{ "into", required_argument, NULL, OPT_INTO },
		{ "credentials", required_argument, NULL, OPT_CREDENTIALS },
		{ "debug", no_argument, NULL, OPT_DEBUG },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *root = "", *into = NULL, *credentials = NULL;
	struct session session;
	struct vdisk_error err;
	bool debug = false;
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
		case OPT_INTO:
			into = optarg;
			break;
		case OPT_CREDENTIALS:
			credentials = optarg;
			break;
		case OPT_DEBUG:
			debug = true;
			break;
		}
	}
	if (optind != argc)
		return usage_error("identity: what is '%s'?", argv[optind]);
	if (session_load(root, &session, &err) < 0)
		return fail("identity: %s", err.text);
	if (debug)
		ret = json_is_true(json_object_get(session.json, "debug")) ? EXIT_DONE : EXIT_FAILED;
	else if (into || credentials)
		ret = install(into, credentials, root, &session);
	else {
		print_object(session_public(session.json), false);
		ret = EXIT_DONE;
	}
	session_close(&session);
	return ret;
}
