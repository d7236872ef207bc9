/*
 * test_differential - the same bytes to relayd and to a Postfix: as many
 * messages arrive behind both, for the same recipients, with the same content.
 * Where the two differ on purpose, a table says how and why.
 */
#include <sys/socket.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/odd_streams.h"
#include "tests/support/postfix.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	STREAMS = 40, /* of each kind */
	TEXT_MAX = 1 << 20,
	WAIT_MS = 30000,
};

/* What may differ, beside the trace fields above the content. */
enum relation {
	SAME,   /* nothing */
	BREAKS, /* how odd line ends, and dots behind them, are written */
	REFUSED, /* relayd acts as if some lines, not told to Postfix, were none */
};

static const struct kind_row {
	enum odd_kind kind;
	enum relation relation;
	const char *why;
} rows[] = {
	/* clang-format off */
	{ ODD_PLAIN,  SAME, "" },
	{ ODD_ORDER,  SAME,
	  "RSET is said between BDAT and MAIL: behind a BDAT that was refused "
	  "Postfix insists on it; here MAIL alone begins anew" },
	{ ODD_DEVICE, SAME, "" },
	{ ODD_BDAT,   SAME, "" },
	{ ODD_BODY,   SAME, "" },
	{ ODD_CUT,    SAME, "" },
	{ ODD_PATHS,  SAME, "" },
	{ ODD_LF_DATA, BREAKS,
	  "a dot behind a bare LF is content here; Postfix takes it for "
	  "stuffing" },
	{ ODD_CR_DATA, BREAKS,
	  "a bare CR is a line end here and a blank in Postfix" },
	{ ODD_BREAK_BDAT, BREAKS, "the same, in chunks" },
	{ ODD_LF_COMMAND, REFUSED,
	  "a command that ends in LF alone, and the line behind it, are "
	  "refused here" },
	{ ODD_CONTROL, REFUSED,
	  "control characters are refused in any command here" },
	/* clang-format on */
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0])
};

/* One of the two. */
struct side {
	const char *name;
	uint16_t port;
	struct hop *hop;
	size_t said; /* "queued as", in its replies */
};

static struct side ours = { .name = "relayd" }, theirs = { .name = "Postfix" };
static struct daemon *relay;
static struct postfix *peer;

static void
setup(void)
{
	struct daemon_setup files = { .limits = "errors_per_session = 1000;" };
	char hosted[64];

	ours.hop = hop_new(NULL);
	theirs.hop = hop_new(NULL);
	ours.said = theirs.said = 0;
	snprintf(hosted, sizeof(hosted), "campus.test via=[127.0.0.1]:%u\n",
	    hop_port(ours.hop));
	files.hosted = hosted;
	relay = daemon_new(&files);
	daemon_start(relay);
	peer = postfix_new(hop_port(theirs.hop));
	ours.port = daemon_port(relay);
	theirs.port = postfix_port(peer);
}

static void
teardown(void)
{
	postfix_free(peer);
	daemon_free(relay);
	hop_free(ours.hop);
	hop_free(theirs.hop);
}

static size_t
count(struct span all, const char *text)
{
	size_t n = 0, len = strlen(text);
	const char *at;

	while (all.len > 0 &&
	    (at = memmem(all.data, all.len, text, len)) != NULL) {
		n++;
		all = span_skip(all, (size_t)(at - all.data) + len);
	}
	return n;
}

/* Everything after the banner in one go, no more; then the replies. */
static void
give(struct side *side, struct span stream)
{
	struct pollfd wait = { .events = POLLIN };
	struct talk talk;
	struct buf heard;
	size_t room;
	ssize_t got = 1;
	char *to;

	ck_assert(talk_open(&talk, NULL, side->port));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert(talk_send(&talk, stream));
	shutdown(talk.fd, SHUT_WR);
	wait.fd = talk.fd;
	buf_init(&heard, TEXT_MAX);
	while (got > 0 && poll(&wait, 1, WAIT_MS) == 1) {
		to = buf_room(&heard, 4096, &room);
		ck_assert_ptr_nonnull(to);
		got = recv(talk.fd, to, room, 0);
		if (got > 0)
			buf_grew(&heard, (size_t)got);
	}
	ck_assert_msg(got <= 0, "%s does not end", side->name);
	side->said += count(buf_span(&heard), "queued as");
	buf_clear(&heard);
	talk_close(&talk);
}

/* ---- what arrived, as lines of text that can be compared ---- */

static void
add_lower(struct span text, struct buf *out)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.data[i];

		buf_add_byte(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
}

static int
by_text(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	return span_compare(*one, *other);
}

static void
add_recipients(const struct hop_mail *mail, struct buf *out)
{
	struct span rest = buf_span(&mail->rcpts);
	struct span *all = xcalloc(mail->rcpt_count, sizeof(*all));
	size_t i;

	for (i = 0; i < mail->rcpt_count; i++)
		all[i] = hop_address(span_cut(&rest, '\0'));
	qsort(all, mail->rcpt_count, sizeof(*all), by_text);
	for (i = 0; i < mail->rcpt_count; i++) {
		buf_add_byte(out, ' ');
		add_lower(all[i], out);
	}
	free(all);
}

