# SPDX-License-Identifier: GPL-2.0
# vdiskadm, the administrator's command line.  Each file in here belongs to it.

PROGRAMS += vdiskadm
VDISKADM_SRCS := $(sort $(wildcard tools/vdiskadm/*.c))
vdiskadm_SRCS = $(sort $(VDISKADM_SRCS) lib/error.c lib/client_names.c \
	tools/vdiskctl/parse.c tools/vdiskctl/format.c)
vdiskadm_LIBS = -lcurl -ljansson -lgnutls

INSTALL_TARGETS += install-vdiskadm
.PHONY: install-vdiskadm
install-vdiskadm: $(B)/vdiskadm
	$(Q)install -D -m 755 $(B)/vdiskadm "$(DESTDIR)$(PREFIX)/sbin/vdiskadm"
