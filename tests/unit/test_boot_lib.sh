#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/boot/vdisk-lib.sh, outside any initramfs: vdiskctl, blkid and the rest
# are stand-ins that note how they were called.

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
top=$(cd "${0%/*}/../.." && pwd)
mkdir "$dir/bin"
export dir

stub()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$dir/bin/$1"
	chmod +x "$dir/bin/$1"
}

# One word a line, so that what was split shows.
stub vdiskctl 'case $1 in
medium)
	echo "$*" >"$dir/called.medium"
	if [ -e "$dir/refuse.medium" ]; then cat "$dir/refuse.medium" >&2; exit 1; fi
	exit ;;
event | identity | report) printf "%s\n" "$@" >"$dir/called.$1"; [ ! -e "$dir/words" ] || cat "$dir/words"; exit ;;
esac
printf "%s\n" "$@" >"$dir/called.$3"
if [ -e "$dir/refuse.$3" ]; then cat "$dir/refuse.$3" >&2; exit "$(cat "$dir/status.$3")"; fi
echo /dev/vdisk$3'
stub ip 'echo "2: eth0 inet 192.0.2.2/24 scope global eth0"'
stub modprobe 'exit 0'
stub sleep 'exit 0'
# Nodes are known by what the test wrote about them: USAGE and TYPE.
stub blkid 'n=${6##*/}; cat "$dir/$5.$n" 2>/dev/null'
PATH=$dir/bin:$PATH

