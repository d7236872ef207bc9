/*
 * test_session_walks - no order of commands confuses a session, however the
 * bytes are cut, in memory and under TLS.
 */
#include <string.h>

#include "tests/support/desk.h"
#include "tests/support/desk_wire.h"
#include "tests/support/suite.h"

enum {
	HEARD_MAX = 8 << 20,
	WALKS = 400,
	WALKS_WIRE = 60,
	STEPS = 60,
	RECORDS = 4 * 16384, /* bytes; of TLS records, as long as they get */
};

static struct desk *desk;
static struct buf heard;

static void
setup(void)
{
	struct desk_options options = { .starttls = true };

	desk = desk_new(&options);
	buf_init(&heard, HEARD_MAX);
	desk_connect(desk);
}

static void
teardown(void)
{
	desk_free(desk);
	buf_clear(&heard);
}

/* A small generator of its own: the same walks on every machine. */
static uint64_t walk_state;

static size_t
draw(size_t below)
{
	walk_state = walk_state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(walk_state >> 33) % below;
}

static const char *const words[] = { "EHLO x\r\n", "HELO y\r\n",
	"MAIL FROM:<a@b.example>\r\n", "MAIL FROM:<> SIZE=10\r\n",
	"MAIL FROM:<c@b.example> SMTPUTF8\r\n",
	"MAIL FROM:<x@b.example> SIZE=999999999\r\n",
	"RCPT TO:<ann@campus.test>\r\n", "RCPT TO:<bob@campus.test>\r\n",
	"RCPT TO:<x@elsewhere.example>\r\n", "RCPT TO:<bad\r\n",
	"RCPT TO:<postmaster>\r\n", "DATA\r\n", "DATA\r\nx\r\n.\r\n",
	"a line of text\r\n", ".\r\n", ".\n", "\n.\n", "\r", "\n", "\r\n",
	"..\r\n", "BDAT 3\r\nab\n", "BDAT 2 LAST\r\n\r\r", "BDAT 0 LAST\r\n",
	"BDAT 0\r\n", "BDAT 4\r\nQUIT", "RSET\r\n", "NOOP\r\n", "VRFY x\r\n",
	"EXPN x\r\n", "HELP\r\n", "BOGUS\r\n", "\x01\r\n", "Received: x\r\n",
	"NOOP", "AUTH PLAIN\r\n", "DATA\r\n\x80\r\n.\r\nRSET\r\n" };

static void
make_walk(struct buf *walk)
{
	size_t steps = 1 + draw(STEPS);

	while (steps-- > 0)
		buf_add(walk,
		    span_of(words[draw(sizeof(words) / sizeof(words[0]))]));
}

static void
run_walk(struct span walk, size_t step, struct buf *out)
{
	size_t at;

	buf_empty(out);
	desk_connect(desk);
	for (at = 0; at < walk.len; at += step) {
		desk_send(desk, span_head(span_skip(walk, at), step));
		desk_receive(desk, out);
	}
	desk_receive(desk, out);
	desk_mask_ids(out);
	buf_addf(out, "%zu queued", desk_queued(desk));
}

START_TEST(no_order_of_commands_confuses_it_however_it_is_cut)
{
	struct buf walk, again;
	size_t i;

	buf_init(&walk, HEARD_MAX);
	buf_init(&again, HEARD_MAX);
	walk_state = (uint64_t)_i;
	for (i = 0; i < WALKS; i++) {
		buf_empty(&walk);
		make_walk(&walk);
		run_walk(buf_span(&walk), walk.len, &heard);
		run_walk(buf_span(&walk), 1 + draw(5), &again);
		if (!span_equal(buf_span(&heard), buf_span(&again)))
			ck_abort_msg("walk \"%s\" gave \"%s\" and \"%s\"",
			    buf_text(&walk), buf_text(&heard),
			    buf_text(&again));
	}
	buf_clear(&walk);
	buf_clear(&again);
}
END_TEST

