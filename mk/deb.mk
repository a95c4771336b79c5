# SPDX-License-Identifier: GPL-2.0
# make deb: Debian packages, built in a copy of the tree so that they hold what
# a fresh build makes and leave nothing in this one.

DEPS_DEB := debhelper dh-dkms

DEB_DIR := $(B)/deb
DEB_FILES = $(shell find Makefile Kbuild debian mk kernel lib tools Documentation -type f)

.PHONY: deb
deb: $(DEB_DIR)/.done
	@ls $(DEB_DIR)/*.deb
$(DEB_DIR)/.done: $(DEPS_STAMP) $(DEB_FILES)
	$(Q)rm -rf $(DEB_DIR) && mkdir -p $(DEB_DIR)/source
	$(Q)tar -c --exclude=./.git --exclude=./$(B) . | tar -x -C $(DEB_DIR)/source
	@echo "  DEB     $(DEB_DIR)"
	$(Q)cd $(DEB_DIR)/source && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u B -u KVER \
		dpkg-buildpackage -us -uc -b >../build.log 2>&1 || \
		{ tail -n 20 ../build.log >&2; echo "make: deb: dpkg-buildpackage failed: see $(DEB_DIR)/build.log" >&2; exit 1; }
	$(Q)rm -rf $(DEB_DIR)/source && touch $@
HELP += 'make deb       Debian packages, into build/deb'
