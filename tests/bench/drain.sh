#!/bin/bash
# drain.sh - `make bench`: how fast what waits goes out: to one next hop, to a
# thousand of which a hundred are dead, and after an outage; prints Markdown.
#
#   WAITING   messages of the drains         OUTAGE  of the drill
#   BESIDE    of the drain beside Postfix; 0: without it
set -euo pipefail
export LC_ALL=C

WAITING=${WAITING:-100000}
OUTAGE=${OUTAGE:-50000}
BESIDE=${BESIDE:-10000}
DEAD_SECONDS=${DEAD_SECONDS:-20}
SINK_PORT=${SINK_PORT:-2677}
NOBODY_PORT=${NOBODY_PORT:-2676}
RELAYD_PORT=${RELAYD_PORT:-2678}
POSTFIX_PORT=${POSTFIX_PORT:-2679}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/bench/drain
rm -rf "$work"
mkdir -p "$work"
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/bench/peer_postfix.sh
. "$here/peer_postfix.sh"

relayd_pid=''

stop_relayd() {
	end "$relayd_pid"
	relayd_pid=''
}

stop_sink() {
	end "$sink_pid"
	sink_pid=''
}

stop_all() {
	trap - EXIT INT TERM
	stop_relayd
	stop_sink
	postfix_stop
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# The clock of the sink's counts.
monotonic_ns() { awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime; }

# A relay in DIR, not started; its table of hosted domains comes from stdin.
prepare() { # DIR [LOG LEVEL]
	mkdir -p "$1"
	cat >"$1/hosted"
	echo "hosted.test via=[127.0.0.1]:$SINK_PORT" >>"$1/hosted"
	write_conf "$1" "$RELAYD_PORT"
	sed -i -e 's/^delivery *= {/& retry_first = "1s"; retry_max = "5s";/' \
		-e "s/relayd.log\";/& level = \"${2:-info}\";/" "$1/relayd.conf"
}

start_relayd() { # DIR
	"$root/build/relayd" -c "$1/relayd.conf" 2>"$1/stderr" &
	relayd_pid=$!
	wait_port "$RELAYD_PORT" || die "relayd does not answer: $(<"$1/stderr")"
}

# rate N COUNTS: messages a second from the sink's first to its last.
rate() { awk -v n="$1" -v c="$2" 'BEGIN { split(c, at, " "); printf "%.0f", (n - 1) * 1e9 / (at[4] - at[3]) }'; }

drain_one() { # BYTES
	local dir=$work/one got
	rm -rf "$dir"
	prepare "$dir" <<<"campus.test via=[127.0.0.1]:$SINK_PORT"
	"$root/build/bench/bench_spool" -f "$WAITING" "$dir/spool" "$1"
	start_sink
	start_relayd "$dir"
	got=$(arrive "$WAITING")
	echo "| $WAITING of $1 bytes to one next hop | $(rate "$WAITING" "$got") | | ${got%% *} |"
	stop_relayd
	stop_sink
	rm -rf "$dir"
}

# A next hop is an address of 127/8 for itself; each tenth of them is dead.
drain_many() { # BYTES DESTINATIONS
	local dir=$work/many got i port living=$((WAITING - WAITING / 10)) tries
	rm -rf "$dir"
	for ((i = 0; i < $2; i++)); do
		port=$SINK_PORT
		((i % 10 != 9)) || port=$NOBODY_PORT
		echo "d$i.test via=[127.1.$((i / 250)).$((i % 250 + 1))]:$port"
	done | prepare "$dir" debug
	"$root/build/bench/bench_spool" -f "$WAITING" "$dir/spool" "$1" "$2"
	SINK_ADDRESS=0.0.0.0 start_sink
	start_relayd "$dir"
	got=$(arrive "$living")
	sleep "$DEAD_SECONDS"
	tries=$(grep -c event=connect-failed "$dir/relayd.log" || :)
	echo "| $WAITING of $1 bytes to $2, a tenth of them dead for $DEAD_SECONDS s | $(rate "$living" "$got") | $tries of $((WAITING / 10)) | ${got%% *} |"
	stop_relayd
	stop_sink
	rm -rf "$dir"
}

# What a scanner hands over after all the others: who waits how long for it?
one_scan() {
	printf 'Subject: scan\n\none page\n' | curl -s --url "smtp://127.0.0.1:$RELAYD_PORT/scanner" \
		--mail-from scanner@campus.test --mail-rcpt scan@campus.test --upload-file -
}

# Nobody is there, then somebody is.
outage() { # BYTES
	local dir=$work/outage got tries up turn
	rm -rf "$dir"
	prepare "$dir" debug <<<"campus.test via=[127.0.0.1]:$SINK_PORT"
	"$root/build/bench/bench_spool" -f "$OUTAGE" "$dir/spool" "$1"
	start_relayd "$dir"
	one_scan
	sleep "$DEAD_SECONDS"
	tries=$(grep -c event=connect-failed "$dir/relayd.log" || :)
	start_sink
	up=$(monotonic_ns)
	got=$(arrive $((OUTAGE + 1)))
	sleep 1
	got=$(counts)
	turn=$(awk '/event=delivered/ { n++ } /event=delivered.* to=scan@/ && !turn { turn = n } END { print turn }' "$dir/relayd.log")
	awk -v n="$OUTAGE" -v b="$1" -v s="$DEAD_SECONDS" -v tries="$tries" -v rate="$(rate "$OUTAGE" "$got")" \
		-v up="$up" -v turn="$turn" -v c="$got" 'BEGIN {
		split(c, at, " ")
		printf "| %d of %d bytes, the next hop dead for %d s; the first arrives %.1f s after it is up, the one scan that came last as number %d | %s | %d of %d | %d |\n",
		    n, b, s, (at[3] - up) / 1e9, turn, rate, tries, n, at[1]
	}'
	stop_relayd
	stop_sink
	rm -rf "$dir"
}

# ---- beside Postfix: both take the same, then their next hop comes back ----

fill_by_smtp() { # PORT COUNT
	local n=0 out
	while ((n < $2)); do
		out=$("$root/build/bench/source" -p "$1" -l 1024 -s 20 -m 20 -D 1)
		n=$((n + $(field accepted "$out")))
	done
	echo "$n"
}

beside_relayd() {
	local dir=$work/beside n up got
	prepare "$dir" </dev/null
	start_relayd "$dir"
	n=$(fill_by_smtp "$RELAYD_PORT" "$BESIDE")
	sleep 5
	start_sink
	got=$(arrive "$n")
	echo "| $n of 1024 bytes, as accepted: relayd | $(rate "$n" "$got") | | ${got%% *} |"
	stop_relayd
	stop_sink
}

beside_postfix() {
	local n got
	[ -z "$(postfix_missing)" ] || return 0
	write_certificate "$work"
	postfix_start
	n=$(fill_by_smtp "$POSTFIX_PORT" "$BESIDE")
	sleep 5
	start_sink
	postqueue -c "$work/postfix/etc" -f
	got=$(arrive "$n")
	echo "| $n of 1024 bytes, as accepted: Postfix, its queue flushed | $(rate "$n" "$got") | | ${got%% *} |"
	postfix_stop
	stop_sink
}

main() {
	echo
	echo "### What waits goes out"
	echo
	echo "| waiting | messages/s | tries at dead next hops | arrived |"
	echo "| --- | --: | --: | --: |"
	drain_one 1024
	drain_one 10240
	drain_many 1024 1000
	outage 1024
	((BESIDE == 0)) || beside_relayd
	((BESIDE == 0)) || beside_postfix
}

main
