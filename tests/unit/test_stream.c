#include <sys/mman.h>
#include <sys/socket.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/net/stream.h"
#include "tests/support/pair.h"
#include "tests/support/suite.h"

enum {
	BUDGET = 65536,
	BIG = 1 << 20,
};

/* Every test runs in the clear and under TLS: the words are the same. */
static struct pair pair;

static void
setup(bool tls, bool narrow)
{
	if (narrow)
		pair_open_narrow(&pair);
	else
		pair_open(&pair);
	if (tls)
		pair_cover(&pair);
}

static void
teardown(void)
{
	pair_close(&pair);
}

static void
say(struct stream *stream, const char *text)
{
	struct buf out;

	buf_init(&out, 1000);
	buf_add(&out, span_of(text));
	ck_assert_int_eq(stream_write(stream, &out), IO_OK);
	buf_clear(&out);
}

/* Reads until in holds len bytes or something else than bytes comes. */
static enum io
hear(struct buf *in, size_t len)
{
	enum io io = IO_OK;
	bool more = false;

	while (in->len < len) {
		if (!more && !pair_wait(pair.far_fd, POLLIN))
			ck_abort_msg("nothing came");
		io = stream_read(pair.far, in, BUDGET, &more);
		if (io == IO_EOF || io == IO_ERROR)
			break;
	}
	return io;
}

START_TEST(bytes_arrive_as_they_were_sent)
{
	struct buf in;

	setup(_i == 1, false);
	buf_init(&in, 1000);
	say(pair.near, "EHLO printer.campus.test\r\n");
	hear(&in, 26);
	ck_assert_str_eq(buf_text(&in), "EHLO printer.campus.test\r\n");
	buf_clear(&in);
	teardown();
}
END_TEST

START_TEST(a_byte_at_a_time_gives_the_same)
{
	static const char text[] = "MAIL FROM:<>\r\n";
	struct buf in, out;
	size_t i;
	bool more;

	setup(_i == 1, false);
	buf_init(&in, 1000);
	buf_init(&out, 1000);
	for (i = 0; i < sizeof(text) - 1; i++) {
		buf_add_byte(&out, text[i]);
		ck_assert_int_eq(stream_write(pair.near, &out), IO_OK);
		hear(&in, i + 1);
		ck_assert_uint_eq(in.len, i + 1);
		ck_assert_int_eq(stream_read(pair.far, &in, BUDGET, &more),
		    IO_WAIT);
		ck_assert_int_eq(stream_wants(pair.far), POLLIN);
		ck_assert(!more);
	}
	ck_assert_str_eq(buf_text(&in), text);
	buf_clear(&in);
	buf_clear(&out);
	teardown();
}
END_TEST

START_TEST(idle_read_leaves_no_memory_behind)
{
	struct buf in;
	bool more;

	setup(_i == 1, false);
	buf_init(&in, 1000);
	ck_assert_int_eq(stream_read(pair.far, &in, BUDGET, &more), IO_WAIT);
	ck_assert_ptr_null(in.memory);
	teardown();
}
END_TEST

/* What the peer closed in good order is an end, once all bytes were told. */
START_TEST(half_close_is_told_after_the_bytes_before_it)
{
	struct buf in;

	setup(_i == 1, false);
	buf_init(&in, 1000);
	say(pair.near, "QUIT\r\n");
	stream_shutdown(pair.near);
	hear(&in, 6);
	ck_assert_str_eq(buf_text(&in), "QUIT\r\n");
	ck_assert_int_eq(hear(&in, 7), IO_EOF);
	ck_assert_int_eq(hear(&in, 7), IO_EOF);
	/* The other direction still works. */
	say(pair.far, "221 2.0.0 bye\r\n");
	ck_assert(pair_wait(pair.near_fd, POLLIN));
	buf_clear(&in);
	teardown();
}
END_TEST

