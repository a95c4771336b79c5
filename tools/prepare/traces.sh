# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
#
# What one machine leaves in an image and a thousand must not share, and what
# makes no sense on a machine without a disk.  Sourced by "guest".

# drop WHAT FILE...: removes those that are there
drop()
{
	what=$1
	shift
	for file; do
		[ -e "$file" ] || [ -L "$file" ] || continue
		change "$file: removed ($what)" rm -rf "$file"
	done
}

# is_ours DEVICE: whether fstab's word for a device means one of this disk
is_ours()
{
	case $1 in
	/dev/disk/by-uuid/*) set -- "UUID=${1##*/}" ;;
	/dev/disk/by-label/*) set -- "LABEL=${1##*/}" ;;
	esac
	case $1 in
	/dev/disk/by-partuuid/*) set -- "PARTUUID=${1##*/}" ;;
	/dev/disk/by-partlabel/*) set -- "PARTLABEL=${1##*/}" ;;
	esac
	grep -q " $(printf %s "$1" | tr -d '"' | sed 's/[].[^$*\\]/\\&/g')\$" "$HERE/disks"
}

# uuid_of DEVICE: fstab's word for the same, if it was named as on the old machine
uuid_of()
{
	[ ! -s "$HERE/names" ] || awk -v name="$1" '$1 == name { print $2; exit }' "$HERE/names"
}

# rename POINT WORD: in fstab's line, of the device
rename()
{
	line=$(printf '%s\n' "$line" | sed "s,^\([[:space:]]*\)[^[:space:]]*,\1$2,")
	echo "/etc/fstab: $1 is $2, not $device" >>"$HERE/fstab.why"
}

