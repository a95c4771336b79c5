#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# server.sh - NBD servers compared natively, over loopback: one image of random
# data, in memory or in the page cache, one client program, the servers in turn within each round, so
# that what else the machine does hits all of them alike.  Prints medians, the
# processor time that each server took, and how much of its processors the client
# used: at 100 % the rate is the client's limit.  Writes $B/bench/server.json.
set -uo pipefail

B=${B:-build}
rounds=5
seconds=2
size=512
copies=4
on=/dev/shm
servers=()

usage() {
	echo "usage: server.sh [--rounds N] [--seconds S] [--size MIB] [--on DIR] [SERVER...]"
	echo "  DIR: where the image is: /dev/shm; one on a disk shows the page cache"
	echo "  SERVER: vdiskd nbdkit nbd-server nbd-server-splice qemu-nbd; all that are installed"
}

while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2; shift 2 ;;
	--seconds) seconds=$2; shift 2 ;;
	--size) size=$2; shift 2 ;;
	--on) on=$2; shift 2 ;;
	-h|--help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) servers+=("$1"); shift ;;
	esac
done

die() {
	echo "server.sh: $*" >&2
	exit 1
}

for tool in fio nbdcopy jq; do
	command -v $tool >/dev/null || die "no $tool here: run 'make deps'"
done
fio --enghelp | grep -qw nbd || die "fio has no nbd engine"
have() {
	case $1 in
	vdiskd) [ -x "$B/vdiskd" ] ;;
	nbd-server-splice) command -v nbd-server >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}
