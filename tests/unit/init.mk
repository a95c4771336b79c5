# SPDX-License-Identifier: GPL-2.0
# Setting a server up: vdiskadm init, doctor, pxe-config, boot-media.
UNIT_TESTS += tests/unit/test_vdiskadm_init