START_TEST(reset_is_an_error_with_its_reason)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct buf in;

	setup(false, false);
	buf_init(&in, 1000);
	setsockopt(pair.near_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	stream_free(pair.near);
	pair.near = NULL;
	ck_assert_int_eq(hear(&in, 1), IO_ERROR);
	ck_assert_str_eq(stream_error(pair.far), "Connection reset by peer");
	ck_assert_int_eq(hear(&in, 1), IO_ERROR);
	teardown();
}
END_TEST

START_TEST(write_to_a_peer_that_is_gone_is_an_error_and_no_signal)
{
	struct buf out;
	enum io io = IO_OK;
	int i;

	setup(_i == 1, false);
	stream_free(pair.far);
	pair.far = NULL;
	buf_init(&out, 1000);
	for (i = 0; i < 10 && io != IO_ERROR; i++) {
		buf_add(&out, SPAN("250 2.0.0 ok\r\n"));
		io = stream_write(pair.near, &out);
		pair_wait(pair.near_fd, POLLIN);
	}
	ck_assert_int_eq(io, IO_ERROR);
	ck_assert_int_ne(stream_error(pair.near)[0], '\0');
	buf_clear(&out);
	teardown();
}
END_TEST

START_TEST(connection_that_is_refused_is_an_error)
{
	struct buf in;
	int ends[2];

	/* Connecting to a port where nobody listens any more. */
	struct sockaddr_storage where;
	socklen_t len = sizeof(where);
	int fd;

	pair_sockets(ends);
	ck_assert_int_eq(getsockname(ends[0], (struct sockaddr *)&where, &len),
	    0);
	close(ends[0]);
	close(ends[1]);
	fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(fd, (struct sockaddr *)&where, len);
	pair.far = stream_new(fd);
	pair.far_fd = fd;
	buf_init(&in, 1000);
	ck_assert_int_eq(hear(&in, 1), IO_ERROR);
	ck_assert_str_eq(stream_error(pair.far), "Connection refused");
	teardown();
}
END_TEST

START_TEST(read_stops_at_the_ceiling_and_says_when_more_is_hidden)
{
	struct buf in;
	bool more;

	setup(_i == 1, false);
	buf_init(&in, 10);
	say(pair.near, "0123456789abcdef");
	hear(&in, 10);
	ck_assert_str_eq(buf_text(&in), "0123456789");
	/* Under TLS poll() knows nothing of the rest; in the clear it does. */
	ck_assert_int_eq(stream_read(pair.far, &in, BUDGET, &more), IO_OK);
	ck_assert_uint_eq(in.len, 10);
	ck_assert(more == (_i == 1));
	buf_eat(&in, 10);
	ck_assert_int_eq(stream_read(pair.far, &in, BUDGET, &more), IO_OK);
	ck_assert_str_eq(buf_text(&in), "abcdef");
	ck_assert(!more);
	buf_clear(&in);
	teardown();
}
END_TEST

START_TEST(read_keeps_to_its_budget)
{
	struct buf in, out;
	bool more;

	setup(_i == 1, false);
	buf_init(&in, BIG);
	buf_init(&out, BIG);
	while (out.len < 20000)
		buf_add(&out, SPAN("0123456789abcdef"));
	stream_write(pair.near, &out);
	ck_assert(pair_wait(pair.far_fd, POLLIN));
	ck_assert_int_eq(stream_read(pair.far, &in, 1000, &more), IO_OK);
	ck_assert_uint_le(in.len, 1000);
	ck_assert_uint_gt(in.len, 0);
	buf_clear(&in);
	buf_clear(&out);
	teardown();
}
END_TEST

/* Byte i of what the long tests send. */
static char
pattern(size_t i)
{
	return (char)(i * 7 + (i >> 8));
}

