#!/bin/bash
# others.sh - `make bench`: what a client notices of others: of thousands that
# are connected and silent, and of one that floods the relay; prints Markdown.
# Two servers take the same load in turns, one of them with the idle ones.
#
#   IDLE    connections that are held open     SECS  of load in each round
#   ROUNDS  of which the medians are shown     FLOOD sessions of the flood
set -euo pipefail
export LC_ALL=C

IDLE=${IDLE:-10000}
ROUNDS=${ROUNDS:-3}
SECS=${SECS:-2}
FLOOD=${FLOOD:-20 100}
LOADS=${LOADS:-1:20 20:1 20:20 100:20}
SINK_PORT=${SINK_PORT:-2657}
FIRST_PORT=${FIRST_PORT:-2658}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/bench/others
rm -rf "$work"
mkdir -p "$work"
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

declare -A servers port
crowd_pid='' flood_pid=''

stop_all() {
	trap - EXIT INT TERM
	for pid in "${servers[@]}" $sink_pid $crowd_pid $flood_pid; do kill "$pid" 2>/dev/null || :; done
	for pid in "${servers[@]}" $sink_pid $crowd_pid $flood_pid; do wait "$pid" 2>/dev/null || :; done
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

start() { # NAME PORT
	mkdir -p "$work/$1"
	port[$1]=$2
	echo "hosted.test via=[127.0.0.1]:$SINK_PORT" >"$work/$1/hosted"
	write_conf "$work/$1" "$2"
	"$root/build/relayd" -c "$work/$1/relayd.conf" 2>"$work/$1/stderr" &
	servers[$1]=$!
	wait_port "$2" || die "relayd does not answer: $(<"$work/$1/stderr")"
}

anonymous_kib() { awk '/^RssAnon:/ { print $2 }' "/proc/${servers[$1]}/status"; }

# The silent ones connect to the server that is named crowd; bytes for each.
gather() {
	local i before
	"$root/build/bench/source" -p "${port[crowd]}" -s 100 -m 20 -D 1 >/dev/null
	sleep 1
	before=$(anonymous_kib crowd)
	mkfifo "$work/hold"
	"$root/build/bench/idle" "${port[crowd]}" "$IDLE" <"$work/hold" >"$work/ready" &
	crowd_pid=$!
	exec 9>"$work/hold"
	for ((i = 0; i < 600; i++)); do
		! grep -q ready "$work/ready" || break
		kill -0 "$crowd_pid" 2>/dev/null || die "the idle connections were not served"
		sleep 0.1
	done
	sleep 1
	awk -v kib="$(($(anonymous_kib crowd) - before))" -v n="$IDLE" 'BEGIN { printf "%d\n", kib * 1024 / n }'
}

# One line: server load accepted/s
measure() { # NAME SESSIONS:PER
	local out begin last accepted
	out=$("$root/build/bench/source" -p "${port[$1]}" -l 10240 -s "${2%:*}" -m "${2#*:}" -D "$SECS")
	accepted=$(field accepted "$out") begin=$(field begin_ns "$out") last=$(field last_ns "$out")
	[ "$accepted" -gt 0 ] || die "nothing was accepted"
	awk -v name="$1" -v load="$2" -v n="$accepted" -v t="$((last - begin))" \
		'BEGIN { printf "%s %s %.1f\n", name, load, n * 1e9 / t }'
	sleep 0.5
}

column() { awk -v a="$1" -v b="$2" '$1 == a && $2 == b { print $3 }' "$work/results" | median; }

idle_table() {
	local load
	echo
	echo "### $IDLE connections that are open and silent, $each bytes of the server's memory each"
	echo
	echo "| 10 KiB, sessions : messages a connection | none idle, accepted /s | $IDLE idle | ratio |"
	echo "| --- | --: | --: | --: |"
	for load in $LOADS; do
		awk -v load="$load" -v a="$(column quiet "$load")" -v b="$(column crowd "$load")" \
			'BEGIN { printf "| %s | %.0f | %.0f | %.2f |\n", load, a, b, b / a }'
	done
}

# One client's messages, one after the other: the value of a field, in ms.
visit() { # LABEL: writes "label p50 p99" to results
	local out
	out=$("$root/build/bench/source" -p "${port[quiet]}" -a 127.0.0.2 -l 10240 -s 1 -m 20 -D "$SECS")
	echo "$1 $(field p50_us "$out") $(field p99_us "$out")" | tee -a "$work/visits" >&2
}

# The flood's own work, and the sink's, stand for other machines: they yield.
flood_round() {
	local sessions
	visit quiet
	for sessions in $FLOOD; do
		nice -n 19 "$root/build/bench/source" -F -p "${port[quiet]}" -a 127.0.0.9 -l 10240 \
			-s "$sessions" -m 20 -D $((SECS + 1)) >"$work/flood" &
		flood_pid=$!
		sleep 0.5
		visit "$sessions"
		wait "$flood_pid" || :
		flood_pid=''
		sleep 0.5
	done
}

visits() { awk -v a="$1" -v k="$2" '$1 == a { print $k }' "$work/visits" | median; }

flood_table() {
	local label
	echo
	echo "### One client's 10 KiB messages while another address floods the relay without a limit"
	echo
	echo "| sessions of the flood | p50 ms | p99 ms | p99 : quiet |"
	echo "| --: | --: | --: | --: |"
	for label in quiet $FLOOD; do
		awk -v label="$label" -v p50="$(visits "$label" 2)" -v p99="$(visits "$label" 3)" \
			-v quiet="$(visits quiet 3)" \
			'BEGIN { printf "| %s | %.2f | %.2f | %.2f |\n", label == "quiet" ? 0 : label, p50 / 1000, p99 / 1000, p99 / quiet }'
	done
}

main() {
	local round load name
	ulimit -n "$(ulimit -Hn)"
	start_sink
	renice -n 19 "$sink_pid" >/dev/null
	start quiet "$FIRST_PORT"
	start crowd $((FIRST_PORT + 1))
	each=$(gather)
	: >"$work/results"
	: >"$work/visits"
	for ((round = 1; round <= ROUNDS; round++)); do
		for load in $LOADS; do
			for name in quiet crowd; do
				measure "$name" "$load" | tee -a "$work/results" >&2
			done
		done
		flood_round
	done
	idle_table
	flood_table
}

main
