#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# load.sh - a thousand clients at once, each of which replays the reads of a boot
# (boot.trace) against vdiskd and then against its peers, over loopback, from the
# page cache.  Prints a table; writes $B/bench/load.json.  Exit 1: vdiskd missed
# a target.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
B=${B:-build}
clients=1000
fraction=0.5
window=4
ramp=1
limit=50
dir=/var/tmp
servers=()

usage() {
	cat <<-EOT
	usage: load.sh [OPTION]... [SERVER]...
	  SERVER         vdiskd nbdkit nbd-server; all that are installed
	  --clients N    (1000)
	  --fraction F   of the boot's reads, from its begin (0.5)
	  --window N     requests of a client under way (4)
	  --ramp S       the clients begin within so many seconds (1)
	  --timeout S    for each server (50)
	  --dir DIR      where the image is made (/var/tmp)
	EOT
}

while [ $# -gt 0 ]; do
	case $1 in
	--clients) clients=$2; shift 2 ;;
	--fraction) fraction=$2; shift 2 ;;
	--window) window=$2; shift 2 ;;
	--ramp) ramp=$2; shift 2 ;;
	--timeout) limit=$2; shift 2 ;;
	--dir) dir=$2; shift 2 ;;
	-h|--help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) servers+=("$1"); shift ;;
	esac
done

die() {
	echo "load.sh: $*" >&2
	exit 1
}

have() {
	case $1 in
	vdiskd) [ -x "$B/vdiskd" ] ;;
	*) command -v "$1" > /dev/null ;;
	esac
}

[ -x "$B/load" ] || die "no $B/load: run 'make test-programs'"
command -v jq > /dev/null || die "no jq here: run 'make deps'"
if [ ${#servers[@]} = 0 ]; then
	for s in vdiskd nbdkit nbd-server; do
		if have $s; then servers+=("$s"); else echo "# no $s here" >&2; fi
	done
fi
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -gt $((2 * clients + 100)) ] ||
	die "$clients clients need $((2 * clients + 100)) descriptors: ulimit -Hn is $(ulimit -Hn)"

dir=$(mktemp -d "$dir/vdisk-load.XXXXXX") || exit 1
pid=
# stop: ends the server, and what it has forked
stop() {
	local p
	[ -n "$pid" ] || return
	for p in $pid $(pgrep -P "$pid"); do
		kill "$p" 2>/dev/null
	done
	wait "$pid" 2>/dev/null
	for _ in $(seq 100); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL "$pid" 2>/dev/null
	pid=
}
cleanup() {
	stop
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' TERM INT
"$B/load" --make-image "$dir/boot.img" --trace "$here/boot.trace" || exit 1

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start SERVER: sets pid and port
start() {
	port=$(free_port)
	case $1 in
	vdiskd)
		"$B/vdiskd" --store "$dir" --listen "127.0.0.1:$port" --log-level error 2> "$dir/log" &
		pid=$!
		;;
	nbdkit)
		nbdkit -f -r -i 127.0.0.1 -p "$port" -e boot file "$dir/boot.img" 2> "$dir/log" &
		pid=$!
		;;
	nbd-server)
		cat > "$dir/conf" <<-EOT
		[generic]
		allowlist = true
		listenaddr = 127.0.0.1
		port = $port
		[boot]
		exportname = $dir/boot.img
		readonly = true
		multiconn = true
		splice = true
		EOT
		# It always goes into the background; its file says who it is.
		rm -f "$dir/pid"
		nbd-server -C "$dir/conf" -p "$dir/pid" 2> "$dir/log"
		for _ in $(seq 100); do
			[ ! -s "$dir/pid" ] || break
			sleep 0.05
		done
		pid=$(cat "$dir/pid") || die "$1 does not start"
		;;
	*) die "unknown server '$1'" ;;
	esac
	for _ in $(seq 100); do
		[ -z "$(ss -Hltn "sport = :$port")" ] || return 0
		kill -0 "$pid" 2>/dev/null || die "$1 does not start: $(tail -n 3 "$dir/log")"
		sleep 0.05
	done
	die "$1 does not listen"
}

