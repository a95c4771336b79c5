# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
#
# What an image needs to boot from a vdisk: driver, tools, initramfs, and the
# files that a server hands out beside it.  Sourced by "guest".

# The newest kernel that is all there, or the one that was asked for.
find_kernel()
{
	step 'kernel of the image'
	if [ -n "$KERNEL" ]; then
		[ -d "/lib/modules/$KERNEL" ] || fail "the image has no kernel $KERNEL"
	else
		for dir in /lib/modules/*/; do
			dir=${dir%/}
			[ -e "$dir/modules.dep" ] || [ -d "$dir/kernel" ] || continue
			kernel_file "${dir##*/}" && echo "${dir##*/}"
		done | sort -V >"$HERE/kernels"
		KERNEL=$(tail -n 1 "$HERE/kernels")
	fi
	[ -n "$KERNEL" ] || fail 'the image has no kernel: neither /boot/vmlinuz-VERSION nor /lib/modules/VERSION/vmlinuz'
	kernel_file "$KERNEL" || fail "there is no file of kernel $KERNEL in /boot"
	VMLINUZ=$file
	echo "kernel $KERNEL"
}

# kernel_file VERSION: sets file
kernel_file()
{
	for file in "/boot/vmlinuz-$1" "/lib/modules/$1/vmlinuz"; do
		[ -f "$file" ] && return 0
	done
	return 1
}

# built_for MODULE: for which kernel it was
built_for()
{
	tr '\0' '\n' <"$1" | sed -n 's/^vermagic=\([^ ]*\).*/\1/p' | head -n 1
}

put_driver()
{
	step 'driver'
	to=/lib/modules/$KERNEL/updates
	given=$HERE/modules/$KERNEL/vdisk.ko
	if [ -f "$given" ]; then
		[ "$(built_for "$given")" = "$KERNEL" ] ||
			fail "the module given for kernel $KERNEL was built for '$(built_for "$given")'"
		change "$to/vdisk.ko: the server's, built for $KERNEL" put_module "$given"
	elif [ -n "$(find "/lib/modules/$KERNEL" -name 'vdisk.ko*')" ]; then
		note "the driver is in the image already: $(find "/lib/modules/$KERNEL" -name 'vdisk.ko*' | head -n 1)"
	elif can_build; then
		change "$to/vdisk.ko: built from source, by the image's compiler" build_module
	else
		fail "there is no vdisk.ko for kernel $KERNEL: the server has one for $(cd "$HERE/modules" && echo *), and the image cannot build one, for $lacks; install headers on the server (vdisk-dkms) or in the image, or give --modules DIR with $KERNEL/vdisk.ko"
	fi
}

can_build()
{
	lacks=
	[ -d "/lib/modules/$KERNEL/build/include" ] || lacks='it has no kernel headers'
	has make || lacks="${lacks:+$lacks, and }it has no make"
	has gcc || has cc || lacks="${lacks:+$lacks, and }it has no compiler"
	[ -f "$HERE/source/Kbuild" ] || lacks="${lacks:+$lacks, and }the driver's source is not on the server (vdisk-dkms)"
	[ -z "$lacks" ]
}

put_module()
{
	mkdir -p "/lib/modules/$KERNEL/updates" &&
		cp "$1" "/lib/modules/$KERNEL/updates/vdisk.ko" && run_depmod
}

run_depmod()
{
	own depmod "$KERNEL" || fail "depmod: $(said)"
	own modprobe -S "$KERNEL" --show-depends vdisk || fail "the driver is not found where it was put: $(said)"
}

build_module()
{
	cp -r "$HERE/source" /tmp/vdisk-source
	own make -j"$(nproc)" -C "/lib/modules/$KERNEL/build" M=/tmp/vdisk-source modules ||
		fail "the driver does not compile for $KERNEL: $(said)"
	own strip --strip-debug /tmp/vdisk-source/kernel/vdisk.ko
	put_module /tmp/vdisk-source/kernel/vdisk.ko
	rm -rf /tmp/vdisk-source
}

