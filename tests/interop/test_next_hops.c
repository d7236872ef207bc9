/*
 * test_next_hops - other people's servers take mail from relayd: Postfix's
 * smtp-sink in its many moods, and aiosmtpd.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/port.h"
#include "tests/support/program.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define HEAD      "From: printer@campus.test\r\nSubject: to a next hop\r\n\r\n"
#define PLAIN     ".leading dot\r\n..two\r\n.\r\nthe end\r\n"
#define EIGHT_BIT "\xc3\xbcml\xc3\xa4ut\r\n"

enum {
	FILE_MAX = 8 << 20,
	ARGS_MAX = 16,
	NAME_BYTES = 512,
};

/*
 * aiosmtpd keeps each message, bytes as they came, in a file of the folder
 * given; the envelope and its options stand in front.
 */
static const char aiosmtpd_program[] =
    "import asyncio, os, sys\n"
    "from aiosmtpd.smtp import SMTP\n"
    "folder, port = sys.argv[1], int(sys.argv[2])\n"
    "count = 0\n"
    "class Handler:\n"
    "    async def handle_DATA(self, server, session, envelope):\n"
    "        global count\n"
    "        count += 1\n"
    "        name = os.path.join(folder, str(count))\n"
    "        with open(name + '.new', 'wb') as file:\n"
    "            text = 'from %s %s to %s\\r\\n' % (envelope.mail_from,\n"
    "                envelope.mail_options, envelope.rcpt_tos)\n"
    "            file.write(text.encode() + envelope.original_content)\n"
    "        os.rename(name + '.new', name + '.eml')\n"
    "        return '250 2.0.0 kept'\n"
    "async def main():\n"
    "    loop = asyncio.get_running_loop()\n"
    "    server = await loop.create_server(\n"
    "        lambda: SMTP(Handler(), enable_SMTPUTF8=True),\n"
    "        '127.0.0.1', port)\n"
    "    await server.serve_forever()\n"
    "asyncio.run(main())\n";

/* A relayd before somebody else's server, which files into a folder. */
struct stage {
	struct daemon *daemon;
	int reserved;
	uint16_t port;
	pid_t server;
	char folder[NAME_BYTES];
	char log[NAME_BYTES];
};

static void
stage_open(struct stage *stage)
{
	char hosted[64];
	struct daemon_setup setup = { .hosted = hosted,
		.delivery = "retry_first = \"1s\"; retry_max = \"1s\";" };

	stage->port = port_reserve(&stage->reserved);
	snprintf(hosted, sizeof(hosted), "campus.test via=[127.0.0.1]:%u\n",
	    stage->port);
	stage->daemon = daemon_new(&setup);
	snprintf(stage->folder, sizeof(stage->folder), "%s/kept",
	    daemon_folder(stage->daemon));
	snprintf(stage->log, sizeof(stage->log), "%s/server.log",
	    daemon_folder(stage->daemon));
	/* smtp-sink files as nobody. */
	ck_assert_int_eq(mkdir(stage->folder, 0777), 0);
	ck_assert_int_eq(chmod(stage->folder, 0777), 0);
	ck_assert_int_eq(chmod(daemon_folder(stage->daemon), 0755), 0);
	daemon_start(stage->daemon);
}

static void
stage_close(struct stage *stage)
{
	program_end(stage->server);
	daemon_free(stage->daemon);
	close(stage->reserved);
}

static void
serve(struct stage *stage, const char *const *argv)
{
	stage->server = program_serve(argv, stage->port, stage->log);
	ck_assert_msg(stage->server != 0, "%s does not serve", argv[0]);
}

static void
serve_aiosmtpd(struct stage *stage)
{
	char port[16];
	const char *argv[] = { "/usr/bin/python3", "-c", aiosmtpd_program,
		stage->folder, port, NULL };

	snprintf(port, sizeof(port), "%u", stage->port);
	serve(stage, argv);
}

