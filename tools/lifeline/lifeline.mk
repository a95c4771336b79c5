# SPDX-License-Identifier: GPL-2.0
#
# Static: it runs when nothing can be read from the disk any more.
PROGRAMS += vdisk-lifeline
vdisk-lifeline_SRCS := tools/lifeline/lifeline.c $(CLIENT_SRCS)
vdisk-lifeline_LDFLAGS := -static -Wl,--no-warnings
vdisk-lifeline_LIBS := $(CLIENT_LIBS) -lpthread

INSTALL_TARGETS += install-lifeline
.PHONY: install-lifeline
install-lifeline: $(B)/vdisk-lifeline
	$(Q)install -D -m 755 $(B)/vdisk-lifeline $(DESTDIR)$(PREFIX)/lib/vdisk/vdisk-lifeline
