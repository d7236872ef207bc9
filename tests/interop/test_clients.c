/*
 * test_clients - other people's clients hand mail to relayd: curl, swaks,
 * msmtp, s-nail, Python's smtplib, Perl's Net::SMTP, nodemailer, openssl
 * s_client and gnutls-cli; what arrives is compared.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/port.h"
#include "tests/support/program.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"

#define HEAD "From: printer@campus.test\r\nSubject: from a client\r\n\r\n"
#define BODY ".leading dot\r\n..two\r\n.\r\n\xc3\xbcml\xc3\xa4ut\r\nthe end\r\n"

enum {
	ARGS_MAX = 24,
	OUTPUT_MAX = 1 << 20,
};

#define PYTHON_SEND                                                     \
	"import smtplib, sys\n"                                         \
	"s = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), timeout=20)\n" \
	"if len(sys.argv) > 3:\n"                                       \
	"    import ssl\n"                                              \
	"    c = ssl.create_default_context(cafile=sys.argv[3])\n"      \
	"    c.check_hostname = False\n"                                \
	"    s.starttls(context=c)\n"                                   \
	"s.sendmail('printer@campus.test', [sys.argv[2]],\n"            \
	"    sys.stdin.buffer.read(), ['BODY=8BITMIME'])\n"             \
	"s.quit()\n"

#define PERL_SEND                                                         \
	"my ($port, $to) = @ARGV; local $/; my $mail = <STDIN>;\n"        \
	"my $smtp = Net::SMTP->new('127.0.0.1', Port => $port,\n"         \
	"    Timeout => 20) or die;\n"                                    \
	"$smtp->mail('printer@campus.test') and $smtp->to($to) and\n"     \
	"    $smtp->data and $smtp->datasend($mail) and $smtp->dataend\n" \
	"    or do { print $smtp->code, ' ', $smtp->message; exit 1 };\n" \
	"$smtp->quit;\n"

/* By its full path: node may be another one than Debian's. */
#define NODE_SEND                                                      \
	"const mailer = require('/usr/share/nodejs/nodemailer');\n"    \
	"const mail = require('fs').readFileSync(0);\n"                \
	"mailer.createTransport({ host: '127.0.0.1',\n"                \
	"    port: Number(process.argv[1]) }).sendMail({ raw: mail,\n" \
	"    envelope: { from: 'printer@campus.test',\n"               \
	"        to: [process.argv[2]] } }, e => {\n"                  \
	"    if (e) { console.log(e.response); process.exit(1); } });\n"

/* In the arguments PORT and TO stand for the port and the recipient. */
static const struct client {
	const char *args[ARGS_MAX];
} clients[] = {
	{ { "curl", "-sS", "-m", "20", "smtp://127.0.0.1:PORT", "--mail-from",
	    "printer@campus.test", "--mail-rcpt", "TO", "-T", "-" } },
	{ { "swaks", "--server", "127.0.0.1:PORT", "--from",
	    "printer@campus.test", "--to", "TO", "--data", "-", "--timeout",
	    "20" } },
	{ { "msmtp", "--host=127.0.0.1", "--port=PORT", "--tls=off",
	    "--auth=off", "--from=printer@campus.test", "--timeout=20", "--",
	    "TO" } },
	{ { "/usr/bin/python3", "-c", PYTHON_SEND, "PORT", "TO" } },
	{ { "perl", "-MNet::SMTP", "-e", PERL_SEND, "PORT", "TO" } },
	{ { "node", "-e", NODE_SEND, "PORT", "TO" } },
	{ { "s-nail", "-:/", "-S", "v15-compat", "-S",
	    "mta=smtp://127.0.0.1:PORT", "-S", "smtp-auth=none", "-S",
	    "sendwait", "-S", "nosave", "-S", "mime-encoding=8b", "-S",
	    "ttycharset=utf-8", "-r", "printer@campus.test", "-s",
	    "from a client", "TO" } },
};

enum {
	CLIENTS = sizeof(clients) / sizeof(clients[0])
};

/* Appends text with each word replaced. */
static void
expand_one(const char *text, const char *word, const char *value,
    struct buf *out)
{
	const char *found = strstr(text, word);

	if (found == NULL) {
		buf_add(out, span_of(text));
		return;
	}
	buf_add(out, span_make(text, (size_t)(found - text)));
	buf_add(out, span_of(value));
	buf_add(out, span_of(found + strlen(word)));
}

/* Those that read text, whose lines end in LF. */
static bool
reads_text(const char *program)
{
	return strcmp(program, "perl") == 0 || strcmp(program, "s-nail") == 0;
}

static int
run_with_input(const char *const *argv, struct span input, struct buf *output)
{
	bool text = reads_text(argv[0]);
	struct buf lines;
	int status;
	size_t i;

	buf_init(&lines, OUTPUT_MAX);
	for (i = 0; i < input.len; i++)
		if (!text || input.data[i] != '\r')
			buf_add_byte(&lines, input.data[i]);
	status = program_run(argv, buf_span(&lines), output);
	buf_clear(&lines);
	return status;
}

