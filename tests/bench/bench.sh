#!/bin/bash
# bench.sh - `make bench`: the same load through each peer, in interleaved
# rounds of one run; prints Markdown.  The peers: source straight to sink,
# Postfix, OpenSMTPD with its queue synced, and relayd; see peer_*.sh.
# Compare the rows of one run, not numbers across runs: the machine varies.
#
#   CELLS   bytes:sessions:messages-per-connection ..., with :tls behind for
#           STARTTLS; "all": every size, number and way (hours)
#   ROUNDS  of which the medians are shown      SECS  of load in each
#   PEERS   direct postfix opensmtpd relayd
set -euo pipefail
export LC_ALL=C

CELLS=${CELLS:-1024:1:1 1024:20:1 1024:20:20 10240:20:1 10240:20:20 10240:20:20:tls 10240:100:20}
ROUNDS=${ROUNDS:-3}
SECS=${SECS:-2}
PEERS=${PEERS:-direct postfix opensmtpd relayd}
SINK_PORT=${SINK_PORT:-2627}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/bench/work
mkdir -p "$work"
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
for peer in $PEERS; do
	# shellcheck source=/dev/null
	. "$here/peer_$peer.sh"
done

every_cell() {
	local way bytes sessions per
	for way in '' :tls; do
		for bytes in 1024 10240 1048576; do
			for sessions in 1 20 100 500; do
				for per in 1 20; do
					echo "$bytes:$sessions:$per$way"
				done
			done
		done
	done
}
[ "$CELLS" != all ] || CELLS=$(every_cell)

stop_all() {
	trap - EXIT INT TERM
	for peer in $PEERS; do "${peer}_stop"; done
	end "$sink_pid"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# Those that can be here, running.
start_peers() {
	local peer reason here_are=()
	for peer in $PEERS; do
		reason=$("${peer}_missing")
		if [ -n "$reason" ]; then
			echo "$reason: it is left out." >&2
			continue
		fi
		"${peer}_start"
		here_are+=("$peer")
	done
	PEERS=${here_are[*]}
}

takes() { # PEER CELL
	# shellcheck disable=SC2053 # a pattern
	[[ $2 != ${without[$1]:-} ]]
}

# ---- what a peer uses ----

# CPU microseconds that a peer has used so far.
cpu_us() {
	[ -n "${leader[$1]:-}" ] || { echo 0 && return; }
	echo $(($(processes "${leader[$1]}" | ticks) * 1000000 / $(getconf CLK_TCK)))
}

# Proportional memory of a peer now, KiB.
pss_kib() {
	local each
	[ -n "${leader[$1]:-}" ] || { echo 0 && return; }
	processes "${leader[$1]}" | while read -r each; do
		[ -z "$each" ] || cat "/proc/$each/smaps_rollup" 2>/dev/null || :
	done | awk '/^Pss:/ { sum += $2 } END { print sum + 0 }'
}

# ---- one measurement ----

load() { # PEER CELL SECONDS
	local bytes sessions per way
	IFS=: read -r bytes sessions per way <<<"$2"
	"$root/build/bench/source" ${way:+-T} -p "${port[$1]}" -l "$bytes" -s "$sessions" -m "$per" -D "$3"
}

# A second of the load warms up, and has room for a look at the memory, which
# costs time.  One line: peer cell peak_kib
warm_up() { # PEER CELL
	local peak=0 now loader
	kill -USR2 "$sink_pid"
	load "$1" "$2" 1 >"$work/warm.json" &
	loader=$!
	while kill -0 "$loader" 2>/dev/null; do
		now=$(pss_kib "$1")
		((now <= peak)) || peak=$now
		sleep 0.2
	done
	wait "$loader"
	arrive "$(field accepted "$(<"$work/warm.json")")" >/dev/null
	sleep 0.5
	echo "$1 $2 $peak"
}

# One line: peer cell accepted/s end-to-end/s p50 p99 cpu_us/message failures
measure() { # PEER CELL
	local peer=$1 cell=$2 out accepted got cpu begin last
	kill -USR2 "$sink_pid"
	cpu=$(cpu_us "$peer")
	out=$(load "$peer" "$cell" "$SECS")
	accepted=$(field accepted "$out") begin=$(field begin_ns "$out") last=$(field last_ns "$out")
	[ "$accepted" -gt 0 ] || die "$peer accepted nothing"
	got=$(arrive "$accepted")
	# Until what is left of the work is done: files are removed, sessions end.
	sleep 0.5
	cpu=$(($(cpu_us "$peer") - cpu))
	awk -v peer="$peer" -v cell="$cell" -v n="$accepted" -v begin="$begin" -v last="$last" \
		-v end="${got##* }" -v p50="$(field p50_us "$out")" -v p99="$(field p99_us "$out")" \
		-v cpu="$cpu" -v failures="$(field failures "$out")" 'BEGIN {
		if (end < last) end = last
		printf "%s %s %.1f %.1f %.3f %.3f %.1f %d\n", peer, cell, n * 1e9 / (last - begin),
		    n * 1e9 / (end - begin), p50 / 1000, p99 / 1000, cpu / n, failures
	}'
}