/* The same walk, in records of some bytes each. */
static void
run_walk_on_wire(struct desk_wire *wire, struct span walk, size_t step,
    struct buf *out)
{
	size_t at;

	buf_empty(out);
	desk_wire_connect(wire);
	for (at = 0; at < walk.len; at += step) {
		desk_wire_send(wire, span_head(span_skip(walk, at), step));
		desk_wire_receive(wire, out);
	}
	desk_wire_receive(wire, out);
	desk_wire_hang_up(wire);
	desk_mask_ids(out);
	buf_addf(out, "%zu queued", desk_queued(desk));
}

START_TEST(no_order_of_commands_confuses_it_under_tls)
{
	struct desk_options options = { .tls = true };
	struct buf walk, again;
	struct desk_wire *wire;
	size_t i;

	desk_free(desk);
	desk = desk_new(&options);
	wire = desk_wire_new(desk, &options, LISTEN_TLS_IMPLICIT);
	buf_init(&walk, HEARD_MAX);
	buf_init(&again, HEARD_MAX);
	walk_state = 100 + (uint64_t)_i;
	for (i = 0; i < WALKS_WIRE; i++) {
		buf_empty(&walk);
		make_walk(&walk);
		run_walk(buf_span(&walk), walk.len, &heard);
		run_walk_on_wire(wire, buf_span(&walk),
		    i % 2 == 0 ? walk.len : 1 + draw(50), &again);
		if (!span_equal(buf_span(&heard), buf_span(&again)))
			ck_abort_msg("walk \"%s\" gave \"%s\" and \"%s\"",
			    buf_text(&walk), buf_text(&heard),
			    buf_text(&again));
	}
	desk_wire_free(wire);
	buf_clear(&walk);
	buf_clear(&again);
}
END_TEST

/* NOOP until there is room for one more command only, then QUIT to the end. */
static void
make_burst(struct buf *burst, size_t len)
{
	while (burst->len + strlen("NOOP\r\nQUIT\r\n") <= len)
		buf_add(burst, SPAN("NOOP\r\n"));
	buf_add(burst, SPAN("QUIT"));
	while (burst->len + strlen("\r\n") < len)
		buf_add_byte(burst, ' ');
	buf_add(burst, SPAN("\r\n"));
}

/*
 * A whole number of records whose last bytes find no room: GnuTLS has them,
 * and poll() sees nothing.  Where exactly that is, the lengths try.
 */
START_TEST(commands_that_tls_holds_back_are_served)
{
	struct desk_options options = { .tls = true };
	struct desk_wire *wire;
	struct buf burst;
	size_t len;

	desk_free(desk);
	desk = desk_new(&options);
	wire = desk_wire_new(desk, &options, LISTEN_TLS_IMPLICIT);
	buf_init(&burst, HEARD_MAX);
	for (len = RECORDS - 8; len <= RECORDS; len++) {
		buf_empty(&burst);
		buf_empty(&heard);
		make_burst(&burst, len);
		desk_wire_connect(wire);
		desk_wire_send(wire, buf_span(&burst));
		ck_assert_msg(!desk_wire_receive(wire, &heard),
		    "%zu bytes: still open", len);
		ck_assert_ptr_nonnull(
		    memmem(heard.data, heard.len, "\r\n221 ", 6));
	}
	desk_wire_free(wire);
	buf_clear(&burst);
}
END_TEST

static Suite *
session_walks_suite(void)
{
	Suite *suite = suite_create("session_walks");
	TCase *tcase = tcase_create("walks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
	    no_order_of_commands_confuses_it_however_it_is_cut, 0, 5);
	tcase_add_loop_test(tcase, no_order_of_commands_confuses_it_under_tls,
	    0, 2);
	tcase_add_test(tcase, commands_that_tls_holds_back_are_served);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(session_walks_suite)
