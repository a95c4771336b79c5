# SPDX-License-Identifier: GPL-2.0
# make deps: what building and testing need, from Debian 12.

DEPS_BUILD := build-essential pkg-config linux-headers-amd64 libnl-3-dev libnl-genl-3-dev \
	liburing-dev libjansson-dev libgnutls28-dev libcurl4-gnutls-dev \
	libmicrohttpd-dev uuid-dev dwarves libsqlite3-dev \
	libtss2-dev libblkid-dev gnu-efi
DEPS_KERNEL := linux-image-amd64 linux-source-6.1 xz-utils bc bison flex libelf-dev libssl-dev \
	rsync kmod cpio zstd
DEPS_TEST := openssl gnutls-bin qemu-system-x86 qemu-utils busybox-static mmdebstrap fio nbdkit nbd-client \
	nbd-server libnbd-bin valgrind socat iproute2 python3 python3-yaml e2fsprogs xfsprogs \
	btrfs-progs gdisk fdisk dosfstools dmsetup dracut-core expect libcmocka-dev dnsmasq-base \
	ipxe ipxe-qemu ovmf grub-common grub-efi-amd64-bin xorriso mtools isolinux syslinux-common openssh-client \
	uuid-runtime swtpm jq sqlite3 perl-base util-linux
DEPS_LINT := sparse shellcheck cppcheck clang clang-format clang-tidy libclang-rt-14-dev codespell
DEPS := $(DEPS_BUILD) $(DEPS_DEB) $(DEPS_KERNEL) $(DEPS_TEST) $(DEPS_LINT)

.PHONY: deps
deps:
	$(Q)mk/deps $(DEPS)

# Installs only when something is missing.
$(DEPS_STAMP): mk/deps.mk mk/deps
	$(Q)mk/deps $(DEPS)
	$(Q)mkdir -p $(@D) && touch $@
HELP += 'make deps      installs what building and testing need (Debian packages; root)'
