# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# lib.sh - helpers of the kselftests; see README.md here.  A test begins with
#	. ./lib.sh
# and ends with
#	finish
# Whatever it started or attached is ended when it ends, however it ends.

set -u

TEST=${0##*/}
T=$(mktemp -d "/tmp/${TEST%.sh}.XXXXXX")
STORE=$T/store
mkdir -p "$STORE" "$T/mnt"

_n=0
_failed=0
_skipped=0
_finished=
_next_port=10809
_pids=()

# ---- results ------------------------------------------------------------------

# note TEXT...: a line for whoever reads why a test failed
note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass() {
	_n=$((_n + 1))
	echo "ok $_n $1"
}

# fail NAME [WHY]
fail() {
	_n=$((_n + 1))
	_failed=$((_failed + 1))
	[ $# -gt 1 ] && note "$2"
	echo "not ok $_n $1"
}

# skip NAME WHY
skip() {
	_n=$((_n + 1))
	_skipped=$((_skipped + 1))
	echo "ok $_n $1 # SKIP $2"
}

# die WHY: nothing else can be tested
die() {
	fail "${TEST%.sh}" "$*"
	exit 1
}

# skip_all WHY: the machine lacks what the whole test is about
skip_all() {
	echo "1..0 # SKIP $*"
	_finished=y
	exit 4
}

# ok NAME COMMAND...: passes when the command does; its output is shown if not
ok() {
	local name=$1
	shift
	if "$@" > "$T/out.ok" 2>&1; then
		pass "$name"
	else
		fail "$name" "'$*' failed with status $?: $(tail -n 20 "$T/out.ok")"
	fi
}

# fails NAME COMMAND...: passes when the command exits with a status of 1 to 99
fails() {
	local name=$1 out status
	shift
	# not in a subshell: what the command sets, as attach does, stays
	"$@" > "$T/out.fails" 2>&1
	status=$?
	out=$(cat "$T/out.fails")
	if [ $status -ge 1 ] && [ $status -le 99 ]; then
		pass "$name"
	else
		fail "$name" "'$*' should have failed, its status was $status: $out"
	fi
}

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got '$2', not '$3'"
	fi
}

# must COMMAND...: for what a test needs and does not test
must() {
	"$@" > "$T/out.must" 2>&1 || die "'$*' failed with status $?: $(cat "$T/out.must")"
}

finish() {
	_finished=y
	if [ $_n -eq 0 ]; then
		echo "# nothing was tested"
		exit 1
	fi
	[ $_failed -eq 0 ] || exit 1
	[ $_skipped -lt $_n ] || exit 4
	exit 0
}

# ---- waiting ------------------------------------------------------------------

# wait_for SECONDS CONDITION: until the shell code is true; 1 when it never was
wait_for() {
	local end=$((SECONDS + $1 + 1))
	until eval "$2"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# in_poll PID: the process waits for events: it has asked for them by then
in_poll() {
	grep -q '^7 ' "/proc/$1/syscall"
}

# The debug kernel is some ten times slower.
slow() {
	[ -n "${VM_DEBUG-}" ]
}

# patience SECONDS: the same, longer on a slow kernel
patience() {
	if slow; then echo $(($1 * 5)); else echo "$1"; fi
}

# ---- the kernel's log ---------------------------------------------------------

# mark TEXT: a line in the kernel's log, to find one's way in it
mark() {
	echo "vdisk-test: $*" > /dev/kmsg
}

# allow_log REGEX: lines this test provokes, which else make it fail
allow_log() {
	echo "vdisk-test: allow-log: $1" > /dev/kmsg
}

# ---- images and servers -------------------------------------------------------

# make_image NAME SIZE: pseudo-random bytes, in $STORE/NAME.img
make_image() {
	head -c "$(numeric "$2")" /dev/urandom > "$STORE/$1.img" ||
		die "can't make an image of $2"
}

# make_sparse NAME SIZE: zeroes that take no memory
make_sparse() {
	must truncate -s "$(numeric "$2")" "$STORE/$1.img"
}

numeric() {
	case $1 in
	*K) echo $((${1%K} << 10)) ;;
	*M) echo $((${1%M} << 20)) ;;
	*G) echo $((${1%G} << 30)) ;;
	*) echo "$1" ;;
	esac
}

listening() {
	ss -Hltn "sport = :$1" | grep -q .
}

# _serve COMMAND...: starts a server that is to listen on $PORT; sets SERVER
_serve() {
	"$@" > "$T/server-$PORT.log" 2>&1 &
	SERVER=$!
	_pids+=("$SERVER")
	wait_for "$(patience 10)" "listening $PORT || ! kill -0 $SERVER 2>/dev/null"
	listening "$PORT" && kill -0 $SERVER 2>/dev/null && return 0
	note "$(tail -n 20 "$T/server-$PORT.log")"
	die "'$*' does not listen on port $PORT"
}