/* Runs a client with PORT and TO filled in; its exit status. */
static int
run_client(const struct client *client, uint16_t port, const char *to,
    struct span input, struct buf *output)
{
	const char *argv[ARGS_MAX + 1];
	struct buf args[ARGS_MAX];
	char number[16];
	size_t i, count;
	int status;

	snprintf(number, sizeof(number), "%u", port);
	for (count = 0; count < ARGS_MAX && client->args[count] != NULL;
	     count++) {
		buf_init(&args[count], OUTPUT_MAX);
		if (strcmp(client->args[count], "TO") == 0)
			buf_add(&args[count], span_of(to));
		else
			expand_one(client->args[count], "PORT", number,
			    &args[count]);
		argv[count] = buf_text(&args[count]);
	}
	argv[count] = NULL;
	status = run_with_input(argv, input, output);
	for (i = 0; i < count; i++)
		buf_clear(&args[i]);
	return status;
}

static void
assert_arrived(struct scene *scene, const char *to)
{
	const struct hop_mail *mail =
	    hop_wait_for(scene->campus, to, SCENE_WAIT_MS);

	ck_assert_ptr_nonnull(mail);
	ck_assert(span_equal(hop_address(buf_span(&mail->mail)),
	    SPAN("printer@campus.test")));
	ck_assert(scene_holds(buf_span(&mail->content), "from a client\r\n"));
	ck_assert(scene_holds(buf_span(&mail->content), "\r\n\r\n" BODY));
}

START_TEST(a_client_hands_over_a_message_that_arrives_unchanged)
{
	struct scene scene;
	struct buf output;

	scene_open(&scene, NULL);
	buf_init(&output, OUTPUT_MAX);
	ck_assert_msg(run_client(&clients[_i], daemon_port(scene.daemon),
			  "staff@campus.test", SPAN(HEAD BODY), &output) == 0,
	    "%s: %s", clients[_i].args[0], buf_text(&output));
	assert_arrived(&scene, "staff@campus.test");
	buf_clear(&output);
	scene_close(&scene);
}
END_TEST

START_TEST(a_client_is_told_why_it_is_refused)
{
	struct scene scene;
	struct buf output;

	scene_open(&scene, NULL);
	buf_init(&output, OUTPUT_MAX);
	ck_assert_int_gt(run_client(&clients[_i], daemon_port(scene.daemon),
			     "someone@outside.example", SPAN(HEAD BODY),
			     &output),
	    0);
	ck_assert_msg(strstr(buf_text(&output), "550") != NULL,
	    "%s does not show the 550: %s", clients[_i].args[0],
	    buf_text(&output));
	scene_settle(&scene);
	ck_assert_uint_eq(hop_count(scene.outside), 0);
	ck_assert_uint_eq(hop_count(scene.campus), 1);
	buf_clear(&output);
	scene_close(&scene);
}
END_TEST

/* ---- under TLS ---- */

/* A scene whose relayd has a certificate, and a port for implicit TLS. */
struct tls_scene {
	struct scene scene;
	uint16_t implicit;
	int reserved;
	char certificate[256];
};

static void
make_certificate(struct tls_scene *tls)
{
	char key[256];
	const char *argv[] = { "openssl", "req", "-x509", "-newkey", "ec",
		"-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
		"2", "-subj", "/CN=mail.campus.test", "-addext",
		"subjectAltName=DNS:mail.campus.test", "-keyout", key, "-out",
		tls->certificate, NULL };
	struct buf output;

	snprintf(key, sizeof(key), "%s/relay.key",
	    daemon_folder(tls->scene.daemon));
	snprintf(tls->certificate, sizeof(tls->certificate), "%s/relay.pem",
	    daemon_folder(tls->scene.daemon));
	buf_init(&output, OUTPUT_MAX);
	ck_assert_msg(program_run(argv, SPAN(""), &output) == 0, "%s",
	    buf_text(&output));
	buf_clear(&output);
}

/* The scene's relayd again, with a certificate and two listeners. */
static void
tls_scene_open(struct tls_scene *tls)
{
	char conf[1024];

	scene_open(&tls->scene, NULL);
	daemon_stop(tls->scene.daemon);
	make_certificate(tls);
	tls->implicit = port_reserve(&tls->reserved);
	snprintf(conf, sizeof(conf),
	    "hostname = \"mail.campus.test\";\n"
	    "postmaster = \"postmaster@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = %u; },\n"
	    "  { address = \"127.0.0.1\"; port = %u; tls = \"implicit\"; } );\n"
	    "tls = { certificate = \"relay.pem\"; key = \"relay.key\"; };\n"
	    "hosted = \"hosted\"; spool = { directory = \"spool\"; };\n",
	    daemon_port(tls->scene.daemon), tls->implicit);
	daemon_write(tls->scene.daemon, "relayd.conf", conf);
	daemon_start(tls->scene.daemon);
}

