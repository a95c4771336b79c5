# SPDX-License-Identifier: GPL-2.0
# vdiskd, the image server

PROGRAMS += vdiskd
vdiskd_SRCS := $(sort $(wildcard tools/vdiskd/*.c)) $(sort $(CATALOG_SRCS) $(APITOKEN_SRCS) \
	$(TOKEN_SRCS) lib/pin.c lib/proof_public.c)
vdiskd_LIBS := -luring -lmicrohttpd -lgnutls $(CATALOG_LIBS) -lpthread


# The control plane: what the fuzzer of the data plane does without.
CONTROL_SRCS := tools/vdiskd/control.c tools/vdiskd/metrics.c tools/vdiskd/pem.c \
	tools/vdiskd/version_files.c \
	$(wildcard $(addprefix tools/vdiskd/,http*.c api*.c login*.c session*.c boot*.c presence.c wake.c))

$(B)/obj/tools/vdiskd/api_status.o: Documentation/openapi.yaml

VDISKD_UNITS := $(DESTDIR)$(PREFIX)/lib/systemd/system
.PHONY: install-vdiskd
install-vdiskd: $(B)/vdiskd
	$(Q)install -D -m 755 $(B)/vdiskd $(DESTDIR)$(PREFIX)/sbin/vdiskd
	$(Q)install -D -m 644 Documentation/man/vdiskd.8 $(DESTDIR)$(PREFIX)/share/man/man8/vdiskd.8
	$(Q)install -D -m 644 Documentation/man/vdiskd.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/vdiskd.conf.5
	$(Q)install -D -m 644 tools/systemd/vdiskd.socket $(VDISKD_UNITS)/vdiskd.socket
	$(Q)sed 's|@SBINDIR@|$(PREFIX)/sbin|' tools/systemd/vdiskd.service > $(B)/vdiskd.service
	$(Q)install -D -m 644 $(B)/vdiskd.service $(VDISKD_UNITS)/vdiskd.service
	$(Q)test -e $(DESTDIR)/etc/vdisk/vdiskd.conf || \
		install -D -m 644 tools/vdiskd/vdiskd.conf $(DESTDIR)/etc/vdisk/vdiskd.conf
	$(Q)install -d -m 755 $(DESTDIR)/var/lib/vdisk
INSTALL_TARGETS += install-vdiskd
