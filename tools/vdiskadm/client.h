/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of "vdiskadm client" share. */
#ifndef VDISKADM_CLIENT_H
#define VDISKADM_CLIENT_H

#include "resource.h"

extern const struct resource client_resource;

/* The words of --type. */
extern const char *const client_types[];

/* client_actions.c: what is done to a machine */
int client_debug_main(int argc, char **argv);
int client_wake_main(int argc, char **argv);
int client_bind_main(int argc, char **argv);

/* client_pending.c: machines that nobody knows yet */
int client_pending_main(int argc, char **argv);
int client_approve_main(int argc, char **argv);
int client_refuse_main(int argc, char **argv);
int client_replace_main(int argc, char **argv);

/* client_export.c, client_import.c */
int client_export_main(int argc, char **argv);
int client_import_main(int argc, char **argv);

/* client_show.c */
int client_show_main(int argc, char **argv);

#endif
