/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VDISKCTL_RESOLVE_H
#define VDISKCTL_RESOLVE_H

#include "client.h"

/*
 * resolve - the addresses of server->host, all of them (as many as the driver takes).
 * May wait for a name server.  Returns 0 or -EHOSTUNREACH with the reason.
 */
int resolve(struct vdisk_server *server, struct vdisk_error *err);

#endif
