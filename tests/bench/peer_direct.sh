# shellcheck shell=bash disable=SC2034,SC2154
# peer_direct.sh - source straight to sink: no relay at all, so what the tools
# and the machine can do.  What a peer is: lib.sh.

title[direct]='source straight to sink'
port[direct]=$SINK_PORT
without[direct]='*:tls' # the sink has none

direct_missing() { :; }
direct_start() { :; }
direct_stop() { :; }
