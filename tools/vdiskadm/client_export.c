// SPDX-License-Identifier: GPL-2.0
/* vdiskadm client export: clients as CSV. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ask.h"
#include "client.h"
#include "client_csv.h"
#include "text.h"
#include "vdiskadm.h"

/* Under another name until it is complete. */
static int write_file(const json_t *clients, const char *path)
{
	char *new = text_format("%s.new", path);
	FILE *to = fopen(new, "we");
	int ret = EXIT_DONE;

	if (!to) {
		ret = fail_here("cannot create %s: %s", new, strerror(errno));
		free(new);
		return ret;
	}
	clients_write(clients, to);
	if (ferror(to) | fclose(to))
		ret = fail_here("cannot write %s: %s", new, strerror(errno));
	else if (rename(new, path) < 0)
		ret = fail_here("cannot rename %s to %s: %s", new, path, strerror(errno));
	if (ret)
		remove(new);
	free(new);
	return ret;
}

static int export(const struct arguments *arguments)
{
	char *path = query_path("/v1/clients", arguments->body);
	struct vdisk_error err;
	json_t *clients;
	int ret;

	ret = fetch_list(path, &clients, &err);
	free(path);
	if (ret < 0)
		return fail_here("%s", err.text);
	ret = EXIT_DONE;
	if (arguments->names.count && strcmp(arguments->names.name[0], "-"))
		ret = write_file(clients, arguments->names.name[0]);
	else
		clients_write(clients, stdout);
	json_decref(clients);
	return ret;
}

int client_export_main(int argc, char **argv)
{
	static const struct field fields[] = { { .option = "group", .key = "group" }, { 0 } };
	struct arguments arguments;
	int ret;

	ret = arguments_take(argc, argv, TAKES_WORDS, fields, &arguments);
	if (ret == GO_ON && arguments.names.count > 1)
		ret = usage_error("more than one file");
	if (ret == GO_ON)
		ret = export(&arguments);
	arguments_free(&arguments);
	return ret;
}
