#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each thing that a request can have wrong is refused, with its reason.
# group: quick
# timeout: 180
# shellcheck disable=SC1083 # braces are words of vdisk_nl
. ./lib.sh

# refused ERRNO WORDS WORD...: of vdisk_nl
refused() {
	local errno=$1 words=$2 out status
	shift 2
	out=$(vdisk_nl "$@" 2>&1)
	status=$?
	if [ $status -eq 1 ] && [[ $out == "$errno: "*"$words"* ]]; then
		pass "$*: $words"
	else
		fail "$*" "status $status, not '$errno: … $words …' but: $out"
	fi
}

# host, port and export of a server that is not there, and its address
named=(host=h port=1 export=e)
address=(address{ ipv4=7f000001 })
server=(server{ "${named[@]}" "${address[@]}" })
six=20010db8000000000000000000000001
local6=fe800000000000000000000000000001
long=$(printf '%0256d' 0)

# refused as ATTACH, with a good server behind
attach_refused() {
	refused "$1" "$2" attach "${@:3}" "${server[@]}"
}

# refused as the server of an ATTACH
server_refused() {
	refused "$1" "$2" attach server{ "${@:3}" }
}

# Message and header.
refused EOPNOTSUPP "" attach --command=99
refused EINVAL "" attach "${server[@]}" --reserved=1
refused EINVAL "Unsupported" attach "${server[@]}" force
refused EINVAL "" attach "${server[@]}" --trailing=000000
refused EINVAL "no SERVER" attach
refused EINVAL "no SERVER" attach connections=1
refused EINVAL "" attach "#99:00000000" "${server[@]}"

# What only the driver sends.
for word in state=1 size=1 stamp=x event=1 reason=x percent=1 openers=1; do
	attach_refused EINVAL "Unsupported attribute" "$word"
done
attach_refused EINVAL "Unsupported attribute" stats{ }
for word in state=1 reason=x since=1 rx-bytes=1 name=x connected=1; do
	server_refused EINVAL "only the driver sends" "${named[@]}" "${address[@]}" "$word"
done
for word in used=1 peak=1 waiting=1 full-count=1; do
	attach_refused EINVAL "only the driver sends" overlay{ kind=1 limit=4096 "$word" }
done

# Commands take their own attributes only.
attach_refused EINVAL "" force
attach_refused EINVAL "" fail-now
refused EINVAL "" detach number=0 connections=1
refused EINVAL "" get number=0 force
refused EINVAL "" set number=0 "${server[@]}"
refused EINVAL "" set number=0 patience=1

# Numbers.
attach_refused ERANGE "" number=1024
attach_refused ERANGE "" connections=0
attach_refused ERANGE "" connections=9
attach_refused EINVAL "" flags=4
attach_refused ERANGE "" lost=3
attach_refused ERANGE "" lost=1 lost-seconds=2592001
attach_refused ERANGE "" patience=2592001
attach_refused ERANGE "" readahead-kb=65537
attach_refused EINVAL "length" connections:01
attach_refused EINVAL "length" connections:0100000000000000
attach_refused EINVAL "length" number:
refused EINVAL "NUMBER is missing" detach
refused EINVAL "NUMBER is missing" get
refused EINVAL "NUMBER is missing" set fail-now
refused ENODEV "no such device" get number=1000
refused ENODEV "no such device" detach number=1000
refused ENODEV "no such device" set number=1000 fail-now
refused EINVAL "a dump takes no attributes" get number=0 --dump

# What must hold together.
attach_refused EINVAL "needs LOST_SECONDS" lost=1
attach_refused EINVAL "needs LOST_SECONDS" lost=2
attach_refused EINVAL "fail or reboot only" lost-seconds=1
attach_refused EINVAL "fail or reboot only" lost=0 lost-seconds=1
attach_refused EINVAL "not both" flags=2 overlay{ kind=1 limit=4096 }
attach_refused EINVAL "neither OVERLAY nor write-through" flags=3
attach_refused EINVAL "neither OVERLAY nor write-through" flags=1 overlay{ kind=1 limit=4096 }
refused EINVAL "one server only" attach flags=2 "${server[@]}" "${server[@]}"

# The overlay.
attach_refused EINVAL "no KIND" overlay{ limit=4096 }
attach_refused EINVAL "no KIND" overlay{ }
attach_refused EINVAL "takes nothing else" overlay{ kind=0 limit=4096 }
attach_refused EINVAL "needs a LIMIT" overlay{ kind=1 }
attach_refused ERANGE "" overlay{ kind=2 limit=4096 }
attach_refused ERANGE "" overlay{ kind=1 limit=4095 }
attach_refused ERANGE "" overlay{ kind=1 limit=4096 full=2 }
attach_refused EINVAL "FULL wait only" overlay{ kind=1 limit=4096 full=1 full-seconds=3 }
attach_refused ERANGE "" overlay{ kind=1 limit=4096 full-seconds=2592001 }
attach_refused EINVAL "" overlay:{ kind=1 limit=4096 }
attach_refused ENOMEM "larger than the memory" overlay{ kind=1 limit=0xffffffffffff }

