# shellcheck shell=bash disable=SC2034,SC2154
# lib.sh - what the scripts of `make bench` share; sourced.  They set root, work
# (a folder of their own) and SINK_PORT before, and stop what they started.

sink_pid=''

# A peer is what a load is sent through, to the sink on SINK_PORT.  All that is
# known of the peer NAME lies in peer_NAME.sh:
#
#   title[NAME]    what the tables call it
#   port[NAME]     where it takes mail, on 127.0.0.1
#   leader[NAME]   while it runs: its first process; the others are its children
#   without[NAME]  a pattern of the cells that it does not take, if any
#   afresh[NAME]   set: it is ended and begun again before each load
#   NAME_missing   prints why it cannot be here, or nothing
#   NAME_start     begins it anew in $work/NAME and returns when it greets
#   NAME_stop      ends it, whenever and however often it is called
declare -A title port leader without afresh

die() {
	echo "bench: $*" >&2
	exit 1
}

# end PID: and wait for it; nothing to do without a PID.
end() {
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# wait_port PORT: until somebody greets there (10 s).
wait_port() {
	local i line
	for ((i = 0; i < 100; i++)); do
		if { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; then
			line=''
			read -r -t 5 line <&3 || :
			printf 'QUIT\r\n' >&3 || :
			exec 3<&-
			[ "${line:0:3}" != 220 ] || return 0
		fi
		sleep 0.1
	done
	return 1
}

# start_sink: on SINK_ADDRESS, or 127.0.0.1.
start_sink() {
	"$root/build/sink" -a "${SINK_ADDRESS:-127.0.0.1}" -p "$SINK_PORT" -n -s "$work/counts" >"$work/sink.log" &
	sink_pid=$!
	wait_port "$SINK_PORT" || die "the sink does not answer on port $SINK_PORT"
}

# The processes that a peer has now: its first, and that one's children.
processes() {
	echo "$1"
	cat "/proc/$1/task/"*/children 2>/dev/null | tr ' ' '\n' || :
}

# utime + stime in ticks of each of the processes named on stdin; with those
# that have ended for the first, which is their parent (cutime, cstime).
ticks() {
	local pid
	while read -r pid; do
		[ -n "$pid" ] || continue
		sed "s/.*) /$pid /" "/proc/$pid/stat" 2>/dev/null || :
	done | awk 'NR == 1 { sum += $15 + $16 } { sum += $13 + $14 } END { print sum + 0 }'
}

field() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" <<<"$2"; }

# counts: "messages bytes first last" of the sink now.
counts() {
	local i
	rm -f "$work/counts"
	kill -USR1 "$sink_pid"
	for ((i = 0; i < 200; i++)); do
		[ ! -s "$work/counts" ] || break
		sleep 0.01
	done
	cat "$work/counts"
}

# arrive N: until the sink has N messages (120 s); prints its counts.
arrive() {
	local i got=''
	for ((i = 0; i < 1200; i++)); do
		got=$(counts)
		[ "${got%% *}" -lt "$1" ] || break
		sleep 0.1
	done
	[ "${got%% *}" -ge "$1" ] || die "lost: ${got%% *} of $1 messages arrived"
	echo "$got"
}

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# write_certificate DIR: cert.pem and key.pem of relay.test, for a day.
write_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=relay.test \
		-addext subjectAltName=DNS:relay.test -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
}

# write_conf DIR PORT: a relay for load from this host alone, with its tables in DIR.
write_conf() {
	cat >"$1/relayd.conf" <<-CONF
		hostname   = "relay.test";
		postmaster = "postmaster@hosted.test";
		listen     = ( { address = "127.0.0.1"; port = $2; } );
		hosted     = "hosted";
		spool      = { directory = "spool"; };
		limits     = {
			connections = 20000;
			connections_per_client = 2000;
			connections_per_network = 20000;
			messages_per_client_hour = 0;
			recipients_per_client_hour = 0;
		};
		delivery   = { connections_per_destination = 50; };
		log        = { target = "relayd.log"; };
	CONF
}
