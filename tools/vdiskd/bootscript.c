// SPDX-License-Identifier: GPL-2.0
/*
 * The boot listener: plain HTTP, GET only.  Nothing here changes what a client is
 * or may, and nothing is a secret; who a machine really is, its login tells.
 * Only timelines get notes.
 */
#include "bootscript.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootlog.h"
#include "catalog.h"
#include "control.h"
#include "error.h"
#include "http.h"
#include "log.h"
#include "login_internal.h"
#include "server.h"
#include "util.h"

enum { SERVER_TEXT = ADDRESS_TEXT + 16 };

static const char script_type[] = "text/plain; charset=utf-8";
static const char file_type[] = "application/octet-stream";

/* Who says neither UUID nor MAC is nobody that people could look for. */
static bool is_somebody(const struct login_machine *machine)
{
	return *machine->said || machine->mac_count;
}

/* What a machine is told in place of a kernel is in its timeline, too. */
static void refuse(struct control *control, const struct login_machine *machine, int64_t client_id,
		   struct bootscript *boot, struct text *out, const char *message)
{
	const struct bootlog_sign sign = { "refused", -1, -1, message };

	if (is_somebody(machine))
		bootlog_seen(control, machine, client_id, true, &sign);
	bootscript_again(out, boot, message);
}

static void give_script(struct http_answer *answer, struct text *out)
{
	text_add(out, "", 1);
	if (out->failed) {
		text_free(out);
		http_problem(answer, 503, "No memory", "the server has no memory left");
		return;
	}
	answer->text = (char *)out->data;
	answer->type = script_type;
}

static void run_entry(struct control *control, struct http_request *request,
		      struct http_answer *answer)
{
	(void)control;
	(void)request;
	answer->text = strdup(bootscript_entry);
	answer->type = script_type;
}

static void run_health(struct control *control, struct http_request *request,
		       struct http_answer *answer)
{
	(void)control;
	(void)request;
	answer->text = strdup("ok\n");
}

/* Our address as the machine sees it, with the API's port. */
static void server_text(struct control *control, const struct http_request *request,
			char text[SERVER_TEXT])
{
	const union MHD_ConnectionInfo *info;
	struct sockaddr_storage here;
	socklen_t length = sizeof(here);
	char host[ADDRESS_TEXT] = "127.0.0.1";
	struct address address;

	info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info && !getsockname(info->connect_fd, (struct sockaddr *)&here, &length)) {
		address = address_from_socket(&here);
		address_format(&address, host);
	}
	snprintf(text, SERVER_TEXT, strchr(host, ':') ? "[%.45s]:%u" : "%.45s:%u", host,
		 http_api_port(control));
}

static void take_query(const struct http_request *request, struct login_machine *machine,
		       struct bootscript *boot, char mac[LOGIN_MAC])
{
	const char *uuid = http_query(request, "uuid"), *said = http_query(request, "mac");
	const char *arch = http_query(request, "arch"), *try = http_query(request, "try");
	char *c;