# The server.
server_refused EINVAL "no HOST" port=1 export=e "${address[@]}"
server_refused EINVAL "no HOST" host= port=1 export=e "${address[@]}"
server_refused EINVAL "no PORT" host=h export=e "${address[@]}"
server_refused EINVAL "no EXPORT" host=h port=1 "${address[@]}"
server_refused EINVAL "no ADDRESS" "${named[@]}"
server_refused ERANGE "" host=h port=0 export=e "${address[@]}"
server_refused EINVAL "policy" host="$long" port=1 export=e "${address[@]}"
server_refused EINVAL "policy" host=h port=1 export="$long$long$long$long$long" "${address[@]}"
refused EINVAL "too many servers" attach "${server[@]}" "${server[@]}" "${server[@]}" \
	"${server[@]}" "${server[@]}" "${server[@]}" "${server[@]}" "${server[@]}" "${server[@]}"
server_refused EINVAL "too many addresses" "${named[@]}" "${address[@]}" "${address[@]}" \
	"${address[@]}" "${address[@]}" "${address[@]}" "${address[@]}" "${address[@]}" \
	"${address[@]}" "${address[@]}"

# Texts: no end, an end too early, control characters, not UTF-8.
server_refused EINVAL "" host:61 port=1 export=e "${address[@]}"
server_refused EINVAL "" host: port=1 export=e "${address[@]}"
server_refused EINVAL "UTF-8 without control" host:61006200 port=1 export=e "${address[@]}"
server_refused EINVAL "only zero byte" host:610062 port=1 export=e "${address[@]}"
for bytes in 0a 1b 7f c285 80 c0af c3 e0a080c3 eda080 f4908080 ff fe; do
	server_refused EINVAL "UTF-8 without control" host=h port=1 "export:61${bytes}00" \
		"${address[@]}"
done

# Addresses.
server_refused EINVAL "either IPV4 or IPV6" "${named[@]}" address{ }
server_refused EINVAL "either IPV4 or IPV6" "${named[@]}" address{ ipv4=7f000001 ipv6=$six }
server_refused ERANGE "" "${named[@]}" address{ ipv4=7f0000 }
server_refused ERANGE "" "${named[@]}" address{ ipv4=7f00000100 }
server_refused ERANGE "" "${named[@]}" address{ ipv6=7f000001 }
server_refused EINVAL "link-local" "${named[@]}" address{ ipv4=7f000001 scope=1 }
server_refused EINVAL "link-local" "${named[@]}" address{ ipv6=$local6 }
server_refused EINVAL "link-local" "${named[@]}" address{ ipv6=$six scope=1 }
server_refused ERANGE "" "${named[@]}" address{ ipv6=$local6 scope=0 }
server_refused EINVAL "can't be a server's" "${named[@]}" address{ ipv4=00000000 }
server_refused EINVAL "can't be a server's" "${named[@]}" address{ ipv4=e0000001 }
server_refused EINVAL "can't be a server's" "${named[@]}" address{ ipv4=ffffffff }
server_refused EINVAL "can't be a server's" "${named[@]}" \
	address{ ipv6=00000000000000000000000000000000 }
server_refused EINVAL "can't be a server's" "${named[@]}" \
	address{ ipv6=ff020000000000000000000000000001 }

# Nothing of all that made a device.
is "no device is left" "$(vdiskctl status --json | jq '.devices | length')" 0

# SET, on a device.
make_image image 4M
start_vdiskd
must_attach "$(uri image)" --overlay ram:2M
n=${DEV#/dev/vdisk}
refused EINVAL "nothing to set" set "number=$n"
refused EINVAL "nothing to set" set "number=$n" overlay{ }
refused EINVAL "can't change" set "number=$n" overlay{ kind=1 }
refused EINVAL "with a LIMIT only" set "number=$n" overlay{ overcommit }
refused EINVAL "FULL wait only" set "number=$n" overlay{ full-seconds=1 }
refused EINVAL "FULL wait only" set "number=$n" overlay{ full=1 full-seconds=1 }
refused EINVAL "fail or reboot only" set "number=$n" lost-seconds=1
refused EINVAL "needs LOST_SECONDS" set "number=$n" lost=1
refused ENOMEM "larger than the memory" set "number=$n" overlay{ limit=0xffffffffffff }
refused EBUSY "taken" attach "number=$n" "${server[@]}"
exec 7< "$DEV"
refused EBUSY "in use" detach "number=$n"
exec 7<&-
must detach "$DEV"
must_attach "$(uri image)"
n=${DEV#/dev/vdisk}
refused EINVAL "no overlay" set "number=$n" overlay{ limit=8192 }
must detach "$DEV"
finish
