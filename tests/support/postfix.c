/*
 * postfix - a private Postfix to compare with.
 *
 * Job:     write its configuration, run it in the foreground, end it.
 * Called:  by test_differential.
 * Owns:    its folder, port and process.
 * Never:   touches the Postfix that the machine may have.
 */
#include "tests/support/postfix.h"

#include <sys/stat.h>

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/support/folder.h"
#include "tests/support/port.h"
#include "tests/support/program.h"

enum {
	PATH_ROOM = 128,
	CONF_MAX = 8192
};

struct postfix {
	char folder[FOLDER_MAX];
	uint16_t port;
	int reserved;
	pid_t pid;
};

/*
 * As strict about line ends as it can be while it still takes them, and
 * never impatient: what is compared is what becomes of the bytes.
 */
static const char main_cf[] =
    "compatibility_level = 3.6\n"
    "base = %s\n"
    "queue_directory = $base/spool\n"
    "data_directory = $base/data\n"
    "command_directory = /usr/sbin\n"
    "daemon_directory = /usr/lib/postfix/sbin\n"
    "maillog_file_prefixes = $base\n"
    "maillog_file = $base/maillog\n"
    "myhostname = peer.test\n"
    "inet_interfaces = 127.0.0.1\n"
    "inet_protocols = ipv4\n"
    "mydestination =\n"
    "mynetworks =\n"
    "alias_maps =\n"
    "local_header_rewrite_clients =\n"
    "relay_domains = campus.test\n"
    "transport_maps = inline:{{campus.test = smtp:[127.0.0.1]:%u}}\n"
    "smtpd_relay_restrictions = reject_unauth_destination\n"
    "smtpd_peername_lookup = no\n"
    "smtp_dns_support_level = disabled\n"
    "smtp_host_lookup = native\n"
    "smtp_tls_security_level = none\n"
    "smtp_line_length_limit = 0\n"
    "disable_mime_output_conversion = yes\n"
    "smtpd_forbid_bare_newline = normalize\n"
    "smtpd_forbid_bare_newline_exclusions =\n"
    "in_flow_delay = 0\n"
    "smtpd_error_sleep_time = 0\n"
    "smtpd_soft_error_limit = 1000\n"
    "smtpd_hard_error_limit = 1000\n"
    "smtpd_junk_command_limit = 1000\n"
    "smtpd_forbidden_commands =\n";

static const char master_cf[] = "127.0.0.1:%u inet n - n - 20 smtpd\n"
				"cleanup  unix n - n - 0 cleanup\n"
				"qmgr     unix n - n 300 1 qmgr\n"
				"rewrite  unix - - n - - trivial-rewrite\n"
				"bounce   unix - - n - 0 bounce\n"
				"defer    unix - - n - 0 bounce\n"
				"trace    unix - - n - 0 bounce\n"
				"flush    unix n - n 1000? 0 flush\n"
				"proxymap unix - - n - - proxymap\n"
				"smtp     unix - - n - - smtp\n"
				"error    unix - - n - - error\n"
				"retry    unix - - n - - error\n"
				"anvil    unix - - n - 1 anvil\n"
				"postlog  unix-dgram n - n - 1 postlogd\n";

static void
configure(const struct postfix *postfix, uint16_t next_hop)
{
	struct passwd *user = getpwnam("postfix");
	char text[CONF_MAX];

	ck_assert_ptr_nonnull(user);
	folder_make(postfix->folder, "etc", (uid_t)-1);
	folder_make(postfix->folder, "spool", (uid_t)-1);
	folder_make(postfix->folder, "data", user->pw_uid);
	snprintf(text, sizeof(text), main_cf, postfix->folder, next_hop);
	folder_write(postfix->folder, "etc/main.cf", text);
	snprintf(text, sizeof(text), master_cf, postfix->port);
	folder_write(postfix->folder, "etc/master.cf", text);
}

struct postfix *
postfix_new(uint16_t next_hop)
{
	struct postfix *postfix = xcalloc(1, sizeof(*postfix));
	char etc[PATH_ROOM], log[PATH_ROOM];
	const char *argv[] = { "/usr/sbin/postfix", "-c", etc, "start-fg",
		NULL };

	folder_new(postfix->folder, "postfix");
	postfix->port = port_reserve(&postfix->reserved);
	configure(postfix, next_hop);
	snprintf(etc, sizeof(etc), "%s/etc", postfix->folder);
	snprintf(log, sizeof(log), "%s/output", postfix->folder);
	postfix->pid = program_serve(argv, postfix->port, log);
	ck_assert_msg(postfix->pid != 0, "no Postfix in %s", postfix->folder);
	return postfix;
}

uint16_t
postfix_port(const struct postfix *postfix)
{
	return postfix->port;
}

void
postfix_free(struct postfix *postfix)
{
	char etc[PATH_ROOM];
	const char *stop[] = { "/usr/sbin/postfix", "-c", etc, "stop", NULL };
	struct buf output;

	snprintf(etc, sizeof(etc), "%s/etc", postfix->folder);
	buf_init(&output, CONF_MAX);
	/* Its master has a process group of its own and outlives the rest. */
	program_run(stop, SPAN(""), &output);
	program_end(postfix->pid);
	folder_remove(postfix->folder);
	buf_clear(&output);
	close(postfix->reserved);
	free(postfix);
}
