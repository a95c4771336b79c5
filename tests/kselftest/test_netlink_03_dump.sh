#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Dumps of many devices, and of the largest one that there can be.
# group: quick
# timeout: 180
# shellcheck disable=SC1083 # braces are words of vdisk_nl
. ./lib.sh
# these devices have no disk by which lib.sh would find them
trap 'status=$?; vdiskctl detach --all --force; (exit $status); _cleanup' EXIT

count=100
slow && count=30

address() {
	printf 'address{ ipv6=20010db8%024x } ' "$1"
}

# A device with all that fits: 8 servers with names of the greatest length.
# Nothing answers, so it stays connecting.
long_host=$(printf '%0255d' 1)
long_export=$(printf '%01024d' 2)
addresses=$(for i in 1 2 3 4 5 6 7 8; do address "$i"; done)
largest=()
for ((i = 0; i < 8; i++)); do
	# shellcheck disable=SC2206 # words are wanted
	largest+=(server{ "host=$long_host" port=65535 "export=$long_export" $addresses })
done
for ((n = 0; n < count; n++)); do
	must vdisk_nl attach "number=$((n * 3))" server{ host=h port=1 export=e \
		address{ ipv4=7f000001 } }
done
for ((n = 0; n < 3; n++)); do
	must vdisk_nl attach "number=$((1021 + n))" "${largest[@]}"
done

is "all are shown, once, in ascending order" \
	"$(vdiskctl status --json | jq -c '[.devices[].number]')" \
	"$(for ((n = 0; n < count; n++)); do echo $((n * 3)); done |
		jq -sc '. + [1021, 1022, 1023]')"
is "the largest device is complete" \
	"$(vdiskctl status 1023 --json | jq -c '.devices[0].servers |
		[length, (map(.host | length) | min), (map(.export | length) | min),
		 (map(.addresses | length) | min)]')" "[8,255,1024,8]"
is "in a dump, too" \
	"$(vdiskctl status --json | jq -c '.devices[-1].servers |
		[length, (map(.host | length) | min), (map(.export | length) | min),
		 (map(.addresses | length) | min)]')" "[8,255,1024,8]"

# Dumps while devices come and go show each that stays.
(
	for ((i = 0; i < 40; i++)); do
		vdisk_nl attach number=500 server{ host=h port=1 export=e address{ ipv4=7f000001 } }
		vdiskctl detach 500
	done
) > "$T/churn" 2>&1 &
churn=$!
bad=
while kill -0 $churn 2> /dev/null; do
	got=$(vdiskctl status --json | jq '[.devices[].number | select(. != 500)] | length')
	[ "$got" = $((count + 3)) ] || bad="$got devices"
done
wait $churn
is "dumps while devices come and go" "$bad" ""
ok "these came and went" eval "! grep -v -e '^ok' -e '^reply' -e number= $T/churn"

ok "detach --all" vdiskctl detach --all
is "none is left" "$(vdiskctl status --json | jq -c .)" '{"devices":[]}'
finish
