#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domains/ip.h"
#include "relayd/net/listener.h"
#include "tests/support/pair.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	MANY = 200,
	TURNS_MAX = 1000
};

static struct virtual_clock virtual_time;
static struct loop *loop;
static struct buf why;
static int accepted_fds[MANY];
static size_t accepted_count;
static char last_peer[IP_TEXT_MAX];
static struct listener *rest_on_accept;

static void
accepted(void *owner, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
	struct ip ip;

	(void)owner;
	(void)peer_len;
	ck_assert(ip_from_sockaddr(peer, &ip));
	ip_text(&ip, last_peer);
	ck_assert_uint_lt(accepted_count, MANY);
	accepted_fds[accepted_count++] = fd;
	if (rest_on_accept != NULL)
		listener_rest(rest_on_accept, true);
}

static void
setup(void)
{
	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	buf_init(&why, 500);
	accepted_count = 0;
	rest_on_accept = NULL;
}

static void
teardown(void)
{
	while (accepted_count > 0)
		close(accepted_fds[--accepted_count]);
	loop_free(loop);
	buf_clear(&why);
}

static struct listener *
open_on(const char *address, uint16_t port)
{
	struct listener *listener =
	    listener_open(loop, address, port, accepted, NULL, &why);

	ck_assert_msg(listener != NULL, "%s", buf_text(&why));
	return listener;
}

/* A client's socket, connected to port on loopback; -1 when refused. */
static int
dial(int family, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	ck_assert_int_ne(fd, -1);
	if (family == AF_INET)
		result = connect(fd, (struct sockaddr *)&v4, sizeof(v4));
	else
		result = connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	if (result == 0)
		return fd;
	close(fd);
	return -1;
}

static void
turn_until(size_t count)
{
	int i;

	for (i = 0; i < TURNS_MAX && accepted_count < count; i++)
		loop_turn(loop, false);
	ck_assert_uint_eq(accepted_count, count);
}

START_TEST(star_takes_both_families)
{
	struct listener *listener = open_on("*", 0);
	int v4 = dial(AF_INET, listener_port(listener)), v6;

	turn_until(1);
	ck_assert_str_eq(last_peer, "127.0.0.1");
	v6 = dial(AF_INET6, listener_port(listener));
	ck_assert_int_ne(v6, -1);
	turn_until(2);
	ck_assert_str_eq(last_peer, "::1");
	ck_assert_int_ne(fcntl(accepted_fds[0], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(accepted_fds[0], F_GETFD) & FD_CLOEXEC, 0);
	close(v4);
	close(v6);
}
END_TEST

START_TEST(one_address_takes_its_own_family_only)
{
	struct listener *listener = open_on(_i == 0 ? "127.0.0.1" : "::1", 0);
	int right = dial(_i == 0 ? AF_INET : AF_INET6, listener_port(listener));

	ck_assert_int_ne(right, -1);
	ck_assert_int_eq(dial(_i == 0 ? AF_INET6 : AF_INET,
			     listener_port(listener)),
	    -1);
	turn_until(1);
	close(right);
}
END_TEST

START_TEST(all_addresses_of_one_family_leave_the_other_alone)
{
	struct listener *v6 = open_on("::", 0);
	struct listener *v4 = open_on("0.0.0.0", listener_port(v6));
	int client = dial(AF_INET, listener_port(v6));

	listener_close(v6);
	turn_until(1);
	ck_assert_str_eq(last_peer, "127.0.0.1");
	listener_close(v4);
	close(client);
}
END_TEST

START_TEST(port_in_use_is_named_with_the_reason)
{
	struct listener *first = open_on("127.0.0.1", 0);
	char text[100];

	snprintf(text, sizeof(text),
	    "cannot listen on 127.0.0.1 port %u: Address already in use",
	    listener_port(first));
	ck_assert_ptr_null(listener_open(loop, "127.0.0.1",
	    listener_port(first), accepted, NULL, &why));
	ck_assert_str_eq(buf_text(&why), text);
}
END_TEST

START_TEST(address_that_is_none_is_refused)
{
	static const char *const texts[] = { "", "mail.campus.test",
		"127.0.0.1:25", "[::1]", "127.0.0.256" };

	ck_assert_ptr_null(
	    listener_open(loop, texts[_i], 0, accepted, NULL, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "Invalid argument"));
}
END_TEST

START_TEST(closed_listener_gives_its_port_back_in_the_same_turn)
{
	struct listener *first = open_on("127.0.0.1", 0);
	uint16_t port = listener_port(first);
	struct listener *second;
	int client;

	listener_close(first);
	second = open_on("127.0.0.1", port);
	client = dial(AF_INET, port);
	ck_assert_int_ne(client, -1);
	turn_until(1);
	listener_close(second);
	listener_close(second);
	loop_turn(loop, false);
	close(client);
}
END_TEST

START_TEST(adopted_socket_is_served_and_left_open_for_its_owner)
{
	struct listener *listener;
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), managers, client;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	managers = dup(fd);
	listener = listener_adopt(loop, fd, accepted, NULL);
	client = dial(AF_INET, listener_port(listener));
	turn_until(1);
	close(client);
	here.sin_port = htons(listener_port(listener));
	listener_close(listener);
	loop_turn(loop, false);
	client = dial(AF_INET, ntohs(here.sin_port));
	ck_assert_int_ne(client, -1);
	close(client);
	close(managers);
}
END_TEST

