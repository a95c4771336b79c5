// SPDX-License-Identifier: GPL-2.0
#include "control.h"

#include <gnutls/gnutls.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "bootlog.h"
#include "catalog.h"
#include "config.h"
#include "error.h"
#include "http.h"
#include "login.h"
#include "log.h"
#include "pem.h"
#include "server.h"
#include "session.h"

enum { PATIENCE_MS = 5000, PATIENCE_DOWN_MS = 100 };

/* Also what the data plane asks: it needs no catalog any more from here on. */
static int start_logins(struct control *control)
{
	struct vdisk_error err = { .code = 0 };
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/ca.crt", control->config->keys);
	if (pin_of_file(path, control->pin, &err))
		*control->pin = '\0';
	ret = token_farm(&control->farm_key, control->farm);
	if (!ret)
		ret = bootlog_start(control, &err);
	if (!ret)
		ret = session_start(control, &err);
	if (!ret)
		ret = login_start(control, &err);
	if (ret) {
		log_event(LOG_LEVEL_ERROR, "cannot begin with sessions", "reason", err.text);
		return -1;
	}
	control->server->gate = control->gate;
	return 0;
}

static int open_all(struct control *control)
{
	const struct config *config = control->config;
	struct vdisk_error err = { .code = 0 };
	int ret;

	ret = pem_load_farm_key(config->keys, &control->farm_key);
	if (ret < 0)
		return -1;
	control->has_farm_key = ret;
	if (!ret)
		log_event(LOG_LEVEL_WARNING, "nobody can log in", "reason", "there is no farm.key",
			  "on", config->keys, "hint", "'vdiskadm init' makes it");
	if (catalog_open(&control->catalog, config->catalog, &err)) {
		log_event(LOG_LEVEL_ERROR, "cannot open the catalog", "on", config->catalog,
			  "reason", err.text);
		return -1;
	}
	return start_logins(control) ? -1 : http_start(control);
}

struct control *control_start(const struct config *config, struct server *server)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		log_event(LOG_LEVEL_ERROR, "no memory for the control plane");
		return NULL;
	}
	control->config = config;
	control->server = server;
	control->started = time(NULL);
	control->connections_most = server->http_most;
	if (!open_all(control))
		return control;
	control_stop(control);
	return NULL;
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	http_stop(control);
	login_stop(control);
	session_stop(control);
	bootlog_stop(control);
	catalog_close(control->catalog);
	gnutls_memset(&control->farm_key, 0, sizeof(control->farm_key));
	free(control);
}

void control_reload(struct control *control)
{
	if (control)
		http_reload(control);
}

void control_tick(struct control *control)
{
	if (!control)
		return;
	http_tick();
	/* While it is down each request would wait in vain, and keep a thread. */
	catalog_patience(control->catalog, http_catalog_failed() ? PATIENCE_DOWN_MS : PATIENCE_MS);
}
