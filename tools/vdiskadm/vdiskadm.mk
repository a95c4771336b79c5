# SPDX-License-Identifier: GPL-2.0
# vdiskadm, the administrator's command line.  Each file in here belongs to it.

PROGRAMS += vdiskadm
VDISKADM_SRCS := $(sort $(wildcard tools/vdiskadm/*.c))
vdiskadm_SRCS = $(sort $(VDISKADM_SRCS) $(CATALOG_SRCS) $(FARM_SRCS) lib/client_names.c \
	$(APITOKEN_SRCS) tools/vdiskctl/parse.c tools/vdiskctl/format.c tools/vdiskd/stamp.c)
vdiskadm_LIBS = $(FARM_LIBS) $(CATALOG_LIBS)

INSTALL_TARGETS += install-vdiskadm
.PHONY: install-vdiskadm
install-vdiskadm: $(B)/vdiskadm
	$(Q)install -D -m 755 $(B)/vdiskadm "$(DESTDIR)$(PREFIX)/sbin/vdiskadm"
	$(Q)install -D -m 644 Documentation/man/vdiskadm.8 \
		"$(DESTDIR)$(PREFIX)/share/man/man8/vdiskadm.8"
	$(Q)install -D -m 644 tools/vdiskadm/completions/vdiskadm \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vdiskadm"
	$(Q)install -D -m 644 tools/systemd/vdiskd-netboot.service \
		"$(DESTDIR)$(PREFIX)/lib/systemd/system/vdiskd-netboot.service"
