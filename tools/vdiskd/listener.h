/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that listen: bound by us, or handed over by systemd. */
#ifndef VDISKD_LISTENER_H
#define VDISKD_LISTENER_H

#include "config.h"

/** listener_open - a socket that listens on one address; -errno on failure */
int listener_open(const struct config_listen *listen);

/**
 * listener_open_all - open every socket the configuration asks for
 * @config:    its "listen" addresses; loopback when there are none
 * @listeners: filled in
 * @most:      room there
 *
 * Sockets passed by systemd take the place of the configured ones.  Complains
 * by itself.  Return: how many, or -1.
 */
int listener_open_all(const struct config *config, int *listeners, unsigned int most);

#endif
