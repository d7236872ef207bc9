/*
 * test_qp - quoted-printable, and 8-bit messages made 7-bit.
 */
#include <string.h>

#include "relayd/delivery/downgrade.h"
#include "relayd/delivery/qp.h"
#include "tests/support/suite.h"

enum {
	OUT_MAX = 4 << 20
};

static const struct {
	const char *in;
	const char *out;
} cases[] = {
	/* clang-format off */
	{ "", "" },
	{ "plain\r\ntext\r\n", "plain\r\ntext\r\n" },
	{ "a=b\r\n", "a=3Db\r\n" },
	{ "\303\244\r\n", "=C3=A4\r\n" },
	{ "\0011\177\r\n", "=011=7F\r\n" },
	/* blanks: at the end of a line only the last is quoted */
	{ "a b\tc\r\n", "a b\tc\r\n" },
	{ "a \r\nb\t\r\n", "a=20\r\nb=09\r\n" },
	{ "a  \r\n", "a =20\r\n" },
	{ "a ", "a=20" },
	/* bare CR and LF are no line ends */
	{ "a\rb\nc\r\n", "a=0Db=0Ac\r\n" },
	{ "a\r\r\n", "a=0D\r\n" },
	{ "a \r \r\n", "a =0D=20\r\n" },
	{ "a\r", "a=0D" },
	{ "\r\n\r\n", "\r\n\r\n" },
	/* lines of at most 76 characters; the last may end without a soft break */
	{ "123456789012345678901234567890123456789012345678901234567890123456789012345\r\n",
	  "123456789012345678901234567890123456789012345678901234567890123456789012345\r\n" },
	{ "1234567890123456789012345678901234567890123456789012345678901234567890123456\r\n",
	  "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n6\r\n" },
	{ "1234567890123456789012345678901234567890123456789012345678901234567890123\303\244\r\n",
	  "1234567890123456789012345678901234567890123456789012345678901234567890123=\r\n=C3=A4\r\n" },
	/* clang-format on */
};

START_TEST(quoted_printable_is_the_same_wherever_it_is_cut)
{
	struct span in = span_of(cases[_i].in);
	struct buf out;
	struct qp qp;
	size_t cut;

	for (cut = 0; cut <= in.len; cut++) {
		buf_init(&out, OUT_MAX);
		qp_begin(&qp);
		qp_add(&qp, span_head(in, cut), &out);
		qp_add(&qp, span_skip(in, cut), &out);
		qp_end(&qp, &out);
		ck_assert_str_eq(buf_text(&out), cases[_i].out);
		buf_clear(&out);
	}
}
END_TEST

START_TEST(quoted_printable_never_grows_beyond_its_promise)
{
	char in[4096];
	struct buf out;
	struct qp qp;
	int byte;

	for (byte = 0; byte < 256; byte++) {
		memset(in, byte, sizeof(in));
		buf_init(&out, OUT_MAX);
		qp_begin(&qp);
		qp_add(&qp, span_make(in, sizeof(in)), &out);
		qp_end(&qp, &out);
		ck_assert_uint_le(out.len, QP_GROWTH * sizeof(in) + QP_HELD);
		buf_clear(&out);
	}
}
END_TEST

/* ---- whole messages ---- */

#define CTE "Content-Transfer-Encoding: "
#define UML "\303\244"
#define TEXT \
	"Content-Type: text/plain; charset=utf-8\r\n" CTE "quoted-printable\r\n"