static void
serve_smtp_sink(struct stage *stage, const char *const *options)
{
	const char *argv[ARGS_MAX] = { "/usr/sbin/smtp-sink" };
	char dump[NAME_BYTES + 16], address[32];
	size_t count = 1;

	snprintf(dump, sizeof(dump), "%s/%%s.", stage->folder);
	snprintf(address, sizeof(address), "127.0.0.1:%u", stage->port);
	if (geteuid() == 0) {
		argv[count++] = "-u";
		argv[count++] = "nobody";
	}
	for (; *options != NULL; options++)
		argv[count++] = *options;
	argv[count++] = "-d";
	argv[count++] = dump;
	argv[count++] = address;
	argv[count++] = "100";
	argv[count] = NULL;
	serve(stage, argv);
}

static void
read_file(const char *name, struct buf *out)
{
	FILE *file = fopen(name, "r");
	size_t room, got;
	char *start;

	while (file != NULL) {
		start = buf_room(out, 65536, &room);
		got = start == NULL ? 0 : fread(start, 1, room, file);
		if (got == 0)
			break;
		buf_grew(out, got);
	}
	if (file != NULL)
		fclose(file);
}

/* Appends every file of the folder; how many there are. */
static size_t
read_kept(struct stage *stage, struct buf *out)
{
	char name[NAME_BYTES + 260];
	struct dirent *entry;
	size_t count = 0;
	DIR *folder;

	buf_empty(out);
	folder = opendir(stage->folder);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    strstr(entry->d_name, ".new") != NULL)
			continue;
		snprintf(name, sizeof(name), "%s/%s", stage->folder,
		    entry->d_name);
		read_file(name, out);
		count++;
	}
	closedir(folder);
	return count;
}

/* Waits until the kept files hold the text. */
static void
wait_for_kept(struct stage *stage, const char *text, struct buf *kept)
{
	struct timespec pause = { .tv_nsec = 20 * 1000000 };
	int waited;

	for (waited = 0; waited < SCENE_WAIT_MS; waited += 20) {
		read_kept(stage, kept);
		if (scene_holds(buf_span(kept), text))
			return;
		nanosleep(&pause, NULL);
	}
	ck_abort_msg("no \"%s\" among what arrived:\n%s", text, buf_text(kept));
}

static void
send_mail(struct stage *stage, const char *const *recipients,
    struct span content)
{
	struct talk talk;

