# SPDX-License-Identifier: GPL-2.0
#
# Whole machines without a disk: their initramfs, their tests, make demo.

BOOT_INITRD_KINDS := tools dracut dracut-plain dracut-networkd dracut-nm
BOOT_FILES := $(shell find tools/boot tools/dracut tools/initramfs-tools tools/udev -type f)

BOOT_TESTS += $(addprefix tests/boot/test_,dhcp dhcp_words initramfs doctor pxe tools dracut login server_dead refused)
BOOT_TESTS_LONG += $(addprefix tests/boot/test_,pxe_kinds dhcp_words_networkd network dracut_kinds bytes service prepared prepared_dracut prepare_layouts agent takeover bound)

# What "make install" gives, as far as an initramfs wants it.
$(B)/boot/stage/.done: $(BOOT_FILES) $(B)/vdiskctl $(B)/vdisk-lifeline $(B)/$(KVER)/kernel/vdisk.ko
	$(Q)rm -rf $(@D)
	$(Q)+$(MAKE) --no-print-directory install-boot install-lifeline DESTDIR=$(@D) PREFIX=/usr
	$(Q)install -D -m 755 $(B)/vdiskctl $(@D)/usr/sbin/vdiskctl
	$(Q)install -d $(@D)/usr/lib/modules/$(KVER)/updates
	$(Q)strip --strip-debug -o $(@D)/usr/lib/modules/$(KVER)/updates/vdisk.ko \
		$(B)/$(KVER)/kernel/vdisk.ko
	$(Q)touch $@

$(B)/boot/initrd-%.img: $(B)/boot/stage/.done tests/boot/image tests/boot/initrd
	@echo "  INITRD  $@"
	$(Q)tests/boot/initrd $* $(KVER) $(<D) $@

.PRECIOUS: $(B)/boot/initrd-%.img

# What takes minutes when it is not in the cache: for tests/run, to have it made beside others.
.PHONY: boot-ready
boot-ready: $(B)/boot/initrd-tools.img $(B)/boot/initrd-dracut.img
	$(Q)tests/packages/clean $(KVER) >/dev/null

# For the tests, which need the kernel that make would choose.
.PHONY: boot-kver
boot-kver:
	@echo $(KVER)

# From a fresh clone to the login prompt of a machine without a disk.
demo: $(DEPS_STAMP)
	$(Q)test "$$(id -u)" = 0 || { echo "make: demo: building an image needs root: run 'sudo make demo'" >&2; exit 1; }
	$(Q)+$(MAKE) --no-print-directory $(JOBS) all
	$(Q)B=$(B) KVER=$(KVER) tests/boot/demo
HELP += 'make demo      a machine with no disk boots Debian (root)'
