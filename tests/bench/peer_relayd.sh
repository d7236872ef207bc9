# shellcheck shell=bash disable=SC2034,SC2154
# peer_relayd.sh - the relayd that was just built.  What a peer is: lib.sh.

title[relayd]=relayd
port[relayd]=${RELAYD_PORT:-2629}

relayd_missing() { :; }

relayd_start() {
	local dir=$work/relayd
	rm -rf "$dir"
	mkdir -p "$dir"
	echo "hosted.test via=[127.0.0.1]:$SINK_PORT" >"$dir/hosted"
	write_conf "$dir" "${port[relayd]}"
	echo "tls = { certificate = \"$work/cert.pem\"; key = \"$work/key.pem\"; };" >>"$dir/relayd.conf"
	"$root/build/relayd" -c "$dir/relayd.conf" 2>"$dir/stderr" &
	leader[relayd]=$!
	wait_port "${port[relayd]}" || {
		cat "$dir/stderr" >&2
		die "relayd does not answer on port ${port[relayd]}"
	}
}

relayd_stop() {
	end "${leader[relayd]:-}"
	leader[relayd]=''
}