# Writes the new fstab to $HERE/fstab, and what is different to $HERE/fstab.why.
rewrite_fstab()
{
	while IFS= read -r line || [ -n "$line" ]; do
		read -r device point type _ <<-LINE
			$line
		LINE
		why=
		case $device in
		'' | '#'*) ;;
		*)
			case $point:$type in
			*:swap) why='swap of the old disk' ;;
			/boot/efi:* | /efi:*) why='firmware of the old disk' ;;
			/:*)
				case $device in
				/dev/disk/by-uuid/* | /dev/disk/by-label/* | /dev/disk/by-part*) ;;
				/dev/*) rename / "UUID=$ROOT_UUID" ;;
				esac ;;
			*)
				uuid=$(uuid_of "$device")
				case $device in
				UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=* | /dev/*)
					if [ -n "$uuid" ]; then
						rename "$point" "$uuid"
					else
						is_ours "$device" || why='a disk that is not the image'
					fi ;;
				esac ;;
			esac ;;
		esac
		if [ -n "$why" ]; then
			echo "/etc/fstab: $device on $point commented out ($why)" >>"$HERE/fstab.why"
			line="# vdisk: $line"
		fi
		printf '%s\n' "$line"
	done <"$1" >"$HERE/fstab"
}

# show_changes FILE: each line of it is a change, done by the command that follows
show_changes()
{
	[ -s "$1" ] || return 0
	while read -r line; do
		echo "change $line"
	done <"$1"
	shift
	[ -z "$DRY" ] || return 0
	"$@" || fail "'$1' failed"
}

disks()
{
	step 'disks of the old machine'
	: >"$HERE/fstab.why"
	if [ -s /etc/fstab ]; then
		rewrite_fstab /etc/fstab
		show_changes "$HERE/fstab.why" put_file "$HERE/fstab" /etc/fstab
	fi
	if [ -s /etc/crypttab ] && grep -q '^[[:space:]]*[^#[:space:]]' /etc/crypttab; then
		change '/etc/crypttab: commented out' \
			sed -i 's/^[[:space:]]*[^#[:space:]]/# vdisk: &/' /etc/crypttab
	fi
	if [ -e /etc/initramfs-tools/conf.d/resume ] &&
		! grep -qx 'RESUME=none' /etc/initramfs-tools/conf.d/resume; then
		change '/etc/initramfs-tools/conf.d/resume: none' resume_none
	fi
	for file in /etc/default/grub /etc/kernel/cmdline; do
		grep -qs '[" ]resume=' "$file" || continue
		change "$file: without resume=" sed -i 's/\([" ]\)resume=[^" ]*/\1/g' "$file"
	done
	for file in /etc/systemd/system/*.swap; do
		[ -f "$file" ] && drop 'swap of the old disk' "$file"
	done
	return 0
}

put_file()
{
	cat "$1" >"$2"
}

resume_none()
{
	echo RESUME=none >/etc/initramfs-tools/conf.d/resume
}

identity()
{
	step 'identity of the old machine'
	if [ -s /etc/machine-id ] && [ "$(cat /etc/machine-id)" != uninitialized ]; then
		change '/etc/machine-id: emptied' truncate -s 0 /etc/machine-id
	fi
	# dbus' own is a link to that one, or made from it.
	[ -L /var/lib/dbus/machine-id ] || drop 'identity' /var/lib/dbus/machine-id
	drop 'ssh host key' /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub \
		/etc/ssh/ssh_host_*_key-cert.pub /etc/dropbear/dropbear_*_host_key
	drop 'random seed' /var/lib/systemd/random-seed /var/lib/urandom/random-seed \
		/boot/efi/loader/random-seed /boot/loader/random-seed
	drop 'secret of the machine' /var/lib/systemd/credential.secret \
		/var/lib/NetworkManager/secret_key
	drop 'name of the machine in a storage network' /etc/iscsi/initiatorname.iscsi \
		/etc/nvme/hostnqn /etc/nvme/hostid
	if [ -s /etc/hostname ]; then
		change "/etc/hostname: $(head -n 1 /etc/hostname) removed (each machine gets its own)" \
			rm /etc/hostname
	fi
	if grep -q '^[[:space:]]*127\.0\.1\.1[[:space:]]' /etc/hosts 2>/dev/null; then
		change '/etc/hosts: 127.0.1.1 removed (name of the old machine)' \
			sed -i '/^[[:space:]]*127\.0\.1\.1[[:space:]]/d' /etc/hosts
	fi
	return 0
}

network()
{
	step 'network of the old machine'
	drop 'DHCP lease' /var/lib/dhcp/*.leases /var/lib/dhcp/*.lease /var/lib/dhclient/* \
		/var/lib/dhcpcd/*.lease /var/lib/dhcpcd/duid /var/lib/dhcpcd/secret /var/lib/dhcpcd5/*.lease \
		/var/lib/NetworkManager/*.lease /var/lib/NetworkManager/timestamps \
		/var/lib/NetworkManager/seen-bssids /var/lib/systemd/network/*
	drop 'names by MAC address' /etc/udev/rules.d/70-persistent-net.rules \
		/etc/udev/rules.d/75-persistent-net-generator.rules
	for file in /etc/udev/rules.d/*.rules; do
		[ -f "$file" ] || continue
		grep -q 'ATTR{address}==.*NAME=' "$file" && drop 'names by MAC address' "$file"
	done
	for file in /etc/systemd/network/*.link /etc/systemd/network/*.network; do
		[ -f "$file" ] || continue
		grep -qi '^[[:space:]]*\(Permanent\)\?MACAddress=' "$file" && drop 'bound to a MAC address' "$file"
	done
	for file in /etc/NetworkManager/system-connections/* /etc/NetworkManager/conf.d/*; do
		[ -f "$file" ] || continue
		grep -qi '^[[:space:]]*\(cloned-\)\?mac-address=.*:\|match-device=.*mac:' "$file" &&
			drop 'bound to a MAC address' "$file"
	done
	for file in /etc/netplan/*.yaml; do
		[ -f "$file" ] || continue
		grep -qi 'macaddress:' "$file" && drop 'bound to a MAC address' "$file"
	done
	for file in /etc/network/interfaces /etc/network/interfaces.d/*; do
		[ -f "$file" ] || continue
		grep -q '^[[:space:]]*hwaddress[[:space:]]' "$file" || continue
		change "$file: hwaddress commented out" \
			sed -i 's/^[[:space:]]*hwaddress[[:space:]]/# vdisk: &/' "$file"
	done
	return 0
}

# Trimming, checking and upgrading what is gone at the next boot.
NO_UNITS="fstrim.timer apt-daily.timer apt-daily-upgrade.timer man-db.timer
	e2scrub_all.timer e2scrub_reap.service xfs_scrub_all.timer dpkg-db-backup.timer
	fwupd-refresh.timer plocate-updatedb.timer mlocate-updatedb.timer mdcheck_start.timer
	mdcheck_continue.timer mdmonitor-oneshot.timer raid-check.timer dnf-makecache.timer
	unattended-upgrades.service packagekit-offline-update.service systemd-random-seed.service
	systemd-hibernate-resume.service"

timers()
{
	step 'units without a sense on a machine without a disk'
	for unit in $NO_UNITS; do
		[ -e "/lib/systemd/system/$unit" ] || [ -e "/usr/lib/systemd/system/$unit" ] || continue
		[ -L "/etc/systemd/system/$unit" ] &&
			[ "$(readlink "/etc/systemd/system/$unit")" = /dev/null ] && continue
		change "$unit: masked" mask "$unit"
	done
}

mask()
{
	mkdir -p /etc/systemd/system && ln -sf /dev/null "/etc/systemd/system/$1"
}

remove_traces()
{
	disks
	identity
	network
	timers
}
