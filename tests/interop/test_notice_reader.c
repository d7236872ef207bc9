/*
 * test_notice_reader - Python's email package reads every notice: whatever
 * the original was, its parts are what they say they are.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/program.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	READ_MAX = 1 << 20,
	ORIGINAL_MAX = 400 << 10,
	SHOWN = 2000, /* bytes of a notice that is wrong */
};

/*
 * Says what a notice is made of, a line for each part; fails for what is not
 * well formed, or not what its Content-Transfer-Encoding says (RFC 2045 2.7).
 */
static const char reader[] =
    "import email, email.policy, sys\n"
    "raw = sys.stdin.buffer.read()\n"
    "mail = email.message_from_bytes(raw, policy=email.policy.SMTP)\n"
    "def check(part, what):\n"
    "    if what: sys.exit('%s: %s' % (part.get_content_type(), what))\n"
    "for part in mail.walk():\n"
    "    check(part, part.defects)\n"
    "check(mail, mail.get_content_type() != 'multipart/report')\n"
    "check(mail, mail['Auto-Submitted'] != 'auto-replied')\n"
    "mark = b'--' + mail.get_boundary().encode()\n"
    "pieces = raw.split(b'\\r\\n' + mark)\n"
    "check(mail, pieces[-1] != b'--\\r\\n')\n"
    "parts = list(mail.iter_parts())\n"
    "check(mail, len(pieces) != len(parts) + 2)\n"
    "for part, piece in zip(parts, pieces[1:]):\n"
    "    way = part['Content-Transfer-Encoding']\n"
    "    check(part, way != '8bit' and not piece.isascii())\n"
    "    for line in piece.split(b'\\r\\n'):\n"
    "        check(part, len(line) > 998 and 'a long line')\n"
    "        check(part, set(line) & set(b'\\0\\r\\n'))\n"
    "    print(part.get_content_type(), way)\n"
    "for fields in parts[1].get_payload():\n"
    "    for name, value in fields.items():\n"
    "        if not name.endswith('-Date') and not name.startswith('X-'):\n"
    "            print('%s: %s' % (name, value))\n";

#define ABOUT(fields)                                                      \
	"Reporting-MTA: dns; mail.campus.test\n" fields "Action: failed\n" \
	"Status: 5.1.1\n"                                                  \
	"Remote-MTA: dns; [127.0.0.1]\n"                                   \
	"Diagnostic-Code: smtp; 550 5.1.1 \\xc3\\xbcber no such \\ user\n"
#define PLAIN_PARTS                     \
	"text/plain quoted-printable\n" \
	"message/delivery-status 7bit\n"
#define NOBODY "Final-Recipient: rfc822; nobody@lab.test\n"

static const struct hop_rule refuses[] = {
	{ HOP_RCPT, NULL,
	    "550 5.1.1 \xc3\xbc"
	    "ber no such \\ user",
	    0 },
	HOP_RULES_END,
};

