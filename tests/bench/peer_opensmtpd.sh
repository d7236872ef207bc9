# shellcheck shell=bash disable=SC2034,SC2154
# peer_opensmtpd.sh - Debian's OpenSMTPD with a queue that is really synced, and
# without limits on what this job needs.  What a peer is: lib.sh.
#
# As it comes it never syncs its queue.  So the folders of the queue are marked
# synchronous (chattr +S, inherited by what is made in them): what it accepts is
# on disk before the 250, as with the others.  Removals are then synced as well.
#
# Its package excludes Postfix, and its paths and users are compiled in.  So it
# runs from a folder that has them, with chroot: nothing is installed, nothing
# mounted, no user made, and its spool lies beside those of the others.

title[opensmtpd]='OpenSMTPD, synced'
port[opensmtpd]=${OPENSMTPD_PORT:-2630}
# TLS would need to be set up; of 100 sessions its backlog of 5 loses most.
without[opensmtpd]='@(*:tls|*:100:*|*:500:*)'
# When a burst has gone out it hangs up everywhere, and for ten seconds of its
# last look at the next hop it may not connect: the next load would find it idle.
afresh[opensmtpd]=yes

opensmtpd_package=$root/build/opensmtpd

opensmtpd_missing() {
	if [ "$(id -u)" != 0 ]; then
		echo "OpenSMTPD can only be started by root"
	elif [ ! -d "$opensmtpd_package" ]; then
		echo "OpenSMTPD is not in $opensmtpd_package (tests/support/fetch-package)"
	elif ! chroot / true 2>/dev/null; then
		echo "OpenSMTPD needs a chroot, which is not allowed here"
	elif ! opensmtpd_may_sync; then
		echo "OpenSMTPD's queue cannot be synced (chattr +S) on this file system"
	fi
}

# Whether its queue can be marked.
opensmtpd_may_sync() {
	local probe=$work/synchronous answer
	rm -rf "$probe"
	mkdir "$probe"
	chattr +S "$probe" 2>/dev/null && lsattr -d "$probe" | grep -q '^[^ ]*S'
	answer=$?
	rmdir "$probe"
	return $answer
}

opensmtpd_start() {
	local dir=$work/opensmtpd
	opensmtpd_furnish "$dir"
	opensmtpd_conf >"$dir/etc/smtpd.conf"
	chroot "$dir" /usr/sbin/smtpd -d >"$dir/log" 2>&1 &
	leader[opensmtpd]=$!
	# It makes the folders of its queue at every start, even where there are some.
	{ wait_port "${port[opensmtpd]}" && chattr +S "$dir/var/spool/smtpd"/{queue,incoming,temporary}; } || {
		cat "$dir/log" >&2
		die "OpenSMTPD does not answer on port ${port[opensmtpd]}"
	}
}

opensmtpd_stop() {
	end "${leader[opensmtpd]:-}"
	leader[opensmtpd]=''
}

# All that it looks for, and the libraries of this machine.
opensmtpd_furnish() { # DIR
	local dir=$1 spool=$1/var/spool/smtpd
	rm -rf "$dir"
	mkdir -p "$dir/etc" "$dir/usr/sbin" "$dir/var/run" "$dir/var/lib/opensmtpd/empty" "$spool"
	cp "$opensmtpd_package/usr/sbin/smtpd" "$dir/usr/sbin"
	ldd "$dir/usr/sbin/smtpd" | grep -o '/[^ ]*' | xargs cp -L --parents -t "$dir"
	cat >"$dir/etc/passwd" <<-PASSWD
		root:x:0:0::/:/bin/false
		opensmtpd:x:65533:65533::/var/lib/opensmtpd/empty:/bin/false
		opensmtpq:x:65532:65532::/var/lib/opensmtpd/empty:/bin/false
	PASSWD
	printf '%s\n' root:x:0: opensmtpd:x:65533: opensmtpq:x:65532: >"$dir/etc/group"
	# No names are looked up, in either direction.
	echo '127.0.0.1 localhost' >"$dir/etc/hosts"
	printf '%s\n' 'nameserver 127.0.0.1' 'lookup file' >"$dir/etc/resolv.conf"
	echo relay.test >"$dir/etc/mailname"
	find "$dir" -type d -exec chmod 755 {} +
	chmod 711 "$spool"
}

opensmtpd_conf() {
	cat <<-CONF
		smtp max-message-size 50M
		smtp limit max-mails 1000
		mta limit max-conn-per-host 50
		mta limit max-conn-per-route 50
		mta limit max-conn-per-connector 50
		mta limit conn-delay-route 0
		mta limit conn-delay-relay 0
		mta limit reconn-delay-route 0
		mta limit session-mail-max 1000
		mta limit task-hiwat 20000
		mta limit task-lowat 10000
		mta limit task-release 10000
		mta max-deferred 20000
		scheduler limit max-inflight 20000
		listen on 127.0.0.1 port ${port[opensmtpd]} hostname relay.test
		action "relay" relay host smtp://127.0.0.1:$SINK_PORT
		match from any for domain "hosted.test" action "relay"
	CONF
}