	if (uuid)
		login_set_uuid(machine, uuid);
	boot->uuid = machine->said;
	mac[0] = '\0';
	if (said && login_add_mac(machine, said) && machine->mac_count)
		strcpy(mac, machine->macs[0]);
	for (c = mac; *c; c++)
		if (*c == ':')
			*c = '-';
	boot->mac = mac;
	boot->arch = arch && strspn(arch, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(arch) &&
		     strlen(arch) < 16 ? arch : "";
	boot->try = try && strspn(try, "0123456789") == strlen(try) && strlen(try) < 5 ?
		    strtoul(try, NULL, 10) : 0;
	snprintf(machine->address, sizeof(machine->address), "%s", request->from);
}

static json_t *one_choice(const json_t *image, int64_t version)
{
	return json_pack("[{s:O s:O s:O s:I}]", "name", json_object_get(image, "name"), "label",
			 json_object_get(image, "name"), "image", json_object_get(image, "name"),
			 "version", (json_int_t)version);
}

/*
 * The image of @row, an assignment or an enrolment, that machines like this one
 * log in with; NULL: none.
 */
static int image_choice(struct control *control, const json_t *row, json_t **choices,
			json_t *missing, struct vdisk_error *err)
{
	const json_t *image_id = json_object_get(row, "image_id");
	const json_t *version = json_object_get(row, "version");
	const char *state = login_text(row, "state");
	json_t *image = NULL;
	int64_t number = 0;
	int ret;

	if (!json_is_integer(image_id))
		return 0;
	ret = catalog_get_id(control->catalog, CATALOG_IMAGE, json_integer_value(image_id), &image,
			     err);
	if (ret || json_is_true(json_object_get(image, "deleted")))
		goto out;
	if (state)
		ret = login_newest(control, image_id, login_text(image, "name"), state, missing,
				   &number, err);
	else
		number = json_is_integer(version) ? json_integer_value(version) :
			 login_integer(image, "current");
	if (!ret && number)
		*choices = one_choice(image, number);
out:
	json_decref(image);
	return ret;
}

/* The first of a group's assignments that can be booted now. */
static int assigned_choice(struct control *control, int64_t group_id, json_t **choices,
			   json_t *missing, struct vdisk_error *err)
{
	json_t *rows = NULL, *row, *filter;
	size_t i;
	int ret;

	filter = json_pack("{s:I s:s}", "group_id", (json_int_t)group_id, "$order", "position");
	ret = catalog_list(control->catalog, CATALOG_ASSIGNMENT, filter, &rows, err);
	json_decref(filter);
	json_array_foreach(rows, i, row) {
		if (ret || *choices)
			break;
		ret = image_choice(control, row, choices, missing, err);
	}
	json_decref(rows);
	return ret;
}

/* The first that the group @id, or one above it, has. */
static int group_choice(struct control *control, int64_t id, json_t **choices,
			json_t *missing, struct vdisk_error *err)
{
	json_t *groups = NULL, *row;
	size_t i;
	int ret;

	ret = catalog_groups(control->catalog, id, &groups, err);
	json_array_foreach(groups, i, row) {
		if (ret || *choices)
			break;
		ret = assigned_choice(control, login_integer(row, "id"), choices, missing, err);
	}
	json_decref(groups);
	return ret;
}

/* What a machine gets that the open @window would enrol. */
static int window_choice(struct control *control, const json_t *window, json_t **choices,
			 json_t *missing, struct vdisk_error *err)
{
	int ret = image_choice(control, window, choices, missing, err);

	if (!ret && !*choices && json_is_integer(json_object_get(window, "group_id")))
		ret = group_choice(control, login_integer(window, "group_id"), choices, missing, err);
	return ret;
}

/*
 * A machine that nobody knows: whether it is enrolled or shown as pending, its
 * login decides; for that it needs a kernel.
 */
static int script_unknown(struct control *control, const struct login_machine *machine,
			  struct bootscript *boot, struct text *out, struct vdisk_error *err)
{
	json_t *window = NULL, *choices = NULL, *group = NULL, *missing = json_array();
	char words[LOGIN_WORDS], message[LOGIN_WORDS + 64];
	bool pending;
	int ret;

	ret = login_window(control, machine->address, &window, err);
	if (!ret && window)
		ret = window_choice(control, window, &choices, missing, err);
	if (!ret && !choices)
		ret = login_unknown_group(control, machine->address, &group, err);
	if (!ret && group)
		ret = group_choice(control, login_integer(group, "id"), &choices, missing, err);
	pending = window || (group && !strcmp(login_text(group, "unknown"), "pending"));
	if (!ret && choices && pending) {
		bootscript_boot(out, boot, choices);
	} else if (!ret && pending && login_missing(missing, NULL, words)) {
		snprintf(message, sizeof(message), "this machine is not known here, and %s", words);
		refuse(control, machine, 0, boot, out, message);
	} else if (!ret && pending) {
		refuse(control, machine, 0, boot, out, "this machine is not known here, and there is no image to log in with: assign one to the group of this network");
	} else if (!ret) {
		refuse(control, machine, 0, boot, out, "this machine is not known here: ask the administrator, who sees it by its UUID and MAC");
	}
	json_decref(window);
	json_decref(choices);
	json_decref(group);
	json_decref(missing);
	return ret;
}

static int script_known(struct control *control, const struct login_machine *machine,
			const json_t *client, struct bootscript *boot, struct text *out,
			struct vdisk_error *err)
{
	char message[LOGIN_WORDS + 128], words[LOGIN_WORDS];
	json_t *choices = NULL, *missing;
	int64_t id = login_integer(client, "id");
	int ret;

	boot->client = login_text(client, "name");
	if (!json_is_true(json_object_get(client, "enabled"))) {
		snprintf(message, sizeof(message), "client %s is disabled", boot->client);
		refuse(control, machine, id, boot, out, message);
		return 0;
	}
	/* Private images, too: whether it may, the login says. */
	missing = json_array();
	ret = login_choices(control, id, true, &choices, NULL, missing, err);
	if (!ret && json_array_size(choices)) {
		bootscript_boot(out, boot, choices);
	} else if (!ret) {
		bool why = login_missing(missing, NULL, words);

		snprintf(message, sizeof(message), "client %s has no image that could boot%s%s",
			 boot->client, why ? ": " : "", why ? words : "");
		refuse(control, machine, id, boot, out, message);
	}
	json_decref(choices);
	json_decref(missing);
	return ret;
}

static int make_script(struct control *control, const struct login_machine *machine,
		       struct bootscript *boot, struct text *out, struct vdisk_error *err)
{
	const struct bootlog_sign sign = { "script", -1, -1, NULL };
	char words[LOGIN_WORDS], message[LOGIN_WORDS + 64];
	enum login_match match;
	json_t *client = NULL;
	int ret;