static int
make_file(void)
{
	static char bytes[BIG];
	int file = memfd_create("content", MFD_CLOEXEC);
	size_t i;

	for (i = 0; i < BIG; i++)
		bytes[i] = pattern(i);
	ck_assert_int_eq(write(file, bytes, BIG), BIG);
	return file;
}

static void
check_pattern(const struct buf *in, size_t from)
{
	size_t i;

	for (i = from; i < in->len; i++)
		if (in->data[i] != pattern(i))
			ck_abort_msg("byte %zu is wrong", i);
}

/* Reads all that is there; the reader is slow on purpose. */
static void
sip(struct buf *in)
{
	bool more = true;

	if (pair_wait(pair.far_fd, POLLIN))
		while (stream_read(pair.far, in, 3000, &more) == IO_OK && more)
			;
}

START_TEST(slow_reader_gets_every_byte_of_a_write)
{
	struct buf in, out;
	size_t i, waits = 0;
	enum io io = IO_WAIT;

	setup(_i == 1, true);
	buf_init(&in, BIG);
	buf_init(&out, BIG);
	for (i = 0; i < BIG; i++)
		buf_add_byte(&out, pattern(i));
	while (io == IO_WAIT) {
		io = stream_write(pair.near, &out);
		if (io == IO_WAIT) {
			ck_assert_int_eq(stream_wants(pair.near), POLLOUT);
			ck_assert_uint_gt(out.len, 0);
			waits++;
			sip(&in);
		}
	}
	ck_assert_int_eq(io, IO_OK);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_uint_gt(waits, 0);
	hear(&in, BIG);
	ck_assert_uint_eq(in.len, BIG);
	check_pattern(&in, 0);
	buf_clear(&in);
	buf_clear(&out);
	teardown();
}
END_TEST

START_TEST(bytes_added_behind_a_waiting_record_keep_their_place)
{
	struct buf in, out;
	size_t i = 0;

	setup(_i == 1, true);
	buf_init(&in, BIG);
	buf_init(&out, BIG);
	while (i < BIG) {
		/* The buffer moves and grows between the attempts. */
		do
			buf_add_byte(&out, pattern(i));
		while (++i % 5000 != 0 && i < BIG);
		if (stream_write(pair.near, &out) == IO_WAIT)
			sip(&in);
	}
	while (stream_write(pair.near, &out) == IO_WAIT)
		sip(&in);
	hear(&in, BIG);
	check_pattern(&in, 0);
	buf_clear(&in);
	buf_clear(&out);
	teardown();
}
END_TEST

START_TEST(slow_reader_gets_every_byte_of_a_file)
{
	struct buf in;
	uint64_t at = 0, len = BIG;
	size_t waits = 0;
	enum io io;
	int file = make_file();

	setup(_i == 1, true);
	buf_init(&in, BIG);
	while (len > 0) {
		io = stream_sendfile(pair.near, file, &at, &len, 20000);
		ck_assert_int_ne(io, IO_ERROR);
		ck_assert_uint_eq(at + len, BIG);
		if (io == IO_WAIT) {
			ck_assert_int_eq(stream_wants(pair.near), POLLOUT);
			waits++;
			sip(&in);
		}
	}
	ck_assert_uint_gt(waits, 0);
	hear(&in, BIG);
	check_pattern(&in, 0);
	buf_clear(&in);
	close(file);
	teardown();
}
END_TEST

START_TEST(file_is_sent_from_where_it_was_asked)
{
	struct buf in;
	uint64_t at = 1000, len = 500;
	int file = make_file();

	setup(_i == 1, false);
	buf_init(&in, BIG);
	ck_assert_int_eq(stream_sendfile(pair.near, file, &at, &len, BUDGET),
	    IO_OK);
	ck_assert_uint_eq(at, 1500);
	ck_assert_uint_eq(len, 0);
	hear(&in, 500);
	ck_assert_uint_eq(in.len, 500);
	ck_assert_int_eq(in.data[0], pattern(1000));
	ck_assert_int_eq(in.data[499], pattern(1499));
	buf_clear(&in);
	close(file);
	teardown();
}
END_TEST