# start_vdiskd [OPTION]...: serves $STORE; sets SERVER (a pid) and PORT.
# PORT=N start_vdiskd … is for one that comes back to its port.
start_vdiskd() {
	_choose_port
	_serve vdiskd --store "$STORE" --listen "127.0.0.1:$PORT" "$@"
}

# start_nbdkit ARG...: likewise
start_nbdkit() {
	_choose_port
	_serve nbdkit -f -i 127.0.0.1 -p "$PORT" "$@"
}

# again: the next server takes this port and not a new one
again() {
	_same_port=y
}

_same_port=
_choose_port() {
	if [ -n "$_same_port" ]; then
		_same_port=
		return
	fi
	while listening "$_next_port"; do
		_next_port=$((_next_port + 1))
	done
	PORT=$_next_port
	_next_port=$((_next_port + 1))
}

# stop_server [PID], kill_server [PID]: by SIGTERM, by SIGKILL; waits for its end
stop_server() {
	_end "${1:-$SERVER}" TERM
}

kill_server() {
	_end "${1:-$SERVER}" KILL
}

freeze_server() {
	kill -STOP "${1:-$SERVER}"
}

thaw_server() {
	kill -CONT "${1:-$SERVER}"
}

_end() {
	kill -CONT "$1" 2>/dev/null
	kill "-$2" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# uri NAME [PORT]
uri() {
	echo "nbd://127.0.0.1:${2:-$PORT}/$1"
}

# ---- devices ------------------------------------------------------------------

# attach ARG...: of "vdiskctl attach"; sets DEV, and ERR to what it said
attach() {
	DEV=$(vdiskctl attach "$@" 2> "$T/attach.err")
	local status=$?
	ERR=$(cat "$T/attach.err")
	[ $status -eq 0 ] && echo "$DEV" >> "$T/devices"
	return $status
}

# must_attach ARG...
must_attach() {
	attach "$@" || die "vdiskctl attach $*: $ERR"
	[ -b "$DEV" ] || wait_for 5 "[ -b $DEV ]" || die "$DEV is no block device"
}

# detach ARG...: of "vdiskctl detach", whose patience is too short for the debug
# kernel on a busy machine
detach() {
	local err="$T/detach.err.$BASHPID" name
	# not a bare "return": in a trap that is the status from before the trap
	vdiskctl detach "$@" 2> "$err" && return 0
	cat "$err" >&2
	slow || return 1
	name=$(sed -n 's/.*\(vdisk[0-9]*\): is going,.*/\1/p' "$err")
	[ -n "$name" ] && wait_for 100 "[ ! -e /sys/block/$name ]"
}

# none_attached: no device is left
none_attached() {
	! compgen -G '/sys/block/vdisk*' > /dev/null &&
		! vdiskctl status | grep -q /dev/vdisk
}

# status DEV [JQ-FILTER]
status() {
	vdiskctl status "$1" --json | jq -r "${2:-.}"
}

# same FILE DEVICE: compares the whole of them, past the page cache
same() {
	local size
	size=$(stat -Lc %s "$1")
	cmp <(dd if="$1" bs=1M status=none) \
		<(dd if="$2" bs=1M iflag=direct,count_bytes count="$size" status=none)
}

# ---- the end ------------------------------------------------------------------

_cleanup() {
	local status=$? pid dev mnt
	trap - EXIT
	if [ -z "$_finished" ] && [ $status -eq 0 ]; then
		echo "# the test ended before 'finish'"
		status=1
	fi
	[ -n "$_finished" ] && [ $_n -eq 0 ] || echo "1..$_n"
	# The subshells of the test.
	for pid in "${_pids[@]}"; do
		kill -CONT "$pid" 2>/dev/null
	done
	while read -r _ mnt _; do
		case $mnt in
		"$T"/*) umount -l "$mnt" ;;
		esac
	done < /proc/mounts
	if [ -e "$T/devices" ]; then
		while read -r dev; do
			[ -e "/sys/block/${dev##*/}" ] || continue
			detach --force "$dev" ||
				{ echo "# can't detach $dev"; status=1; }
		done < "$T/devices"
	fi
	for pid in "${_pids[@]}" $(jobs -p); do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	if [ $status -eq 1 ]; then
		for pid in "$T"/server-*.log; do
			[ -s "$pid" ] && note "${pid##*/}: $(tail -n 8 "$pid")"
		done
	fi
	rm -rf "$T"
	exit $status
}
trap _cleanup EXIT
trap 'echo "# ended by a signal: out of time?"; exit 124' TERM INT

if [ ! -d /sys/module/vdisk ]; then
	modprobe vdisk || die "can't load the module vdisk"
fi
