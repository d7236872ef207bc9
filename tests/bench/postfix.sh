#!/bin/sh
# postfix.sh DIR PORT NEXT_HOP_PORT CERTIFICATE KEY - writes the configuration of a private
# Postfix under DIR: same durability as shipped (one fsync before the 250),
# everything that costs time and is not part of the job turned off.
set -eu
dir=$1 port=$2 next=$3 certificate=$4 key=$5

mkdir -p "$dir/etc" "$dir/spool" "$dir/data" "$dir/log"
chown postfix "$dir/data"
chmod 755 "$dir" "$dir/etc" "$dir/spool" "$dir/log"
dist=/usr/share/postfix/master.cf.dist
[ -e "$dist" ] || dist=/etc/postfix/master.cf.proto

cat >"$dir/etc/main.cf" <<CF
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file_prefixes = $dir/log
maillog_file = $dir/log/maillog
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C
myhostname = relay.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
# the job: one hosted domain, one fixed next hop, nobody else's mail
mydestination =
mynetworks =
alias_maps =
relay_domains = hosted.test
transport_maps = inline:{{hosted.test = smtp:[127.0.0.1]:$next}}
smtpd_relay_restrictions = reject_unauth_destination
# no names are looked up, in either direction
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
# as many processes as sessions; no throttle, no limit for one client.
# default_process_limit is the listen backlog too; master.cf has the rest
default_process_limit = 512
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all
initial_destination_concurrency = 20
default_destination_concurrency_limit = 50
# what this job does not need
smtputf8_enable = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = $certificate
smtpd_tls_key_file = $key
smtp_tls_security_level = none
message_size_limit = 52428800
CF

# No chroot, 100 smtp clients, 500 smtpd on our port instead of port 25.
awk -v port="$port" '
	$2 == "inet" { next }
	$2 == "unix" || $2 == "unix-dgram" {
		if ($1 !~ /^#/) $5 = "n"
		if ($1 == "smtp" || $1 == "relay") $7 = 100
	}
	{ print }
	END { print "127.0.0.1:" port " inet n - n - 500 smtpd" }
' "$dist" >"$dir/etc/master.cf"