if [ ${#servers[@]} = 0 ]; then
	for s in vdiskd nbdkit nbd-server nbd-server-splice qemu-nbd; do
		if have $s; then servers+=("$s"); else echo "# no $s here" >&2; fi
	done
fi

dir=$(mktemp -d "$on/vdisk-bench.XXXXXX") || exit 1
pid=
holder=
cleanup() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	[ -z "$holder" ] || { kill "$holder" && wait "$holder"; } 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' TERM INT
head -c "${size}M" /dev/urandom > "$dir/i.img" || die "cannot make the image"
cp "$dir/i.img" "$dir/w.img"
sync -f "$dir"
# What is to be cached stays so: some kernels take back pages within seconds.
exec {held}< <(exec python3 - "$dir"/*.img <<'END'
import ctypes, mmap, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
maps = []
for name in sys.argv[1:]:
    with open(name, "r+b") as f:
        maps.append(mmap.mmap(f.fileno(), 0))
    address = ctypes.addressof(ctypes.c_char.from_buffer(maps[-1]))
    if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(maps[-1]))):
        sys.exit("server.sh: %s cannot be kept in memory: error %d; run it as root" % (name, ctypes.get_errno()))
print("held", flush=True)
signal.pause()
END
)
holder=$!
read -r -t 120 -u "$held" _ || die "the images are not in memory"

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start SERVER ro|rw: sets pid and uri
start() {
	local port image=i.img flag
	port=$(free_port)
	[ "$2" = ro ] || image=w.img
	uri=nbd://127.0.0.1:$port/
	case $1 in
	vdiskd)
		"$B/vdiskd" --store "$dir" --listen "127.0.0.1:$port" --log-level error \
			--writable w --allow 127.0.0.1 &
		uri+=${image%.img}
		;;
	nbdkit)
		[ "$2" = ro ] && flag=-r || flag=
		# shellcheck disable=SC2086 # no word when empty
		nbdkit -f $flag -i 127.0.0.1 -p "$port" file "$dir/$image" &
		;;
	nbd-server*)
		{
			echo "[generic]"
			echo "allowlist = true"
			echo "listenaddr = 127.0.0.1"
			echo "port = $port"
			echo "[i]"
			echo "exportname = $dir/$image"
			[ "$2" = rw ] || echo "readonly = true"
			echo "multiconn = true"
			[ "$1" != nbd-server-splice ] || echo "splice = true"
		} > "$dir/conf"
		# It always goes into the background; its file says who it is.
		rm -f "$dir/pid"
		nbd-server -C "$dir/conf" -p "$dir/pid" 2>/dev/null
		uri+=i
		;;
	qemu-nbd)
		[ "$2" = ro ] && flag=-r || flag=
		# shellcheck disable=SC2086
		qemu-nbd $flag -t -e 16 -f raw -b 127.0.0.1 -p "$port" "$dir/$image" &
		;;
	*) die "unknown server '$1'" ;;
	esac
	case $1 in
	nbd-server*)
		for _ in $(seq 100); do
			[ ! -s "$dir/pid" ] || break
			sleep 0.05
		done
		pid=$(cat "$dir/pid") || die "$1 does not start"
		;;
	*) pid=$! ;;
	esac
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
		kill -0 "$pid" 2>/dev/null || die "$1 does not start"
		sleep 0.05
	done
	die "$1 does not listen"
}

stop() {
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	for _ in $(seq 200); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	pid=
}

# Processor time of the server and its children, in µs.
cpu() {
	local ticks=0 p t
	for p in $pid $(pgrep -P "$pid"); do
		t=$(awk '{ sub(/.*\) /, ""); print $12 + $13 + $14 + $15 }' "/proc/$p/stat" 2>/dev/null) || continue
		ticks=$((ticks + t))
	done
	echo $((ticks * 1000000 / $(getconf CLK_TCK)))
}

# row NAME: MODE(rw of fio) BS DEPTH JOBS WRITABLE
rows=("rand4k-c1-q1 randread 4k 1 1 ro" "rand4k-c1-q32 randread 4k 32 1 ro" "rand4k-c4-q32 randread 4k 32 4 ro"
	"rand128k-c1-q4 randread 128k 4 1 ro" "seq1M-c1-q8 read 1m 8 1 ro" "seq1M-c4-q8 read 1m 8 4 ro"
	"randw4k-c1-q32 randwrite 4k 32 1 rw" "seqw1M-c1-q8 write 1m 8 1 rw")

# Prints "RESULT CPU CLIENT" of one measurement: IOPS or MiB/s, µs an operation or s
# a GiB, per cent of a processor a job.
measure() {
	local mode=$2 bs=$3 depth=$4 jobs=$5 before after out
	before=$(cpu)
	out=$(fio --name=x --ioengine=nbd --uri="$uri" --rw="$mode" --bs="$bs" --iodepth="$depth" \
		--numjobs="$jobs" --size="${size}M" --time_based --runtime="$seconds" \
		--group_reporting --randrepeat=0 --output-format=json 2>/dev/null | sed -n '/^{/,$p') || return 1
	after=$(cpu)
	jq -r --argjson cpu $((after - before)) --arg bs "$bs" '
		.jobs[0] | (if .read.total_ios > 0 then .read else .write end) as $d |
		if $bs == "4k" then "\($d.iops) \($cpu / $d.total_ios)"
		else "\($d.bw_bytes / 1048576) \($cpu / $d.io_bytes * 1073.741824)" end +
		" \(.usr_cpu + .sys_cpu)"' <<< "$out"
}

# One copy is over in less than half a second, too short for clock ticks.
copy_all() {
	for _ in $(seq "$copies"); do
		nbdcopy --connections="$1" --requests=16 "$uri" null: || return 1
	done
}

copy() {
	local before after times
	local TIMEFORMAT='%R %U %S'
	before=$(cpu)
	times=$({ time copy_all "$1" 1>&3; } 3>&1 2>&1) || return 1
	after=$(cpu)
	awk -v size="$size" -v copies="$copies" -v cpu=$((after - before)) '{
		print size * copies / $1, cpu / 1e6 / (size * copies / 1024), 100 * ($2 + $3) / $1
	}' <<< "$times"
}

results=$dir/results
for round in $(seq "$rounds"); do
	for s in "${servers[@]}"; do
		for rw in ro rw; do
			start "$s" $rw
			for row in "${rows[@]}"; do
				read -r name mode bs depth jobs wanted <<< "$row"
				[ "$wanted" = $rw ] || continue
				echo "$s $name $(measure "$name" "$mode" "$bs" "$depth" "$jobs")" >> "$results"
			done
			if [ $rw = ro ]; then
				echo "$s copy-c1 $(copy 1)" >> "$results"
				echo "$s copy-c4 $(copy 4)" >> "$results"
			fi
			stop
		done
		echo "round $round of $rounds: $s" >&2
	done
done

mkdir -p "$B/bench"
jq -R -s --arg rounds "$rounds" --arg seconds "$seconds" --arg on "$(stat -f -c %T "$on")" '
	def median: sort | if length == 0 then null else .[length / 2 | floor] end;
	[split("\n")[] | select(length > 0) | split(" ") | select(length == 5) |
		{server: .[0], row: .[1], value: (.[2] | tonumber), cpu: (.[3] | tonumber),
		client: (.[4] | tonumber)}] |
	group_by([.row, .server]) | map({row: .[0].row, server: .[0].server, rounds: length,
		value: (map(.value) | median), cpu: (map(.cpu) | median), client: (map(.client) | median),
		unit: (if .[0].row | test("4k") then "IOPS" else "MiB/s" end),
		cpu_unit: (if .[0].row | test("4k") then "us/op" else "s/GiB" end)}) |
	{filesystem: $on, rounds: ($rounds | tonumber), seconds: ($seconds | tonumber), results: .}' "$results" > "$B/bench/server.json"
jq -r '.results[] | [.row, .unit, .cpu_unit, .server, .value, .cpu, .client] | @tsv' "$B/bench/server.json" |
awk -F '\t' '
	!($4 in s) { s[$4] = 1; order[++n] = $4 }
	{ if (!($1 in r)) { r[$1] = $2 " " $3; rows[++m] = $1 } v[$1, $4] = $5; c[$1, $4] = $6; b[$1, $4] = $7 }
	END {
		printf "%-16s %-6s", "row", "unit"
		for (i = 1; i <= n; i++) printf " %31s", order[i]
		print ""
		for (j = 1; j <= m; j++) {
			split(r[rows[j]], u, " ")
			printf "%-16s %-6s", rows[j], u[1]
			for (i = 1; i <= n; i++) printf " %10.0f (%6.2f %s, %3.0f %%)", v[rows[j], order[i]],
					c[rows[j], order[i]], u[2], b[rows[j], order[i]]
			print ""
		}
	}'
