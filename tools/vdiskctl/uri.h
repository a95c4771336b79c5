/* SPDX-License-Identifier: GPL-2.0 */
/* NBD URIs: nbd://HOST[:PORT]/EXPORT. */
#ifndef VDISKCTL_URI_H
#define VDISKCTL_URI_H

#include "client.h"

enum { NBD_DEFAULT_PORT = 10809 };

/**
 * uri_parse - take a URI apart, as the NBD URI specification says
 * @server: receives host, port and export; no addresses
 *
 * Return: 0; -EINVAL it is malformed; -EOPNOTSUPP it is well known but not
 * supported; each with the reason.
 */
int uri_parse(const char *uri, struct vdisk_server *server, struct vdisk_error *err);

#endif