# What the server has in memory, in KiB: of one process VmRSS; one that forks
# has a proportional part of what the processes share.
memory() {
	local children
	mapfile -t children < <(pgrep -P "$pid")
	if [ ${#children[@]} = 0 ]; then
		awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status"
	else
		# in one go, since this takes time from the server; who has ended is left out
		printf '/proc/%s/smaps_rollup\n' "$pid" "${children[@]}" | xargs cat 2>/dev/null |
			awk '$1 == "Pss:" { sum += $2 } END { print sum }'
	fi
}

# Processor time of the server, its children and those it had, in ms.
cpu() {
	printf '/proc/%s/stat\n' "$pid" $(pgrep -P "$pid") | xargs cat 2>/dev/null | awk -v hz="$(getconf CLK_TCK)" '
		{ sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15 }
		END { print int(sum * 1000 / hz) }'
}

# Memory of the sockets of the server's end, in KiB.
sockets() {
	ss -Htnm state established "sport = :$port" |
		grep -o 'skmem:([^)]*)' | tr -c '0-9a-z\n' ' ' |
		awk '{
			for (i = 2; i <= NF; i++)
				if ($i ~ /^(r|f|w|o|bl)[0-9]+$/) {
					sub(/^[a-z]+/, "", $i)
					sum += $i
				}
		} END { print int(sum / 1024) }'
}

# watch LOAD: samples until the clients have ended; prints the peaks
watch() {
	local now most=0 socket_most=0 threads=0
	while kill -0 "$1" 2>/dev/null; do
		now=$(memory)
		[ "${now:-0}" -le "$most" ] || most=$now
		now=$(sockets)
		[ "${now:-0}" -le "$socket_most" ] || socket_most=$now
		now=$(awk '$1 == "Threads:" { print $2 }' "/proc/$pid/status" 2>/dev/null)
		[ "${now:-0}" -le "$threads" ] || threads=$now
		sleep 0.5
	done
	# between two samples it may have been more
	now=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status" 2>/dev/null)
	[ "${now:-0}" -le "$most" ] || most=$now
	echo "$most $socket_most $threads"
}

# measure SERVER: appends its figures to the results
measure() {
	local memory_before cpu_before cpu_after peaks status=0 loader
	start "$1"
	# Whoever is first finds threads and pools; they are not a client's.
	"$B/load" --clients 2 --fraction 0.01 --trace "$here/boot.trace" --structured \
		"nbd://127.0.0.1:$port/boot" > /dev/null || die "$1 doesn't serve even two clients"
	memory_before=$(memory)
	cpu_before=$(cpu)
	"$B/load" --clients "$clients" --fraction "$fraction" --window "$window" --ramp "$ramp" \
		--timeout "$limit" --trace "$here/boot.trace" --verify "$dir/boot.img" \
		--structured --json "nbd://127.0.0.1:$port/boot" > "$dir/result" 2> "$dir/errors" &
	loader=$!
	peaks=$(watch $loader)
	wait $loader || status=$?
	cpu_after=$(cpu)
	sed "s/^/# $1: /" "$dir/errors" >&2
	if [ $status -gt 1 ] || [ ! -s "$dir/result" ]; then
		die "load ended with $status"
	fi
	kill -0 "$pid" 2>/dev/null || echo "# $1 has ended by itself: $(tail -n 3 "$dir/log")" >&2
	stop
	# shellcheck disable=SC2086 # words
	set -- "$1" $peaks
	jq -c --arg server "$1" --argjson before "$memory_before" --argjson peak "$2" \
		--argjson sockets "$3" --argjson threads "$4" \
		--argjson cpu $((cpu_after - cpu_before)) '
		. + {server: $server, rss_before_kib: $before, rss_peak_kib: $peak,
		rss_growth_per_client_kib: (($peak - $before) / .clients),
		sockets_per_client_kib: ($sockets / .clients), threads: $threads,
		cpu_s_per_gib: (if .mib > 0 then $cpu / 1000 / (.mib / 1024) else null end)}' \
		"$dir/result" >> "$dir/results"
}

for s in "${servers[@]}"; do
	measure "$s"
done

mkdir -p "$B/bench"
jq -s --argjson fraction "$fraction" --argjson window "$window" --argjson ramp "$ramp" '
	{fraction: $fraction, window: $window, ramp: $ramp, results: .}' "$dir/results" > "$B/bench/load.json"
jq -r '
	def r(n): if . == null then "-" else . * pow(10; n) | round / pow(10; n) end;
	["server", "completed", "median s", "slowest/median", "MiB/s", "CPU s/GiB", "RSS KiB/client",
	"sockets KiB/client"],
	(.results[] | [.server, "\(.completed)/\(.clients)", (.median | r(2)), (.ratio | r(2)),
		(.mib_per_s | r(0)), (.cpu_s_per_gib | r(3)), (.rss_growth_per_client_kib | r(1)),
		(.sockets_per_client_kib | r(0))]) | @tsv' "$B/bench/load.json" |
	awk -F '\t' '{ printf "%-12s %11s %10s %15s %8s %10s %15s %19s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
jq -r '
	def verdict(met): if met then "met" else "missed" end;
	.results[] | select(.server == "vdiskd") |
	"every client completes: \(verdict(.completed == .clients))",
	"slowest < 3 x median: \(verdict(.completed == .clients and .ratio < 3))",
	"VmRSS growth < 64 KiB a client: \(verdict(.rss_growth_per_client_kib < 64))"' "$B/bench/load.json" |
	tee "$dir/verdict"
! grep -q missed "$dir/verdict"