static void
tls_scene_close(struct tls_scene *tls)
{
	scene_close(&tls->scene);
	close(tls->reserved);
}

static void
assert_arrived_under_tls(struct tls_scene *tls, const char *to)
{
	const struct hop_mail *mail;

	assert_arrived(&tls->scene, to);
	mail = hop_mail_for(tls->scene.campus, to, 0);
	ck_assert(scene_holds(buf_span(&mail->content), "with ESMTPS"));
}

static void
run_under_tls(struct tls_scene *tls, const struct client *client, uint16_t port,
    const char *to, struct span input)
{
	struct buf output;

	buf_init(&output, OUTPUT_MAX);
	ck_assert_msg(run_client(client, port, to, input, &output) == 0,
	    "%s: %s", client->args[0], buf_text(&output));
	assert_arrived_under_tls(tls, to);
	buf_clear(&output);
}

START_TEST(clients_begin_tls_and_hand_over_mail)
{
	struct tls_scene tls;

	tls_scene_open(&tls);
	run_under_tls(&tls,
	    &(struct client){ { "curl", "-sS", "-m", "20", "--ssl-reqd",
		"--cacert", tls.certificate, "--resolve",
		"mail.campus.test:PORT:127.0.0.1", "smtp://mail.campus.test",
		"--connect-to", "::127.0.0.1:PORT", "--mail-from",
		"printer@campus.test", "--mail-rcpt", "TO", "-T", "-" } },
	    daemon_port(tls.scene.daemon), "curl@campus.test", SPAN(HEAD BODY));
	run_under_tls(&tls,
	    &(struct client){ { "/usr/bin/python3", "-c", PYTHON_SEND, "PORT",
		"TO", tls.certificate } },
	    daemon_port(tls.scene.daemon), "smtplib@campus.test",
	    SPAN(HEAD BODY));
	run_under_tls(&tls,
	    &(struct client){ { "msmtp", "--host=127.0.0.1", "--port=PORT",
		"--tls=on", "--tls-starttls=on", "--tls-certcheck=off",
		"--auth=off", "--from=printer@campus.test", "--timeout=20",
		"--", "TO" } },
	    daemon_port(tls.scene.daemon), "msmtp@campus.test",
	    SPAN(HEAD BODY));
	tls_scene_close(&tls);
}
END_TEST

START_TEST(clients_speak_tls_from_the_first_byte)
{
	struct tls_scene tls;

	tls_scene_open(&tls);
	run_under_tls(&tls,
	    &(struct client){ { "curl", "-sS", "-m", "20", "-k",
		"smtps://127.0.0.1:PORT", "--mail-from", "printer@campus.test",
		"--mail-rcpt", "TO", "-T", "-" } },
	    tls.implicit, "curl@campus.test", SPAN(HEAD BODY));
	tls_scene_close(&tls);
}
END_TEST

/* Clients that only carry bytes; @ stands for the certificate. */
static const struct client carriers[] = {
	{ { "openssl", "s_client", "-quiet", "-starttls", "smtp", "-connect",
	    "127.0.0.1:PORT", "-servername", "mail.campus.test",
	    "-verify_return_error", "-verify_hostname", "mail.campus.test",
	    "-CAfile", "@" } },
	{ { "gnutls-cli", "--starttls-proto=smtp", "--port=PORT",
	    "--x509cafile", "@", "--verify-hostname=mail.campus.test",
	    "127.0.0.1" } },
};

START_TEST(a_session_by_hand_goes_through_starttls)
{
	static const char session[] =
	    "EHLO by.hand\r\nMAIL FROM:<printer@campus.test>\r\n"
	    "RCPT TO:<hand@campus.test>\r\nDATA\r\n" HEAD
	    "..leading dot\r\n...two\r\n..\r\n"
	    "\xc3\xbcml\xc3\xa4ut\r\nthe end\r\n.\r\nQUIT\r\n";
	struct client client = carriers[_i];
	struct tls_scene tls;
	size_t i;

	tls_scene_open(&tls);
	for (i = 0; i < ARGS_MAX && client.args[i] != NULL; i++)
		if (strcmp(client.args[i], "@") == 0)
			client.args[i] = tls.certificate;
	run_under_tls(&tls, &client, daemon_port(tls.scene.daemon),
	    "hand@campus.test", SPAN(session));
	tls_scene_close(&tls);
}
END_TEST

static Suite *
clients_suite(void)
{
	Suite *suite = suite_create("clients");
	TCase *tcase = tcase_create("clients");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase,
	    a_client_hands_over_a_message_that_arrives_unchanged, 0, CLIENTS);
	tcase_add_loop_test(tcase, a_client_is_told_why_it_is_refused, 0,
	    CLIENTS);
	tcase_add_test(tcase, clients_begin_tls_and_hand_over_mail);
	tcase_add_test(tcase, clients_speak_tls_from_the_first_byte);
	tcase_add_loop_test(tcase, a_session_by_hand_goes_through_starttls, 0,
	    sizeof(carriers) / sizeof(carriers[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(clients_suite)