/* The content from our mark on: what stands above it are trace fields. */
static void
add_content(const struct hop_mail *mail, bool breaks, struct buf *out)
{
	struct span all = buf_span(&mail->content);
	const char *mark = memmem(all.data, all.len, "X-Mark: ", 8);
	struct buf bytes;
	size_t i;

	if (mark == NULL) {
		buf_add(out, SPAN(" without our mark"));
		return;
	}
	all = span_skip(all, (size_t)(mark - all.data));
	buf_init(&bytes, TEXT_MAX);
	for (i = 0; i < all.len; i++)
		if (!breaks ||
		    (all.data[i] != ' ' && all.data[i] != '\r' &&
			all.data[i] != '\n' && all.data[i] != '.'))
			buf_add_byte(&bytes, all.data[i]);
	buf_add_byte(out, ' ');
	buf_add_escaped(out, buf_span(&bytes), TEXT_MAX);
	buf_clear(&bytes);
}

struct arrivals {
	struct buf *texts; /* owned, one for each message, in order */
	size_t count;
};

static int
by_buf(const void *a, const void *b)
{
	const struct buf *one = a, *other = b;

	return span_compare(buf_span(one), buf_span(other));
}

static void
arrivals_of(struct side *side, unsigned stream, bool breaks,
    struct arrivals *arrivals)
{
	const struct hop_mail *mail;
	struct span sender;
	char prefix[32];
	size_t i;

	snprintf(prefix, sizeof(prefix), "s%um", stream);
	*arrivals = (struct arrivals){ 0 };
	arrivals->texts =
	    xcalloc(hop_count(side->hop) + 1, sizeof(*arrivals->texts));
	for (i = 0; (mail = hop_mail(side->hop, i)) != NULL; i++) {
		struct buf *text = &arrivals->texts[arrivals->count];

		sender = hop_address(buf_span(&mail->mail));
		if (!span_starts(sender, span_of(prefix)))
			continue;
		buf_init(text, TEXT_MAX);
		buf_add(text, sender);
		add_recipients(mail, text);
		add_content(mail, breaks, text);
		arrivals->count++;
	}
	qsort(arrivals->texts, arrivals->count, sizeof(*arrivals->texts),
	    by_buf);
}

static void
arrivals_clear(struct arrivals *arrivals)
{
	while (arrivals->count > 0)
		buf_clear(&arrivals->texts[--arrivals->count]);
	free(arrivals->texts);
}

static bool
are_same(const struct arrivals *one, const struct arrivals *other)
{
	size_t i;

	for (i = 0; i < one->count && i < other->count; i++)
		if (by_buf(&one->texts[i], &other->texts[i]) != 0)
			return false;
	return one->count == other->count;
}

static void
show(const char *name, const struct arrivals *arrivals)
{
	size_t i;

	for (i = 0; i < arrivals->count; i++)
		fprintf(stderr, "%s: %s\n", name,
		    buf_text(&arrivals->texts[i]));
}

static bool
compare(const struct kind_row *row, unsigned stream)
{
	struct arrivals one, other;
	struct buf said, text;
	bool same;

	arrivals_of(&ours, stream, row->relation == BREAKS, &one);
	arrivals_of(&theirs, stream, row->relation == BREAKS, &other);
	same = are_same(&one, &other);
	if (!same) {
		buf_init(&said, TEXT_MAX);
		buf_init(&text, TEXT_MAX);
		odd_stream(row->kind, stream, false, &said);
		buf_add_escaped(&text, buf_span(&said), TEXT_MAX);
		fprintf(stderr, "stream %u (%s): %s\n", stream, row->why,
		    buf_text(&text));
		show("relayd", &one);
		show("Postfix", &other);
		buf_clear(&said);
		buf_clear(&text);
	}
	arrivals_clear(&one);
	arrivals_clear(&other);
	return same;
}

static void
wait_for_all(struct side *side)
{
	ck_assert_msg(hop_wait(side->hop, side->said, WAIT_MS),
	    "of %zu messages behind %s came %zu", side->said, side->name,
	    hop_accepted(side->hop));
	ck_assert_uint_eq(hop_accepted(side->hop), side->said);
}

static void
give_both(const struct kind_row *row, unsigned stream)
{
	struct buf said;

	buf_init(&said, TEXT_MAX);
	odd_stream(row->kind, stream, false, &said);
	give(&ours, buf_span(&said));
	buf_empty(&said);
	odd_stream(row->kind, stream, row->relation == REFUSED, &said);
	give(&theirs, buf_span(&said));
	buf_clear(&said);
}

/* One Postfix for all rows: to start one takes longer than a row. */
START_TEST(relayd_and_postfix_understand_the_same)
{
	unsigned i, count = STREAMS * ROWS, wrong = 0;

	for (i = 0; i < count; i++)
		give_both(&rows[i / STREAMS], i);
	wait_for_all(&ours);
	wait_for_all(&theirs);
	ck_assert_uint_gt(ours.said, count / 2);
	for (i = 0; i < count; i++)
		wrong += !compare(&rows[i / STREAMS], i);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

static Suite *
differential_suite(void)
{
	Suite *suite = suite_create("differential");
	TCase *tcase = tcase_create("differential");

	if (geteuid() != 0) {
		puts("skipped: a Postfix of one's own needs root");
		return suite;
	}
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, relayd_and_postfix_understand_the_same);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(differential_suite)