	ck_assert(talk_open(&talk, NULL, daemon_port(stage->daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO printer.test"), 250);
	ck_assert_int_eq(talk_mail(&talk, "printer@campus.test", recipients,
			     content),
	    250);
	talk_say(&talk, "QUIT");
	talk_close(&talk);
}

static const char *const two[] = { "a@campus.test", "b@campus.test", NULL };

START_TEST(aiosmtpd_gets_every_byte)
{
	struct stage stage;
	struct buf kept;

	buf_init(&kept, FILE_MAX);
	stage_open(&stage);
	serve_aiosmtpd(&stage);
	send_mail(&stage, two, SPAN(HEAD PLAIN EIGHT_BIT "last\r\n"));
	wait_for_kept(&stage, "\r\n\r\n" PLAIN EIGHT_BIT "last\r\n", &kept);
	ck_assert(scene_holds(buf_span(&kept), "from printer@campus.test"));
	ck_assert(
	    scene_holds(buf_span(&kept), "['a@campus.test', 'b@campus.test']"));
	ck_assert(scene_holds(buf_span(&kept), "BODY=8BITMIME"));
	ck_assert_uint_eq(read_kept(&stage, &kept), 1);
	buf_clear(&kept);
	stage_close(&stage);
}
END_TEST

START_TEST(aiosmtpd_gets_a_large_message)
{
	struct stage stage;
	struct buf kept, content;
	int i;

	buf_init(&kept, FILE_MAX);
	buf_init(&content, FILE_MAX);
	buf_add(&content, SPAN(HEAD));
	for (i = 0; i < 20000; i++)
		buf_addf(&content, ".line %d of a large scan\r\n", i);
	stage_open(&stage);
	serve_aiosmtpd(&stage);
	send_mail(&stage, two, buf_span(&content));
	wait_for_kept(&stage, ".line 19999 of a large scan\r\n", &kept);
	ck_assert(span_ends(buf_span(&kept), buf_span(&content)));
	buf_clear(&content);
	buf_clear(&kept);
	stage_close(&stage);
}
END_TEST

/* What smtp-sink may lack or do, and the mail arrives all the same. */
static const struct mood {
	const char *options[4];
} moods[] = {
	{ { NULL } }, { { "-e", NULL } }, /* no ESMTP */
	{ { "-f", "EHLO", NULL } },       /* EHLO refused: HELO then */
	{ { "-p", NULL } },               /* no PIPELINING */
	{ { "-8", NULL } },               /* no 8BITMIME */
	{ { "-N", NULL } },               /* no DSN */
	{ { "-P", NULL } },      /* a greeting that some firewalls make */
	{ { "-H", "1", NULL } }, /* reads nothing for a second after DATA */
};

/* Moods in which it takes nothing, and the mail has to wait. */
static const struct mood bad_moods[] = {
	{ { "-r", "RCPT", NULL } },
	{ { "-r", ".", NULL } },
	{ { "-Q", "DATA", NULL } },
	{ { "-q", "CONNECT", NULL } },
	{ { "-q", "MAIL", NULL } },
	{ { "-q", ".", NULL } },
};

enum {
	MOODS = sizeof(moods) / sizeof(moods[0]),
	BAD_MOODS = sizeof(bad_moods) / sizeof(bad_moods[0]),
};

START_TEST(smtp_sink_takes_mail_in_its_moods)
{
	struct stage stage;
	struct buf kept;

	buf_init(&kept, FILE_MAX);
	stage_open(&stage);
	serve_smtp_sink(&stage, moods[_i].options);
	send_mail(&stage, two, SPAN(HEAD PLAIN "last line\r\n"));
	wait_for_kept(&stage, "last line", &kept);
	ck_assert(scene_holds(buf_span(&kept), "\n.leading dot"));
	ck_assert(scene_holds(buf_span(&kept), "\n..two"));
	ck_assert(scene_holds(buf_span(&kept), "a@campus.test"));
	ck_assert(scene_holds(buf_span(&kept), "b@campus.test"));
	buf_clear(&kept);
	stage_close(&stage);
}
END_TEST

START_TEST(mail_waits_until_smtp_sink_is_kind_again)
{
	struct stage stage;
	struct buf kept;

	buf_init(&kept, FILE_MAX);
	stage_open(&stage);
	serve_smtp_sink(&stage, bad_moods[_i].options);
	send_mail(&stage, two, SPAN(HEAD "last line\r\n"));
	daemon_wait_log(stage.daemon, "event=deferred", NULL);
	program_end(stage.server);
	serve_smtp_sink(&stage, moods[0].options);
	wait_for_kept(&stage, "last line", &kept);
	ck_assert_int_eq(daemon_logged(stage.daemon, "event=failed", NULL), 0);
	buf_clear(&kept);
	stage_close(&stage);
}
END_TEST

static Suite *
next_hops_suite(void)
{
	Suite *suite = suite_create("other next hops");
	TCase *tcase = tcase_create("other next hops");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, aiosmtpd_gets_every_byte);
	tcase_add_test(tcase, aiosmtpd_gets_a_large_message);
	tcase_add_loop_test(tcase, smtp_sink_takes_mail_in_its_moods, 0, MOODS);
	tcase_add_loop_test(tcase, mail_waits_until_smtp_sink_is_kind_again, 0,
	    BAD_MOODS);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(next_hops_suite)
