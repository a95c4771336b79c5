# SPDX-License-Identifier: GPL-2.0
# What "vdiskadm image prepare" runs, beside itself.

INSTALL_TARGETS += install-prepare
.PHONY: install-prepare
install-prepare:
	$(Q)install -d "$(DESTDIR)$(PREFIX)/share/vdisk/prepare"
	$(Q)install -m 755 tools/prepare/init tools/prepare/initramfs "$(DESTDIR)$(PREFIX)/share/vdisk/prepare/"
	$(Q)install -m 644 tools/prepare/guest tools/prepare/traces.sh tools/prepare/boot.sh \
		"$(DESTDIR)$(PREFIX)/share/vdisk/prepare/"
