/*
 * test_own_host - the example of a machine that hands its own mail to the
 * relay of the campus, as it is installed but for ports, folders and user.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define TEXT "Subject: backup\r\n\r\ndone\r\n"

enum {
	FILE_MAX = 1 << 16,
	PATIENCE_MS = 30000
};

static struct hop *relay;
static struct daemon *daemon;

/* What no test can have; each must be in the file. */
struct change {
	const char *from;
	char to[64];
};

static void
read_sample(const char *name, char text[FILE_MAX])
{
	FILE *file = fopen(name, "r");
	size_t len;

	ck_assert_ptr_nonnull(file);
	len = fread(text, 1, FILE_MAX - 1, file);
	text[len] = '\0';
	fclose(file);
}

static void
install(const char *sample, const char *name, const struct change *changes)
{
	char text[FILE_MAX];
	const char *rest = text;
	const struct change *change;
	struct buf out;

	read_sample(sample, text);
	for (change = changes; change->from != NULL; change++)
		ck_assert_msg(strstr(text, change->from) != NULL,
		    "%s has no %s", sample, change->from);
	buf_init(&out, 2 * FILE_MAX);
	while (*rest != '\0') {
		for (change = changes; change->from != NULL; change++)
			if (span_starts(span_of(rest), span_of(change->from)))
				break;
		if (change->from == NULL) {
			buf_add_byte(&out, *rest++);
			continue;
		}
		buf_add(&out, span_of(change->to));
		rest += strlen(change->from);
	}
	daemon_write(daemon, name, buf_text(&out));
	buf_clear(&out);
}

static void
open_stage(void)
{
	static const struct daemon_setup setup = { .hosted = NULL };
	struct change conf[] = {
		{ "port = 587", "" },
		{ "\"::1\"", "\"127.0.0.9\"" }, /* not every machine has v6 */
		{ "= \"mail.campus.test\"", "" },
		{ "/var/spool/relayd", "spool" },
		{ "/run/relayd/control", "control" },
		{ "user  = \"relayd\";", "" },
		{ "group = \"relayd\";", "" },
		{ NULL, "" },
	};
	struct change hosted[] = { { "via=mail.campus.test", "" },
		{ NULL, "" } };
	static const struct change none[] = { { NULL, "" } };

	relay = hop_new(NULL);
	daemon = daemon_new(&setup);
	snprintf(conf[0].to, sizeof(conf[0].to), "port = %u",
	    daemon_port(daemon));
	snprintf(conf[2].to, sizeof(conf[2].to), "= \"[127.0.0.1]:%u\"",
	    hop_port(relay));
	snprintf(hosted[0].to, sizeof(hosted[0].to), "via=[127.0.0.1]:%u",
	    hop_port(relay));
	install("relayd/samples/own-host.conf", "relayd.conf", conf);
	install("domains/samples/own-host.hosted", "own-host.hosted", hosted);
	install("domains/samples/own-host.allowlist", "own-host.allowlist",
	    none);
	daemon_start(daemon);
}

static void
close_stage(void)
{
	daemon_free(daemon);
	hop_free(relay);
}

static const struct {
	const char *from, *to;
} mails[] = {
	{ "127.0.0.1", "staff@campus.test" },
	{ "127.0.0.1", "owner@laser.physics.campus.test" },
	{ "127.0.0.1", "vendor@else.example" },
	{ "127.0.0.3", "vendor@else.example" },
};

START_TEST(mail_of_this_machine_goes_to_the_campus_relay)
{
	open_stage();
	ck_assert_int_eq(talk_once(mails[_i].from, daemon_port(daemon),
			     "backup@db7.campus.test", mails[_i].to, TEXT),
	    250);
	ck_assert_ptr_nonnull(hop_wait_for(relay, mails[_i].to, PATIENCE_MS));
	close_stage();
}
END_TEST

/* Under systemd the ports are those of relayd.socket, as the drop-in has them. */
START_TEST(drop_in_for_the_socket_has_the_ports_of_the_example)
{
	static const char *const lines[] = { "[Socket]\nListenStream=\n",
		"\nListenStream=127.0.0.1:587\n",
		"\nListenStream=[::1]:587\n" };
	char text[FILE_MAX], conf[FILE_MAX];
	size_t i;

	read_sample("relayd/samples/own-host-socket.conf", text);
	read_sample("relayd/samples/own-host.conf", conf);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_ptr_nonnull(strstr(text, lines[i]));
	ck_assert_ptr_nonnull(strstr(conf,
	    "{ address = \"127.0.0.1\"; port = 587; },\n"
	    "\t{ address = \"::1\"; port = 587; }\n"));
}
END_TEST

static Suite *
own_host_suite(void)
{
	Suite *suite = suite_create("own host");
	TCase *tcase = tcase_create("own host");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
	    mail_of_this_machine_goes_to_the_campus_relay, 0,
	    sizeof(mails) / sizeof(mails[0]));
	tcase_add_test(tcase,
	    drop_in_for_the_socket_has_the_ports_of_the_example);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(own_host_suite)
