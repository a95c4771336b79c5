/* SPDX-License-Identifier: GPL-2.0 */
/* Where a server's files are, and how they are written: whole, and never over another's. */
#ifndef VDISKADM_PLACE_H
#define VDISKADM_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "error.h"

#define PLACE_CONFIG "/etc/vdisk/vdiskd.conf"
#define PLACE_PIN "/etc/vdisk/farm.pin"
#define PLACE_FARM "/etc/vdisk/farm.conf"
#define PLACE_KEYS "/etc/vdisk/keys"
#define PLACE_DNSMASQ "/etc/vdisk/dnsmasq.conf"
#define PLACE_STATE "/var/lib/vdisk"
#define PLACE_CATALOG PLACE_STATE "/catalog.db"
/* Apart from PLACE_STATE, which may be the store: anybody can read what is in here. */
#define PLACE_TFTP "/var/lib/vdisk-tftp"
#define PLACE_IPXE "/usr/lib/ipxe"

enum place_ports { PORT_NBD = 10809, PORT_BOOT = 10810, PORT_API = 10811 };

/* First line of every file that "init" makes and may make anew. */
#define PLACE_MARK "# Made by vdiskadm init"

/* The firmware's programs that TFTP and the boot listener give away; NULL ends them. */
extern const char *const place_ipxe_files[];

/* place_root - below which everything is; "" unless --root says otherwise. */
extern const char *place_root;

/**
 * place_path - @path below the root
 *
 * Return: allocated, never NULL.
 */
char *place_path(const char *path);

/** place_exists - whether there is something, below the root */
bool place_exists(const char *path);

/**
 * place_read - the text of a file below the root
 * @size: may be NULL; a NUL follows the text in any case
 *
 * Return: allocated; NULL with @err when it can't be read, or is above 16 MiB.
 */
char *place_read(const char *path, size_t *size, struct vdisk_error *err);

/**
 * place_write - a file below the root, all of it or nothing; what was there is replaced
 *
 * Return: 0 or a negative errno.
 */
int place_write(const char *path, const void *data, size_t size, mode_t mode,
		struct vdisk_error *err);

/**
 * place_folder - a folder below the root, and those above it
 *
 * Return: 0 (also when it is there), or a negative errno.
 */
int place_folder(const char *path, mode_t mode, struct vdisk_error *err);

/**
 * place_run - a program, waited for; its standard output goes to our standard error
 * @words: NULL ends them; found in PATH
 *
 * Return: 0 when it ended well, otherwise a negative errno with what it was.
 */
int place_run(const char *const *words, struct vdisk_error *err);

#endif
