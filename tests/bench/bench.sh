#!/bin/bash
# bench.sh - `make bench`: the same load straight to a sink, through Postfix,
# and through relayd, in interleaved rounds of one run; prints Markdown.
# Compare the columns of one run, not numbers across runs: the machine varies.
#
#   CELLS   bytes:sessions:messages-per-connection ..., with :tls behind for
#           STARTTLS; "all": every size, number and way (an hour)
#   ROUNDS  of which the medians are shown      SECS  of load in each
#   PEERS   direct postfix relayd
set -euo pipefail
export LC_ALL=C

CELLS=${CELLS:-10240:20:1 1024:1:1 10240:100:20 10240:20:20:tls}
ROUNDS=${ROUNDS:-3}
SECS=${SECS:-2}
PEERS=${PEERS:-direct postfix relayd}
SINK_PORT=${SINK_PORT:-2627}
POSTFIX_PORT=${POSTFIX_PORT:-2628}
RELAYD_PORT=${RELAYD_PORT:-2629}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/bench/work
mkdir -p "$work"
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

relayd_pid='' postfix_up=''

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
	[ -z "$postfix_up" ] || postfix -c "$work/postfix/etc" stop >/dev/null 2>&1 || :
	for pid in $relayd_pid $sink_pid; do kill "$pid" 2>/dev/null || :; done
	for pid in $relayd_pid $sink_pid; do wait "$pid" 2>/dev/null || :; done
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# ---- the peers ----

start_relayd() {
	rm -rf "$work/relayd"
	mkdir -p "$work/relayd"
	echo "hosted.test via=[127.0.0.1]:$SINK_PORT" >"$work/relayd/hosted"
	write_conf "$work/relayd" "$RELAYD_PORT"
	echo "tls = { certificate = \"$work/cert.pem\"; key = \"$work/key.pem\"; };" >>"$work/relayd/relayd.conf"
	"$root/build/relayd" -c "$work/relayd/relayd.conf" 2>"$work/relayd/stderr" &
	relayd_pid=$!
	wait_port "$RELAYD_PORT" || {
		cat "$work/relayd/stderr" >&2
		die "relayd does not answer on port $RELAYD_PORT"
	}
}

start_postfix() {
	[ "$(id -u)" = 0 ] || {
		echo "Postfix can only be started by root: it is left out." >&2
		PEERS=${PEERS/postfix/}
		return
	}
	rm -rf "$work/postfix"
	mkdir -p "$work/postfix"
	"$here/postfix.sh" "$work/postfix" "$POSTFIX_PORT" "$SINK_PORT" "$work/cert.pem" "$work/key.pem"
	postfix -c "$work/postfix/etc" set-permissions >/dev/null 2>&1 || :
	postfix -c "$work/postfix/etc" start >"$work/postfix/start.log" 2>&1 || {
		cat "$work/postfix/start.log" >&2
		die "Postfix does not start"
	}
	postfix_up=yes
	wait_port "$POSTFIX_PORT" || die "Postfix does not answer on port $POSTFIX_PORT"
}

port_of() {
	case $1 in
	direct) echo "$SINK_PORT" ;;
	postfix) echo "$POSTFIX_PORT" ;;
	relayd) echo "$RELAYD_PORT" ;;
	esac
}

# The process whose tree is the peer.
pid_of() {
	case $1 in
	postfix) tr -d ' ' <"$work/postfix/spool/pid/master.pid" ;;
	relayd) echo "$relayd_pid" ;;
	*) echo '' ;;
	esac
}

# CPU microseconds that a peer has used so far.
cpu_us() {
	local pid
	pid=$(pid_of "$1")
	[ -n "$pid" ] || { echo 0 && return; }
	echo $(($(processes "$pid" | ticks) * 1000000 / $(getconf CLK_TCK)))
}

# Proportional memory of a peer now, KiB.
pss_kib() {
	local pid
	processes "$(pid_of "$1")" | while read -r pid; do
		[ -z "$pid" ] || cat "/proc/$pid/smaps_rollup" 2>/dev/null || :
	done | awk '/^Pss:/ { sum += $2 } END { print sum + 0 }'
}

# ---- one measurement ----

# The sink has no TLS.
takes() { [ "$1" != direct ] || [[ $2 != *:tls ]]; }

load() { # PEER CELL SECONDS
	local bytes sessions per way
	IFS=: read -r bytes sessions per way <<<"$2"
	"$root/build/bench/source" ${way:+-T} -p "$(port_of "$1")" -l "$bytes" -s "$sessions" -m "$per" -D "$3"
}

