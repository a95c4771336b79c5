/* SPDX-License-Identifier: GPL-2.0 */
/* Wake-on-LAN. */
#ifndef VDISKD_WAKE_H
#define VDISKD_WAKE_H

/**
 * wake_send - have every network of this machine carry a magic packet
 * @mac: "52:54:00:12:34:56"
 *
 * Return: networks it went to, or -errno when it went to none.
 */
int wake_send(const char *mac);

#endif
