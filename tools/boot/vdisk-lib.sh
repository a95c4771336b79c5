# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154
#
# What the dracut module and the initramfs-tools scripts share: reading the
# kernel command line, attaching every device it names, finding the root
# filesystem, and handing the NIC over to the real system.
#
# Text from the command line, a server or DHCP is only ever read into quoted
# variables and printed by "%s": it is never sourced, evaluated, or given to a
# function that does so (dracut's die writes its words into a script).
#
# State, one value a file:
#	$VDISK_RUN/N/{uris,overlay,full,lost,...}	asked for
#	$VDISK_RUN/N/{device,error,said}	what came of it; what the console showed
#	$VDISK_RUN/{root,done,failed,reason}	the root's node; the end, either way, and why
#	$VDISK_RUN/{identity.json,client,debug}	vdiskctl's: the session at a farm,
#		the machine's name in it, and that the farm allows a shell

VDISK_RUN=${VDISK_RUN:-/run/vdisk}
VDISK_LOG=${VDISK_LOG:-/dev/kmsg}
VDISK_SYS=${VDISK_SYS:-/sys/class/block}
VDISK_ETC=${VDISK_ETC:-/etc/vdisk}
VDISK_MEDIUM=${VDISK_MEDIUM:-/dev/disk/by-label/VDISK}
VDISK_PATIENCE=120
VDISK_REBOOT=60

# vdisk_clean TEXT: sets vdisk_text to TEXT as one line of printable ASCII.
vdisk_clean()
{
	vdisk_rest=$1
	vdisk_text=
	while [ -n "$vdisk_rest" ] && [ ${#vdisk_text} -lt 480 ]; do
		vdisk_char=${vdisk_rest%"${vdisk_rest#?}"}
		vdisk_rest=${vdisk_rest#?}
		case $vdisk_char in
		[\ -~]) vdisk_text=$vdisk_text$vdisk_char ;;
		*) vdisk_text="$vdisk_text?" ;;
		esac
	done
}

# Errors go to the kernel's log, which reaches the console whatever swallows
# the output of a boot script.
vdisk_error()
{
	vdisk_clean "$1"
	printf '<3>vdisk: %s\n' "$vdisk_text" >>"$VDISK_LOG"
}

vdisk_info()
{
	vdisk_clean "$1"
	printf '<6>vdisk: %s\n' "$vdisk_text" >>"$VDISK_LOG"
}

# vdisk_reason TEXT: an error that ends this try; the failing screen repeats it.
vdisk_reason()
{
	vdisk_error "$1"
	mkdir -p "$VDISK_RUN"
	printf '%s\n' "$1" >"$VDISK_RUN/reason"
}

# vdisk_get FILE: prints the first line of FILE, nothing when there is none.
vdisk_get()
{
	[ -s "$1" ] || return 1
	read -r vdisk_line <"$1" || [ -n "$vdisk_line" ] || return 1
	printf '%s\n' "$vdisk_line"
}

vdisk_uptime()
{
	read -r vdisk_seconds vdisk_rest </proc/uptime
	printf '%s\n' "${vdisk_seconds%%.*}"
}

# vdisk_set NAME VALUE [N]: an option belongs to the device named last before it,
# or to every device when none was.
vdisk_set()
{
	mkdir -p "$VDISK_RUN/${3:-$vdisk_current}"
	printf '%s\n' "$2" >"$VDISK_RUN/${3:-$vdisk_current}/$1"
}

vdisk_option()
{
	case ${1%%=*} in
	overlay | full | lost | connections | read-ahead | overcommit | write-through)
		vdisk_set "${1%%=*}" "${1#*=}"
		;;
	pin | trust | multicast)
		vdisk_set "${1%%=*}" "${1#*=}"
		;;
	server) # vdiskctl reads it
		;;
	timeout | reboot | medium)
		case ${1#*=} in
		'' | *[!0-9]* | ???????*)
			vdisk_error "rd.vdisk.${1%%=*}='${1#*=}' is not a number of seconds: ignored"
			;;
		*)
			# A restart is of the machine, wherever its option stands.
			[ "${1%%=*}" = timeout ] || set -- "$1" all
			vdisk_set "${1%%=*}" "${1#*=}" "${2-$vdisk_current}"
			;;
		esac
		;;
	*)
		vdisk_error "rd.vdisk.${1%%=*} is not an option of this version: ignored"
		;;
	esac
}