START_TEST(file_shorter_than_promised_is_an_error)
{
	uint64_t at = BIG - 10, len = 20;
	int file = make_file();

	setup(_i == 1, false);
	ck_assert_int_eq(stream_sendfile(pair.near, file, &at, &len, BUDGET),
	    IO_ERROR);
	ck_assert_str_eq(stream_error(pair.near),
	    "file is shorter than promised");
	close(file);
	teardown();
}
END_TEST

/* Nothing is left in the kernel when the cork is out. */
START_TEST(corked_bytes_go_when_the_cork_does)
{
	struct buf in;
	struct pollfd polled;
	uint64_t at = 0, len = 10;
	int file = make_file();

	setup(_i % 2 == 1, false);
	buf_init(&in, 1000);
	stream_cork(pair.near, true);
	say(pair.near, "header");
	if (_i / 2 == 1)
		ck_assert_int_eq(stream_sendfile(pair.near, file, &at, &len,
				     BUDGET),
		    IO_OK);
	stream_cork(pair.near, false);
	/* At once, not when the kernel's 200 ms are over: tcp(7). */
	polled = (struct pollfd){ .fd = pair.far_fd, .events = POLLIN };
	ck_assert_int_eq(poll(&polled, 1, 100), 1);
	hear(&in, _i / 2 == 1 ? 16 : 6);
	ck_assert(span_starts(buf_span(&in), SPAN("header")));
	/* And later ones are not held. */
	say(pair.near, "250");
	hear(&in, in.len + 3);
	buf_clear(&in);
	close(file);
	teardown();
}
END_TEST

START_TEST(cork_holds_bytes_back)
{
	struct pollfd polled;

	setup(_i == 1, false);
	polled = (struct pollfd){ .fd = pair.far_fd, .events = POLLIN };
	stream_cork(pair.near, true);
	say(pair.near, "header");
	ck_assert_int_eq(poll(&polled, 1, 5), 0);
	teardown();
}
END_TEST

static Suite *
stream_suite(void)
{
	Suite *suite = suite_create("stream");
	TCase *tests = tcase_create("stream");

	/* 0: in the clear, 1: under TLS */
	tcase_add_loop_test(tests, bytes_arrive_as_they_were_sent, 0, 2);
	tcase_add_loop_test(tests, a_byte_at_a_time_gives_the_same, 0, 2);
	tcase_add_loop_test(tests, idle_read_leaves_no_memory_behind, 0, 2);
	tcase_add_loop_test(tests, half_close_is_told_after_the_bytes_before_it,
	    0, 2);
	tcase_add_test(tests, reset_is_an_error_with_its_reason);
	tcase_add_loop_test(tests,
	    write_to_a_peer_that_is_gone_is_an_error_and_no_signal, 0, 2);
	tcase_add_test(tests, connection_that_is_refused_is_an_error);
	tcase_add_loop_test(tests,
	    read_stops_at_the_ceiling_and_says_when_more_is_hidden, 0, 2);
	tcase_add_loop_test(tests, read_keeps_to_its_budget, 0, 2);
	tcase_add_loop_test(tests, slow_reader_gets_every_byte_of_a_write, 0,
	    2);
	tcase_add_loop_test(tests,
	    bytes_added_behind_a_waiting_record_keep_their_place, 0, 2);
	tcase_add_loop_test(tests, slow_reader_gets_every_byte_of_a_file, 0, 2);
	tcase_add_loop_test(tests, file_is_sent_from_where_it_was_asked, 0, 2);
	tcase_add_loop_test(tests, file_shorter_than_promised_is_an_error, 0,
	    2);
	tcase_add_loop_test(tests, corked_bytes_go_when_the_cork_does, 0, 4);
	tcase_add_loop_test(tests, cork_holds_bytes_back, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(stream_suite)