static const struct {
	const char *in;
	const char *out; /* NULL: it is refused */
} messages[] = {
	/* clang-format off */
	/* no MIME at all */
	{ "Subject: x\r\n\r\n" UML "\r\n",
	  "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n" },
	{ "Subject: x\r\n\r\n\344\r\n",
	  "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n" CTE "quoted-printable\r\n\r\n=E4\r\n" },
	/* one part, named 8bit */
	{ "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" CTE "8bit\r\nSubject: x\r\n\r\n\344 \r\n",
	  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nSubject: x\r\n" CTE "quoted-printable\r\n\r\n=E4=20\r\n" },
	{ "mime-version: 1.0\r\ncontent-type: text/html\r\ncontent-transfer-encoding:\r\n 8BIT\r\n\r\n" UML "=\r\n",
	  "mime-version: 1.0\r\ncontent-type: text/html\r\n" CTE "quoted-printable\r\n\r\n=C3=A4=3D\r\n" },
	/* 7-bit text that claims to be 8-bit says 7bit; 7-bit is left alone */
	{ "MIME-Version: 1.0\r\n" CTE "8bit\r\n\r\nabc=\r\n",
	  "MIME-Version: 1.0\r\n" CTE "7bit\r\n\r\nabc=\r\n" },
	{ "MIME-Version: 1.0\r\n" CTE "base64\r\nX: y\r\n\r\nYWJj\r\n",
	  "MIME-Version: 1.0\r\nX: y\r\n" CTE "base64\r\n\r\nYWJj\r\n" },
	/* 8-bit bytes in the header only: not ours to change */
	{ "Subject: " UML "\r\n\r\nabc\r\n", "Subject: " UML "\r\n\r\nabc\r\n" },
	{ "Subject: " UML "\r\n", "Subject: " UML "\r\n" },
	/* a multipart: only the part that needs it */
	{ "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n" CTE "8bit\r\n\r\npreamble\r\n"
	  "--a b\r\n" CTE "8bit\r\n\r\n" UML "\r\n--a b\r\nContent-Type: text/plain\r\n\r\na=b\r\n--a b--\r\nepilogue\r\n",
	  "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n" CTE "7bit\r\n\r\npreamble\r\n"
	  "--a b\r\nContent-Type: text/plain; charset=utf-8\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n--a b\r\nContent-Type: text/plain\r\n\r\na=b\r\n--a b--\r\nepilogue\r\n" },
	/* multiparts within multiparts; a boundary that is the head of another */
	{ "Content-Type: multipart/mixed;\r\n\tboundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
	  "--bb\r\nContent-Type: text/plain\r\n\r\n" UML "\r\n--bb--\r\n--b\r\nContent-Type: text/plain\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/mixed;\r\n\tboundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
	  "--bb\r\nContent-Type: text/plain\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n--bb--\r\n--b\r\nContent-Type: text/plain\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n--b--\r\n" },
	/* a message within a message, and a digest of them: each is MIME then (RFC 2045 4) */
	{ "Content-Type: message/rfc822\r\n" CTE "8bit\r\n\r\nSubject: y\r\n\r\n" UML "\r\n",
	  "Content-Type: message/rfc822\r\n" CTE "7bit\r\n\r\nSubject: y\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n" },
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: y\r\nContent-Type: text/plain\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: y\r\nContent-Type: text/plain\r\nMIME-Version: 1.0\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n--b--\r\n" },
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: y\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: y\r\nMIME-Version: 1.0\r\n" TEXT "\r\n=C3=A4\r\n--b--\r\n" },
	/* a boundary where a header should end */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n--b\r\nContent-Type: a/b\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n--b\r\nContent-Type: a/b\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n--b--\r\n" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" CTE "8bit\r\n--b--\r\n",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" CTE "7bit\r\n--b--\r\n" },
	/* what is encoded as a whole is left alone, and so is what cannot be read: 7-bit bytes are safe */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE "base64\r\n\r\nYWJj\r\n--b\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE "base64\r\n\r\nYWJj\r\n--b\r\n" TEXT "\r\n=C3=A4\r\n--b--\r\n" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed\r\n" CTE "8bit\r\n\r\na=\r\n--b\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed\r\n" CTE "8bit\r\n\r\na=\r\n--b\r\n" TEXT "\r\n=C3=A4\r\n--b--\r\n" },
	/* comments and what a type should not have behind it */
	{ "Content-Type: multipart/mixed (a) ; boundary=b\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n",
	  "Content-Type: multipart/mixed (a) ; boundary=b\r\n\r\n--b\r\n" TEXT "\r\n=C3=A4\r\n--b--\r\n" },
	{ "MIME-Version: 1.0\r\nContent-Type: text/plain charset=utf-8\r\n\r\n" UML "\r\n",
	  "MIME-Version: 1.0\r\nContent-Type: text/plain charset=utf-8\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n" },
	{ "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n>From x y\r\nMIME-Version: 1.0\r\nContent-Type: a/b\r\n\r\n" UML "\r\n",
	  "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n>From x y\r\nMIME-Version: 1.0\r\nContent-Type: a/b\r\n" CTE "quoted-printable\r\n\r\n=C3=A4\r\n" },
	/* a name without a colon is no field, whatever line follows */
	{ "Content-Transfer-Encoding \r\n 8bit\r\n\r\n" UML "\r\n",
	  "Content-Transfer-Encoding \r\n 8bit\r\nMIME-Version: 1.0\r\n" TEXT "\r\n=C3=A4\r\n" },
	/* a header that is all there is, and whose last line has no end */
	{ CTE "8bit\r\nSubject: " UML, "Subject: " UML "\r\n" CTE "7bit\r\n" },
	{ "Subject: " UML "\r\n" CTE "8bit", "Subject: " UML "\r\n" CTE "7bit\r\n" },
	/* refused */
	{ "Content-Type: multipart/signed (a); boundary=b\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	{ "Content-Type: message/partial (a); id=b\r\n\r\n" UML "\r\n", NULL },
	{ "Content-Type: (a) multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	/* said twice: which one counts differs from reader to reader */
	{ "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	{ CTE "base64\r\n" CTE "8bit\r\n\r\n" UML "\r\n", NULL },
	/* 8-bit fields of a header that cannot be read, before and behind what is odd */
	{ "X: " UML "\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\nx\r\n", NULL },
	{ "Content-Type: a/b\r\nContent-Type: a/b\r\nX: " UML "\r\n\r\nx\r\n", NULL },
	/* a line that is no header field: for some readers the body begins there */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nhello\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nhello " UML "\r\n--b--\r\n", NULL },
	{ "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	{ "Content-Type: message/delivery-status\r\n\r\n" UML "\r\n", NULL },
	{ "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	{ CTE "base64\r\n\r\n" UML "\r\n", NULL },
	{ CTE "x-uuencode\r\n\r\n" UML "\r\n", NULL },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n" UML "\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL },
	{ "Content-Type: multipart/mixed; boundary=b\r\n" CTE "base64\r\n\r\n--b\r\n\r\n" UML "\r\n--b--\r\n", NULL },
	/* clang-format on */
};

static const char *
survey(struct downgrade *downgrade, struct span in, size_t cut)
{
	downgrade_survey(downgrade, span_head(in, cut));
	downgrade_survey(downgrade, span_skip(in, cut));
	return downgrade_surveyed(downgrade);
}

START_TEST(message_is_converted_the_same_wherever_it_is_cut)
{
	struct span in = span_of(messages[_i].in);
	struct downgrade *downgrade;
	const char *why;
	struct buf out;
	size_t cut;

	for (cut = 0; cut <= in.len; cut++) {
		downgrade = downgrade_new();
		why = survey(downgrade, in, cut);
		ck_assert_int_eq(why == NULL, messages[_i].out != NULL);
		buf_init(&out, OUT_MAX);
		if (why == NULL) {
			downgrade_feed(downgrade, span_head(in, cut), &out);
			downgrade_feed(downgrade, span_skip(in, cut), &out);
			downgrade_end(downgrade, &out);
			ck_assert_str_eq(buf_text(&out), messages[_i].out);
		}
		buf_clear(&out);
		downgrade_free(downgrade);
	}
}
END_TEST

/* A line too long to be held is cut between two characters. */
START_TEST(long_line_of_utf8_is_known_to_be_utf8)
{
	struct downgrade *downgrade = downgrade_new();
	struct buf in, out;
	int i;

	buf_init(&in, OUT_MAX);
	buf_init(&out, OUT_MAX);
	buf_addf(&in, "Subject: x\r\n\r\n%.*s", _i, "abcd");
	for (i = 0; i < 3000; i++)
		buf_add(&in, SPAN("\360\237\230\200"));
	buf_add(&in, SPAN("\r\n"));
	ck_assert_ptr_null(survey(downgrade, buf_span(&in), 1500));
	downgrade_feed(downgrade, buf_span(&in), &out);
	downgrade_end(downgrade, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "charset=utf-8"));
	buf_clear(&in);
	buf_clear(&out);
	downgrade_free(downgrade);
}
END_TEST

/* Multiparts within multiparts, as many as asked. */
static void
nest(struct buf *out, int depth)
{
	int i;

	for (i = 0; i < depth; i++)
		buf_addf(out,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i);
	buf_add(out, SPAN("Content-Type: text/plain\r\n\r\n\344\r\n"));
}

START_TEST(depth_and_number_of_parts_are_bounded)
{
	static const struct {
		int depth, parts;
		bool good;
	} rows[] = {
		{ 1, 900, true },
		{ 1, 1100, false },
		{ 16, 0, true },
		{ 17, 0, false },
		{ 500, 0, false },
	};
	struct downgrade *downgrade = downgrade_new();
	struct buf in;
	int i;

	buf_init(&in, OUT_MAX);
	nest(&in, rows[_i].depth);
	for (i = 0; i < rows[_i].parts; i++)
		buf_add(&in, SPAN("--b0\r\n\r\n\344\r\n"));
	ck_assert_int_eq(survey(downgrade, buf_span(&in), 5) == NULL,
	    rows[_i].good);
	buf_clear(&in);
	downgrade_free(downgrade);
}
END_TEST

START_TEST(smallest_parts_grow_no_more_than_promised)
{
	struct downgrade *downgrade = downgrade_new();
	struct buf in, out;
	int i;

	buf_init(&in, OUT_MAX);
	buf_init(&out, OUT_MAX);
	nest(&in, 1);
	for (i = 0; i < 990; i++)
		buf_add(&in, SPAN("--b0\r\n\r\n\344\r\n"));
	ck_assert_ptr_null(survey(downgrade, buf_span(&in), 0));
	downgrade_feed(downgrade, buf_span(&in), &out);
	downgrade_end(downgrade, &out);
	ck_assert_uint_le(out.len, DOWNGRADE_GROWTH * in.len + DOWNGRADE_HELD);
	ck_assert(!span_eight_bit(buf_span(&out)));
	buf_clear(&in);
	buf_clear(&out);
	downgrade_free(downgrade);
}
END_TEST

/* Bytes that come from a generator: malformed in every way. */
START_TEST(no_input_grows_beyond_its_promise)
{
	static const char *const words[] = { "\r\n", "--b", "--", "\r\n\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\n",
		"Content-Type: multipart/mixed; boundary=",
		"Content-Transfer-Encoding: 8bit\r\n", "\"", ";", "\344", " ",
		"\n", "\r", "Content-Type: message/rfc822\r\n", "x" };
	struct downgrade *downgrade;
	struct buf in, out;
	uint64_t seed = (uint64_t)_i * 7919 + 1;
	int i;

	buf_init(&in, OUT_MAX);
	buf_init(&out, OUT_MAX);
	buf_add(&in, SPAN("X: y\r\n"));
	for (i = 0; i < 200; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		buf_add(&in,
		    span_of(words[(seed >> 33) %
			(sizeof(words) / sizeof(words[0]))]));
	}
	downgrade = downgrade_new();
	if (survey(downgrade, buf_span(&in), 100) == NULL) {
		downgrade_feed(downgrade, buf_span(&in), &out);
		downgrade_end(downgrade, &out);
		ck_assert_uint_le(out.len,
		    DOWNGRADE_GROWTH * in.len + DOWNGRADE_HELD);
	}
	downgrade_free(downgrade);
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

static Suite *
qp_suite(void)
{
	Suite *suite = suite_create("qp");
	TCase *tcase = tcase_create("qp");

	tcase_add_loop_test(tcase,
	    quoted_printable_is_the_same_wherever_it_is_cut, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, quoted_printable_never_grows_beyond_its_promise);
	tcase_add_loop_test(tcase,
	    message_is_converted_the_same_wherever_it_is_cut, 0,
	    sizeof(messages) / sizeof(messages[0]));
	tcase_add_loop_test(tcase, long_line_of_utf8_is_known_to_be_utf8, 0, 4);
	tcase_add_loop_test(tcase, depth_and_number_of_parts_are_bounded, 0, 5);
	tcase_add_test(tcase, smallest_parts_grow_no_more_than_promised);
	tcase_add_loop_test(tcase, no_input_grows_beyond_its_promise, 0, 40);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(qp_suite)