# One line: peer cell accepted/s end-to-end/s p50 p99 cpu_us/message failures
measure() {
	local peer=$1 cell=$2 out accepted got cpu begin last
	kill -USR2 "$sink_pid"
	out=$(load "$peer" "$cell" 1)
	arrive "$(field accepted "$out")" >/dev/null
	sleep 0.5
	kill -USR2 "$sink_pid"
	cpu=$(cpu_us "$peer")
	out=$(load "$peer" "$cell" "$SECS")
	accepted=$(field accepted "$out") begin=$(field begin_ns "$out") last=$(field last_ns "$out")
	[ "$accepted" -gt 0 ] || die "$peer accepted nothing"
	got=$(arrive "$accepted")
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

# A run of its own, for looking at memory costs time.
peak_memory() {
	local peer=$1 cell=$2 out peak=0 now runner
	[ -n "$(pid_of "$peer")" ] || { echo 0 && return; }
	kill -USR2 "$sink_pid"
	load "$peer" "$cell" "$SECS" >"$work/memory.json" &
	runner=$!
	while kill -0 "$runner" 2>/dev/null; do
		now=$(pss_kib "$peer")
		((now <= peak)) || peak=$now
		sleep 0.2
	done
	wait "$runner"
	out=$(<"$work/memory.json")
	arrive "$(field accepted "$out")" >/dev/null
	echo "$peak"
}

# ---- the table ----

column() { awk -v p="$1" -v c="$2" -v k="$3" '$1 == p && $2 == c { print $k }' "$work/results" | median; }

row() { # PEER CELL: medians, and ratios to Postfix
	local k values=()
	for k in 3 4 5 6 7; do values+=("$(column "$1" "$2" "$k")"); done
	awk -v peer="$1" -v v="${values[*]}" -v kib="$(awk -v p="$1" '$1 == p { print $2 }' "$work/memory")" 'BEGIN {
		split(v, x, " ")
		printf "| %s | %.0f | %.0f | %.2f | %.2f | %s | %s |\n", peer, x[1], x[2], x[3], x[4],
		    peer == "direct" ? "" : sprintf("%.0f", x[5]),
		    peer == "direct" ? "" : sprintf("%.1f", kib / 1024)
	}'
}

# relayd beside another peer, on a line: what it is so many times of.
ratio() { # PEER CELL
	local k a=() b=()
	for k in 3 4 5 6 7; do
		a+=("$(column relayd "$2" "$k")")
		b+=("$(column "$1" "$2" "$k")")
	done
	awk -v peer="$1" -v a="${a[*]}" -v b="${b[*]}" \
		-v ka="$(awk '$1 == "relayd" { print $2 }' "$work/memory")" \
		-v kb="$(awk -v p="$1" '$1 == p { print $2 }' "$work/memory")" '
	function times(x, y) { return y + 0 > 0 ? sprintf("%.2f x", x / y) : "" }
	BEGIN {
		split(a, x, " ")
		split(b, y, " ")
		printf "| relayd : %s", peer
		for (k = 1; k <= 5; k++) printf " | %s", times(x[k], y[k])
		printf " | %s |\n", times(ka, kb)
	}'
}

table() {
	local cell bytes sessions per way peer
	for cell in $CELLS; do
		IFS=: read -r bytes sessions per way <<<"$cell"
		echo
		echo "### $bytes bytes, $sessions sessions, $per messages a connection${way:+, under TLS}"
		echo
		echo "| | accepted /s | end to end /s | p50 ms | p99 ms | CPU µs a message | peak PSS MiB |"
		echo "| --- | --: | --: | --: | --: | --: | --: |"
		for peer in $PEERS; do
			! takes "$peer" "$cell" || row "$peer" "$cell"
		done
		case " $PEERS " in *" relayd "*) ;; *) continue ;; esac
		for peer in $PEERS; do
			[ "$peer" = relayd ] || ! takes "$peer" "$cell" || ratio "$peer" "$cell"
		done
	done
}

main() {
	local round peer cell
	start_sink
	write_certificate "$work"
	for peer in $PEERS; do
		[ "$peer" = direct ] || "start_$peer"
	done
	: >"$work/results"
	: >"$work/memory"
	for ((round = 1; round <= ROUNDS; round++)); do
		for cell in $CELLS; do
			for peer in $PEERS; do
				! takes "$peer" "$cell" || measure "$peer" "$cell" | tee -a "$work/results" >&2
			done
		done
	done
	for peer in $PEERS; do
		echo "$peer $(peak_memory "$peer" "${CELLS%% *}")" >>"$work/memory"
	done
	echo
	echo "$(nproc) cores, $(uname -r), spools on $(findmnt -no FSTYPE -T "$work" || echo '?');" \
		"medians of $ROUNDS rounds of $SECS s; memory in the first cell."
	table
	awk '$8 > 0 { n += $8 } END { if (n) printf "\n%d sessions failed and were begun anew.\n", n }' "$work/results"
}

main