count=0
failed=0
ok()
{
	count=$((count + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $count $3"
	else
		echo "not ok $count $3"
		printf 'got:  %s\nwant: %s\n' "$1" "$2" | sed 's/^/# /'
		failed=1
	fi
}

# fresh: what an initramfs starts with
fresh()
{
	rm -rf "$dir/run" "$dir/sys" "$dir"/called.* "$dir"/refuse.* "$dir"/USAGE.* "$dir"/TYPE.*
	mkdir "$dir/sys"
	: >"$dir/log"
	export VDISK_RUN="$dir/run" VDISK_LOG="$dir/log" VDISK_SYS="$dir/sys" VDISK_ETC="$dir/etc"
	export VDISK_DMI="$dir/dmi" VDISK_SYSRQ="$dir/sysrq"
	rm -rf "${dir:?}/etc" "$dir/dmi" "$dir/sysrq" "$dir/words"
	# shellcheck source=tools/boot/vdisk-lib.sh
	. "$top/tools/boot/vdisk-lib.sh"
}

called()
{
	tr '\n' ' ' <"$dir/called.$1" | sed 's/--wait [0-9]* /--wait N /'
}

filesystem()
{
	echo filesystem >"$dir/USAGE.$1"
	echo "$2" >"$dir/TYPE.$1"
	mkdir -p "$dir/sys/$1"
}

echo 1..56

fresh
vdisk_parse quiet root=/dev/sda1 rw
ok "$vdisk_count" 0 'nothing asked for, nothing done'

fresh
vdisk_parse root=vdisk:nbd://a/x rw
vdisk_attach_patiently 0 99999999
ok "$(called 0)" 'attach --device 0 --wait N --overlay ram -- nbd://a/x ' \
	'a root is device 0, with an overlay in RAM'
ok "$(cat "$dir/run/0/device")" /dev/vdisk0 'its node is what vdiskctl printed'

fresh
vdisk_parse rd.vdisk.timeout=7 rd.vdisk=nbd://a/x,nbd://b/x rd.vdisk.overlay=ram:1G \
	rd.vdisk=nbd://c/y rd.vdisk.overlay=none rd.vdisk.lost=fail:9 root=UUID=1
ok "$vdisk_count" 2 'each rd.vdisk= is a device'
vdisk_attach 0 5
vdisk_attach 1 5
ok "$(called 0)" 'attach --device 0 --wait N --overlay ram:1G -- nbd://a/x nbd://b/x ' \
	'commas part servers; an option is of the device before it'
ok "$(called 1)" 'attach --device 1 --wait N --overlay none --lost fail:9 -- nbd://c/y ' \
	'the next device has its own'
ok "$(vdisk_patience)" 7 'an option before all devices is for all'

fresh
vdisk_parse root=vdisk:nbd://old/x rd.vdisk=nbd://data/d root=vdisk:nbd://new/x
vdisk_attach 0 5
vdisk_attach 1 5
ok "$(called 0 | sed 's/.*-- //')" 'nbd://new/x ' 'the last root= counts'
ok "$(called 1 | sed 's/.*-- //')" 'nbd://data/d ' 'beside it a data disk'

fresh
vdisk_parse root=vdisk:nbd://a/x rd.vdisk.write-through rd.vdisk.timeout=soon rd.vdisk.colour=red
vdisk_attach 0 5
ok "$(called 0)" 'attach --device 0 --wait N --overlay none --write-through -- nbd://a/x ' \
	'write-through has no overlay'
ok "$(grep -c "timeout='soon'\|colour is not an option" "$dir/log")" 2 \
	'mistakes are named, and do not stop the boot'

fresh
hostile="nbd://a/\$(touch\${IFS}$dir/pwned)\`touch\${IFS}$dir/pwned\`';\"x"
vdisk_parse "root=vdisk:$hostile"
printf 'vdiskctl: no: $(touch %s/pwned)\033[2J"\n' "$dir" >"$dir/refuse.0"
echo 1 >"$dir/status.0"
vdisk_attach_patiently 0 0
ok "$(sed -n '$p' "$dir/called.0")" "$hostile" 'a hostile name reaches vdiskctl as it is'
ok "$(cat "$dir/log")" "<3>vdisk: device 0: vdiskctl: no: \$(touch $dir/pwned)?[2J\"" \
	"a server's words are shown, without what moves a cursor"
ok "$(ls "$dir/pwned" 2>/dev/null)" '' 'and nothing of it was run'

fresh
filesystem vdisk0 ext4
vdisk_find_root /dev/vdisk0
ok "$vdisk_node" /dev/vdisk0 'a filesystem on the device itself is the root'

fresh
filesystem vdisk0p1 vfat
mkdir "$dir/sys/vdisk0p2"
filesystem vdisk0p3 xfs
vdisk_find_root /dev/vdisk0
ok "$vdisk_node" /dev/vdisk0p3 'the one partition that can be a root is'

fresh
stub mount 'mkdir -p "$dir/run/try/sbin"; ln -sf x "$dir/run/try/sbin/init"'
stub umount 'rm -rf "$dir/run/try/sbin"'
filesystem vdisk0p1 ext4
filesystem vdisk0p2 ext4
ok "$(vdisk_find_root /dev/vdisk0; echo $?)" 1 'two roots are one too many'
ok "$(grep -c 'several root filesystems on /dev/vdisk0: /dev/vdisk0p1 /dev/vdisk0p2' "$dir/log")" \
	1 'and both are named'

fresh
ok "$(vdisk_find_root /dev/vdisk0; echo $?)" 1 'no filesystem at all is said so'

fresh
pin=sha256//AAAA
vdisk_parse rd.vdisk.pin=$pin root=vdisk:vdisk://farm:1/lab,vdisk://two rd.vdisk.server=x
vdisk_attach 0 5
ok "$(called 0)" "attach --device 0 --wait N --boot --pin $pin -- vdisk://farm:1/lab vdisk://two " \
	'a farm is logged in to, and says what the overlay is'
ok "$(cat "$dir/log")" '' 'and its options are known'

fresh
vdisk_parse rd.vdisk=auto rd.vdisk.trust=network rd.vdisk.multicast rd.vdisk.overlay=ram:1G
vdisk_attach 0 5
ok "$(called 0)" "attach --device 0 --wait N --boot --trust network --multicast --overlay ram:1G -- auto " \
	'a farm is found, and the command line has the last word'

fresh
for option in pin trust server overlay full lost connections read-ahead timeout reboot; do
	vdisk_parse "root=vdisk:auto" "rd.vdisk.$option=\$(touch\${IFS}$dir/pwned)\`touch\${IFS}$dir/pwned\`';\"
$dir"
	vdisk_attach 0 5
done
ok "$(ls "$dir/pwned" 2>/dev/null)" '' 'what is hostile in an option is not run'
ok "$(sed -n '/^--pin$/{n;p}' "$dir/called.0")" \
	"\$(touch\${IFS}$dir/pwned)\`touch\${IFS}$dir/pwned\`';\"" 'but reaches vdiskctl, its first line'

fresh
vdisk_parse root=vdisk:vdisk://farm
printf 'vdiskctl: login: waits to be let in: $(touch %s/pwned)\033[2J\nvdiskctl: no %%s\n' "$dir" >"$dir/refuse.0"
echo 1 >"$dir/status.0"
vdisk_attach 0 5
vdisk_attach 0 5
ok "$(cat "$dir/log")" "<3>vdisk: device 0: vdiskctl: login: waits to be let in: \$(touch $dir/pwned)?[2J
<3>vdisk: device 0: vdiskctl: no %s" 'every line is shown, once, clean'
mkdir "$dir/dmi"
echo "u-u-i-d" >"$dir/dmi/product_uuid"
printf 'lab1-01 $(touch %s/pwned)\n' "$dir" >"$dir/run/client"
: >"$dir/run/identity.json"
: >"$dir/log"
vdisk_failure attach
ok "$(head -n 1 "$dir/log")" \
	"<3>vdisk: this machine does not boot; its name: lab1-01 \$(touch $dir/pwned); step: attach" \
	'a failing screen has name and step'
ok "$(grep -c 'reason: vdiskctl: no %s$' "$dir/log")" 1 'the reason, the last line of it'
ok "$(grep -c 'UUID: u-u-i-d\|address: 192.0.2.2/24 on eth0' "$dir/log")" 2 'UUID and address'
ok "$(tr '\n' ' ' <"$dir/called.event")" 'event failed --text step: attach: vdiskctl: no %s --log ' \
	'and the farm is told, why, too'
ok "$(ls "$dir/pwned" 2>/dev/null)" '' 'and nothing of it was run'

fresh
vdisk_parse rd.vdisk=vdisk://farm,vdisk://two rd.vdisk.pin=pin rd.vdisk=nbd://a/x
echo 'vdiskctl: attach: login: no' >"$dir/run/0/error"
echo 'vdiskctl: attach: down' >"$dir/run/1/error"
vdisk_failure attach
ok "$(sed '/UUID\|network\|address/d' "$dir/log")" '<3>vdisk: this machine does not boot; its name: not known yet; step: login
<3>vdisk: reason: vdiskctl: attach: login: no
<3>vdisk: reason: vdiskctl: attach: down' 'a login that fails is a step of its own'
ok "$(tr '\n' ' ' <"$dir/called.report")" \
	'report --text step: attach: vdiskctl: attach: login: no --log --pin pin -- vdisk://farm vdisk://two ' \
	'and the farm is told, without a session'
rm "$dir/called.report"
vdisk_failure network
ok "$(ls "$dir/called.report" 2>/dev/null)" '' 'but not where there is no network'
rm "$dir/run/0/error"
vdisk_reason "its boot medium has another pin"
vdisk_failure medium
ok "$(sed -n 3p "$dir/called.report")" 'step: medium: its boot medium has another pin' \
	"a reason that isn't a device's is told, too"

fresh
vdisk_parse root=vdisk:vdisk://farm
vdisk_attach_all
ok "$(sed -n '/does not boot/,/^<3>vdisk: reason/p' "$dir/log")" \
	'<3>vdisk: this machine does not boot; its name: not known yet; step: root
<3>vdisk: reason: root=vdisk: no filesystem on /dev/vdisk0 or a partition of it; for LVM or an encrypted root give rd.vdisk=URI and root= as for a local disk' \
	'a disk without a root is a reason, too'
: >"$dir/run/identity.json"
vdisk_failure root
ok "$(sed -n 4p "$dir/called.event" | cut -c -33)" 'step: root: root=vdisk: no filesy' 'which the farm is told'

fresh
vdisk_parse rd.vdisk.timeout=3 root=vdisk:vdisk://farm rd.vdisk.reboot=7 rd.vdisk.timeout=5
ok "$(cat "$dir/run/all/reboot" "$dir/run/0/timeout" "$dir/run/all/timeout" | tr '\n' ' ')" '7 5 3 ' \
	"the time before a restart is the machine's, wherever it stands"

fresh
vdisk_parse root=vdisk:vdisk://farm
vdisk_restart_if_closed
ok "$(cat "$dir/sysrq" 2>/dev/null)" '' 'an open machine is left as it is'
mkdir "$dir/etc"
: >"$dir/etc/prepared"
vdisk_restart_if_closed
ok "$(cat "$dir/sysrq")" b 'a closed one starts anew'
rm "$dir/sysrq"
: >"$dir/run/debug"
vdisk_restart_if_closed
ok "$(cat "$dir/sysrq" 2>/dev/null)" '' 'unless the farm allows a shell'

fresh
vdisk_parse root=vdisk:vdisk://farm
echo 'vdiskctl: attach: login: the local disk was chosen' >"$dir/refuse.0"
echo 1 >"$dir/status.0"
: >"$dir/run/local-disk"
vdisk_attach_patiently 0 99999999
ok "$?:$(cat "$dir/sysrq")" 1:b 'a machine whose user chose the local disk starts anew'
stub mount 'printf "%s " "$@" >"$dir/mounted"'
mkdir -p "$dir/efi/efivars"
VDISK_EFI=$dir/efi vdisk_mount_efi
: >"$dir/efi/efivars/BootOrder-x"
mv "$dir/mounted" "$dir/mounted.first"
VDISK_EFI=$dir/efi vdisk_mount_efi
VDISK_EFI=$dir/none vdisk_mount_efi
ok "$(cat "$dir/mounted.first" "$dir/mounted" 2>/dev/null)" "-t efivarfs efivarfs $dir/efi/efivars " \
	"the firmware's variables are mounted where they are not yet"
rm "$dir/bin/mount"

fresh
mkdir -p "$dir/run" "$dir/root/etc"
vdisk_personalize "$dir/root"
ok "$(ls "$dir"/called.* 2>/dev/null)" '' 'without a farm nothing is written'
: >"$dir/run/identity.json"
printf 'vdiskctl: \033no $(touch %s/pwned)\n' "$dir" >"$dir/words"
vdisk_personalize "$dir/root"
ok "$(tr '\n' ' ' <"$dir/called.identity")" \
	"identity --into $dir/root --credentials /run/credstore " 'the identity is written'
ok "$(tr '\n' ' ' <"$dir/called.event")" 'event switch-root ' 'and the farm told'
ok "$(cat "$dir/log")" "<3>vdisk: vdiskctl: ?no \$(touch $dir/pwned)" 'what failed is shown'
ok "$(ls "$dir/pwned" 2>/dev/null)" '' 'and not run'

stub udevadm 'exit 0'
stub umount 'echo "umount $1" >>"$dir/called.mount"'
stub mount 'echo "mount $*" >>"$dir/called.mount"; [ ! -e "$dir/nomount" ]'
fresh
export VDISK_MEDIUM="$dir/label"
vdisk_parse root=vdisk:auto rd.vdisk.medium=3
ok "$(vdisk_take_medium 0; echo $?)$(ls "$dir"/called.* 2>/dev/null)" 0 'without a boot medium nothing is looked at'
: >"$dir/label"
echo iso9660 >"$dir/TYPE.label"
ok "$(vdisk_take_medium 0; echo $?)" 0 'a boot medium is taken'
ok "$(cat "$dir/called.mount")" "mount -r -t iso9660 -o nosuid,nodev,noexec $dir/label $dir/run/medium
umount $dir/run/medium" 'mounted to be looked at only, and not for long'
ok "$(cat "$dir/called.medium")" "medium $dir/run/medium" \
	'vdiskctl takes what is on it'
echo "vdiskctl: medium: another farm's \$(touch $dir/pwned)" >"$dir/refuse.medium"
: >"$dir/log"
ok "$(vdisk_take_medium 0; echo $?)" 1 'one that contradicts stops the boot'
ok "$(cat "$dir/log" "$dir/run/reason")" "<3>vdisk: vdiskctl: medium: another farm's \$(touch $dir/pwned)
vdiskctl: medium: another farm's \$(touch $dir/pwned)" 'and says why'
echo ext4 >"$dir/TYPE.label"
ok "$(vdisk_take_medium 0; echo $?)$(grep -c 'neither iso9660 nor vfat' "$dir/log")" 01 'another filesystem of that label is not mounted'
echo vfat >"$dir/TYPE.label"
: >"$dir/nomount"
ok "$(vdisk_take_medium 0; echo $?)$(grep -c 'cannot be mounted' "$dir/log")" 01 'one that is broken stops nothing'
ok "$(ls "$dir/pwned" 2>/dev/null)" '' 'and nothing of it was run'
rm -f "$dir/label" "$dir/nomount"

exit $failed
