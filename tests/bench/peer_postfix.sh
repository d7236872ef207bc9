# shellcheck shell=bash disable=SC2034,SC2154
# peer_postfix.sh - a private Postfix: same durability as shipped (one fsync
# before the 250), everything that costs time and is not part of the job turned
# off.  What a peer is: lib.sh.

title[postfix]=Postfix
port[postfix]=${POSTFIX_PORT:-2628}

postfix_missing() { [ "$(id -u)" = 0 ] || echo "Postfix can only be started by root"; }

postfix_start() {
	local dir=$work/postfix
	rm -rf "$dir"
	mkdir -p "$dir/etc" "$dir/spool" "$dir/data" "$dir/log"
	chown postfix "$dir/data"
	chmod 755 "$dir" "$dir/etc" "$dir/spool" "$dir/log"
	postfix_main_cf "$dir"
	postfix_master_cf "$dir"
	postfix -c "$dir/etc" set-permissions >/dev/null 2>&1 || :
	leader[postfix]=unknown # but from here on there is something to stop
	postfix -c "$dir/etc" start >"$dir/start.log" 2>&1 || {
		cat "$dir/start.log" >&2
		die "Postfix does not start"
	}
	leader[postfix]=$(tr -d ' ' <"$dir/spool/pid/master.pid")
	wait_port "${port[postfix]}" || die "Postfix does not answer on port ${port[postfix]}"
}

postfix_stop() {
	[ -z "${leader[postfix]:-}" ] || postfix -c "$work/postfix/etc" stop >/dev/null 2>&1 || :
	leader[postfix]=''
}

postfix_main_cf() { # DIR
	local dir=$1
	cat >"$dir/etc/main.cf" <<-CF
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
		transport_maps = inline:{{hosted.test = smtp:[127.0.0.1]:$SINK_PORT}}
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
		smtpd_tls_cert_file = $work/cert.pem
		smtpd_tls_key_file = $work/key.pem
		smtp_tls_security_level = none
		message_size_limit = 52428800
	CF
}

# No chroot, 100 smtp clients, 500 smtpd on our port instead of port 25.
postfix_master_cf() { # DIR
	local dist=/usr/share/postfix/master.cf.dist
	[ -e "$dist" ] || dist=/etc/postfix/master.cf.proto
	awk -v port="${port[postfix]}" '
		$2 == "inet" { next }
		$2 == "unix" || $2 == "unix-dgram" {
			if ($1 !~ /^#/) $5 = "n"
			if ($1 == "smtp" || $1 == "relay") $7 = 100
		}
		{ print }
		END { print "127.0.0.1:" port " inet n - n - 500 smtpd" }
	' "$dist" >"$1/etc/master.cf"
}
