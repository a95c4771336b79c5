# SPDX-License-Identifier: GPL-2.0
#
# What makes a machine boot from a vdisk: for dracut and for initramfs-tools.

INSTALL_TARGETS += install-boot
.PHONY: install-boot
BOOT_LIBDIR = $(DESTDIR)$(PREFIX)/lib
BOOT_ITDIR = $(DESTDIR)$(PREFIX)/share/initramfs-tools
install-boot:
	$(Q)install -d $(BOOT_LIBDIR)/vdisk $(BOOT_LIBDIR)/udev/rules.d \
		$(BOOT_LIBDIR)/dracut/modules.d/90vdisk $(BOOT_ITDIR)/hooks \
		$(BOOT_ITDIR)/scripts/local-top $(BOOT_ITDIR)/scripts/local-bottom
	$(Q)install -m 644 tools/boot/vdisk-lib.sh $(BOOT_LIBDIR)/vdisk/
	$(Q)install -m 755 tools/boot/vdisk-handover.sh $(BOOT_LIBDIR)/vdisk/
	$(Q)install -m 755 tools/dracut/90vdisk/*.sh $(BOOT_LIBDIR)/dracut/modules.d/90vdisk/
	$(Q)install -m 755 tools/initramfs-tools/hooks/vdisk $(BOOT_ITDIR)/hooks/
	$(Q)install -m 755 tools/initramfs-tools/scripts/local-top/vdisk $(BOOT_ITDIR)/scripts/local-top/
	$(Q)install -m 755 tools/initramfs-tools/scripts/local-bottom/vdisk $(BOOT_ITDIR)/scripts/local-bottom/
	$(Q)install -D -m 644 tools/systemd/vdisk-agent.service \
		$(BOOT_LIBDIR)/systemd/system/vdisk-agent.service
	$(Q)install -m 644 tools/udev/60-vdisk.rules $(BOOT_LIBDIR)/udev/rules.d/
	$(Q)install -D -m 644 Documentation/man/vdisk.cmdline.7 \
		$(DESTDIR)$(PREFIX)/share/man/man7/vdisk.cmdline.7

UNIT_TESTS += tests/unit/test_boot_lib.sh