# vdisk_parse WORD...: the words of the kernel command line.  root=vdisk:URI is
# device 0; each rd.vdisk= takes the next number.  Sets vdisk_count.
vdisk_parse()
{
	vdisk_count=0
	vdisk_root=
	for vdisk_word; do
		case $vdisk_word in
		root=*) vdisk_root=$vdisk_word ;;
		esac
	done
	case $vdisk_root in
	root=vdisk:*) vdisk_count=1 ;;
	*) vdisk_root= ;;
	esac

	vdisk_current=all
	for vdisk_word; do
		case $vdisk_word in
		root=vdisk:*)
			[ "$vdisk_word" = "$vdisk_root" ] || continue
			vdisk_current=0
			vdisk_set uris "${vdisk_word#root=vdisk:}"
			: >"$VDISK_RUN/0/is-root"
			;;
		rd.vdisk=*)
			vdisk_current=$vdisk_count
			vdisk_count=$((vdisk_count + 1))
			vdisk_set uris "${vdisk_word#rd.vdisk=}"
			;;
		rd.vdisk.*)
			vdisk_option "${vdisk_word#rd.vdisk.}"
			;;
		esac
	done
}

# vdisk_wanted N NAME: the value of option NAME for device N.
vdisk_wanted()
{
	vdisk_get "$VDISK_RUN/$1/$2" || vdisk_get "$VDISK_RUN/all/$2"
}

# The longest patience of any device.
vdisk_patience()
{
	vdisk_longest=0
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		[ -d "$vdisk_dir" ] || continue
		vdisk_value=$(vdisk_wanted "${vdisk_dir##*/}" timeout) ||
			vdisk_value=$VDISK_PATIENCE
		[ "$vdisk_value" -gt "$vdisk_longest" ] && vdisk_longest=$vdisk_value
	done
	printf '%s\n' "$vdisk_longest"
}

# A root must be writable; one write-through has no overlay.
vdisk_default_overlay()
{
	if vdisk_wanted "$1" write-through >/dev/null; then
		echo none
	else
		echo ram
	fi
}

# Whether device N is a farm's: then that says what to attach.
vdisk_at_farm()
{
	case $(vdisk_get "$VDISK_RUN/$1/uris") in
	auto | auto,* | [Vv][Dd][Ii][Ss][Kk]://*) return 0 ;;
	esac
	return 1
}

# What vdiskctl says while it works, waiting included, is shown as it comes, each
# line once.
vdisk_show()
{
	while IFS= read -r vdisk_line || [ -n "$vdisk_line" ]; do
		printf '%s\n' "$vdisk_line" >>"$VDISK_RUN/$1/error"
		vdisk_known=
		while IFS= read -r vdisk_rest; do
			[ "$vdisk_rest" != "$vdisk_line" ] || vdisk_known=yes
		done <"$VDISK_RUN/$1/said"
		[ -z "$vdisk_known" ] || continue
		printf '%s\n' "$vdisk_line" >>"$VDISK_RUN/$1/said"
		vdisk_error "device $1: $vdisk_line"
	done
}