# What boots: the tool that makes the image's initramfs.
find_maker()
{
	if has dracut; then
		MAKER=dracut
		# A package of it alone does not make it the image's choice.
		if has mkinitramfs && has update-initramfs && [ -d /etc/initramfs-tools ] &&
			! { [ -d /etc/kernel/postinst.d ] && [ -e /etc/kernel/postinst.d/dracut ]; }; then
			MAKER=initramfs-tools
		fi
	elif has mkinitramfs; then
		MAKER=initramfs-tools
	else
		fail 'the image has neither dracut nor initramfs-tools, so nothing to make an initramfs with'
	fi
}

put_user_space()
{
	step 'tools'
	find_maker
	(cd "$HERE/user" && find . ! -type d | sed 's,^\.,,') >"$HERE/files"
	[ -s "$HERE/files" ] || fail 'the server has no vdiskctl to put into the image'
	while read -r file; do
		case $MAKER:$file in
		dracut:/usr/share/initramfs-tools/* | initramfs-tools:/usr/lib/dracut/*) continue ;;
		esac
		if [ -f "$file" ] && cmp -s "$HERE/user$file" "$file"; then
			continue
		fi
		change "$file: the server's" put_one "$file"
	done <"$HERE/files"
	if [ -z "$DRY" ]; then
		put_libraries
	else
		note 'libraries that vdiskctl needs and the image lacks go to /usr/lib/vdisk/lib'
	fi
	[ "$MAKER" = dracut ] || need ip iproute2
	has ip || fail 'the image has no "ip" (iproute2), which its initramfs needs'
	has blkid || fail 'the image has no "blkid" (util-linux), which its initramfs needs'
	[ "$MAKER" = initramfs-tools ] || has_network_for_dracut
	if [ -e /usr/lib/systemd/system/vdisk-agent.service ]; then
		change 'vdisk-agent.service: enabled' enable vdisk-agent.service
	fi
}

need()
{
	has "$1" || fail "the image has no '$1' ($2), which its initramfs needs"
}

has_network_for_dracut()
{
	for dir in /usr/lib/dracut/modules.d/*network*; do
		[ -d "$dir" ] && return 0
	done
	fail "the image's dracut knows no network: install dracut-network in it"
}

put_one()
{
	mkdir -p "${1%/*}" && cp -a "$HERE/user$1" "$1"
}

enable()
{
	mkdir -p /etc/systemd/system/multi-user.target.wants &&
		ln -sf "/usr/lib/systemd/system/$1" "/etc/systemd/system/multi-user.target.wants/$1"
}

# Never one that the image has: those are its own packages' business.
put_libraries()
{
	rounds=0
	while [ $rounds -lt 5 ]; do
		own ldd /usr/sbin/vdiskctl || fail "vdiskctl cannot run in the image: $(said)"
		if grep -q 'version .* not found' "$HERE/said"; then
			fail "vdiskctl needs a newer C library than the image has: $(grep 'version .* not found' "$HERE/said" | head -n 1)"
		fi
		sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' "$HERE/said" | sort -u >"$HERE/lacking"
		[ -s "$HERE/lacking" ] || return 0
		while read -r name; do
			[ -f "$HERE/lib/$name" ] || fail "vdiskctl needs $name, which neither the image nor the server has"
			change "/usr/lib/vdisk/lib/$name: the server's" put_library "$name"
		done <"$HERE/lacking"
		[ -e /etc/ld.so.conf.d/vdisk.conf ] || {
			mkdir -p /etc/ld.so.conf.d
			echo /usr/lib/vdisk/lib >/etc/ld.so.conf.d/vdisk.conf
		}
		own ldconfig || fail "ldconfig: $(said)"
		rounds=$((rounds + 1))
	done
	fail 'vdiskctl still lacks libraries'
}

put_library()
{
	mkdir -p /usr/lib/vdisk/lib && cp "$HERE/lib/$1" "/usr/lib/vdisk/lib/$1"
}

put_farm()
{
	step 'farm'
	for name in farm.pin farm.conf prepared; do
		[ -f "$HERE/farm/$name" ] || continue
		cmp -s "$HERE/farm/$name" "/etc/vdisk/$name" && continue
		change "/etc/vdisk/$name: $(head -n 1 "$HERE/farm/$name" | cut -c 1-80)" put_farm_file "$name"
	done
}

put_farm_file()
{
	mkdir -p /etc/vdisk && cp "$HERE/farm/$1" "/etc/vdisk/$1" && chmod 644 "/etc/vdisk/$1"
}

make_initramfs()
{
	step 'initramfs'
	case $MAKER in
	dracut) change "initramfs: by dracut, for the network only" by_dracut ;;
	*) change "initramfs: by initramfs-tools, for the network only" by_initramfs_tools ;;
	esac
	[ -z "$DRY" ] || return 0
	check_initramfs
	note "the initramfs has $(($(stat -c %s "$HERE/out/initrd.img") / 1024)) KiB"
}

# Those who make one go on when something is not there.
check_initramfs()
{
	case $MAKER in
	dracut) own lsinitrd "$HERE/out/initrd.img" ;;
	*) own lsinitramfs "$HERE/out/initrd.img" ;;
	esac || fail "the initramfs cannot be listed: $(said)"
	for file in vdisk.ko sbin/vdiskctl vdisk-lib.sh sbin/ip; do
		grep -q "$file" "$HERE/said" || fail "the initramfs was made without $file"
	done
	cp "$HERE/said" "$HERE/content"
	own modprobe -S "$KERNEL" --show-depends "$ROOT_TYPE" ||
		fail "kernel $KERNEL has no $ROOT_TYPE, which the root filesystem is: $(said)"
	# One that is built in has no file.
	! grep -q "/$ROOT_TYPE\.ko" "$HERE/said" || grep -q "/$ROOT_TYPE\.ko" "$HERE/content" ||
		fail "the initramfs was made without the driver of $ROOT_TYPE, which the root filesystem is"
}

compression()
{
	for tool in zstd xz gzip; do
		has $tool && echo $tool && return
	done
	echo gzip
}

# How hard zstd tries, unless it is as ever: an emulated processor takes minutes for the
# last 15 % of the size.
level()
{
	[ -z "$EMULATED" ] || [ "$(compression)" != zstd ] || echo 3
}

# A configuration of its own: what the image makes for itself stays as it is.
by_initramfs_tools()
{
	conf=/tmp/vdisk-initramfs
	cp -a /etc/initramfs-tools "$conf"
	mkdir -p "$conf/conf.d" "$conf/hooks"
	printf '%s\n' MODULES=list BUSYBOX=auto RESUME=none "COMPRESS=$(compression)" \
		"COMPRESSLEVEL=$(level)" \
		>"$conf/conf.d/zz-vdisk"
	printf '%s\n' vdisk "$ROOT_TYPE" >>"$conf/modules"
	# "list" has no drivers but those named: add the network's, and a keyboard.
	cat >"$conf/hooks/vdisk-network" <<-'HOOK'
		#!/bin/sh
		[ "$1" = prereqs ] && exit 0
		. /usr/share/initramfs-tools/hook-functions
		# Some versions start eight programs for each driver, and there are hundreds:
		# minutes for an emulated processor.  This does the same with all at once.
		at_once()
		{
			[ $# -gt 0 ] || return 0
			list=$(mktemp)
			{
				modprobe -a -S "$version" -i -q --show-depends "$@"
				modprobe -a -S "$version" -q --show-depends "$@"
			} | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u >"$list"
			xargs -r cp -p --parents -t "$DESTDIR" <"$list" || exit 1
			xargs -r modinfo -k "$version" -F firmware <"$list" | sort -u |
				while read -r file; do
					add_firmware "$file"
				done
			rm -f "$list"
		}
		if command -v add_firmware >/dev/null &&
			! grep -q dracut-install /usr/share/initramfs-tools/hook-functions; then
			manual_add_modules() { at_once "$@"; }
		fi
		auto_add_modules net
		manual_add_modules virtio_pci virtio_net hid_generic usbhid xhci_pci ehci_pci \
			i8042 atkbd af_packet
	HOOK
	chmod 755 "$conf/hooks/vdisk-network"
	own mkinitramfs -d "$conf" -o /tmp/vdisk-initrd.img "$KERNEL" || fail "mkinitramfs: $(said)"
	mv /tmp/vdisk-initrd.img "$HERE/out/initrd.img"
	rm -rf "$conf"
}

by_dracut()
{
	level=$(level)
	own dracut --force --no-hostonly --no-hostonly-cmdline --no-early-microcode \
		--compress "$(compression)${level:+ -$level -T0 -q}" --kver "$KERNEL" --add vdisk --filesystems "$ROOT_TYPE" \
		--add-drivers "vdisk $ROOT_TYPE virtio_pci virtio_net hid_generic usbhid xhci_pci ehci_pci atkbd" \
		--omit "kernel-modules plymouth crypt dm dmraid lvm mdraid multipath nvdimm btrfs iscsi nbd nfs fcoe fcoe-uefi cifs nvmf lunmask resume hwdb memstrack" \
		/tmp/vdisk-initrd.img || fail "dracut: $(said)"
	# It goes on when something is missing.
	grep -qE 'dracut.*(ERROR|FAILED)' "$HERE/said" && fail "dracut left something out: $(said)"
	mv /tmp/vdisk-initrd.img "$HERE/out/initrd.img"
}

# A second archive behind the first: the farm, whatever the image's scripts take along.
add_farm()
{
	mkdir -p /tmp/vdisk-farm/etc/vdisk
	cp "$HERE"/farm/* /tmp/vdisk-farm/etc/vdisk/
	size=$(stat -c %s "$1")
	[ $((size % 4)) = 0 ] || dd if=/dev/zero bs=1 count=$((4 - size % 4)) >>"$1"
	(cd /tmp/vdisk-farm && find . | cpio -o -H newc) >>"$1" || fail 'cpio failed'
	rm -rf /tmp/vdisk-farm
}

# What the image's boot loader would say, but for the old disk.
cmdline()
{
	words='rw'
	[ -z "$ROOT_FLAGS" ] || words="$words rootflags=$ROOT_FLAGS"
	given=$(sed -n 's/^GRUB_CMDLINE_LINUX\(_DEFAULT\)\?=//p' /etc/default/grub 2>/dev/null |
		tr -d "\"'" | tr '\n' ' ')
	set -f
	for word in $given; do
		case $word in
		root=* | ro | rw | resume=* | resume_offset=* | rootflags=* | rd.luks* | rd.lvm* | rd.md* | \
			cryptdevice=* | ip=* | BOOTIF=* | initrd=* | BOOT_IMAGE=* | rd.vdisk*) continue ;;
		*[!A-Za-z0-9_.,=:/+@%-]*) note "a word of the boot loader's command line is left out: it has signs that do not travel" ;;
		*) words="$words $word" ;;
		esac
	done
	set +f
	case " $words " in
	*' console='*) ;;
	*) words="$words console=tty0" ;;
	esac
	echo "$words"
}

take_boot_files()
{
	step 'boot files'
	cmdline >"$HERE/cmdline"
	grep '^note ' "$HERE/cmdline"
	sed -i '/^note /d' "$HERE/cmdline"
	change "cmdline: $(cat "$HERE/cmdline")" cp "$HERE/cmdline" "$HERE/out/cmdline"
	change "vmlinuz: $VMLINUZ" cp "$VMLINUZ" "$HERE/out/vmlinuz"
	change 'initrd.img: the initramfs, and the farm' add_farm "$HERE/out/initrd.img"
}
