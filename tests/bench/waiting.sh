#!/bin/bash
# waiting.sh - `make bench`: what the spool makes of the disk (bench_spool), and
# what mail that waits for a dead next hop costs the rest; prints Markdown.
# Three servers with nothing, some and much waiting take the same load in turns.
#
#   CROWDS  how many wait     ROUNDS  of which the medians are shown
set -euo pipefail
export LC_ALL=C

CROWDS=${CROWDS:-0 10000 1000000}
ROUNDS=${ROUNDS:-5}
SINK_PORT=${SINK_PORT:-2637}
NOBODY_PORT=${NOBODY_PORT:-2636}
FIRST_PORT=${FIRST_PORT:-2640}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/bench/waiting
rm -rf "$work"
mkdir -p "$work"
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

declare -A servers port

stop_all() {
	trap - EXIT INT TERM
	for each in "${servers[@]}" $sink_pid; do kill "$each" 2>/dev/null || :; done
	for each in "${servers[@]}" $sink_pid; do wait "$each" 2>/dev/null || :; done
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# Anonymous memory of a server, KiB.
memory() { awk '/^RssAnon:/ { print $2 }' "/proc/${servers[$1]}/status"; }

ctl() {
	local crowd=$1
	shift
	"$root/build/relayctl" -c "$work/$crowd/relayd.conf" "$@" >/dev/null
}

# How long a command of relayctl takes, ms.
took() {
	local begin
	begin=$(now_ms)
	ctl "$@"
	echo $(($(now_ms) - begin))
}

# Until it greets, and until all that waits is loaded (60 s): "ms ms".
start() {
	local crowd=$1 i begin greeted
	begin=$(now_ms)
	"$root/build/relayd" -c "$work/$crowd/relayd.conf" 2>"$work/$crowd/stderr" &
	servers[$crowd]=$!
	for ((i = 0; i < 2000; i++)); do
		! (: <"/dev/tcp/127.0.0.1/${port[$crowd]}") 2>/dev/null || break
		sleep 0.005
	done
	wait_port "${port[$crowd]}" || die "relayd does not answer: $(<"$work/$crowd/stderr")"
	greeted=$(now_ms)
	for ((i = 0; i < 6000; i++)); do
		! grep -q spool-loaded "$work/$crowd/relayd.log" || break
		sleep 0.01
	done
	loaded[$crowd]="$((greeted - begin)) $(($(now_ms) - begin))"
}

prepare() {
	local crowd=$1
	mkdir -p "$work/$crowd"
	cat >"$work/$crowd/hosted" <<-HOSTED
		hosted.test via=[127.0.0.1]:$SINK_PORT
		campus.test via=[127.0.0.1]:$NOBODY_PORT
	HOSTED
	write_conf "$work/$crowd" "${port[$crowd]}"
	echo 'control = "control";' >>"$work/$crowd/relayd.conf"
	[ "$crowd" = 0 ] || "$root/build/bench/bench_spool" -f "$crowd" "$work/$crowd/spool"
}

ticks_of() { echo "${servers[$1]}" | ticks; }

# Until it has nothing more to do (60 s): each message that waits was logged once.
settle() {
	local i before=-1
	for ((i = 0; i < 60; i++)); do
		(($(ticks_of "$1") > before + 2)) || break
		before=$(ticks_of "$1")
		sleep 1
	done
}

# One line: crowd end-to-end/s cpu_us/message
measure() {
	local crowd=$1 out accepted begin got cpu
	kill -USR2 "$sink_pid"
	cpu=$(ticks_of "$crowd")
	out=$("$root/build/bench/source" -p "${port[$crowd]}" -l 10240 -s 20 -m 20 -D 1)
	accepted=$(field accepted "$out") begin=$(field begin_ns "$out")
	[ "$accepted" -gt 0 ] || die "nothing was accepted"
	got=$(arrive "$accepted")
	cpu=$((($(ticks_of "$crowd") - cpu) * 1000000 / $(getconf CLK_TCK)))
	awk -v crowd="$crowd" -v n="$accepted" -v begin="$begin" -v end="${got##* }" -v cpu="$cpu" \
		'BEGIN { printf "%s %.1f %.2f\n", crowd, n * 1e9 / (end - begin), cpu / n }'
}

column() { awk -v c="$1" -v k="$2" '$1 == c { print $k }' "$work/results" | median; }

table() {
	local crowd first=${CROWDS%% *}
	echo
	echo "### A server in which mail waits for a dead next hop, and 10 KiB messages for another pass"
	echo
	echo "| waiting | delivered /s | : $first waiting | CPU µs a message | : $first waiting | greets after ms | loaded after ms | memory each | status ms | queue ms |"
	echo "| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
	for crowd in $CROWDS; do
		awk -v crowd="$crowd" -v rate="$(column "$crowd" 2)" -v rate0="$(column "$first" 2)" \
			-v cpu="$(column "$crowd" 3)" -v cpu0="$(column "$first" 3)" -v loaded="${loaded[$crowd]}" \
			-v kib="${kib[$crowd]}" -v kib0="${kib[$first]}" \
			-v status="$(took "$crowd" status)" -v queue="$(took "$crowd" queue)" 'BEGIN {
			split(loaded, at, " ")
			printf "| %d | %.0f | %.2f | %.1f | %.2f | %d | %d | %s | %d | %d |\n", crowd, rate, rate / rate0,
			    cpu, cpu / cpu0, at[1], at[2],
			    crowd ? sprintf("%.0f", (kib - kib0) * 1024 / crowd) : "", status, queue
		}'
	done
}

main() {
	local crowd round next=$FIRST_PORT
	"$root/build/bench/bench_spool" "$work"
	start_sink
	for crowd in $CROWDS; do
		port[$crowd]=$next
		next=$((next + 1))
		prepare "$crowd"
		start "$crowd"
		settle "$crowd"
		kib[$crowd]=$(memory "$crowd")
	done
	: >"$work/results"
	for ((round = 0; round <= ROUNDS; round++)); do
		for crowd in $CROWDS; do
			measure "$crowd" >"$work/one"
			# The first round warms up.
			[ "$round" = 0 ] || tee -a "$work/results" <"$work/one" >&2
		done
	done
	table
}

declare -A loaded kib
main
