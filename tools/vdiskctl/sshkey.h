/* SPDX-License-Identifier: GPL-2.0 */
/* An ssh host key made at boot, without ssh-keygen, which an initramfs does not have. */
#ifndef VDISKCTL_SSHKEY_H
#define VDISKCTL_SSHKEY_H

#include "proof.h"

enum { SSH_PRIVATE_TEXT = 1024, SSH_PUBLIC_TEXT = 512 };

/**
 * sshkey_make - a new Ed25519 key in OpenSSH's own forms
 * @comment: at most 64 bytes
 * @private: room for SSH_PRIVATE_TEXT bytes: what ssh_host_ed25519_key holds
 * @public: room for SSH_PUBLIC_TEXT bytes: "ssh-ed25519 BASE64 COMMENT"
 */
int sshkey_make(const char *comment, char *private, char *public, struct vdisk_error *err);

#endif