# vdisk_attach N SECONDS: one try to attach device N.
vdisk_attach()
{
	vdisk_n=$1
	set -- attach --device "$1" --wait "$2"
	if vdisk_at_farm "$vdisk_n"; then
		set -- "$@" --boot
		vdisk_value=$(vdisk_wanted "$vdisk_n" pin) && set -- "$@" --pin "$vdisk_value"
		vdisk_value=$(vdisk_wanted "$vdisk_n" trust) && set -- "$@" --trust "$vdisk_value"
		vdisk_wanted "$vdisk_n" multicast >/dev/null && set -- "$@" --multicast
		vdisk_value=$(vdisk_wanted "$vdisk_n" overlay) && set -- "$@" --overlay "$vdisk_value"
	else
		vdisk_value=$(vdisk_wanted "$vdisk_n" overlay) ||
			vdisk_value=$(vdisk_default_overlay "$vdisk_n")
		set -- "$@" --overlay "$vdisk_value"
	fi
	for vdisk_name in full lost connections read-ahead; do
		vdisk_value=$(vdisk_wanted "$vdisk_n" "$vdisk_name") || continue
		set -- "$@" "--$vdisk_name" "$vdisk_value"
	done
	for vdisk_name in overcommit write-through; do
		vdisk_value=$(vdisk_wanted "$vdisk_n" "$vdisk_name") || continue
		set -- "$@" "--$vdisk_name"
	done
	set -- "$@" --
	vdisk_rest=$(vdisk_get "$VDISK_RUN/$vdisk_n/uris"),
	while [ -n "$vdisk_rest" ]; do
		vdisk_value=${vdisk_rest%%,*}
		vdisk_rest=${vdisk_rest#*,}
		[ -z "$vdisk_value" ] || set -- "$@" "$vdisk_value"
	done
	: >"$VDISK_RUN/$vdisk_n/error"
	[ -e "$VDISK_RUN/$vdisk_n/said" ] || : >"$VDISK_RUN/$vdisk_n/said"
	{
		vdiskctl "$@" 2>&1 >"$VDISK_RUN/$vdisk_n/out"
		printf '%s\n' $? >"$VDISK_RUN/$vdisk_n/status"
	} | vdisk_show "$vdisk_n"
	return "$(vdisk_get "$VDISK_RUN/$vdisk_n/status")"
}

# The last line of a file.
vdisk_last()
{
	vdisk_found=
	while IFS= read -r vdisk_line || [ -n "$vdisk_line" ]; do
		vdisk_found=$vdisk_line
	done <"$1"
	printf '%s\n' "$vdisk_found"
}

# Tries until the device is there or its patience is over.  A try ends early
# when a name does not resolve yet, or every server refuses; what it said is
# shown when it changes.
vdisk_attach_patiently()
{
	vdisk_me=$1
	vdisk_end=$2
	vdisk_pause=1
	while :; do
		vdisk_left=$((vdisk_end - $(vdisk_uptime)))
		[ "$vdisk_left" -ge 1 ] || vdisk_left=1
		vdisk_attach "$vdisk_me" "$vdisk_left"
		vdisk_status=$?
		if [ -e "$VDISK_RUN/local-disk" ]; then
			vdisk_info "restarting, from the local disk"
			printf b >"${VDISK_SYSRQ:-/proc/sysrq-trigger}"
			return 1
		fi
		if [ $vdisk_status = 0 ]; then
			vdisk_dev=$(vdisk_get "$VDISK_RUN/$vdisk_me/out")
			printf '%s\n' "$vdisk_dev" >"$VDISK_RUN/$vdisk_me/device"
			vdisk_info "$vdisk_dev is ready"
			return 0
		fi
		[ -s "$VDISK_RUN/$vdisk_me/error" ] ||
			printf 'vdiskctl attach ended with status %s\n' "$vdisk_status" |
			vdisk_show "$vdisk_me"
		[ $vdisk_status != 2 ] || return 1
		vdisk_left=$((vdisk_end - $(vdisk_uptime)))
		[ "$vdisk_left" -gt 0 ] || return 1
		# A thousand machines may be asking the same server.
		[ "$vdisk_pause" -le "$vdisk_left" ] || vdisk_pause=$vdisk_left
		sleep "$vdisk_pause"
		vdisk_pause=$((vdisk_pause < 8 ? vdisk_pause * 2 : 15))
	done
}

# True once an interface other than lo has an address of more than link scope.
vdisk_network_is_up()
{
	[ -n "$(ip -o addr show up scope global 2>/dev/null)" ]
}

vdisk_wait_for_network()
{
	until vdisk_network_is_up; do
		if [ "$(vdisk_uptime)" -ge "$1" ]; then
			vdisk_reason "no network interface got an address in time: check the cable, the NIC's driver, DHCP or ip="
			return 1
		fi
		sleep 0.2 2>/dev/null || sleep 1
	done
}

# UEFI's variables, by which the menu starts the local disk.
vdisk_mount_efi()
{
	vdisk_dir=${VDISK_EFI:-/sys/firmware/efi}/efivars
	[ -d "$vdisk_dir" ] || return 0
	for vdisk_value in "$vdisk_dir"/BootOrder-*; do
		[ ! -e "$vdisk_value" ] || return 0
	done
	modprobe -q efivarfs 2>/dev/null
	mount -t efivarfs efivarfs "$vdisk_dir" 2>/dev/null ||
		vdisk_info "the firmware's variables cannot be read: no local disk in a menu"
}

# vdisk_mount_medium NODE: mounts what vdiskadm boot-media makes, or a stick of the
# same label, to be looked at only.
vdisk_mount_medium()
{
	vdisk_value=$(vdisk_probe TYPE "$1")
	case $vdisk_value in
	iso9660 | vfat) ;;
	*)
		vdisk_error "boot medium $1: '$vdisk_value' is neither iso9660 nor vfat: not used"
		return 1
		;;
	esac
	mkdir -p "$VDISK_RUN/medium"
	mount -r -t "$vdisk_value" -o nosuid,nodev,noexec "$1" "$VDISK_RUN/medium" && return 0
	vdisk_error "boot medium $1: cannot be mounted: not used"
	return 1
}