	ret = login_find(control->catalog, machine, &match, &client, words, err);
	if (!ret && is_somebody(machine))
		bootlog_seen(control, machine, match == LOGIN_FOUND ? login_integer(client, "id") : 0,
			     boot->try, &sign);
	if (!ret && match == LOGIN_FOUND)
		ret = script_known(control, machine, client, boot, out, err);
	else if (!ret && match == LOGIN_UNKNOWN)
		ret = script_unknown(control, machine, boot, out, err);
	else if (!ret) {
		snprintf(message, sizeof(message), "this machine can't be told from another: %.300s",
			 words);
		refuse(control, machine, 0, boot, out, message);
	}
	json_decref(client);
	return ret;
}

static void run_kind(struct control *control, struct http_request *request,
		     struct http_answer *answer, const struct bootscript_kind *kind)
{
	struct bootscript boot = { .kind = kind, .store = control->server->store.directory };
	struct login_machine machine = { .mac_count = 0 };
	char mac[LOGIN_MAC], server[SERVER_TEXT];
	struct text out = { .data = NULL };
	struct vdisk_error err = { .code = 0 };
	size_t head;

	take_query(request, &machine, &boot, mac);
	server_text(control, request, server);
	boot.server = server;
	text_add(&out, kind->head, strlen(kind->head));
	head = out.length;
	if (make_script(control, &machine, &boot, &out, &err)) {
		out.length = head;
		log_limited(LOG_LEVEL_ERROR, "no boot script", "from", request->from, "reason",
			    err.text);
		bootscript_again(&out, &boot, "the server's catalog does not answer");
	}
	give_script(answer, &out);
}

static void run_script(struct control *control, struct http_request *request,
		       struct http_answer *answer)
{
	run_kind(control, request, answer, &bootscript_ipxe);
}

static void run_grub(struct control *control, struct http_request *request,
		     struct http_answer *answer)
{
	run_kind(control, request, answer, &bootscript_grub);
}

/* All of it is with the machine. */
static void file_sent(struct control *control, const struct http_request *request,
		      const struct http_answer *answer, double seconds)
{
	const struct bootlog_sign sign = {
		strcmp(request->segments[2], "vmlinuz") ? "initramfs" : "kernel", answer->size,
		seconds, NULL,
	};

	bootlog_fetched(control, request->from, &sign);
}

static bool is_number(const char *text)
{
	return *text >= '1' && *text <= '9' && strlen(text) <= 10 &&
	       strspn(text, "0123456789") == strlen(text);
}

static void give_file(struct http_answer *answer, int directory, const char *path)
{
	struct stat st;
	int fd;

	fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		http_problem(answer, 404, "Not found", "there is no such file");
		return;
	}
	answer->fd = fd;
	answer->size = st.st_size;
	answer->type = file_type;
}

static void run_file(struct control *control, struct http_request *request,
		     struct http_answer *answer)
{
	const char *name = request->segments[0], *number = request->segments[1];
	const char *file = request->segments[2];
	char path[NAME_SIZE + 32];

	if (!name_valid(name, strlen(name)) || !is_number(number) ||
	    (strcmp(file, "vmlinuz") && strcmp(file, "initrd.img"))) {
		http_problem(answer, 404, "Not found", "there is no such file");
		return;
	}
	snprintf(path, sizeof(path), "%s/%s/%s", name, number, file);
	give_file(answer, control->server->store.directory, path);
	if (answer->fd >= 0)
		answer->sent = file_sent;
}

/* iPXE itself, for firmware that boots by HTTP. */
static void run_ipxe(struct control *control, struct http_request *request,
		     struct http_answer *answer)
{
	static const char *const files[] = {
		"ipxe.efi", "snponly.efi", "undionly.kpxe", "ipxe.pxe", "ipxe.lkrn", "ipxe-arm64.efi",
	};
	char path[64];
	unsigned int i;

	(void)control;
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i], request->segments[0]))
			break;
	if (i == ARRAY_SIZE(files)) {
		http_problem(answer, 404, "Not found", "there is no such file");
		return;
	}
	snprintf(path, sizeof(path), "/usr/lib/ipxe/%s", files[i]);
	give_file(answer, AT_FDCWD, path);
}

const struct http_route boot_routes[] = {
	{ "GET", "/boot.ipxe", ROLE_ANYONE, run_entry, 0, 0 },
	{ "GET", "/boot/script", ROLE_ANYONE, run_script, 0, 0 },
	{ "GET", "/boot/grub.cfg", ROLE_ANYONE, run_grub, 0, 0 },
	{ "GET", "/boot/ipxe/{file}", ROLE_ANYONE, run_ipxe, 0, 0 },
	{ "GET", "/boot/{image}/{version}/{file}", ROLE_ANYONE, run_file, 0, 0 },
	{ "GET", "/healthz", ROLE_ANYONE, run_health, ROUTE_QUIET, 0 },
	{ .method = NULL },
};
