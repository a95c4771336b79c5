#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who may look, who may change, and who sees the tokens of sessions.
# group: quick
# timeout: 180
# shellcheck disable=SC1083 # braces are words of vdisk_nl
. ./lib.sh
. ./wire.sh

as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}

# A caller with root's network powers, and no more.
as_netadmin() {
	setpriv --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin "$@"
}

make_image image 4M
make_image "~secret" 4M
start_nbdkit file dir="$STORE"
ln "$STORE/image.img" "$STORE/image"
ln "$STORE/~secret.img" "$STORE/~secret"

must_attach "$(uri image)"
plain=$DEV
must_attach "$(uri '~secret')"
secret=$DEV

ok "anybody may look" as_nobody vdiskctl status "$plain"
is "at all devices" "$(as_nobody vdiskctl status --json | jq '.devices | length')" 2
is "an export is shown to anybody" \
	"$(as_nobody vdiskctl status "$plain" --json | jq -r '.devices[].servers[].export')" image
is "a token is shown to the privileged" \
	"$(vdiskctl status "$secret" --json | jq -r '.devices[].servers[].export')" '~secret'
is "and to nobody else" \
	"$(as_nobody vdiskctl status "$secret" --json | jq -r '.devices[].servers[].export')" '~'
is "nor in a dump" \
	"$(as_nobody vdiskctl status --json | jq -r '.devices[].servers[].export' | sort | xargs)" \
	'image ~'
ok "nor in the kernel's log" eval '! dmesg | grep secret'

# An unknown token: the server's words may have it, the event must not.
vdiskctl monitor --json > "$T/events" &
monitor=$!
must wait_for "$(patience 10)" "in_poll $monitor"
server=$PORT
start_rogue "go-error=unknown,words=there is no ~unknown-token here"
attach "$(uri '~unknown-token')" --wait 5
PORT=$server
ok "events tell of it" wait_for 5 "grep -q path-refused $T/events"
ok "in the server's words" grep -q "there is no ~ here" "$T/events"
ok "and not of the token" eval "! grep -q unknown-token $T/events"
ok "so does the kernel's log" eval 'dmesg | grep -q "there is no ~ here"'
ok "and not of the token" eval '! dmesg | grep unknown-token'
kill $monitor

for who in nobody netadmin; do
	out=$(as_$who vdisk_nl detach "number=${plain#/dev/vdisk}")
	is "$who may not detach" "$out" "EPERM: changing a vdisk needs CAP_SYS_ADMIN"
	out=$(as_$who vdisk_nl set "number=${plain#/dev/vdisk}" fail-now)
	is "$who may not set" "$out" "EPERM: changing a vdisk needs CAP_SYS_ADMIN"
	out=$(as_$who vdisk_nl attach server{ host=h port=1 export=e address{ ipv4=7f000001 } })
	is "$who may not attach" "$out" "EPERM: changing a vdisk needs CAP_SYS_ADMIN"
done
# Root of a user namespace is nobody to the driver.
if [ -e /proc/self/ns/user ]; then
	out=$(unshare --user --map-root-user vdisk_nl detach "number=${plain#/dev/vdisk}")
	is "a user namespace's root may not detach" "$out" \
		"EPERM: changing a vdisk needs CAP_SYS_ADMIN"
else
	skip "a user namespace's root may not detach" "this kernel has no user namespaces"
fi
is "both devices are still there" "$(vdiskctl status --json | jq '.devices | length')" 2
ok "detach" detach "$plain" "$secret"
finish
