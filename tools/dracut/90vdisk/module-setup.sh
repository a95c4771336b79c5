#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dracut module "vdisk": the root filesystem, or any disk, from a vdisk server.
# Works with dracut 059 to 112, with systemd in the initramfs and without.

# called by dracut
check() {
	require_binaries vdiskctl ip blkid || return 1
	# In a host-only initramfs when this machine runs from a vdisk; else for
	# those who ask (--add vdisk).
	[[ $hostonly ]] || [[ $mount_needs ]] || return 255
	vdisk_is_host_device() {
		[[ $(readlink -f "/sys/dev/block/$1") == */vdisk[0-9]* ]]
	}
	for_each_host_dev_and_slaves vdisk_is_host_device || return 255
	return 0
}

# called by dracut
depends() {
	echo network rootfs-block
	# A module of its own since 108, part of the base before.
	local dir
	for dir in "${dracutbasedir:-/usr/lib/dracut}"/modules.d/*initqueue; do
		[[ -d $dir ]] && echo initqueue
	done
	return 0
}

# called by dracut
installkernel() {
	hostonly='' instmods vdisk
	# Where a virtual machine's secret may lie.
	hostonly='' instmods -c qemu_fw_cfg dmi-sysfs
	# For the local disk in a menu.
	hostonly='' instmods -c efivarfs
	# A TPM, a boot medium, and disks that may have a partition with the
	# machine's secret.
	hostonly='' instmods -c tpm_tis tpm_crb isofs vfat nls_cp437 nls_ascii nls_iso8859-1 \
		usb_storage uas sd_mod sr_mod ahci nvme virtio_blk virtio_scsi \
		xhci_pci ehci_pci ohci_pci uhci_hcd
}

# called by dracut
install() {
	inst_multiple vdiskctl ip blkid mount umount sleep mkdir rm mv cat ln \
		chmod cp modprobe udevadm
	inst_multiple -o /etc/nsswitch.conf /etc/gai.conf
	inst_libdir_file "libnss_dns.so*" "libnss_files.so*"
	# Not "inst_multiple -o": a boot without one of these fails much later.
	inst_multiple /usr/lib/vdisk/vdisk-lib.sh \
		/usr/lib/vdisk/vdisk-handover.sh /usr/lib/vdisk/vdisk-lifeline
	inst_script "$moddir/vdisk-attach.sh" /sbin/vdisk-attach
	inst_rules 60-vdisk.rules
	# The farm's pin and servers, and that the image is for users; no secret:
	# many machines boot from this.
	inst_multiple -o /etc/vdisk/farm.pin /etc/vdisk/farm.conf /etc/vdisk/prepared

	inst_hook cmdline 90 "$moddir/parse-vdisk.sh"
	inst_hook initqueue 10 "$moddir/vdisk-start.sh"
	inst_hook pre-pivot 90 "$moddir/vdisk-pivot.sh"
	if dracut_module_included systemd; then
		inst_script "$moddir/vdisk-generator.sh" \
			"${systemdutildir:-/usr/lib/systemd}/system-generators/vdisk-generator"
	fi
	if type dracut_need_initqueue >/dev/null 2>&1; then
		dracut_need_initqueue
	fi
}
