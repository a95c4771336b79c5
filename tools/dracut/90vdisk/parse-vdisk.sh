#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# cmdline hook, sourced by dracut: says what is wanted, asks for the network,
# and makes the main loop wait.

type getcmdline >/dev/null 2>&1 || . /lib/dracut-lib.sh
. /usr/lib/vdisk/vdisk-lib.sh

vdisk_is_networkd()
{
	[ -e /usr/lib/systemd/systemd-networkd ] || [ -e /lib/systemd/systemd-networkd ]
}

# networkd is told by systemd-network-generator, which reads the kernel's command line
# and nothing else.  What it sets up stays when it is stopped: the root filesystem is
# behind it.
vdisk_any_card()
{
	mkdir -p /run/systemd/network
	printf '%s\n' '[Match]' 'Type=ether' '[Network]' 'DHCP=yes' \
		'KeepConfiguration=yes' \
		'[DHCPv4]' 'RequestOptions=17 224' \
		>/run/systemd/network/90-vdisk.network
}

# What the generator makes of ip= asks for neither of these options, by which the farm may
# be found.  Its files' names have changed once; what is meant for one that is not there is
# not looked at.
vdisk_named_cards()
{
	set -f
	for vdisk_word in $(getargs ip=); do
		case ${vdisk_word##*:} in
		dhcp | on | any) vdisk_value=${vdisk_word%:*} ;;
		*) continue ;;
		esac
		[ "$vdisk_value" != "$vdisk_word" ] || vdisk_value=default
		case $vdisk_value in
		'' | *[!A-Za-z0-9._-]*) continue ;;
		esac
		for vdisk_name in 70 71 90 91; do
			vdisk_name=/run/systemd/network/$vdisk_name-$vdisk_value.network.d
			mkdir -p "$vdisk_name"
			printf '%s\n' '[DHCPv4]' 'RequestOptions=17 224' >"$vdisk_name/vdisk.conf"
		done
	done
	set +f
}

# The words of the command line, not file names that match them.
set -f
# shellcheck disable=SC2046
vdisk_parse $(getcmdline)
set +f

if [ "$vdisk_count" -gt 0 ]; then
	mkdir -p /etc/cmdline.d
	printf 'rd.neednet=1\n' >/etc/cmdline.d/60-vdisk.conf
	if ! getarg ip= >/dev/null && ! getarg BOOTIF= >/dev/null; then
		printf 'ip=dhcp\n' >>/etc/cmdline.d/60-vdisk.conf
		vdisk_is_networkd && vdisk_any_card
	fi
	vdisk_is_networkd && vdisk_named_cards
	# dracut must not lose its patience before vdisk does: it starts its
	# time-out scripts at two thirds of rd.retry.
	getarg rd.retry= >/dev/null ||
		printf 'rd.retry=%s\n' $(($(vdisk_patience) * 3 / 2 + 30)) \
			>>/etc/cmdline.d/60-vdisk.conf
	# shellcheck disable=SC2154 # dracut's
	printf '[ -e %s/done ]\n' "$VDISK_RUN" \
		>"$hookdir/initqueue/finished/vdisk.sh"
	# What fails later opens no shell on a closed machine either.
	if vdisk_is_closed; then
		printf 'rd.shell=0\nrd.emergency=reboot\n' >/etc/cmdline.d/61-vdisk-closed.conf
	fi
	# The words of root=vdisk: end here; from now on root is a fixed name,
	# which a udev rule makes once the root has been found.
	if [ -n "$vdisk_root" ]; then
		# shellcheck disable=SC2034 # dracut's
		root=block:/dev/vdisk-root
		# shellcheck disable=SC2034 # dracut's
		rootok=1
		wait_for_dev -n /dev/vdisk-root
	fi
fi