/* SPAN() for initialisers of static tables. */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct original {
	const char *mail, *rcpt; /* parameters */
	const char *to;
	struct span content;
	size_t filled; /* bytes of lines behind it, in lines of so many: */
	size_t line;
	const char *read;
} originals[] = {
	{ "", "", "nobody", S("Subject: x\r\n\r\nbody\r\n"), 0, 0,
	    PLAIN_PARTS "text/rfc822-headers 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("Subject: x\r\n\r\nbody\r\n"), 0, 0,
	    PLAIN_PARTS "message/rfc822 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("no header at all\r\n"), 0, 0,
	    PLAIN_PARTS "message/rfc822 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S(""), 0, 0,
	    PLAIN_PARTS "message/rfc822 7bit\n" ABOUT(NOBODY) },
	{ "", "", "nobody", S(""), 0, 0,
	    PLAIN_PARTS "text/rfc822-headers 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("Subject: \xe4\r\n\r\n8-bit \xff\r\n"),
	    0, 0, PLAIN_PARTS "message/rfc822 8bit\n" ABOUT(NOBODY) },
	{ "", "", "nobody", S("Subject: \xe4\r\n\r\n8-bit \xff\r\n"), 0, 0,
	    PLAIN_PARTS
	    "text/rfc822-headers quoted-printable\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("Subject: x\r\n\r\nnul \0\r\n"), 0, 0,
	    PLAIN_PARTS "text/rfc822-headers 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("Subject: x\r\n\r\n"), 5000, 2500,
	    PLAIN_PARTS "text/rfc822-headers 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("Subject: x\r\n\r\n"), 200 << 10, 76,
	    PLAIN_PARTS "message/rfc822 7bit\n" ABOUT(NOBODY) },
	{ " RET=FULL", "", "nobody", S("Subject: x\r\n\r\n"), 300 << 10, 76,
	    PLAIN_PARTS "text/rfc822-headers 7bit\n" ABOUT(NOBODY) },
	/* one whose own parts are not what it says */
	{ " RET=FULL", "", "nobody",
	    S("MIME-Version: 1.0\r\n"
	      "Content-Type: multipart/mixed; boundary=\"=_relayd_\"\r\n\r\n"
	      "--=_relayd_\r\nContent-Type: text/plain\r\n\r\nx\r\n"
	      "--=_relayd_--\r\n"),
	    0, 0, PLAIN_PARTS "message/rfc822 7bit\n" ABOUT(NOBODY) },
	{ " ENVID=QQ+2B31 RET=HDRS",
	    " ORCPT=rfc822;Bob+2BX+3Dy@lab.test NOTIFY=FAILURE", "nobody",
	    S("Subject: x\r\n\r\nbody\r\n"), 0, 0,
	    PLAIN_PARTS "text/rfc822-headers 7bit\n"
			"Reporting-MTA: dns; mail.campus.test\n"
			"Original-Envelope-Id: QQ+31\n"
			"Original-Recipient: rfc822; Bob+X=y@lab.test\n" NOBODY
			"Action: failed\n" },
	{ " SMTPUTF8", " ORCPT=utf-8;n\\x{FC}ll@lab.test", "n\xc3\xbcll",
	    S("Subject: n\xc3\xbcll\r\n\r\nbody\r\n"), 0, 0,
	    PLAIN_PARTS "message/global-headers quoted-printable\n" ABOUT(
		"Original-Recipient: utf-8; n\\x{FC}ll@lab.test\n"
		"Final-Recipient: utf-8; n\\x{FC}ll@lab.test\n") },
};

static void
add_content(const struct original *original, struct buf *out)
{
	size_t i;

	buf_add(out, original->content);
	for (i = 1; i <= original->filled; i++) {
		buf_add_byte(out, 'x');
		if (i % original->line == 0)
			buf_add(out, SPAN("\r\n"));
	}
	if (out->len > 0 && !span_ends(buf_span(out), SPAN("\r\n")))
		buf_add(out, SPAN("\r\n"));
	buf_add(out, SPAN(".\r\n"));
}

static void
send_original(const struct scene *scene, const struct original *original)
{
	struct talk talk;
	struct buf content;

	buf_init(&content, ORIGINAL_MAX);
	add_content(original, &content);
	ck_assert(!content.full);
	ck_assert(talk_open(&talk, NULL, daemon_port(scene->daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO printer.test"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<p@campus.test>%s",
			     original->mail),
	    250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<%s@lab.test>%s",
			     original->to, original->rcpt),
	    250);
	ck_assert_int_eq(talk_say(&talk, "DATA"), 354);
	ck_assert(talk_send(&talk, buf_span(&content)));
	ck_assert_int_eq(talk_reply(&talk), 250);
	talk_close(&talk);
	buf_clear(&content);
}

START_TEST(a_notice_is_what_it_says)
{
	const char *argv[] = { "/usr/bin/python3", "-c", reader, NULL };
	const struct hop_mail *notice;
	struct scene scene;
	struct buf said;
	int status;

	buf_init(&said, READ_MAX);
	scene_open(&scene, &(struct scene_setup){ .lab = refuses });
	send_original(&scene, &originals[_i]);
	notice = hop_wait_for(scene.campus, "p@campus.test", SCENE_WAIT_MS);
	ck_assert_ptr_nonnull(notice);
	status = program_run(argv, buf_span(&notice->content), &said);
	ck_assert_msg(status == 0, "%s\n%.*s", buf_text(&said),
	    SPAN_ARG(span_head(buf_span(&notice->content), SHOWN)));
	ck_assert_msg(span_starts(buf_span(&said), span_of(originals[_i].read)),
	    "read:\n%s\nand not:\n%s", buf_text(&said), originals[_i].read);
	scene_close(&scene);
	buf_clear(&said);
}
END_TEST

static Suite *
notice_reader_suite(void)
{
	Suite *suite = suite_create("notice reader");
	TCase *tcase = tcase_create("notice reader");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_notice_is_what_it_says, 0,
	    sizeof(originals) / sizeof(originals[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(notice_reader_suite)
