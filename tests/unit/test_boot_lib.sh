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
stub vdiskctl 'printf "%s\n" "$@" >"$dir/called.$3"
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
	export VDISK_RUN="$dir/run" VDISK_LOG="$dir/log" VDISK_SYS="$dir/sys"
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

echo 1..19

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

exit $failed
