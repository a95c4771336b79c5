# SPDX-License-Identifier: GPL-2.0
#
# make            module for KVER and all user space, into build/
# make deps       installs what building and testing need (apt; as root)
# make check      all quick tests; check-all the long ones; check-debug under
#                 a KASAN and lockdep kernel
# make demo       a machine with no disk boots Debian
# make help       the rest

KVER ?= $(firstword $(wildcard $(addprefix /lib/modules/,$(addsuffix /build,$(shell uname -r)))) \
	$(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V | tail -n 1))
override KVER := $(patsubst /lib/modules/%/build,%,$(KVER))
KDIR ?= /lib/modules/$(KVER)/build
B := build
PREFIX ?= /usr
DESTDIR ?=
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

CC ?= gcc
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra $(if $(WERROR),-Werror)
CPPFLAGS += -D_GNU_SOURCE -Ilib -Ikernel -Ikernel/uapi
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(CPPFLAGS)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# Each part appends: PROGRAMS (built by "all"), UNIT_TESTS (programs and scripts
# that print TAP), INSTALL_TARGETS; and sets NAME_SRCS, NAME_LIBS, NAME_DEPS.
PROGRAMS :=
UNIT_TESTS :=
INSTALL_TARGETS :=
HELP :=
# What check, demo and bench stand on (mk/deps.mk).
DEPS_STAMP := $(B)/.deps

include $(sort $(wildcard lib/*.mk tools/*/*.mk tests/*/*.mk tests/*.mk mk/*.mk))

HELP += 'make install       DESTDIR= PREFIX=/usr KVER=: module, tools, boot files, units, manuals'
.PHONY: install-module all module user check check-all check-debug demo bench deps install install-user clean help format lint
all: module user
user: $(addprefix $(B)/,$(PROGRAMS))

# The module is built in a copy of its sources, one a kernel, so that several
# kernels never share objects.
module: $(B)/$(KVER)/kernel/vdisk.ko
KERNEL_FILES := Kbuild $(shell find kernel -type f \( -name '*.[ch]' -o -name 'Kbuild*' \))
$(B)/%/kernel/vdisk.ko: $(KERNEL_FILES)
	$(Q)test -d "$(KDIR)" || { echo "make: module: no kernel headers in '$(KDIR)': run 'make deps' or give KVER=" >&2; exit 1; }
	$(Q)mkdir -p $(B)/$*/kernel
	$(Q)cp -pu Kbuild $(B)/$*/ && cp -pur kernel/. $(B)/$*/kernel/
	$(Q)+env -u MAKEFLAGS -u MAKELEVEL $(MAKE) -s -C "$(KDIR)" M=$(abspath $(B)/$*) modules
	$(Q)touch $@

$(B)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(if $(filter 1,$(V)),,@echo "  CC      $<")
	$(Q)$(CC) $(ALL_CFLAGS) $(OBJ_CFLAGS) -MMD -MP -c -o $@ $<

define program_rule
$(B)/$(1): $$(addprefix $(B)/obj/,$$($(1)_SRCS:.c=.o)) $$($(1)_DEPS)
	$$(Q)mkdir -p $$(@D)
	$$(if $$(filter 1,$$(V)),,@echo "  LINK    $$@")
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) $$($(1)_LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$($(1)_LIBS)
endef
$(foreach p,$(PROGRAMS) $(TEST_PROGRAMS),$(eval $(call program_rule,$(p))))

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

INSTALL_TARGETS += install-module
install-module: module
	$(Q)install -d "$(DESTDIR)/lib/modules/$(KVER)/updates"
	$(Q)strip --strip-debug -o "$(DESTDIR)/lib/modules/$(KVER)/updates/vdisk.ko" \
		$(B)/$(KVER)/kernel/vdisk.ko
	$(Q)test -n "$(DESTDIR)" || depmod "$(KVER)"

install: $(INSTALL_TARGETS)
# Without the module: for packages, whose module DKMS builds.
install-user: $(filter-out install-module,$(INSTALL_TARGETS))

clean:
	$(Q)rm -rf $(B)/obj $(B)/$(KVER) $(addprefix $(B)/,$(PROGRAMS) $(TEST_PROGRAMS))

help:
	@printf '%s\n' 'make  module for KVER and all user space, into build/' $(HELP) | \
		sed 's/  \+/\t/' | expand -t 20