START_TEST(crowd_is_accepted_a_bounded_number_a_turn)
{
	struct listener *listener = open_on("127.0.0.1", 0);
	int clients[100], i;

	for (i = 0; i < 100; i++)
		clients[i] = dial(AF_INET, listener_port(listener));
	loop_turn(loop, false);
	ck_assert_uint_gt(accepted_count, 1);
	ck_assert_uint_lt(accepted_count, 100);
	turn_until(100);
	for (i = 0; i < 100; i++)
		close(clients[i]);
}
END_TEST

START_TEST(resting_listener_accepts_nobody)
{
	struct listener *listener = open_on("127.0.0.1", 0);
	int first = dial(AF_INET, listener_port(listener));
	int second = dial(AF_INET, listener_port(listener));

	/* It is put to rest while two are at the door. */
	rest_on_accept = listener;
	turn_until(1);
	loop_turn(loop, false);
	ck_assert_uint_eq(accepted_count, 1);
	listener_rest(listener, false);
	turn_until(2);
	close(first);
	close(second);
}
END_TEST

/* ---- out of descriptors ---- */

/* From here on no descriptor can be opened. */
static void
use_up(void)
{
	struct rlimit limit;
	int next = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	close(next);
	limit.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(open("/dev/null", O_RDONLY), -1);
}

static void
give_back(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
check_sent_away(int client, const char *text)
{
	char line[100];
	ssize_t len;

	ck_assert(pair_wait(client, POLLIN));
	len = read(client, line, sizeof(line) - 1);
	ck_assert_int_ge(len, 0);
	line[len] = '\0';
	ck_assert_str_eq(line, text);
	ck_assert_int_eq(read(client, line, sizeof(line)), 0);
	close(client);
}

START_TEST(newcomer_hears_421_when_descriptors_are_out)
{
	struct listener *listener = open_on("127.0.0.1", 0);
	int client = dial(AF_INET, listener_port(listener));
	int other = dial(AF_INET, listener_port(listener));

	use_up();
	loop_turn(loop, false);
	check_sent_away(client,
	    "421 4.3.2 Too many connections, try again later\r\n");
	check_sent_away(other,
	    "421 4.3.2 Too many connections, try again later\r\n");
	ck_assert_uint_eq(accepted_count, 0);
	give_back();
}
END_TEST

START_TEST(newcomer_is_closed_without_a_word_where_tls_begins_at_once)
{
	struct listener *listener = open_on("127.0.0.1", 0);
	int client = dial(AF_INET, listener_port(listener));

	listener_refusal(listener, SPAN(""));
	use_up();
	loop_turn(loop, false);
	check_sent_away(client, "");
	give_back();
}
END_TEST

START_TEST(listener_without_descriptors_does_not_spin_and_recovers)
{
	struct listener *listener = open_on("127.0.0.1", 0);
	uint16_t port = listener_port(listener);
	int clients[40], i;

	for (i = 0; i < 40; i++)
		clients[i] = dial(AF_INET, port);
	use_up();
	loop_turn(loop, true);
	ck_assert_uint_eq(loop_now(loop), virtual_time.start);
	/* Others still wait at the door, and yet the next turn sleeps. */
	loop_turn(loop, true);
	ck_assert_uint_gt(loop_now(loop), virtual_time.start);
	give_back();
	loop_turn(loop, true);
	ck_assert_uint_gt(accepted_count, 0);
	ck_assert_uint_lt(accepted_count, 40);
	for (i = 0; i < 40; i++)
		close(clients[i]);
}
END_TEST

START_TEST(last_free_descriptor_is_used_before_anybody_is_sent_away)
{
	struct listener *listener = open_on("127.0.0.1", 0);
	int client = dial(AF_INET, listener_port(listener)), spare;

	/* Room for exactly one. */
	spare = open("/dev/null", O_RDONLY);
	use_up();
	close(spare);
	loop_turn(loop, true);
	ck_assert_uint_eq(accepted_count, 1);
	/* Nobody was sent away, so nobody rests. */
	ck_assert_uint_eq(loop_now(loop), virtual_time.start);
	give_back();
	spare = dial(AF_INET, listener_port(listener));
	loop_turn(loop, true);
	ck_assert_uint_eq(accepted_count, 2);
	close(spare);
	close(client);
}
END_TEST

static Suite *
listener_suite(void)
{
	Suite *suite = suite_create("listener");
	TCase *tests = tcase_create("listener");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, star_takes_both_families);
	tcase_add_loop_test(tests, one_address_takes_its_own_family_only, 0, 2);
	tcase_add_test(tests,
	    all_addresses_of_one_family_leave_the_other_alone);
	tcase_add_test(tests, port_in_use_is_named_with_the_reason);
	tcase_add_loop_test(tests, address_that_is_none_is_refused, 0, 5);
	tcase_add_test(tests,
	    closed_listener_gives_its_port_back_in_the_same_turn);
	tcase_add_test(tests,
	    adopted_socket_is_served_and_left_open_for_its_owner);
	tcase_add_test(tests, crowd_is_accepted_a_bounded_number_a_turn);
	tcase_add_test(tests, resting_listener_accepts_nobody);
	tcase_add_test(tests, newcomer_hears_421_when_descriptors_are_out);
	tcase_add_test(tests,
	    newcomer_is_closed_without_a_word_where_tls_begins_at_once);
	tcase_add_test(tests,
	    listener_without_descriptors_does_not_spin_and_recovers);
	tcase_add_test(tests,
	    last_free_descriptor_is_used_before_anybody_is_sent_away);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(listener_suite)
