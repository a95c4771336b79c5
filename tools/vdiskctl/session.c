// SPDX-License-Identifier: GPL-2.0
/* What is kept of a session, and what is said to the farm in its course. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "check.h"
#include "session.h"
#include "vdiskctl.h"

enum { SESSION_FILE_MAX = 4 << 20 };

const char *session_text(const json_t *session, const char *key)
{
	const char *text = json_string_value(json_object_get(session, key));

	return text ? text : "";
}

double seconds_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Directory of the session's file, for root alone to write. */
static int make_directory(const char *path, struct vdisk_error *err)
{
	char directory[PATH_MAX], *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	*slash = '\0';
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return vdisk_error_set(err, errno, "%s: %s", directory, strerror(errno));
	return 0;
}

/* Never half a file, and never readable for others, not even for a moment. */
static int write_private(const char *path, const json_t *json, struct vdisk_error *err)
{
	char temporary[PATH_MAX];
	int fd, ret = 0;

	if (snprintf(temporary, sizeof(temporary), "%s.%d", path, getpid()) >= (int)sizeof(temporary))
		return vdisk_error_set(err, ENAMETOOLONG, "%s: too long", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return vdisk_error_set(err, errno, "%s: %s", temporary, strerror(errno));
	if (json_dumpfd(json, fd, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0)
		ret = vdisk_error_set(err, EIO, "%s: cannot be written", temporary);
	if (close(fd) < 0 && !ret)
		ret = vdisk_error_set(err, errno, "%s: %s", temporary, strerror(errno));
	if (!ret && rename(temporary, path) < 0)
		ret = vdisk_error_set(err, errno, "%s: %s", path, strerror(errno));
	if (ret < 0)
		unlink(temporary);
	return ret;
}

/* For scripts of the initramfs: the machine's name, and whether a shell is allowed. */
static int write_notes(const struct session *session, const char *root)
{
	char path[PATH_MAX];
	FILE *file;

	file = fopen(path_in(root, "/run/vdisk/client", path, sizeof(path)), "we");
	if (!file)
		return -errno;
	fprintf(file, "%s\n", session_text(session->json, "client"));
	if (fclose(file))
		return -errno;
	/* The farm says so once: another login of the same boot does not take it back. */
	if (!json_is_true(json_object_get(session->json, "debug")))
		return 0;
	file = fopen(path_in(root, "/run/vdisk/debug", path, sizeof(path)), "we");
	return !file || fclose(file) ? -errno : 0;
}

int session_save(const struct session *session, const char *root, struct vdisk_error *err)
{
	char path[PATH_MAX];
	int ret;

	path_in(root, SESSION_FILE, path, sizeof(path));
	ret = make_directory(path, err);
	if (!ret)
		ret = write_private(path, session->json, err);
	if (ret < 0)
		return ret;
	ret = write_notes(session, root);
	return ret < 0 ? vdisk_error_set(err, -ret, "/run/vdisk: %s", strerror(-ret)) : 0;
}

json_t *session_read(const char *root, struct vdisk_error *err)
{
	char path[PATH_MAX];
	json_error_t why;
	struct stat st;
	json_t *json;
	FILE *file;

	path_in(root, SESSION_FILE, path, sizeof(path));
	file = fopen(path, "re");
	if (!file) {
		vdisk_error_set(err, errno, errno == ENOENT ? "this machine has no session (%s: %s)" :
				"%s: %s", path, strerror(errno));
		return NULL;
	}
	json = !fstat(fileno(file), &st) && st.st_size <= SESSION_FILE_MAX ?
		json_loadf(file, 0, &why) : NULL;
	fclose(file);
	if (!json || check_session(json, err) < 0) {
		vdisk_error_set(err, EPROTO, "%s: not a session", path);
		json_decref(json);
		return NULL;
	}
	return json;
}

static void say(void *context, const char *text)
{
	(void)context;
	warn("%s", text);
}

/* The server that gave the session first: it is the one that knows most of it. */
static int reopen(struct session *session, struct vdisk_error *err)
{
	const json_t *farm = json_object_get(session->json, "farm"), *server;
	const char *list[FARM_SERVERS_MAX], *pin = session_text(farm, "pin");
	struct farm_options options = {
		.servers = list, .answer_max = 8 << 20, .notice = say,
		.pin = pin[0] ? pin : NULL, .trust_network = !pin[0],
		.token = session_text(session->json, "bearer"),
	};
	size_t i;

	json_array_foreach(json_object_get(farm, "servers"), i, server)
		if (options.nr_servers < FARM_SERVERS_MAX && json_is_string(server))
			list[options.nr_servers++] = json_string_value(server);
	return farm_open(&session->farm, &options, err);
}

int session_load(const char *root, struct session *session, struct vdisk_error *err)
{
	int ret;

	memset(session, 0, sizeof(*session));
	session->json = session_read(root, err);
	if (!session->json)
		return -err->code;
	ret = reopen(session, err);
	if (ret < 0)
		session_close(session);
	return ret;
}

void session_forget(const char *root)
{
	char path[PATH_MAX];

	unlink(path_in(root, SESSION_FILE, path, sizeof(path)));
}

void session_close(struct session *session)
{
	farm_close(session->farm);
	json_decref(session->json);
	memset(session, 0, sizeof(*session));
}

int session_servers(const struct session *session, struct vdisk_attach *attach,
		    struct vdisk_error *err)
{
	const char *token = session_text(session->json, "export");
	const json_t *one;
	size_t i;

	attach->nr_servers = 0;
	json_array_foreach(json_object_get(session->json, "servers"), i, one) {
		struct vdisk_server *server = &attach->server[attach->nr_servers++];

		memset(server, 0, sizeof(*server));
		strcpy(server->host, session_text(one, "address"));
		strcpy(server->export, token);
		server->port = json_integer_value(json_object_get(one, "port"));
	}
	return attach->nr_servers ? 0 : vdisk_error_set(err, EPROTO, "the farm names no server");
}

/* "/v1/sessions/ID" and @rest. */
static const char *session_path(const struct session *session, const char *rest, char *room,
				size_t size)
{
	const json_t *id = json_object_get(session->json, "session");

	if (json_is_integer(id))
		snprintf(room, size, "/v1/sessions/%lld%s", (long long)json_integer_value(id), rest);
	else
		snprintf(room, size, "/v1/sessions/%s%s", json_string_value(id), rest);
	return room;
}

int session_post(struct session *session, const char *what, const json_t *body,
		 struct farm_answer *answer, struct vdisk_error *err)
{
	struct farm_request request = { .method = "POST", .repeat = true, .body = body };
	char path[256];
	int ret;

	request.path = session_path(session, what, path, sizeof(path));
	ret = farm_request(session->farm, &request, answer, err);
	return ret ? ret : farm_complaint(answer, err);
}

int session_event(struct session *session, const char *step, double seconds, int64_t bytes,
		  const char *text, struct vdisk_error *err)
{
	struct farm_answer answer;
	json_t *body;
	int ret;

	body = json_pack("{s:s, s:f}", "step", step, "seconds", seconds);
	if (bytes >= 0)
		json_object_set_new(body, "bytes", json_integer(bytes));
	if (text)
		json_object_set_new(body, "text", json_string(text));
	ret = session_post(session, "/events", body, &answer, err);
	json_decref(body);
	farm_answer_free(&answer);
	return ret;
}

int session_logout(struct session *session, struct vdisk_error *err)
{
	struct farm_request request = { .method = "DELETE" };
	struct farm_answer answer;
	char path[256];
	int ret;

	request.path = session_path(session, "", path, sizeof(path));
	ret = farm_request(session->farm, &request, &answer, err);
	if (ret < 0)
		return ret;
	ret = farm_complaint(&answer, err);
	farm_answer_free(&answer);
	return ret;
}

json_t *session_public(const json_t *session)
{
	static const char *const secret[] = {
		"export", "bearer", "stream_key", "files", "properties", "farm", "certificate_due"
	};
	json_t *copy = json_deep_copy(session), *list, *properties, *files;
	size_t i;
	void *at;

	for (i = 0; i < sizeof(secret) / sizeof(*secret); i++)
		json_object_del(copy, secret[i]);
	/* Nobody says here which of them are secret: only their names are shown. */
	list = json_array();
	properties = json_object_get(session, "properties");
	for (at = json_object_iter(properties); at; at = json_object_iter_next(properties, at))
		json_array_append_new(list, json_string(json_object_iter_key(at)));
	json_object_set_new(copy, "properties", list);
	list = json_array();
	files = json_object_get(session, "files");
	for (i = 0; i < json_array_size(files); i++)
		json_array_append_new(list, json_string(session_text(json_array_get(files, i), "path")));
	json_object_set_new(copy, "files", list);
	return copy;
}
