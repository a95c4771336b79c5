# SPDX-License-Identifier: GPL-2.0
PROGRAMS += vdiskctl
vdiskctl_SRCS := $(sort $(wildcard tools/vdiskctl/*.c)) $(CLIENT_SRCS) \
	$(filter-out $(CLIENT_SRCS),$(FARM_SRCS))
vdiskctl_LIBS := $(CLIENT_LIBS) $(FARM_LIBS) -lresolv -lblkid \
	-ltss2-sys -ltss2-mu -ltss2-tcti-device

INSTALL_TARGETS += install-vdiskctl
.PHONY: install-vdiskctl
install-vdiskctl: $(B)/vdiskctl
	$(Q)install -D -m 755 $(B)/vdiskctl "$(DESTDIR)$(PREFIX)/sbin/vdiskctl"
	$(Q)install -D -m 644 Documentation/man/vdiskctl.8 \
		"$(DESTDIR)$(PREFIX)/share/man/man8/vdiskctl.8"
	$(Q)install -D -m 644 tools/vdiskctl/completions/vdiskctl \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vdiskctl"