# vdisk_take_medium SECONDS: farm.pin, farm.conf and client.key of a boot medium, if
# there is one.  Fails when what is on it contradicts what this machine was given.
vdisk_take_medium()
{
	vdisk_end=$(($(vdisk_uptime) + $1))
	udevadm settle 2>/dev/null
	until [ -e "$VDISK_MEDIUM" ]; do
		[ "$(vdisk_uptime)" -lt "$vdisk_end" ] || return 0
		sleep 0.2 2>/dev/null || sleep 1
	done
	vdisk_mount_medium "$VDISK_MEDIUM" || return 0
	vdisk_say=vdisk_error
	vdiskctl medium "$VDISK_RUN/medium" 2>"$VDISK_RUN/medium-said" || vdisk_say=vdisk_reason
	umount "$VDISK_RUN/medium"
	while IFS= read -r vdisk_line || [ -n "$vdisk_line" ]; do
		$vdisk_say "$vdisk_line"
	done <"$VDISK_RUN/medium-said"
	[ $vdisk_say = vdisk_error ]
}

# Whether any device is a farm's.
vdisk_any_farm()
{
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		[ -d "$vdisk_dir" ] && vdisk_at_farm "${vdisk_dir##*/}" && return 0
	done
	return 1
}

# vdisk_attach_all: attaches every device of the command line, all at once, and
# finds the root when it was named by root=vdisk:.  Leaves "done" or "failed".
vdisk_attach_all()
{
	vdisk_start=$(vdisk_uptime)
	rm -f "$VDISK_RUN/reason"
	# Where a virtual machine's secret may lie.
	modprobe -q qemu_fw_cfg 2>/dev/null
	modprobe -q dmi-sysfs 2>/dev/null
	vdisk_mount_efi
	modprobe vdisk 2>/dev/null || vdisk_error "the driver vdisk.ko cannot be loaded: it was built for another kernel, or is not in this initramfs"
	if ! vdisk_wait_for_network $((vdisk_start + $(vdisk_patience))); then
		vdisk_failure network
		: >"$VDISK_RUN/failed"
		return 1
	fi
	vdisk_value=$(vdisk_wanted all medium) || vdisk_value=0
	if vdisk_any_farm && ! vdisk_take_medium "$vdisk_value"; then
		vdisk_failure medium
		: >"$VDISK_RUN/failed"
		return 1
	fi
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		[ -d "$vdisk_dir" ] || continue
		vdisk_n=${vdisk_dir##*/}
		vdisk_value=$(vdisk_wanted "$vdisk_n" timeout) ||
			vdisk_value=$VDISK_PATIENCE
		vdisk_attach_patiently "$vdisk_n" $((vdisk_start + vdisk_value)) &
	done
	wait
	vdisk_step=attach
	if vdisk_all_attached && vdisk_step=root && vdisk_settle_root; then
		vdisk_tell_farm first-read &
		: >"$VDISK_RUN/done"
	else
		vdisk_failure "$vdisk_step"
		: >"$VDISK_RUN/failed"
		return 1
	fi
}

# vdisk_tell_farm STEP [OPTION...]: for the server's account of this boot.
vdisk_tell_farm()
{
	[ -e "$VDISK_RUN/identity.json" ] || return 0
	vdiskctl event "$@" 2>"$VDISK_RUN/event" ||
		vdisk_info "$(vdisk_last "$VDISK_RUN/event")"
}

# vdisk_why: prints why this try failed, nothing when nobody said.
vdisk_why()
{
	vdisk_get "$VDISK_RUN/reason" && return 0
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		[ ! -s "$vdisk_dir/device" ] || continue
		[ -s "$vdisk_dir/error" ] || continue
		vdisk_last "$vdisk_dir/error"
		return 0
	done
	return 1
}

# vdisk_report TEXT: the same before there is a session.
vdisk_report()
{
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		vdisk_n=${vdisk_dir##*/}
		vdisk_at_farm "$vdisk_n" || continue
		set -- report --text "$1" --log
		vdisk_value=$(vdisk_wanted "$vdisk_n" pin) && set -- "$@" --pin "$vdisk_value"
		vdisk_value=$(vdisk_wanted "$vdisk_n" trust) && set -- "$@" --trust "$vdisk_value"
		vdisk_wanted "$vdisk_n" multicast >/dev/null && set -- "$@" --multicast
		set -- "$@" --
		vdisk_rest=$(vdisk_get "$vdisk_dir/uris"),
		while [ -n "$vdisk_rest" ]; do
			vdisk_value=${vdisk_rest%%,*}
			vdisk_rest=${vdisk_rest#*,}
			[ -z "$vdisk_value" ] || set -- "$@" "$vdisk_value"
		done
		vdiskctl "$@" 2>"$VDISK_RUN/event" || vdisk_info "$(vdisk_last "$VDISK_RUN/event")"
		return 0
	done
}

# vdisk_failure STEP: what somebody in front of the screen, or on the phone to
# who is not, needs: name, step, reason, address.
vdisk_failure()
{
	vdisk_value=$(vdisk_why)
	vdisk_value="step: $1${vdisk_value:+: $vdisk_value}"
	if [ -e "$VDISK_RUN/identity.json" ]; then
		vdisk_tell_farm failed --text "$vdisk_value" --log
	elif [ "$1" != network ]; then
		# A farm that can't be reached can't be told, and that is on the screen.
		vdisk_report "$vdisk_value"
	fi
	vdisk_name=$(vdisk_get "$VDISK_RUN/client") || vdisk_name='not known yet'
	set -- "$1" "$1"
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		[ ! -s "$vdisk_dir/device" ] || continue
		[ -s "$vdisk_dir/error" ] || continue
		vdisk_value=$(vdisk_last "$vdisk_dir/error")
		case $vdisk_value in
		'vdiskctl: attach: login: '*)
			shift
			set -- login "$@"
			;;
		esac
		set -- "$@" "$vdisk_value"
	done
	vdisk_error "this machine does not boot; its name: $vdisk_name; step: $1"
	shift 2
	for vdisk_value; do
		vdisk_error "reason: $vdisk_value"
	done
	vdisk_value=$(vdisk_get "$VDISK_RUN/reason") && vdisk_error "reason: $vdisk_value"
	vdisk_value=$(vdisk_get "${VDISK_DMI:-/sys/class/dmi/id}/product_uuid") && vdisk_error "UUID: $vdisk_value"
	ip -o link show 2>/dev/null | while read -r _ vdisk_name vdisk_rest; do
		case $vdisk_rest in
		*link/ether\ *)
			vdisk_rest=${vdisk_rest##*link/ether }
			vdisk_error "network card ${vdisk_name%:}: ${vdisk_rest%% *}"
			;;
		esac
	done
	ip -o addr show up scope global 2>/dev/null | while read -r _ vdisk_name _ vdisk_rest _; do
		vdisk_error "address: $vdisk_rest on $vdisk_name"
	done
}

# Whether a machine is nobody's to look into: its image was prepared for users, and
# the farm allows no shell at this boot.
vdisk_is_closed()
{
	[ -e "$VDISK_ETC/prepared" ] && [ ! -e "$VDISK_RUN/debug" ]
}

# Starts a closed machine anew after a while; any other one is left as it is.
vdisk_restart_if_closed()
{
	vdisk_is_closed || return 0
	vdisk_value=$(vdisk_wanted all reboot) || vdisk_value=$VDISK_REBOOT
	vdisk_error "trying again by a restart in $vdisk_value s"
	sleep "$vdisk_value"
	printf b >"${VDISK_SYSRQ:-/proc/sysrq-trigger}"
}

# vdisk_personalize ROOT: the identity that the farm gave this machine, into the
# root filesystem, which may be mounted read-only yet.
vdisk_personalize()
{
	[ -e "$VDISK_RUN/identity.json" ] || return 0
	vdisk_again=
	if [ ! -w "$1/etc" ] && mount -o remount,rw "$1"; then
		vdisk_again=yes
	fi
	vdiskctl identity --into "$1" --credentials /run/credstore 2>&1 |
		while IFS= read -r vdisk_line; do
			vdisk_error "$vdisk_line"
		done
	[ -z "$vdisk_again" ] || mount -o remount,ro "$1"
	# The agent runs where the image has it, enabled or not.
	for vdisk_dir in usr/lib/systemd/system lib/systemd/system; do
		[ -e "$1/$vdisk_dir/vdisk-agent.service" ] || continue
		mkdir -p /run/systemd/system/multi-user.target.wants
		ln -sf "/$vdisk_dir/vdisk-agent.service" /run/systemd/system/multi-user.target.wants/
		break
	done
	vdisk_tell_farm switch-root
}

vdisk_all_attached()
{
	for vdisk_dir in "$VDISK_RUN"/[0-9]*; do
		[ -s "$vdisk_dir/device" ] || return 1
	done
}

vdisk_settle_root()
{
	[ -e "$VDISK_RUN/0/is-root" ] || return 0
	vdisk_find_root "$(vdisk_get "$VDISK_RUN/0/device")" || return 1
	printf '%s\n' "$vdisk_node" >"$VDISK_RUN/root"
	vdisk_info "the root filesystem is on $vdisk_node"
}

# What blkid, asking the device itself, calls the use or type of a node.
vdisk_probe()
{
	blkid -p -o value -s "$1" "$2" 2>/dev/null
}

vdisk_may_be_root()
{
	[ "$(vdisk_probe USAGE "$1")" = filesystem ] || return 1
	case $(vdisk_probe TYPE "$1") in
	vfat | exfat | ntfs | iso9660) return 1 ;;
	esac
}

# Several filesystems: the one with an init is the root.
vdisk_has_init()
{
	vdisk_dir=$VDISK_RUN/try
	mkdir -p "$vdisk_dir"
	mount -r -t "$(vdisk_probe TYPE "$1")" "$1" "$vdisk_dir" 2>/dev/null ||
		return 1
	vdisk_found=1
	for vdisk_name in sbin/init usr/sbin/init lib/systemd/systemd usr/lib/systemd/systemd; do
		if [ -e "$vdisk_dir/$vdisk_name" ] || [ -L "$vdisk_dir/$vdisk_name" ]; then
			vdisk_found=0
		fi
	done
	umount "$vdisk_dir"
	return $vdisk_found
}

# vdisk_find_root DEVICE: sets vdisk_node to the device itself, or to the one
# partition of it that has a root filesystem.
vdisk_find_root()
{
	vdisk_node=
	if vdisk_may_be_root "$1"; then
		vdisk_node=$1
		return 0
	fi
	vdisk_candidates=
	vdisk_many=0
	for vdisk_part in "$VDISK_SYS/${1##*/}"p[0-9]*; do
		[ -e "$vdisk_part" ] || continue
		vdisk_may_be_root "/dev/${vdisk_part##*/}" || continue
		vdisk_candidates="$vdisk_candidates /dev/${vdisk_part##*/}"
		vdisk_many=$((vdisk_many + 1))
	done
	case $vdisk_many in
	0)
		vdisk_reason "root=vdisk: no filesystem on $1 or a partition of it; for LVM or an encrypted root give rd.vdisk=URI and root= as for a local disk"
		return 1
		;;
	1)
		vdisk_node=${vdisk_candidates# }
		return 0
		;;
	esac
	vdisk_choose_root "$1"
}

vdisk_choose_root()
{
	vdisk_roots=
	vdisk_many=0
	for vdisk_part in $vdisk_candidates; do
		vdisk_has_init "$vdisk_part" || continue
		vdisk_roots="$vdisk_roots $vdisk_part"
		vdisk_many=$((vdisk_many + 1))
	done
	if [ $vdisk_many = 1 ]; then
		vdisk_node=${vdisk_roots# }
		return 0
	fi
	if [ $vdisk_many = 0 ]; then
		vdisk_reason "root=vdisk: none of the filesystems$vdisk_candidates has an init: give rd.vdisk=URI and root=/dev/..."
	else
		vdisk_reason "root=vdisk: several root filesystems on $1:$vdisk_roots: say which by rd.vdisk=URI and root=/dev/..."
	fi
	return 1
}
