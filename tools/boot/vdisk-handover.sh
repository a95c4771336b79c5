#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vdisk-handover.sh [ROOT]: the last thing an initramfs does with vdisk.  ROOT is
# told who this machine is, if a farm said.  Nothing of the real system may take
# the address or the carrier of the NIC that the root filesystem comes through,
# and a machine whose server is dead must still be able to shut down.
#
# Everything is written to /run, so that images need nothing of vdisk in them.

. /usr/lib/vdisk/vdisk-lib.sh

STAGE=/run/initramfs/vdisk
UNITS=/run/systemd/system

# An interface name as the kernel allows it, without what would be syntax in
# the files below.
plain_name()
{
	case $1 in
	'' | lo | *[!A-Za-z0-9._-]*) return 1 ;;
	esac
}

# The kernel removes an address whose lifetime ends while its DHCP client
# cannot run, for it is on the disk behind that address.
keep_addresses()
{
	ip -o addr show up scope global | while read -r _ dev _ address _; do
		plain_name "$dev" || continue
		ip addr change "$address" dev "$dev" \
			valid_lft forever preferred_lft forever ||
			vdisk_error "the address of $dev keeps its end: ip addr change failed"
	done
}

# networkd: renew a lease, never drop what is there.
for_networkd()
{
	mkdir -p /run/systemd/network
	printf '%s\n' '[Match]' "Name=$1" '' '[Network]' "DHCP=$2" \
		'KeepConfiguration=yes' 'IgnoreCarrierLoss=yes' '' \
		'[DHCPv4]' 'ClientIdentifier=mac' '' \
		'[Link]' 'RequiredForOnline=no' \
		>"/run/systemd/network/05-vdisk-$1.network"
}

for_networkmanager()
{
	mkdir -p /run/NetworkManager/conf.d
	printf '%s\n' "[device-vdisk-$1]" "match-device=interface-name:$1" \
		'managed=0' 'keep-configuration=yes' 'ignore-carrier=yes' \
		>"/run/NetworkManager/conf.d/05-vdisk-$1.conf"
}

# ifupdown: the interface is up already, and no ifdown of a shutdown takes it.
for_ifupdown()
{
	mkdir -p /run/network "$UNITS/networking.service.d"
	printf '%s=%s\n' "$1" "$1" >>/run/network/ifstate
	ln -sf /dev/null "$UNITS/ifup@$1.service"
	ifdown="$ifdown --exclude=$1"
	printf '%s\n' '[Service]' 'ExecStop=' "ExecStop=$ifdown" \
		>"$UNITS/networking.service.d/50-vdisk.conf"
}

interfaces()
{
	ip -o addr show up scope global | while read -r _ dev _; do
		plain_name "$dev" && printf '%s\n' "$dev"
	done
}

# A lease leaves "dynamic" at its address; klibc's ipconfig does not, but says
# PROTO='dhcp' in a file.
has_lease()
{
	[ -n "$(ip -4 -o addr show dev "$1" dynamic)" ] && return 0
	[ -e "/run/net-$1.conf" ] || return 1
	while read -r line; do
		[ "$line" = "PROTO='dhcp'" ] && return 0
	done <"/run/net-$1.conf"
	return 1
}

keep_network()
{
	ifdown='/sbin/ifdown -a --read-environment --exclude=lo'
	seen=
	for dev in $(interfaces); do
		case " $seen " in
		*" $dev "*) continue ;;
		esac
		seen="$seen $dev"
		if has_lease "$dev"; then
			for_networkd "$dev" ipv4
		else
			for_networkd "$dev" no
		fi
		for_networkmanager "$dev"
		for_ifupdown "$dev"
	done
	keep_addresses
}

# A tmpfs of its own: Debian's initramfs-tools mounts /run noexec, and systemd
# leaves what is below /run/initramfs alone until the very end.
stage_lifeline()
{
	mkdir -p "$STAGE"
	if ! mount -t tmpfs -o mode=0755,nosuid,nodev,size=8m vdisk "$STAGE" ||
		! cp /usr/lib/vdisk/vdisk-lifeline "$STAGE/"; then
		vdisk_error "no room for vdisk-lifeline: a shutdown may hang when the server is dead"
		return 1
	fi
	mkdir -p "$UNITS/sysinit.target.wants"
	printf '%s\n' '[Unit]' \
		'Description=End of this machine when its disk has no server' \
		'DefaultDependencies=no' 'IgnoreOnIsolate=yes' \
		'RefuseManualStop=yes' \
		'Conflicts=shutdown.target' 'Before=shutdown.target' '' \
		'[Service]' "ExecStart=$STAGE/vdisk-lifeline" \
		'KillMode=process' 'OOMScoreAdjust=-1000' \
		>"$UNITS/vdisk-lifeline.service"
	ln -sf ../vdisk-lifeline.service "$UNITS/sysinit.target.wants/"
	# Each tells the one above how the machine is to end.  Not in the slice
	# of the template, which stops them all in any shutdown.
	printf '%s\n' '[Unit]' 'Description=Note that this machine ends by %i' \
		'DefaultDependencies=no' 'IgnoreOnIsolate=yes' \
		'RefuseManualStop=yes' 'Conflicts=%i.target' '' \
		'[Service]' 'Slice=system.slice' \
		'Type=oneshot' 'RemainAfterExit=yes' \
		"ExecStop=$STAGE/vdisk-lifeline --ending %i" \
		>"$UNITS/vdisk-ending@.service"
	for ending in poweroff reboot halt kexec; do
		ln -sf ../vdisk-ending@.service \
			"$UNITS/sysinit.target.wants/vdisk-ending@$ending.service"
	done
}

keep_network
stage_lifeline
[ -z "${1-}" ] || vdisk_personalize "$1"