# ---- the table ----

# The medians of a peer in a cell, and its memory: six numbers.
numbers() { # PEER CELL
	local k
	for k in 3 4 5 6 7; do
		awk -v p="$1" -v c="$2" -v k="$k" '$1 == p && $2 == c { print $k }' "$work/results" | median
	done
	awk -v p="$1" -v c="$2" '$1 == p && $2 == c { print $3 }' "$work/memory"
}

row() { # PEER CELL
	awk -v title="${title[$1]}" -v v="$(numbers "$1" "$2" | tr '\n' ' ')" -v own="${leader[$1]:-}" 'BEGIN {
		split(v, x, " ")
		printf "| %s | %.0f | %.0f | %.2f | %.2f | %s | %s |\n", title, x[1], x[2], x[3], x[4],
		    own ? sprintf("%.0f", x[5]) : "", own ? sprintf("%.1f", x[6] / 1024) : ""
	}'
}

# relayd beside another peer, on a line: what it is so many times of.
ratio() { # PEER CELL
	awk -v title="${title[$1]}" -v a="$(numbers relayd "$2" | tr '\n' ' ')" \
		-v b="$(numbers "$1" "$2" | tr '\n' ' ')" 'BEGIN {
		split(a, x, " ")
		split(b, y, " ")
		printf "| relayd : %s", title
		for (k = 1; k <= 6; k++) printf " | %s", (y[k] + 0 > 0 ? sprintf("%.2f x", x[k] / y[k]) : "")
		print " |"
	}'
}

table() { # CELL
	local bytes sessions per way peer
	IFS=: read -r bytes sessions per way <<<"$1"
	echo
	echo "### $bytes bytes, $sessions sessions, $per messages a connection${way:+, under TLS}"
	echo
	echo "| | accepted /s | end to end /s | p50 ms | p99 ms | CPU µs a message | peak PSS MiB |"
	echo "| --- | --: | --: | --: | --: | --: | --: |"
	for peer in $PEERS; do
		! takes "$peer" "$1" || row "$peer" "$1"
	done
	[[ " $PEERS " == *" relayd "* ]] || return 0
	for peer in $PEERS; do
		[ "$peer" = relayd ] || ! takes "$peer" "$1" || ratio "$peer" "$1"
	done
}

# What happened to some: there was no room in a backlog, say.
failures() {
	local peer
	for peer in $PEERS; do
		awk -v p="$peer" -v title="${title[$peer]}" '$1 == p { n += $8 }
			END { if (n) printf "\n%s: %d sessions broke off or were never greeted.\n", title, n }' "$work/results"
	done
}

main() {
	local round peer cell
	start_sink
	write_certificate "$work"
	start_peers
	: >"$work/results"
	: >"$work/memory"
	for cell in $CELLS; do
		for ((round = 0; round <= ROUNDS; round++)); do
			for peer in $PEERS; do
				takes "$peer" "$cell" || continue
				[ -z "${afresh[$peer]:-}" ] || { "${peer}_stop" && "${peer}_start"; }
				if ((round == 0)); then
					warm_up "$peer" "$cell" >>"$work/memory"
				else
					measure "$peer" "$cell" | tee -a "$work/results" >&2
				fi
			done
		done
	done
	echo
	echo "$(nproc) cores, $(uname -r), spools on $(findmnt -fno FSTYPE -T "$work" || echo '?');" \
		"medians of $ROUNDS rounds of $SECS s."
	for cell in $CELLS; do table "$cell"; done
	failures
}

main
